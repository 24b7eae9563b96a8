//! Runs the command.

use std::path::Path;
use std::process::Command;

/// With a cache of its own: (exit code, standard output, standard error)
pub(crate) fn rates(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let cache = tempfile::tempdir().expect("folder");
    let run = Command::new(env!("CARGO_BIN_EXE_facelatch-rates"))
        .args(arguments)
        .arg(folder)
        .arg("--cache")
        .arg(cache.path())
        .args(["--models", concat!(env!("CARGO_MANIFEST_DIR"), "/../models")])
        .output()
        .expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (run.status.code().expect("an exit code"), text(&run.stdout), text(&run.stderr))
}
