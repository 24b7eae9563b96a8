//! A second camera beside the first: a thread of its own reads it, so that the first never waits for it, and its failure takes
//! nothing but its frames.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::wait::pause;
use super::{CameraError, Frame, FrameSource};
use crate::clock::Clock;

/// Frames that wait to be fetched; older ones are dropped.
const KEPT: usize = 6;

/// How long one read may take before it is seen whether frames are still wanted.
const READ: Duration = Duration::from_millis(500);

/// The second camera. Dropping it ends its thread after the current read.
pub struct Beside {
    shared: Arc<Shared>,
    /// Locked while it is read.
    source: Arc<Mutex<Box<dyn FrameSource>>>,
    name: String,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    wanted: bool,
    ended: bool,
    fault: Option<CameraError>,
}

impl Shared {
    /// A thread that panicked with the lock held left the state whole: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beside {
    /// Starts the thread; the camera stays closed until the first [`Beside::take`].
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(source: Box<dyn FrameSource>, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (shared, name) = (Arc::new(Shared::default()), source.name());
        let source = Arc::new(Mutex::new(source));
        let (reader, read_source) = (Arc::clone(&shared), Arc::clone(&source));
        std::thread::Builder::new()
            .name("second camera".into())
            .spawn(move || read(&reader, &read_source, clock.as_ref()))?;
        Ok(Self { shared, source, name })
    }

    /// A path or name that tells a person which camera this is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The frames since the last call, the oldest first. Opens the camera if it is closed; does not wait.
    pub fn take(&self) -> Vec<Frame> {
        let mut state = self.shared.lock();
        if !state.wanted {
            // It said so of the last time the camera was open.
            state.fault = None;
        }
        state.wanted = true;
        self.shared.changed.notify_all();
        state.frames.drain(..).collect()
    }

    /// Why no frames come, if the last read failed.
    pub fn fault(&self) -> Option<CameraError> {
        self.shared.lock().fault.clone()
    }

    /// Is it there? Takes no frame, and does not wait for one that is being read.
    ///
    /// # Errors
    /// What is wrong with it, or with the last read while it is open.
    pub fn check(&self) -> Result<(), CameraError> {
        match self.source.try_lock() {
            Ok(mut source) => source.probe()?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Poisoned(_)) => {
                let why = "its thread panicked; restart the daemon".to_owned();
                return Err(CameraError::Driver { camera: self.name.clone(), why });
            }
        }
        let state = self.shared.lock();
        state.fault.clone().filter(|_| state.wanted).map_or(Ok(()), Err)
    }

    /// Releases the camera until the next [`Beside::take`], and forgets its frames.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.wanted = false;
        state.frames.clear();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
    }
}

/// Reads while frames are wanted, until the end.
fn read(shared: &Shared, source: &Mutex<Box<dyn FrameSource>>, clock: &dyn Clock) {
    // Only this thread panics with it locked, and ends then.
    let locked = || source.lock().unwrap_or_else(PoisonError::into_inner);
    let mut open = false;
    loop {
        let mut state = shared.lock();
        if open && !state.wanted {
            drop(state);
            locked().close();
            open = false;
            continue;
        }
        while !state.wanted && !state.ended {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            return;
        }
        drop(state);
        open = true;
        let read = locked().next_frame(clock.now().after(READ));
        let failed = read.is_err();
        let mut state = shared.lock();
        match read {
            Ok(frame) if state.wanted => {
                state.fault = None;
                if state.frames.len() == KEPT {
                    state.frames.pop_front();
                }
                state.frames.push_back(frame);
            }
            Ok(_) => {}
            // One bad frame is a sign of life.
            Err(why) => state.fault = Some(why).filter(|why| !why.is_transient()),
        }
        drop(state);
        if failed {
            // Some sources fail at once.
            pause(READ);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{BootTime, SystemClock};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Gives what it is told, and tells what is done with it.
    struct Scripted {
        script: Receiver<Result<Frame, CameraError>>,
        done: Sender<&'static str>,
    }

    impl FrameSource for Scripted {
        fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
            let left = deadline.since(SystemClock.now());
            let silent = CameraError::Silent { camera: "script".into(), waited: left };
            self.script.recv_timeout(left.min(Duration::from_millis(5))).unwrap_or(Err(silent))
        }

        fn close(&mut self) {
            // Nobody listens any more in the tests that end first.
            let _ = self.done.send("closed");
        }

        fn probe(&mut self) -> Result<(), CameraError> {
            Ok(())
        }

        fn name(&self) -> String {
            "script".into()
        }
    }

    impl Drop for Scripted {
        fn drop(&mut self) {
            let _ = self.done.send("dropped");
        }
    }

    type Script = Sender<Result<Frame, CameraError>>;

    fn beside() -> (Beside, Script, Receiver<&'static str>) {
        let ((script, frames), (done, told)) = (channel(), channel());
        let source = Box::new(Scripted { script: frames, done });
        (Beside::new(source, Arc::new(SystemClock)).expect("thread"), script, told)
    }

    fn frame(value: u8) -> Frame {
        Frame::new(32, 32, vec![value; 32 * 32 * 3], BootTime::default()).expect("size")
    }

    /// Waits for what `of` finds, with a deadline of minutes.
    fn wait<T>(mut of: impl FnMut() -> Option<T>) -> T {
        let end = SystemClock.now().after(Duration::from_secs(120));
        loop {
            if let Some(found) = of() {
                return found;
            }
            assert!(SystemClock.now() < end, "nothing came");
            pause(Duration::from_millis(1));
        }
    }

    #[test]
    fn frames_come_in_their_order_and_only_the_newest_are_kept() {
        let (beside, script, _told) = beside();
        (0..3).for_each(|value| script.send(Ok(frame(value))).expect("sent"));
        let mut got = Vec::new();
        wait(|| {
            got.extend(beside.take().iter().map(|frame| frame.rgb()[0]));
            (got.len() == 3).then_some(())
        });
        assert_eq!(got, [0, 1, 2]);

        (0..20).for_each(|value| script.send(Ok(frame(value))).expect("sent"));
        wait(|| (beside.shared.lock().frames.back()?.rgb()[0] == 19).then_some(()));
        let kept: Vec<u8> = beside.take().iter().map(|frame| frame.rgb()[0]).collect();
        assert_eq!(kept, [14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn a_camera_that_fails_says_why_and_gives_frames_again_later() {
        let (beside, script, _told) = beside();
        let gone = CameraError::Gone { camera: "script".into() };
        script.send(Err(gone)).expect("sent");
        assert!(beside.take().is_empty());
        wait(|| beside.fault());
        script.send(Ok(frame(7))).expect("sent");
        wait(|| beside.take().pop());
        wait(|| beside.fault().is_some().then_some(())); // silent again
    }

    #[test]
    fn a_check_tells_what_is_wrong_while_it_is_open_and_not_what_was() {
        let (beside, _script, _told) = beside();
        assert!(beside.check().is_ok(), "closed, and there");
        beside.take();
        wait(|| beside.check().err());
        beside.close();
        assert!(beside.check().is_ok(), "closed again");
    }

    #[test]
    fn it_is_closed_when_nobody_wants_frames_and_dropped_at_the_end() {
        let (beside, _script, told) = beside();
        beside.take();
        beside.close();
        wait(|| {
            // The thread may not have opened it yet.
            beside.take();
            beside.close();
            told.try_recv().ok().filter(|what| *what == "closed")
        });
        drop(beside);
        wait(|| told.try_recv().ok().filter(|what| *what == "dropped"));
    }
}
