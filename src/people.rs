//! What is known of a person apart from their face: [`UserName`], the [`Account`] it is for, and their [`Misses`].

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

mod account;
mod name;

pub use account::{Account, Accounts, Standing, account_of_each};
pub use name::{BadUserName, UserName};

/// What the store remembers of one user's misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Misses {
    /// How many since the last grant or reset.
    #[serde(rename = "misses")]
    pub count: u32,
    /// When the last one was.
    pub last_miss: WallTime,
}

impl Misses {
    /// The same with one more miss at `wall`.
    pub fn missed(self, wall: WallTime) -> Self {
        Self { count: self.count.saturating_add(1), last_miss: wall }
    }
}
