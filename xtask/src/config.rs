//! `config/facelatch.toml`, written from the table in `src/config/settings.rs`.

use anyhow::Result;

use crate::run::{command, succeed};

/// Has the test that compares the two write the file instead: only tests hold the texts of the table, so that the
/// daemon need not.
pub(crate) fn main(_: &[String]) -> Result<()> {
    let mut tests = command("cargo", &["test", "--locked", "--lib", "config::"]);
    tests.env("FACELATCH_WRITE_CONFIG", "1");
    succeed(tests)
}
