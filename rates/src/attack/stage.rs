//! A clip before the daemon's camera: its frames at their own rate, by a clock that only they move.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch::camera::{CameraError, Frame, FrameSource};
use facelatch::clock::{BootTime, Clock, WallTime};

use super::clips::Clip;
use crate::picture;

/// Which frame comes next.
pub trait Script: Send {
    /// The number of the next frame; `None` once nobody is there any more.
    fn next(&mut self, now: BootTime) -> Option<usize>;
}

/// From one frame to the end of the clip.
pub struct Once {
    next: usize,
    frames: usize,
}

impl Once {
    /// Begins at this frame of the clip.
    pub fn from(start: usize, clip: &Clip) -> Self {
        Self { next: start, frames: clip.frames.len() }
    }
}

impl Script for Once {
    fn next(&mut self, _: BootTime) -> Option<usize> {
        let next = (self.next < self.frames).then_some(self.next);
        self.next += 1;
        next
    }
}

/// To the end of the clip and back again, for ever, as a film that was recorded to be shown.
pub struct Loop {
    at: usize,
    frames: usize,
}

impl Loop {
    /// Begins at this frame of the clip.
    pub fn from(start: usize, clip: &Clip) -> Self {
        Self { at: start, frames: clip.frames.len() }
    }
}

impl Script for Loop {
    fn next(&mut self, _: BootTime) -> Option<usize> {
        let turn = 2 * (self.frames - 1);
        let at = self.at % turn;
        self.at += 1;
        Some(at.min(turn - at))
    }
}

/// What is before the camera, and what time it is.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<State>>);

struct State {
    source: String,
    clip: Option<Playing>,
    now: BootTime,
    /// The last frame that was shown.
    shown: Option<usize>,
    ended: bool,
}

struct Playing {
    frames: Vec<PathBuf>,
    period: Duration,
    script: Box<dyn Script>,
}

impl Stage {
    /// The camera of a source, with nothing before it.
    pub fn of(source: &str) -> Self {
        // A clock that starts at zero could hide a subtraction that goes wrong.
        let now = BootTime(Duration::from_secs(1000));
        Self(Arc::new(Mutex::new(State {
            source: source.to_owned(),
            clip: None,
            now,
            shown: None,
            ended: false,
        })))
    }

    /// Begins to play a clip.
    pub fn play(&self, clip: &Clip, script: Box<dyn Script>) {
        let mut state = self.state();
        let period = Duration::from_secs_f64(1.0 / clip.fps);
        state.clip = Some(Playing { frames: clip.frames.clone(), period, script });
        (state.shown, state.ended) = (None, false);
    }

    /// The last frame that was shown, and whether the clip came to its end.
    pub fn shown(&self) -> (Option<usize>, bool) {
        let state = self.state();
        (state.shown, state.ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let now = state.now;
        let next = state.clip.as_mut().and_then(|playing| {
            let at = now.after(playing.period);
            (at <= deadline)
                .then(|| playing.script.next(at).map(|frame| (at, frame, playing.frames[frame].clone())))
        });
        let ended = matches!(next, Some(None));
        let Some((at, frame, path)) = next.flatten() else {
            state.ended |= ended;
            state.now = now.max(deadline);
            return Err(CameraError::Silent { camera: state.source.clone(), waited: deadline.since(now) });
        };
        (state.now, state.shown) = (at, Some(frame));
        drop(state);
        let unusable = |why| CameraError::Picture { path: path.clone(), why };
        let picture = picture::read(&path).map_err(unusable)?;
        let (width, height) = picture.dimensions();
        Frame::new(width, height, picture.into_raw(), at)
    }

    fn close(&mut self) {}

    fn probe(&mut self) -> Result<(), CameraError> {
        Ok(())
    }

    fn name(&self) -> String {
        self.state().source.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(folder: &std::path::Path, frames: usize) -> Clip {
        let paint = |n: usize| {
            let path = folder.join(format!("{n}.png"));
            image::RgbImage::from_pixel(40, 40, image::Rgb([n as u8; 3])).save(&path).expect("written");
            path
        };
        let frames = (0..frames).map(paint).collect();
        let text = || "x".to_owned();
        Clip { source: text(), species: text(), name: text(), person: text(), fps: 10.0, frames }
    }

    fn shown(stage: &mut Stage, frames: usize) -> Vec<(u8, u128)> {
        let start = stage.now();
        let deadline = start.after(Duration::from_secs(60));
        let shown = |frame: Frame| (frame.rgb()[0], frame.taken_at().since(start).as_millis());
        (0..frames).map_while(|_| stage.next_frame(deadline).ok().map(shown)).collect()
    }

    #[test]
    fn a_clip_plays_once_at_its_rate_and_then_time_passes() {
        let folder = tempfile::tempdir().expect("folder");
        let clip = clip(folder.path(), 3);
        let mut stage = Stage::of("x");
        stage.play(&clip, Box::new(Once::from(1, &clip)));
        let start = stage.now();
        assert_eq!(shown(&mut stage, 9), [(1, 100), (2, 200)]);
        assert_eq!((stage.shown(), stage.now()), ((Some(2), true), start.after(Duration::from_secs(60))));
    }

    #[test]
    fn a_film_goes_to_its_end_and_back_again() {
        let folder = tempfile::tempdir().expect("folder");
        let clip = clip(folder.path(), 3);
        let mut stage = Stage::of("x");
        stage.play(&clip, Box::new(Loop::from(1, &clip)));
        let numbers: Vec<u8> = shown(&mut stage, 7).iter().map(|(frame, _)| *frame).collect();
        assert_eq!(numbers, [1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(stage.shown(), (Some(1), false));
    }

    #[test]
    fn a_deadline_comes_before_the_next_frame() {
        let folder = tempfile::tempdir().expect("folder");
        let clip = clip(folder.path(), 3);
        let mut stage = Stage::of("x");
        stage.play(&clip, Box::new(Once::from(0, &clip)));
        let deadline = stage.now().after(Duration::from_millis(50));
        assert!(matches!(stage.next_frame(deadline), Err(CameraError::Silent { .. })));
        assert_eq!((stage.shown(), stage.now()), ((None, false), deadline));
    }
}
