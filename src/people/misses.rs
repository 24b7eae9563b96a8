//! What the store remembers of misses: how many in a row, and how many over time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

/// Misses of one user, or those of everybody together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Misses {
    /// How many since the last match or reset.
    #[serde(rename = "misses")]
    pub count: u32,
    /// How many presentations were refused as attacks since the last match or reset; no part of `count`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attacks: u32,
    /// When the last of both was.
    pub last_miss: WallTime,
    /// Misses over time, whatever matches were in between. Earlier programs kept none.
    #[serde(default)]
    pub level: Level,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Level of a leaky bucket: each miss raises it, and only time lowers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Level {
    /// Seconds from `at` until it is empty.
    pub seconds: u64,
    /// When it was as high as that.
    pub at: WallTime,
}

impl Level {
    /// The seconds that are left `age` after `at`.
    pub fn left(self, age: Duration) -> u64 {
        self.seconds.saturating_sub(age.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_of_an_earlier_program_are_read() {
        let misses: Misses = serde_json::from_str(r#"{"misses":4,"last_miss":9}"#).expect("reads");
        assert_eq!(misses, Misses { count: 4, last_miss: WallTime(9), ..Misses::default() });
    }
}
