//! What `facelatch setup` and `facelatch-door setup` share: questions to a person or a file of answers (`ask`), files that can be
//! put back (`files`), and enrolments that can be taken back (`people`).
//!
//! A setup writes down what it is about to do before it does it, so that it can be taken back however it ended.
#![forbid(unsafe_code)]

pub mod ask;
pub mod files;
pub mod people;
