//! Writes `config/facelatch.toml` from the table in `src/config/settings.rs`.

use anyhow::Result;

use crate::run::{command, succeed};

/// Makes the test that compares the two write the file: the texts of the table are compiled into tests only, to keep
/// them out of the daemon.
pub(crate) fn main(_: &[String]) -> Result<()> {
    let mut tests = command("cargo", &["test", "--locked", "--lib", "config::"]);
    tests.env("FACELATCH_WRITE_CONFIG", "1");
    succeed(tests)
}
