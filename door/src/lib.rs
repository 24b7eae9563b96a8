//! When a door asks the daemon to look: what `facelatch-rates walkup` measures with, too.
#![forbid(unsafe_code)]

pub mod clock;
pub mod looks;
