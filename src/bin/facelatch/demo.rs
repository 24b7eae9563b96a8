//! `facelatch demo`: hands over to the daemon, which holds the networks.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::exit::Exit;

/// Becomes `facelatchd demo`; comes back only if that cannot be started.
pub(crate) fn run(json: bool, options: &[String]) -> Result<Exit> {
    let exe = std::env::current_exe().context("demo: this program's own path is not known")?;
    let beside = exe.parent().unwrap_or(Path::new("")).join("facelatchd");
    // Packages put the daemon elsewhere than the command.
    let daemon = [beside, "/usr/libexec/facelatchd".into(), "/usr/sbin/facelatchd".into()];
    let daemon = daemon.iter().find(|path| path.is_file()).context(
        "demo: facelatchd was found neither beside this command nor in /usr/libexec or /usr/sbin; install it",
    )?;
    let error = Command::new(daemon).arg("demo").args(json.then_some("--json")).args(options).exec();
    Err(error).with_context(|| format!("demo: {} cannot be started", daemon.display()))
}
