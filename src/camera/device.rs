//! A camera that may fail, as a [`FrameSource`] that recovers by itself. `driver` opens Video4Linux devices (read
//! through nokhwa or v4l), `exec` a command that writes pictures.
//!
//! A separate thread reads the camera and keeps only the latest frame (`latest`), because a read may never
//! return: nokhwa waits for a frame without limit. A thread that hangs is abandoned and counted. A lost camera is
//! opened again at intervals that grow from 0.5 to 30 s.

mod capture;
mod choose;
mod driver;
mod exec;
mod exposure;
mod find;
mod form;
mod latest;
mod nokhwa_capture;
mod split;
#[cfg(test)]
mod tests;
mod thread;
mod v4l_capture;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

pub use exec::CommandOptions;
pub use find::{CameraInfo, Choice};

use self::capture::{Driver, decoder_panicked};
use self::latest::{LatestFrame, NoFrame, Picture, Want};
use self::thread::CaptureThread;
use super::decode::decode;
use super::grey::Grey;
use super::wait::wait_until;
use super::{CameraError, Frame, FrameSource};
use crate::clock::{BootTime, Clock};

/// Wait before a lost camera is tried again; doubled by each failure.
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
/// Longest wait before a lost camera is tried again.
const LAST_BACK_OFF: Duration = Duration::from_secs(30);
/// Abandoned threads that may hang in the driver before no more are started.
const MOST_STUCK: usize = 2;
/// How long `close` waits for the current read; a camera gives 5 frames a second or more.
const CLOSE_WAIT: Duration = Duration::from_millis(600);

/// Which camera, and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceOptions {
    /// Which camera.
    pub choice: Choice,
    /// Wanted pixels a row; the nearest size that the camera offers is taken.
    pub width: u32,
    /// Wanted rows.
    pub height: u32,
    /// Frames dropped after opening at most, while the camera adjusts its exposure.
    pub skip_frames: u32,
    /// Time without any frame after which the camera is closed and opened again.
    pub max_silence: Duration,
}

/// A camera as a [`FrameSource`].
///
/// `next_frame` returns a frame that reached us after the call; earlier ones are dropped. A frame that is damaged, or
/// identical to the one before, is [`CameraError::BadFrame`].
pub struct Device {
    options: DeviceOptions,
    name: String,
    driver: Arc<dyn Driver>,
    clock: Arc<dyn Clock>,
    open: Option<Arc<LatestFrame>>,
    /// Threads that were told to close and have not released the device yet.
    stuck: Vec<Arc<LatestFrame>>,
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
    find::Nodes::system().list(&v4l_capture::kind)
}

impl Device {
    /// A Video4Linux camera. The first `next_frame` opens it.
    pub fn new(options: DeviceOptions, clock: Arc<dyn Clock>) -> Self {
        let driver = Arc::new(driver::Video4Linux::new(&options));
        Self::with_driver(options, driver, clock)
    }

    /// A command. The first `next_frame` starts it. Of `options` only `skip_frames` and `max_silence` count.
    pub fn command(command: CommandOptions, options: DeviceOptions, clock: Arc<dyn Clock>) -> Self {
        let name = command.words.first().cloned().unwrap_or_default();
        let driver = Arc::new(exec::CommandDriver::new(command, Arc::clone(&clock)));
        let mut device = Self::with_driver(options, driver, clock);
        device.name = name;
        device
    }

    fn with_driver(options: DeviceOptions, driver: Arc<dyn Driver>, clock: Arc<dyn Clock>) -> Self {
        let name = options.choice.to_string();
        Self { options, name, driver, clock, open: None, stuck: Vec::new(), failed: None }
    }

