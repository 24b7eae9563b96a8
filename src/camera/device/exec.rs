//! A command that writes pictures to a pipe, as a camera: `rpicam-vid ... --output -` for cameras on the CSI connector
//! of a Pi, which offer no Video4Linux device that can be read directly.
//!
//! The command runs in its own process group while the camera is open; closing the camera kills the whole group.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{AccessFlags, Pid, access};

use super::super::CameraError;
use super::super::decode::Layout;
use super::super::wait::pause;
use super::capture::{Capture, Driver, RawFrame, View};
use super::form::FormCheck;
use super::split::FrameSplitter;
use crate::clock::Clock;

/// How long a read waits before the capture thread checks whether to close, in milliseconds.
const READ_WAIT_MS: u16 = 200;
/// Time between SIGTERM and SIGKILL, and between the end of the output and the exit status.
const EXIT_WAIT: Duration = Duration::from_millis(300);
/// Bytes asked for in one read: the capacity of a pipe.
const READ_BYTES: usize = 64 * 1024;
/// How much of the command's standard error is kept, in bytes.
const STDERR_BYTES: usize = 400;

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
        // libcamera is configured through these variables. The command gets no others of ours.
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
                let fix = "install it (`apt install rpicam-apps`) or correct camera.exec".to_owned();
                CameraError::Missing { camera, fix }
            }
            ErrorKind::PermissionDenied => self.failed("may not be executed"),
            _ => self.failed(&format!("cannot be started ({why})")),
        }
    }
}

/// Starts the command and reads its pictures.
pub(super) struct CommandDriver {
    options: CommandOptions,
    clock: Arc<dyn Clock>,
}

impl CommandDriver {
    pub(super) fn new(options: CommandOptions, clock: Arc<dyn Clock>) -> Self {
        Self { options, clock }
    }

    fn run(&self) -> Result<CommandCapture, CameraError> {
        let mut child = self.options.start().map_err(|why| self.options.refusal(&why))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(self.options.failed("has no output"));
        };
        // From here on, dropping it ends the child.
        let capture = CommandCapture {
            options: self.options.clone(),
            clock: Arc::clone(&self.clock),
            child,
            stdout,
            stderr: Some(stderr),
            last_stderr: Vec::new(),
            splitter: FrameSplitter::new(self.options.layout),
            form: FormCheck::new(self.options.layout),
        };
        let unreadable = |why: nix::Error| self.options.failed(&format!("its output cannot be read ({why})"));
        capture.pipes().try_for_each(unblock).map_err(unreadable)?;
        Ok(capture)
    }
}

impl Driver for CommandDriver {
    fn open(&self) -> Result<Box<dyn Capture>, CameraError> {
        Ok(Box::new(self.run()?))
    }

    fn probe(&self) -> Result<(), CameraError> {
        access(Path::new(self.options.program()), AccessFlags::X_OK)
            .map_err(|why| self.options.refusal(&why.into()))
    }
}

fn unblock(pipe: BorrowedFd<'_>) -> nix::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(|_| ())
}

/// The running command. Dropping it kills the whole process group.
struct CommandCapture {
    options: CommandOptions,
    clock: Arc<dyn Clock>,
    child: Child,
    stdout: ChildStdout,
    /// Until the command closes it.
    stderr: Option<ChildStderr>,
    /// The end of what the command wrote to standard error.
    last_stderr: Vec<u8>,
    splitter: FrameSplitter,
    form: FormCheck,
}

/// What one read of standard output gave.
enum Output {
    Bytes,
    NotYet,
    End,
    /// Not what is configured, and what it is instead.
    Other(String),
}

