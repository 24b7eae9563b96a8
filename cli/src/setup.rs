//! `facelatch setup`.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use facelatch_wire::SOCKET_ENV;

use crate::exit::Exit;
use crate::say::Daemon;

/// The program that works a door, and can ask for its lines.
const PROGRAM: &str = "facelatch-door";

/// Becomes `facelatch-door setup`; returns only where that is not possible.
pub(crate) fn door(to: &Daemon, undo: bool, answers: Option<PathBuf>) -> Result<Exit> {
    let mut command = Command::new(PROGRAM);
    command.env(SOCKET_ENV, &to.socket).arg("setup").args(undo.then_some("--undo"));
    if let Some(answers) = answers {
        command.args([OsStr::new("--answers"), answers.as_os_str()]);
    }
    let error = command.exec();
    if error.kind() == ErrorKind::NotFound {
        anyhow::bail!("{PROGRAM} is not installed; install the package of that name, beside facelatch");
    }
    Err(anyhow::Error::new(error).context(format!("{PROGRAM} cannot be started")))
}
