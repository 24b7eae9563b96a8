//! A camera that may fail: its name in, [`Frame`]s out, whatever it does in between. `driver` reads Video4Linux
//! devices, `exec` a command that writes pictures.
//!
//! A thread of its own reads the camera and keeps the latest frame only (`mailbox`), since a read may
//! never return: v4l waits without limit. Such a thread is abandoned and counted. Lost cameras are
//! looked for again, ever more rarely, from 0.5 to 30 s apart.

mod capture;
mod choose;
mod cut;
mod driver;
mod exec;
mod find;
mod mailbox;
#[cfg(test)]
mod tests;
mod thread;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

pub use exec::CommandOptions;
pub use find::{CameraInfo, Choice};

use self::capture::Driver;
use self::mailbox::{Mailbox, NoLetter};
use self::thread::Job;
use super::decode::decode;
use super::wait::wait_until;
use super::{CameraError, Frame, FrameSource};
use crate::clock::{BootTime, Clock};

/// First wait before a lost camera is looked for again; each failure doubles it.
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
/// Longest wait before a lost camera is looked for again.
const LAST_BACK_OFF: Duration = Duration::from_secs(30);
/// Abandoned threads that may hang in the driver; one more is not started.
const MOST_STUCK: usize = 2;
/// How long `close` waits for the read that is under way; a camera gives 5 frames a second or more.
const CLOSING: Duration = Duration::from_millis(600);

/// Which camera, and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceOptions {
    /// Which camera. Default: the first one.
    pub choice: Choice,
    /// Wanted pixels a row; the nearest size that the camera has is taken. Default 640.
    pub width: u32,
    /// Wanted rows. Default 480.
    pub height: u32,
    /// Frames thrown away after opening, while the camera finds its exposure. Default 4.
    pub skip: u32,
    /// Time without any frame after which the camera is given up and opened anew. Default 5 s.
    pub patience: Duration,
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self { choice: Choice::Auto, width: 640, height: 480, skip: 4, patience: Duration::from_secs(5) }
    }
}

/// A camera as a [`FrameSource`].
///
/// `next_frame` gives a frame that reached us after the call; frames from before it are dropped. One
/// that is damaged or equal to the frame before is [`CameraError::BadFrame`].
pub struct Device {
    options: DeviceOptions,
    name: String,
    driver: Arc<dyn Driver>,
    clock: Arc<dyn Clock>,
    open: Option<Arc<Mailbox>>,
    /// Threads that were told to close and have not let go of the device yet.
    stuck: Vec<Arc<Mailbox>>,
    failed: Option<Failure>,
}

/// Why the camera is closed, and when it is tried again.
struct Failure {
    why: CameraError,
    back_off: Duration,
    retry_at: BootTime,
}

/// All cameras that can be captured from, in the order in which `auto` prefers them.
pub fn list() -> Vec<CameraInfo> {
    find::Nodes::system().list(&driver::captures)
}

impl Device {
    /// A Video4Linux camera that is opened by the first `next_frame`.
    pub fn new(options: DeviceOptions, clock: Arc<dyn Clock>) -> Self {
        let driver = Arc::new(driver::V4l::new(&options));
        Self::with_driver(options, driver, clock)
    }

    /// A command that is started by the first `next_frame`. Of `options` only `skip` and `patience` count.
    pub fn command(command: CommandOptions, options: DeviceOptions, clock: Arc<dyn Clock>) -> Self {
        let name = command.words.first().cloned().unwrap_or_default();
        let mut device = Self::with_driver(options, Arc::new(command), clock);
        device.name = name;
        device
    }

    fn with_driver(options: DeviceOptions, driver: Arc<dyn Driver>, clock: Arc<dyn Clock>) -> Self {
        let name = options.choice.to_string();
        Self { options, name, driver, clock, open: None, stuck: Vec::new(), failed: None }
    }

