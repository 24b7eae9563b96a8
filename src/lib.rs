//! facelatch: face unlock for Linux boards. This crate is the daemon.
//!
//! The folders stand in the order of the data:
//!
//! `camera` light to [`camera::Frame`] -> `detect` to [`detect::Face`] -> `embed` to [`embed::Embedding`] ->
//! `head` to [`head::Probability`] -> `judge` to [`judge::Grant`] -> `latch` opens.
//!
//! Beside the corridor: `store` keeps what is enrolled, `serve` answers on the socket. [`pipeline`] tells
//! the story of one attempt; start reading there, then `head`, then `judge`.
#![forbid(unsafe_code)]

pub mod camera;
pub mod clock;
pub mod config;
pub mod detect;
pub mod embed;
pub mod head;
pub mod judge;
pub mod latch;
pub mod model;
pub mod people;
pub mod pipeline;
pub mod seam;
pub mod serve;
pub mod store;
