//! What `facelatch setup` and `facelatch-door setup` share: questions to a person or a file of answers (`ask`), files that can be
//! put back (`files`), enrolments that can be taken back (`people`), and a lock against each other (`lock`).
//!
//! A setup writes down what it is about to do before it does it, so that it can be taken back however it ended.
#![forbid(unsafe_code)]

pub mod ask;
pub mod files;
pub mod lock;
pub mod people;
