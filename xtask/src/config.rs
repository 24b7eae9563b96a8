//! Writes `config/facelatch.toml` and `config/door.toml` from the tables in `src/config/settings.rs` and
//! `door/src/config/settings.rs`.

use anyhow::Result;

use crate::run::{command, succeed};

/// Makes the tests that compare table and file write the file: the texts of the tables are compiled into tests only, to
/// keep them out of the programs.
pub(crate) fn main(_: &[String]) -> Result<()> {
    for target in [["--package", "facelatch", "--lib"], ["--package", "facelatch-door", "--bins"]] {
        let mut tests = command("cargo", &["test", "--locked"]);
        tests.args(target).arg("config::").env("FACELATCH_WRITE_CONFIG", "1");
        succeed(tests)?;
    }
    Ok(())
}
