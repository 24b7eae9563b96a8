//! What is known of a person apart from their face: [`UserName`], the [`Account`] it is for, and their [`Misses`].

mod account;
mod misses;
mod name;

pub use account::{Account, Accounts, Standing, account_of_each};
pub use misses::{Level, Misses};
pub use name::{BadUserName, UserName};
