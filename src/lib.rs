//! facelatch: face unlock for Linux boards. This crate is the daemon.
//!
//! The rooms in the order of the data:
//!
//! `camera` light to [`camera::Frame`] -> `detect` to [`detect::Face`] -> `embed` to [`embed::Embedding`] ->
//! `head` to [`head::Probability`] -> `judge` to [`judge::Grant`] -> `latch` opens.
//!
//! Beside them, `store` keeps the templates and `serve` answers on the socket. [`pipeline`] is one attempt from start to
//! end: start reading there, then `head`, then `judge`.
#![forbid(unsafe_code)]

pub mod bounded;
pub mod camera;
pub mod clock;
pub mod config;
pub mod detect;
pub mod embed;
pub mod head;
pub mod judge;
pub mod latch;
pub mod memory;
pub mod model;
pub mod people;
pub mod pipeline;
pub mod seam;
pub mod serve;
pub mod store;