    /// The frames of the running thread; starts one, once the camera is due to be tried.
    fn opened(&mut self, deadline: BootTime) -> Result<Arc<LatestFrame>, CameraError> {
        if let Some(latest) = &self.open {
            return Ok(Arc::clone(latest));
        }
        if let Some(failure) = &self.failed {
            wait_until(self.clock.as_ref(), failure.retry_at.min(deadline));
            if failure.retry_at > deadline {
                return Err(failure.why.clone());
            }
        }
        self.check_stuck()?;
        let latest = Arc::new(LatestFrame::new(self.clock.now()));
        let thread = CaptureThread {
            driver: Arc::clone(&self.driver),
            latest: Arc::clone(&latest),
            clock: Arc::clone(&self.clock),
            skip_frames: self.options.skip_frames,
            camera: self.name(),
        };
        let started = std::thread::Builder::new().name("capture".to_owned()).spawn(|| thread.run());
        started.map_err(|why| CameraError::Driver {
            camera: self.name(),
            why: format!("no thread could be started to read it ({why})"),
        })?;
        self.open = Some(Arc::clone(&latest));
        Ok(latest)
    }

    /// The next picture of this kind. Opens the camera if it is closed.
    fn take(&mut self, want: Want, deadline: BootTime) -> Result<(BootTime, Picture), CameraError> {
        let latest = self.opened(deadline)?;
        let called = self.clock.now();
        let (taken_at, captured) = match latest.take(want, called, deadline, self.clock.as_ref()) {
            Ok(captured) => captured,
            Err(NoFrame::Ended(why)) => return Err(self.ended(why)),
            Err(NoFrame::Timeout) => return Err(self.silent(called, latest)),
        };
        Ok((taken_at, captured?))
    }

    /// Refuses to start another thread while too many hang.
    fn check_stuck(&mut self) -> Result<(), CameraError> {
        self.stuck.retain(|latest| !latest.has_ended());
        if self.stuck.len() < MOST_STUCK {
            return Ok(());
        }
        Err(CameraError::Stuck { camera: self.name(), reads: self.stuck.len() })
    }

    /// The thread has released the camera: records why, and when to try again.
    fn ended(&mut self, why: Option<CameraError>) -> CameraError {
        self.open = None;
        self.stuck.retain(|latest| !latest.has_ended());
        let why = match why {
            // Our own abandoned read holds the device, not another program.
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

    /// No frame by the deadline; abandons the thread when the camera has been silent for too long.
    fn silent(&mut self, called: BootTime, latest: Arc<LatestFrame>) -> CameraError {
        let now = self.clock.now();
        let why = CameraError::Silent { camera: self.name(), waited: now.since(called) };
        if now.since(latest.alive_at()) >= self.options.max_silence {
            self.abandon(latest);
            self.back_off(why.clone());
        }
        why
    }

    fn abandon(&mut self, latest: Arc<LatestFrame>) {
        latest.close();
        self.open = None;
        self.stuck.push(latest);
    }
}

impl FrameSource for Device {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        let (taken_at, Picture::Whole(raw)) = self.take(Want::Whole, deadline)? else {
            return Err(not_asked_for());
        };
        let decoded = catch_unwind(|| decode(raw.layout, &raw.bytes, taken_at));
        let frame = decoded.unwrap_or_else(|_| Err(decoder_panicked()))?;
        self.failed = None;
        Ok(frame)
    }

    fn glance(&mut self, deadline: BootTime) -> Result<Grey, CameraError> {
        let (_, Picture::Glance(small)) = self.take(Want::Glance, deadline)? else {
            return Err(not_asked_for());
        };
        self.failed = None;
        Ok(small)
    }

    fn close(&mut self) {
        let Some(latest) = self.open.take() else { return };
        latest.close();
        if !latest.wait_for_end(self.clock.now().after(CLOSE_WAIT), self.clock.as_ref()) {
            self.stuck.push(latest);
        }
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        if self.open.as_ref().is_some_and(|latest| !latest.has_ended()) {
            return Ok(());
        }
        self.stuck.retain(|latest| !latest.has_ended());
        if !self.stuck.is_empty() {
            return Err(CameraError::Stuck { camera: self.name(), reads: self.stuck.len() });
        }
        self.driver.probe()?;
        match &self.failed {
            // The command exists, but only the next attempt shows whether it gives pictures.
            Some(Failure { why: why @ CameraError::Command { .. }, .. }) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// [`LatestFrame`] gives what was asked for.
fn not_asked_for() -> CameraError {
    CameraError::BadFrame { why: "a picture of another kind than was asked for".to_owned() }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.close();
    }
}
