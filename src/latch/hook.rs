//! The latch that runs a command: `COMMAND USER` with a clean environment and a deadline.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::clock::{Clock, SystemClock};
use crate::judge::Grant;
use crate::latch::{Latch, LatchError};

/// How long a hook that missed its deadline has to switch off, from SIGTERM to SIGKILL.
pub const KILL_GRACE: Duration = Duration::from_millis(500);

/// How often to check whether the hook has ended.
const STEP: Duration = Duration::from_millis(5);

/// Runs one program for each grant.
#[derive(Debug, Clone)]
pub struct Hook {
    command: PathBuf,
    deadline: Duration,
}

impl Hook {
    /// `command` is run with the user's name as its only argument and in `FACELATCH_USER`, without input, with
    /// `PATH` as its only other variable, in a process group of its own. After `deadline` the whole group gets SIGTERM,
    /// and SIGKILL once `command` has ended, at the latest [`KILL_GRACE`] later: it must switch off at SIGTERM whatever it
    /// switched on.
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

/// Waits until the child ends. At the deadline its whole group is asked to end, so that it can switch off what it
/// switched on, and is killed [`KILL_GRACE`] later (`None`).
fn wait(mut child: Child, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    if ended_within(id, deadline) {
        return child.wait().map(Some);
    }
    // The group may have just ended; then there is nobody to signal.
    let _ = killpg(id, Signal::SIGTERM);
    let _ = ended_within(id, KILL_GRACE);
    // Its children too, even if it has ended itself.
    let _ = killpg(id, Signal::SIGKILL);
    child.wait().map(|_| None)
}

/// Whether the process ends in time. It is left unreaped, so that its number is not reused meanwhile.
fn ended_within(id: Pid, limit: Duration) -> bool {
    let late = SystemClock.now().after(limit);
    loop {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::Pid(id), look).is_ok_and(|status| status != WaitStatus::StillAlive) {
            return true;
        }
        let left = late.since(SystemClock.now());
        if left.is_zero() {
            return false;
        }
        // Nobody wakes this thread; waking early or late does no harm.
        std::thread::park_timeout(left.min(STEP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latch::testing::grant;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn run(script: &str, deadline_ms: u64) -> (Result<(), LatchError>, String) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (hook, out) = (folder.path().join("hook"), folder.path().join("out"));
        let text = format!("#!/bin/sh\nout={}\n{script}\n", out.display());
        std::fs::write(&hook, text).expect("written");
        std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).expect("executable");
        let mut hook = Hook::new(hook, Duration::from_millis(deadline_ms));
        let busy = |error: &LatchError| matches!(error, LatchError::Start { source, .. } if source.kind() == ErrorKind::ExecutableFileBusy);
        // What another test is starting has the file open as it was here, for writing, until its own program runs.
        let mut result = hook.open(grant());
        while result.as_ref().is_err_and(busy) {
            std::thread::park_timeout(STEP);
            result = hook.open(grant());
        }
        (result, std::fs::read_to_string(out).unwrap_or_default())
    }

    /// What a hook that is late has written down. A busy machine may need a longer deadline to get as far as is wanted.
    fn late(script: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut written = String::new();
        for deadline_ms in [300, 3_000, 10_000] {
            let (result, out) = run(script, deadline_ms);
            assert!(matches!(result, Err(LatchError::TooSlow { .. })), "{result:?}");
            written = out;
            if wanted(&written) {
                break;
            }
        }
        written
    }

    #[test]
    fn the_hook_gets_the_user_and_a_clean_environment() {
        let (result, out) =
            run("echo $1 $FACELATCH_USER $# > $out; env | grep -c CARGO >> $out; true", 10_000);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(out, "alice alice 1\n0\n");
    }

    #[test]
    fn a_hook_that_is_late_can_still_switch_off() {
        let wanted = "on\noff\n";
        let script = "trap 'echo off >> $out' EXIT; trap 'exit 1' TERM; echo on > $out; sleep 600";
        assert_eq!(late(script, |out| out == wanted), wanted);
    }

    #[test]
    fn a_hook_that_does_not_end_when_asked_to_is_killed_with_its_children() {
        let out = late("trap '' TERM; sleep 600 & echo $! > $out; sleep 600", |out| !out.is_empty());
        let child: u32 = out.trim().parse().expect("the number of its child");
        // Whoever inherits it may not have collected it yet.
        let runs = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
        };
        for _ in 0..20_000 {
            if !runs() {
                return;
            }
            std::thread::park_timeout(STEP);
        }
        panic!("process {child} still runs");
    }

    /// The script in docs/install.md, with tools of this version that write down what they are told.
    fn documented(version: &str, pulse: &str) -> String {
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.md");
        let guide = std::fs::read_to_string(guide).expect("the guide");
        let from = guide.find("    #!/bin/sh").expect("a script");
        let lines = guide[from..].lines().take_while(|line| line.is_empty() || line.starts_with("    "));
        let script: Vec<&str> = lines.map(|line| line.trim_start_matches("    ")).collect();
        let tools = format!(
            "gpioset() {{
                 [ $1 = --version ] && echo 'gpioset (libgpiod) {version}' && return
                 echo $* >> $out
                 case $* in *=1) {pulse} ;; esac
             }}
             gpiofind() {{ echo gpiochip0 ${{1#GPIO}}; }}"
        );
        format!("{tools}\n{}", script.join("\n"))
    }

    #[test]
    fn the_hook_of_the_guide_switches_off_in_time_and_when_it_is_late() {
        let tools = [
            ("v1.6.3", "-m time -s 3 gpiochip0 17=1\ngpiochip0 17=0\n"),
            ("v2.2.1", "-t 3s,0 GPIO17=1\n-t 0 GPIO17=0\n"),
        ];
        for (version, wanted) in tools {
            let (result, out) = run(&documented(version, "true"), 10_000);
            assert!(result.is_ok() && out == wanted, "{version}: {result:?}, {out}");
            assert_eq!(late(&documented(version, "sleep 600"), |out| out == wanted), wanted, "{version}");
        }
    }

    #[test]
    fn a_hook_that_fails_or_is_missing_is_an_error_with_its_name() {
        assert!(matches!(run("exit 3", 10_000).0, Err(LatchError::Failed { .. })));
        let missing = Hook::new("/nonexistent/hook".into(), Duration::from_secs(1)).open(grant());
        assert!(missing.expect_err("missing").to_string().contains("/nonexistent/hook"));
    }
}
