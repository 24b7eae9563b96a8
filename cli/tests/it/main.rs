//! The command as people and scripts see it, against a whole daemon.

mod command;
mod keep;
mod rules;
