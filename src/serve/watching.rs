//! Which cameras are watched, and by whom. A few glances a second see whether something moves; only then is the detector
//! run, and whoever watches is told of a face.
//!
//! It is the engine's work while it has no job, in steps so short that a job never waits for long.

use std::time::Duration;

use facelatch_wire::reply::Seen;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::camera_status::CameraStatus;
use super::job::{JobReporter, JobUpdate};
use crate::camera::CameraError;
use crate::clock::{BootTime, Clock};
use crate::detect::motion::Motion;
use crate::pipeline::{Pipeline, WatchError};

/// From one glance to the next.
const GLANCE: Duration = Duration::from_millis(250);

/// The same while the camera gives none.
const RETRY: Duration = Duration::from_millis(500);

/// How long the detector is run after something moved.
const DETECT: Duration = Duration::from_secs(2);

/// How often whoever watches is told of a face that stays.
const TELL: Duration = Duration::from_secs(1);

/// What may wait for a slow client; more is dropped, since it says the same.
const SIGHTS: usize = 4;

/// What a watcher hears.
pub(super) type Sights = Receiver<Seen>;

/// All cameras, in the order of the pipeline.
pub(super) struct Watch {
    cameras: Vec<Watched>,
}

#[derive(Default)]
struct Watched {
    watchers: Vec<Sender<Seen>>,
    motion: Motion,
    glance_at: BootTime,
    /// When the detector was last run.
    detected_at: BootTime,
    /// Until when it is run.
    detect_until: BootTime,
    tell_at: BootTime,
    /// What is wrong with the camera.
    problem: Option<String>,
}

impl Watch {
    /// Of so many cameras, which nobody watches yet.
    pub(super) fn new(cameras: usize) -> Self {
        Self { cameras: std::iter::repeat_with(Watched::default).take(cameras).collect() }
    }

    /// Another watcher of a camera. The first thing they hear is that it is watched.
    pub(super) fn admit(&mut self, camera: usize, reporter: JobReporter<Sights>) {
        let (sender, sights) = channel(SIGHTS);
        // There is room in both, and whoever asked may have gone: that is seen at the next step.
        let _ = reporter.updates.try_send(JobUpdate::Started);
        let _ = sender.try_send(Seen::Watching);
        self.cameras[camera].watchers.push(sender);
        drop(reporter.permit);
        let _ = reporter.end.send(sights);
    }

    /// How long until the next step; `None` if nobody watches.
    pub(super) fn wait(&self, now: BootTime) -> Option<Duration> {
        self.next(now).map(|(_, due)| due.since(now))
    }

    /// What is wrong with a camera, as far as watching it has shown.
    pub(super) fn problem(&self, camera: usize) -> Option<String> {
        self.cameras[camera].problem.clone()
    }

    /// A glance through the camera whose turn it is, or a frame for the detector.
    pub(super) fn step(&mut self, pipeline: &mut Pipeline, clock: &dyn Clock, seen: &[CameraStatus]) {
        self.let_go(pipeline);
        let now = clock.now();
        let Some((camera, _)) = self.next(now) else { return };
        let watched = &mut self.cameras[camera];
        let done = if watched.glance_at <= now || now >= watched.detect_until {
            watched.glance(camera, pipeline, clock)
        } else {
            watched.detect(camera, pipeline, clock)
        };
        let problem = match done {
            Ok(()) => None,
            // It may still be about to open, or one frame was bad.
            Err(WatchError::Camera(CameraError::Silent { .. })) => return,
            Err(WatchError::Camera(why)) if why.is_transient() => return,
            Err(why) => Some(why.to_string()),
        };
        watched.problem.clone_from(&problem);
        seen[camera].saw(pipeline.cameras()[camera].device(), problem);
    }

    /// A step between two jobs, if it is due: jobs one after another must not keep a door from seeing who comes.
    pub(super) fn catch_up(&mut self, pipeline: &mut Pipeline, clock: &dyn Clock, seen: &[CameraStatus]) {
        if self.wait(clock.now()) == Some(Duration::ZERO) {
            self.step(pipeline, clock, seen);
        }
    }

    /// Closes cameras whose last watcher has gone.
    fn let_go(&mut self, pipeline: &mut Pipeline) {
        for (camera, watched) in self.cameras.iter_mut().enumerate() {
            let before = watched.watchers.len();
            watched.watchers.retain(|watcher| !watcher.is_closed());
            if before > 0 && watched.watchers.is_empty() {
                *watched = Watched::default();
                pipeline.stop_watching(camera);
            }
        }
    }

    /// The camera whose turn it is, and when.
    fn next(&self, now: BootTime) -> Option<(usize, BootTime)> {
        let watched = self.cameras.iter().enumerate().filter(|(_, watched)| !watched.watchers.is_empty());
        watched.map(|(camera, watched)| (camera, watched.due(now))).min_by_key(|(_, due)| *due)
    }
}

impl Watched {
    fn due(&self, now: BootTime) -> BootTime {
        if now < self.detect_until { self.glance_at.min(self.detect_at()) } else { self.glance_at }
    }

    /// Nobody would be told before this of what the detector says.
    fn detect_at(&self) -> BootTime {
        self.detected_at.max(self.tell_at)
    }

    fn glance(
        &mut self,
        camera: usize,
        pipeline: &mut Pipeline,
        clock: &dyn Clock,
    ) -> Result<(), WatchError> {
        let glance = pipeline.glance(camera);
        let now = clock.now();
        self.glance_at = now.after(if glance.is_ok() { GLANCE } else { RETRY });
        if self.motion.see(&glance?).is_motion() {
            self.detect_until = now.after(DETECT);
        }
        Ok(())
    }

    fn detect(
        &mut self,
        camera: usize,
        pipeline: &mut Pipeline,
        clock: &dyn Clock,
    ) -> Result<(), WatchError> {
        let face = pipeline.sees_face(camera);
        let now = clock.now();
        self.detected_at = now;
        if face? && now >= self.tell_at {
            self.tell_at = now.after(TELL);
            for watcher in &self.watchers {
                let _ = watcher.try_send(Seen::Face);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> BootTime {
        BootTime(Duration::from_millis(ms))
    }

    #[test]
    fn the_detector_rests_until_somebody_would_be_told_of_a_face() {
        let moved = Watched {
            glance_at: at(1500),
            detected_at: at(1300),
            detect_until: at(3000),
            ..Watched::default()
        };
        assert_eq!(moved.due(at(1310)), at(1300), "at once");
        let told = Watched { tell_at: at(2300), ..moved };
        assert_eq!(told.due(at(1310)), at(1500), "only a glance");
        let glanced = Watched { glance_at: at(2500), ..told };
        assert_eq!(glanced.due(at(2250)), at(2300));
        assert_eq!(glanced.due(at(3000)), at(2500), "nothing has moved for a while");
    }
}
