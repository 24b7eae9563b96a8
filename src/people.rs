//! What is known of a person apart from their face: [`UserName`], the [`Account`] it is for, their [`Misses`], and when they
//! may come in ([`access`]).

pub mod access;
mod account;
mod misses;
mod name;
mod pin;

pub use access::PinHash;
pub use account::{Account, Accounts, Standing, account_of_each, note_account};
pub use misses::{Level, Misses};
pub use name::{BadUserName, UserName};
pub use pin::{BadPin, Pin};
