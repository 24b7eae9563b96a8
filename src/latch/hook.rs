//! The latch that runs a command: `COMMAND USER` with a clean environment and a deadline.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::judge::Grant;
use crate::latch::{Latch, LatchError};

/// Runs one program for each grant.
#[derive(Debug, Clone)]
pub struct Hook {
    command: PathBuf,
    deadline: Duration,
}

impl Hook {
    /// `command` is run with the user's name as its only argument and in `FACELATCH_USER`, without input, with
    /// `PATH` as its only other variable, in a process group of its own. It is killed after `deadline`.
    pub fn new(command: PathBuf, deadline: Duration) -> Self {
        Self { command, deadline }
    }

    fn start(&self, grant: &Grant) -> std::io::Result<Child> {
        use std::os::unix::process::CommandExt;
        Command::new(&self.command)
            .arg(grant.user().as_str())
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("FACELATCH_USER", grant.user().as_str())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    }
}

impl Latch for Hook {
    fn open(&mut self, grant: Grant) -> Result<(), LatchError> {
        let command = self.name();
        let failed = |source| LatchError::Start { command: command.clone(), source };
        let child = self.start(&grant).map_err(failed)?;
        match wait(child, self.deadline).map_err(failed)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(LatchError::Failed { command, status: status.to_string() }),
            None => Err(LatchError::TooSlow { command, after: self.deadline }),
        }
    }

    fn name(&self) -> String {
        self.command.display().to_string()
    }
}

/// Waits until the child ends, or kills its whole group at the deadline (`None`).
fn wait(mut child: Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (ended, end) = mpsc::channel();
    let waiter = std::thread::spawn(move || ended.send(child.wait()));
    let status = end.recv_timeout(deadline);
    if status.is_err() {
        // The group may have ended in this very moment; there is then nothing to kill.
        let _ = killpg(group, Signal::SIGKILL);
    }
    // Reaps the child: it has ended or was just killed.
    let _ = waiter.join();
    status.ok().transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{BootTime, WallTime};
    use crate::head::Probability;
    use crate::judge::{Attempts, Evidence, Policy, UserName, Verdict, judge};
    use std::os::unix::fs::PermissionsExt;

    fn grant() -> Grant {
        let one = Probability::new(1.0).expect("valid");
        let evidence = Evidence { user: UserName::new("alice").expect("valid"), probability: one };
        let now = (BootTime::default(), WallTime(0));
        match judge(evidence, Policy::verify(one), Attempts::default(), now).0 {
            Verdict::Granted(grant) => grant,
            other => panic!("p = 1 must be granted, got {other:?}"),
        }
    }

    fn run(script: &str, deadline_ms: u64) -> (Result<(), LatchError>, String) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (hook, out) = (folder.path().join("hook"), folder.path().join("out"));
        let text = format!("#!/bin/sh\nout={}\n{script}\n", out.display());
        std::fs::write(&hook, text).expect("written");
        std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).expect("executable");
        let result = Hook::new(hook, Duration::from_millis(deadline_ms)).open(grant());
        (result, std::fs::read_to_string(out).unwrap_or_default())
    }

    #[test]
    fn the_hook_gets_the_user_and_a_clean_environment() {
        let (result, out) =
            run("echo $1 $FACELATCH_USER $# > $out; env | grep -c CARGO >> $out; true", 10_000);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(out, "alice alice 1\n0\n");
    }

    #[test]
    fn a_hook_that_hangs_is_killed_with_its_children() {
        let (result, _) = run("sleep 600 & sleep 600", 100);
        assert!(matches!(result, Err(LatchError::TooSlow { .. })), "{result:?}");
    }

    #[test]
    fn a_hook_that_fails_or_is_missing_is_an_error_with_its_name() {
        assert!(matches!(run("exit 3", 10_000).0, Err(LatchError::Failed { .. })));
        let missing = Hook::new("/nonexistent/hook".into(), Duration::from_secs(1)).open(grant());
        assert!(missing.expect_err("missing").to_string().contains("/nonexistent/hook"));
    }
}
