//! Writes `config/facelatch.toml`, `config/door.toml` and `systemd/facelatch.catalog` from the tables in `src/config/settings.rs` and
//! `door/src/config/settings.rs`, and from `src/serve/journal.rs`.

use anyhow::Result;

use crate::run::{command, succeed};

/// Makes the tests that compare table and file write the file: the texts of the tables are compiled into tests only, to
/// keep them out of the programs.
pub(crate) fn main(_: &[String]) -> Result<()> {
    let daemon = ["--package", "facelatch", "--lib"];
    for (target, tests_of) in
        [(daemon, "config::"), (daemon, "journal::"), (["--package", "facelatch-door", "--bins"], "config::")]
    {
        let mut tests = command("cargo", &["test", "--locked"]);
        tests.args(target).arg(tests_of).env("FACELATCH_WRITE_CONFIG", "1");
        succeed(tests)?;
    }
    Ok(())
}
