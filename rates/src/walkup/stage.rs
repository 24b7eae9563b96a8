//! A film before the daemon's camera, by a clock that only its frames move: results do not depend on the machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch::camera::{CameraError, Frame, FrameSource};
use facelatch::clock::{BootTime, Clock, WallTime};

use super::film::{FPS, SIZE};

/// The pixels of a frame, by its number.
pub type Render = Box<dyn Fn(usize) -> Result<Vec<u8>, String> + Send>;

/// The camera, and what time it is.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<State>>);

struct State {
    now: BootTime,
    /// When the film began.
    start: BootTime,
    render: Render,
    frames: usize,
    /// How long each frame keeps the board busy.
    work: Duration,
    /// The last frame has not been worked on.
    owes: bool,
}

impl Stage {
    /// With nothing before the camera, on a board that works on each frame for so long.
    pub fn new(work: Duration) -> Self {
        // A clock that starts at zero could hide a subtraction that goes wrong.
        let now = BootTime(Duration::from_secs(1000));
        let render: Render = Box::new(|_| Err("no film".to_owned()));
        Self(Arc::new(Mutex::new(State { now, start: now, render, frames: 0, work, owes: false })))
    }

    /// Begins a film of so many frames, long after the last.
    pub fn play(&self, frames: usize, render: Render) {
        let mut state = self.state();
        state.now = state.now.after(Duration::from_secs(600));
        (state.start, state.frames, state.render, state.owes) = (state.now, frames, render, false);
    }

    /// When the film began.
    pub fn start(&self) -> BootTime {
        self.state().start
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        let state = self.state();
        next_frame(state.now.since(state.start)) >= state.frames
    }

    /// The work on the last frame is done.
    pub fn finish(&self) {
        let mut state = self.state();
        state.finish();
    }

    /// Lets time pass, with no work on the last frame.
    pub fn skip(&self, time: Duration) {
        let mut state = self.state();
        (state.now, state.owes) = (state.now.after(time), false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn finish(&mut self) {
        if std::mem::take(&mut self.owes) {
            self.now = self.now.after(self.work);
        }
    }
}

/// Number of the first frame after this time of the film.
fn next_frame(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(FPS) + 1e-6).floor() as usize + 1
}

fn taken(frame: usize) -> Duration {
    Duration::from_secs_f64(frame as f64 / f64::from(FPS))
}

impl Clock for Stage {
    fn now(&self) -> BootTime {
        self.state().now
    }

    fn wall(&self) -> WallTime {
        WallTime(self.state().now.0.as_secs())
    }
}

impl FrameSource for Stage {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        let mut state = self.state();
        state.finish();
        let now = state.now;
        let number = next_frame(now.since(state.start));
        let at = state.start.after(taken(number));
        if number >= state.frames || at > deadline {
            state.now = now.max(deadline);
            return Err(CameraError::Silent { camera: self.name(), waited: deadline.since(now) });
        }
        (state.now, state.owes) = (at, true);
        let rgb = (state.render)(number).map_err(|why| CameraError::BadFrame { why })?;
        Frame::new(SIZE.0, SIZE.1, rgb, at)
    }

    fn close(&mut self) {}

    fn probe(&mut self) -> Result<(), CameraError> {
        Ok(())
    }

    fn name(&self) -> String {
        "a film".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When frames come, in milliseconds of the film, and what they show.
    fn frames(work_ms: u64, count: usize) -> Vec<(u128, u8)> {
        let mut stage = Stage::new(Duration::from_millis(work_ms));
        stage.play(20, Box::new(|number| Ok(vec![number as u8; (SIZE.0 * SIZE.1 * 3) as usize])));
        let deadline = stage.now().after(Duration::from_secs(60));
        let of = |frame: Frame, start| (frame.taken_at().since(start).as_millis(), frame.rgb()[0]);
        (0..count).map_while(|_| Some(of(stage.next_frame(deadline).ok()?, stage.start()))).collect()
    }

    #[test]
    fn a_board_that_is_busy_misses_frames() {
        assert_eq!(frames(0, 3), [(100, 1), (200, 2), (300, 3)]);
        assert_eq!(frames(100, 3), [(100, 1), (300, 3), (500, 5)]);
        assert_eq!(frames(150, 3), [(100, 1), (300, 3), (500, 5)]);
        assert_eq!(frames(0, 100).len(), 19);
    }

    #[test]
    fn time_passes_when_the_film_is_over() {
        let mut stage = Stage::new(Duration::ZERO);
        assert!(stage.is_over());
        let deadline = stage.now().after(Duration::from_secs(2));
        assert!(matches!(stage.next_frame(deadline), Err(CameraError::Silent { .. })));
        assert_eq!(stage.now(), deadline);
    }
}