    /// The mailbox of the running thread, or of a new one when the camera is due to be tried.
    fn opened(&mut self, deadline: BootTime) -> Result<Arc<Mailbox>, CameraError> {
        if let Some(mailbox) = &self.open {
            return Ok(Arc::clone(mailbox));
        }
        if let Some(failure) = &self.failed {
            wait_until(self.clock.as_ref(), failure.retry_at.min(deadline));
            if failure.retry_at > deadline {
                return Err(failure.why.clone());
            }
        }
        self.refuse_to_pile_up()?;
        let mailbox = Arc::new(Mailbox::new(self.clock.now()));
        let job = Job {
            driver: Arc::clone(&self.driver),
            mailbox: Arc::clone(&mailbox),
            clock: Arc::clone(&self.clock),
            skip: self.options.skip,
            camera: self.name(),
        };
        let started = std::thread::Builder::new().name("capture".to_owned()).spawn(|| job.run());
        started.map_err(|why| CameraError::Driver {
            camera: self.name(),
            why: format!("no thread to read it with ({why})"),
        })?;
        self.open = Some(Arc::clone(&mailbox));
        Ok(mailbox)
    }

    fn refuse_to_pile_up(&mut self) -> Result<(), CameraError> {
        self.stuck.retain(|mailbox| !mailbox.has_ended());
        if self.stuck.len() < MOST_STUCK {
            return Ok(());
        }
        Err(CameraError::Stuck { camera: self.name(), reads: self.stuck.len() })
    }

    /// The thread has let go of the camera: remembers why and when to try again.
    fn ended(&mut self, why: Option<CameraError>) -> CameraError {
        self.open = None;
        self.stuck.retain(|mailbox| !mailbox.has_ended());
        let why = match why {
            // It is our own abandoned read that holds the device, not another program.
            Some(CameraError::Busy { camera }) if !self.stuck.is_empty() => {
                CameraError::Stuck { camera, reads: self.stuck.len() }
            }
            Some(why) => why,
            None => CameraError::Gone { camera: self.name() },
        };
        self.back_off(why.clone());
        why
    }

    fn back_off(&mut self, why: CameraError) {
        let back_off =
            self.failed.as_ref().map_or(FIRST_BACK_OFF, |failure| (failure.back_off * 2).min(LAST_BACK_OFF));
        self.failed = Some(Failure { why, back_off, retry_at: self.clock.now().after(back_off) });
    }

    /// No frame by the deadline; gives the thread up when it has said nothing for too long.
    fn silent(&mut self, called: BootTime, mailbox: Arc<Mailbox>) -> CameraError {
        let now = self.clock.now();
        let why = CameraError::Silent { camera: self.name(), waited: now.since(called) };
        if now.since(mailbox.alive_at()) >= self.options.patience {
            self.abandon(mailbox);
            self.back_off(why.clone());
        }
        why
    }

    fn abandon(&mut self, mailbox: Arc<Mailbox>) {
        mailbox.close();
        self.open = None;
        self.stuck.push(mailbox);
    }
}

impl FrameSource for Device {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        let mailbox = self.opened(deadline)?;
        let called = self.clock.now();
        let (taken_at, letter) = match mailbox.take(called, deadline, self.clock.as_ref()) {
            Ok(letter) => letter,
            Err(NoLetter::Ended(why)) => return Err(self.ended(why)),
            Err(NoLetter::Late) => return Err(self.silent(called, mailbox)),
        };
        let shot = letter?;
        let frame = catch_unwind(|| decode(shot.layout, &shot.bytes, taken_at)).unwrap_or_else(|_| {
            Err(CameraError::BadFrame { why: "the picture decoder panicked on it".to_owned() })
        })?;
        self.failed = None;
        Ok(frame)
    }

    fn close(&mut self) {
        let Some(mailbox) = self.open.take() else { return };
        mailbox.close();
        if !mailbox.wait_for_end(CLOSING) {
            self.stuck.push(mailbox);
        }
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        if self.open.as_ref().is_some_and(|mailbox| !mailbox.has_ended()) {
            return Ok(());
        }
        self.stuck.retain(|mailbox| !mailbox.has_ended());
        if !self.stuck.is_empty() {
            return Err(CameraError::Stuck { camera: self.name(), reads: self.stuck.len() });
        }
        self.driver.probe()?;
        match &self.failed {
            // It can be started, but whether it gives pictures only the next attempt tells.
            Some(Failure { why: why @ CameraError::Command { .. }, .. }) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.close();
    }
}
