//! A command that writes pictures to a pipe, as a camera: `rpicam-vid ... --output -` for cameras on the CSI connector
//! of a Pi, which offer no Video4Linux device that could be read.
//!
//! The command runs while the camera is open, in a process group of its own, and is killed with all of that group.
//! `Device` opens it anew, ever more rarely, when it ends or falls silent.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{AccessFlags, Pid, access};

use super::super::CameraError;
use super::super::decode::Layout;
use super::capture::{Capture, Driver, Shot};
use super::cut::Cutter;
use crate::clock::{Clock, SystemClock};

/// How long a read waits before it lets the thread look whether to close, in milliseconds.
const WAIT_MS: u16 = 200;
/// How long the command may take to end after it was asked to, before it is killed.
const FAREWELL: Duration = Duration::from_millis(300);
/// Bytes asked for in one read: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// How much of the command's complaints is kept, in bytes.
const COMPLAINT_BYTES: usize = 400;

/// A command as a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOptions {
    /// The program's path and its arguments; `{width}` and `{height}` in them become the sides of `layout`.
    pub words: Vec<String>,
    /// What it writes: one picture after another with nothing between them.
    pub layout: Layout,
}

impl CommandOptions {
    fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        let (width, height) = (self.layout.width.to_string(), self.layout.height.to_string());
        self.words
            .iter()
            .skip(1)
            .map(move |word| word.replace("{width}", &width).replace("{height}", &height))
    }

    fn start(&self) -> std::io::Result<Child> {
        // libcamera is tuned by variables of its own; nothing else of ours is the command's business.
        let tuning =
            std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"LIBCAMERA_"));
        Command::new(self.program())
            .args(self.arguments())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(tuning)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }

    fn failed(&self, why: &str) -> CameraError {
        CameraError::Command { camera: self.program().to_owned(), why: why.to_owned() }
    }

    fn refusal(&self, why: &std::io::Error) -> CameraError {
        let camera = self.program().to_owned();
        match why.kind() {
            ErrorKind::NotFound => {
                let fix = "install it (`apt install rpicam-apps`) or mend camera.exec".to_owned();
                CameraError::Missing { camera, fix }
            }
            ErrorKind::PermissionDenied => self.failed("may not be executed"),
            _ => self.failed(&format!("cannot be started ({why})")),
        }
    }
}

impl Driver for CommandOptions {
    fn open(&self) -> Result<Box<dyn Capture>, CameraError> {
        Ok(Box::new(self.run()?))
    }

    fn probe(&self) -> Result<(), CameraError> {
        access(Path::new(self.program()), AccessFlags::X_OK).map_err(|why| self.refusal(&why.into()))
    }
}

impl CommandOptions {
    fn run(&self) -> Result<Running, CameraError> {
        let mut child = self.start().map_err(|why| self.refusal(&why))?;
        let (Some(pictures), Some(complaints)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(self.failed("has no output"));
        };
        // From here on dropping it ends the child.
        let running = Running {
            options: self.clone(),
            child,
            pictures,
            complaints: Some(complaints),
            said: Vec::new(),
            cutter: Cutter::new(self.layout),
        };
        let unreadable = |why: nix::Error| self.failed(&format!("its output cannot be read ({why})"));
        running.pipes().try_for_each(unblock).map_err(unreadable)?;
        Ok(running)
    }
}

fn unblock(pipe: BorrowedFd<'_>) -> nix::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(|_| ())
}

/// The command while it runs.
struct Running {
    options: CommandOptions,
    child: Child,
    pictures: ChildStdout,
    /// Until it closes them.
    complaints: Option<ChildStderr>,
    /// The end of what it complained about.
    said: Vec<u8>,
    cutter: Cutter,
}

/// What one read gave.
enum Heard {
    Something,
    Nothing,
    End,
}

impl Capture for Running {
    fn read(&mut self) -> Result<Option<Shot>, CameraError> {
        if let Some(cut) = self.cutter.cut() {
            return cut.map(Some);
        }
        self.wait(WAIT_MS);
        self.listen();
        match self.look() {
            Heard::Something => self.cutter.cut().transpose(),
            Heard::Nothing => Ok(None),
            Heard::End => {
                let why = self.last_words();
                Err(self.options.failed(&why))
            }
        }
    }
}

impl Running {
    fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [Some(self.pictures.as_fd()), self.complaints.as_ref().map(AsFd::as_fd)].into_iter().flatten()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// Waits until the command says something on either pipe.
    fn wait(&self, limit_ms: u16) {
        let mut fds: Vec<PollFd> = self.pipes().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Interrupted or not: what there is, is read next.
        let _ = poll(&mut fds, PollTimeout::from(limit_ms));
    }

    /// Takes what it has written of pictures.
    fn look(&mut self) -> Heard {
        let mut chunk = zeroize::Zeroizing::new([0; READ_BYTES]);
        match self.pictures.read(chunk.as_mut_slice()) {
            Ok(0) => Heard::End,
            Ok(length) => {
                self.cutter.push(&chunk[..length]);
                Heard::Something
            }
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Heard::Nothing
            }
            Err(_) => Heard::End,
        }
    }

    /// Takes what it complains about, so that it never waits for us, and keeps the end.
    fn listen(&mut self) {
        let mut chunk = [0; 4096];
        // As much as a pipe holds: one that complains without end must not keep us from the pictures.
        for _ in 0..READ_BYTES / chunk.len() {
            let Some(complaints) = &mut self.complaints else { return };
            match complaints.read(&mut chunk) {
                Ok(0) => self.complaints = None,
                Ok(length) => self.said.extend_from_slice(&chunk[..length]),
                Err(_) => return,
            }
            let surplus = self.said.len().saturating_sub(COMPLAINT_BYTES);
            self.said.drain(..surplus);
        }
    }

    /// How it ended, with the last line of its complaints.
    fn last_words(&mut self) -> String {
        let status = self.ended_within(FAREWELL);
        self.listen();
        let said = String::from_utf8_lossy(&self.said);
        let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match status {
            WaitStatus::Exited(_, code) => format!("ended with exit status {code}: {line}"),
            WaitStatus::Signaled(_, signal, _) => format!("ended by {signal}: {line}"),
            _ => format!("closed its output: {line}"),
        }
    }

    /// Whether it has ended. It is left uncollected, so that no other process gets its number meanwhile.
    fn status(&self) -> WaitStatus {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(self.pid()), look).unwrap_or(WaitStatus::StillAlive)
    }

    /// The same, once it has ended or after `limit`.
    fn ended_within(&mut self, limit: Duration) -> WaitStatus {
        let late = SystemClock.now().after(limit);
        loop {
            let status = self.status();
            if status != WaitStatus::StillAlive || SystemClock.now() >= late {
                return status;
            }
            // It may wait for us to take what it still says.
            let _ = self.look();
            self.listen();
            super::super::wait::wait_until(&SystemClock, SystemClock.now().after(Duration::from_millis(2)));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group may have ended by itself; there is then nobody to signal.
        let _ = killpg(self.pid(), Signal::SIGTERM);
        let _ = self.ended_within(FAREWELL);
        // Its children too, whatever became of itself.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
