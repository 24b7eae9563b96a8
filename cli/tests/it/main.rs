//! The command as people and scripts see it, against a whole daemon.

mod bench;
mod command;
mod explain;
mod keep;
mod rules;
