//! Writes `config/facelatch.toml`, `config/door.toml` and `systemd/facelatch.catalog` from the tables in `src/config/settings.rs`,
//! `door/src/config/settings.rs` and `wire/src/journal.rs`.

use anyhow::Result;

use crate::run::{command, succeed};

/// Makes the tests that compare table and file write the file: the texts of the tables are compiled into tests only, to
/// keep them out of the programs.
pub(crate) fn main(_: &[String]) -> Result<()> {
    for ([package, kind], tests_of) in [
        (["facelatch", "--lib"], "config::"),
        (["facelatch-door", "--bins"], "config::"),
        (["facelatch-wire", "--lib"], "journal::"),
    ] {
        let mut tests = command("cargo", &["test", "--locked"]);
        tests.args(["--package", package, kind, tests_of]).env("FACELATCH_WRITE_CONFIG", "1");
        succeed(tests)?;
    }
    Ok(())
}
