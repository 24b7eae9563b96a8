//! Whoever types wants the password asked: a key ends the wait for a face.
//!
//! A module cannot ask a conversation whether somebody types, but sudo, su and login have a terminal. While the camera
//! looks, that terminal hands over each key at once and shows none (it may be a password). Nothing is read here: what
//! was typed is there for whoever asks next. What was typed before the wait does not end it: the next commands, say.

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use facelatch_wire::{ClientError, Deadline};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

use crate::code::Trouble;
use crate::lock::LOOK_UP;

/// Says why no face can be meant any more, if so.
pub type Away<'a> = &'a dyn Fn() -> Option<&'static str>;

/// Signals that end or stop a program, from the keyboard or from elsewhere. They wait until the terminal is as it was.
const SIGNALS: [Signal; 8] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGTSTP,
    Signal::SIGALRM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// The terminal on which somebody may type, if there is one.
pub struct Keyboard {
    terminal: Option<PathBuf>,
}

impl Keyboard {
    /// Of a service that asks on a screen.
    pub fn none() -> Self {
        Self { terminal: None }
    }

    /// Of the terminal that controls this process.
    pub fn of_process() -> Self {
        Self::at("/dev/tty")
    }

    /// Of this terminal.
    pub fn at(terminal: impl Into<PathBuf>) -> Self {
        Self { terminal: Some(terminal.into()) }
    }

    /// Watches it until the watch is dropped; without a terminal, or in the background of one, it watches nothing.
    pub fn watch(&self) -> Watch {
        Watch(self.terminal.as_deref().and_then(|path| {
            // The terminal is opened once more: how it is opened here is nobody else's business.
            let flags = libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
            let terminal = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).ok()?;
            Watched::start(terminal).ok().flatten()
        }))
    }
}

/// A terminal that is watched, or none.
pub struct Watch(Option<Watched>);

impl Watch {
    /// Waits until the stream has something to read.
    ///
    /// # Errors
    /// [`Trouble::Typed`] when somebody types first, or a signal waits to be delivered; [`Trouble::Away`] when `away` says so;
    /// [`Trouble::Late`] at the deadline.
    pub fn wait(&self, stream: &UnixStream, deadline: Deadline, away: Away<'_>) -> Result<(), Trouble> {
        let ready = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = vec![ready(stream.as_fd())];
        if let Some(watched) = &self.0 {
            fds.extend([ready(watched.terminal.as_fd()), ready(watched.signals.as_fd())]);
        }
        loop {
            if let Some(why) = away() {
                return Err(Trouble::Away { why });
            }
            let left = deadline.left()?.map_or(LOOK_UP, |left| left.min(LOOK_UP));
            match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO)) {
                Err(Errno::EINTR) | Ok(0) => continue,
                Err(errno) => return Err(ClientError::Io(errno.into()).into()),
                Ok(_) => {}
            }
            let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
            if fds.iter().skip(1).any(is_ready) {
                return Err(Trouble::Typed);
            }
            if fds.iter().any(is_ready) {
                return Ok(());
            }
        }
    }
}

/// A terminal that shows nothing and hands over each key at once, until it is dropped.
struct Watched {
    terminal: File,
    signals: SignalFd,
    /// How both were before.
    before: Termios,
    mask: SigSet,
}

impl Watched {
    /// `None` in the background: the terminal is somebody else's just now.
    fn start(terminal: File) -> nix::Result<Option<Self>> {
        if matches!(tcgetpgrp(&terminal), Ok(group) if group != getpgrp()) {
            return Ok(None);
        }
        let before = tcgetattr(&terminal)?;
        let mask = SigSet::thread_get_mask()?;
        // What the program has blocked itself may wait there for long.
        let watched: SigSet = SIGNALS.into_iter().filter(|signal| !mask.contains(*signal)).collect();
        let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let mut blocked = watched;
        // Sent to whoever sets a terminal from the background; blocked, it can be set all the same.
        blocked.add(Signal::SIGTTOU);
        blocked.thread_block()?;
        let watch = Self { terminal, signals, before, mask };
        let mut keys = watch.before.clone();
        keys.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ECHONL);
        keys.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        // So many bytes make the terminal ready to be read: one more than there are. 255 are a pasted script.
        for bytes in 1..=u8::MAX {
            keys.control_chars[SpecialCharacterIndices::VMIN as usize] = bytes;
            // At once: the other ways throw away what was typed, or wait until all output was read.
            tcsetattr(&watch.terminal, SetArg::TCSANOW, &keys)?;
            let mut fds = [PollFd::new(watch.terminal.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::ZERO)? == 0 {
                return Ok(Some(watch));
            }
        }
        Ok(None)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.before);
        // What came meanwhile is delivered now.
        let _ = nix::sys::signal::pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.mask), None);
    }
}

#[cfg(test)]
mod tests;
