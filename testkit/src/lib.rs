//! Runs a whole daemon in a test: networks, pipeline, judge and server are real; camera, clock, store, latch and callers
//! are scripted. Used by the tests of the daemon and of the command.
#![forbid(unsafe_code)]

pub mod attack;
pub mod film;
pub mod infrared;
pub mod masks;
pub mod spoil;
pub mod stage;
pub mod store;
pub mod tape;
mod turn;
pub mod world;
