//! What the socket side may read about one camera without waiting for the engine.

use std::sync::{Mutex, MutexGuard, PoisonError};

use facelatch_wire::Outcome;

use super::journal;
use crate::detect::quality::RetryReason;
use crate::pipeline::Camera;

/// A camera as last seen, and the infrared one beside it. Written by the engine, read by everybody.
pub(super) struct CameraStatus {
    /// What the configuration calls it.
    pub(super) name: String,
    seen: Mutex<Seen>,
    infrared: Option<Mutex<Seen>>,
}

/// A device as last seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Path or name.
    pub(super) device: String,
    /// What is wrong with it.
    pub(super) problem: Option<String>,
    /// How to turn its picture, if the last face was not upright.
    pub(super) turned: Option<RetryReason>,
}

impl CameraStatus {
    /// Before anything was seen of it.
    pub(super) fn new(camera: &Camera) -> Self {
        let seen = |device| Mutex::new(Seen { device, problem: None, turned: None });
        Self {
            name: camera.name().to_owned(),
            seen: seen(camera.device()),
            infrared: camera.infrared_name().map(seen),
        }
    }

    /// The camera as last seen.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// The infrared camera as last seen, if there is one.
    pub(super) fn infrared(&self) -> Option<Seen> {
        self.infrared.as_ref().map(|seen| lock(seen).clone())
    }

    /// What is wrong with either.
    pub(super) fn problem(&self) -> Option<String> {
        self.seen().problem.or_else(|| self.infrared()?.problem)
    }

    /// Keeps what was seen of the camera, and logs a change.
    pub(super) fn saw(&self, device: String, problem: Option<String>) {
        let mut seen = lock(&self.seen);
        seen.device = device;
        seen.saw(problem);
    }

    /// Keeps what was seen of the infrared camera, and logs a change.
    pub(super) fn saw_infrared(&self, problem: Option<String>) {
        self.infrared.iter().for_each(|seen| lock(seen).saw(problem.clone()));
    }

    /// Keeps how the last face lay in the picture, and logs a change.
    pub(super) fn saw_turned(&self, turned: Option<RetryReason>) {
        let mut seen = lock(&self.seen);
        if let Some(reason) = turned.filter(|_| seen.turned != turned) {
            tracing::warn!("camera {}: {}", seen.device, Outcome::from(reason).message());
        }
        seen.turned = turned;
    }
}

impl Seen {
    fn saw(&mut self, problem: Option<String>) {
        match (&self.problem, &problem) {
            (before, Some(now)) if before.as_ref() != Some(now) => {
                tracing::warn!(message_id = journal::CAMERA_LOST, "degraded: {now}");
            }
            (Some(_), None) => {
                tracing::info!(message_id = journal::CAMERA_BACK, "camera {}: back", self.device);
            }
            _ => {}
        }
        self.problem = problem;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // Nothing panics while it is held.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