impl Capture for CommandCapture {
    fn read(&mut self, see: &mut dyn FnMut(View<'_>)) -> Result<(), CameraError> {
        if let Some(frame) = self.splitter.next_frame() {
            return self.checked(frame, see);
        }
        self.wait_for_output();
        self.read_stderr();
        match self.read_stdout() {
            Output::Bytes => match self.splitter.next_frame() {
                Some(frame) => self.checked(frame, see),
                None if self.splitter.is_lost() => {
                    Err(self.options.failed(&format!("its output has no JPEG, and {}", self.form.expected())))
                }
                None => Ok(()),
            },
            Output::Other(why) => Err(self.options.failed(&why)),
            Output::NotYet => Ok(()),
            Output::End => {
                let why = self.why_it_ended();
                Err(self.options.failed(&why))
            }
        }
    }
}

impl CommandCapture {
    /// A raw picture in another form fails the command: every further one would be useless, too.
    fn checked(
        &mut self,
        frame: Result<RawFrame, CameraError>,
        see: &mut dyn FnMut(View<'_>),
    ) -> Result<(), CameraError> {
        let frame = frame?;
        self.form.picture(&frame.bytes).map_err(|why| self.options.failed(&why))?;
        see(View::Copied(frame));
        Ok(())
    }

    fn pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [Some(self.stdout.as_fd()), self.stderr.as_ref().map(AsFd::as_fd)].into_iter().flatten()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// Waits until either pipe has something to read.
    fn wait_for_output(&self) {
        let mut fds: Vec<PollFd> = self.pipes().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Interrupted or not, whatever is there is read next.
        let _ = poll(&mut fds, PollTimeout::from(READ_WAIT_MS));
    }

    fn read_stdout(&mut self) -> Output {
        let mut chunk = zeroize::Zeroizing::new([0; READ_BYTES]);
        match self.stdout.read(chunk.as_mut_slice()) {
            Ok(0) => Output::End,
            Ok(length) => {
                self.splitter.push(&chunk[..length]);
                self.form.output(&chunk[..length]).map_or_else(Output::Other, |()| Output::Bytes)
            }
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Output::NotYet
            }
            Err(_) => Output::End,
        }
    }

    /// Empties standard error, so that the command never blocks on it, and keeps the end.
    fn read_stderr(&mut self) {
        let mut chunk = [0; 4096];
        // No more than a pipe holds: endless messages must not keep us from the pictures.
        for _ in 0..READ_BYTES / chunk.len() {
            let Some(stderr) = &mut self.stderr else { return };
            match stderr.read(&mut chunk) {
                Ok(0) => self.stderr = None,
                Ok(length) => self.last_stderr.extend_from_slice(&chunk[..length]),
                Err(_) => return,
            }
            let surplus = self.last_stderr.len().saturating_sub(STDERR_BYTES);
            self.last_stderr.drain(..surplus);
        }
    }

    /// How the command ended, with the last line it wrote to standard error.
    fn why_it_ended(&mut self) -> String {
        let status = self.wait_for_exit();
        self.read_stderr();
        let text = String::from_utf8_lossy(&self.last_stderr);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let wrote = match self.splitter.count() {
            (_, 0) => String::new(),
            (pictures, bytes) => {
                let expected = self.form.expected();
                format!("; it wrote {pictures} whole pictures and then {bytes} bytes, and {expected}")
            }
        };
        match status {
            WaitStatus::Exited(_, code) => format!("ended with exit status {code}: {line}{wrote}"),
            WaitStatus::Signaled(_, signal, _) => format!("ended by {signal}: {line}{wrote}"),
            _ => format!("closed its output: {line}{wrote}"),
        }
    }

    /// Whether it has ended. The zombie is left, so that no other process gets its number meanwhile.
    fn status(&self) -> WaitStatus {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(self.pid()), look).unwrap_or(WaitStatus::StillAlive)
    }

    /// The status once it has ended, or after [`EXIT_WAIT`].
    fn wait_for_exit(&mut self) -> WaitStatus {
        let deadline = self.clock.now().after(EXIT_WAIT);
        loop {
            let status = self.status();
            if status != WaitStatus::StillAlive || self.clock.now() >= deadline {
                return status;
            }
            // It may be blocked until its output is read.
            let _ = self.read_stdout();
            self.read_stderr();
            pause(Duration::from_millis(2));
        }
    }
}

impl Drop for CommandCapture {
    fn drop(&mut self) {
        // Fails when the whole group has ended already.
        let _ = killpg(self.pid(), Signal::SIGTERM);
        let _ = self.wait_for_exit();
        // Also reaches children that outlived the command.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
