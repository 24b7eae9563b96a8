//! What the socket side may read about the engine without waiting for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use facelatch_wire::Outcome;

use crate::detect::quality::RetryReason;
use crate::pipeline::NetworkInfo;

/// Written by the engine, read by everybody.
pub(super) struct EngineStatus {
    /// The loaded networks.
    pub(super) networks: NetworkInfo,
    /// Name of the latch.
    pub(super) latch: String,
    camera: Mutex<Camera>,
    /// The infrared camera beside it, if there is one.
    infrared: Option<Mutex<Camera>>,
    camera_hangs: AtomicBool,
    busy: AtomicBool,
    ticks: AtomicU64,
    attacks: AtomicU64,
}

/// The camera as last seen.
#[derive(Debug, Clone)]
pub(super) struct Camera {
    /// Path or name.
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) problem: Option<String>,
    /// How to turn its picture, if the last face was not upright.
    pub(super) turned: Option<RetryReason>,
}

impl EngineStatus {
    pub(super) fn new(networks: NetworkInfo, latch: String, first: String, infrared: Option<String>) -> Self {
        let camera = |name| Mutex::new(Camera { name, problem: None, turned: None });
        Self {
            networks,
            latch,
            camera: camera(first),
            infrared: infrared.map(camera),
            camera_hangs: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            ticks: AtomicU64::new(0),
            attacks: AtomicU64::new(0),
        }
    }

    /// An attempt or enrolment is running.
    pub(super) fn busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    /// Grows as long as the engine runs.
    pub(super) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    pub(super) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    /// Presentations that were refused as attacks since the start.
    pub(super) fn attacks(&self) -> u64 {
        self.attacks.load(Ordering::Relaxed)
    }

    pub(super) fn saw_attack(&self) {
        self.attacks.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the last check found the camera blocked in a read.
    pub(super) fn camera_hangs(&self) -> bool {
        self.camera_hangs.load(Ordering::Relaxed)
    }

    pub(super) fn set_camera_hangs(&self, hangs: bool) {
        self.camera_hangs.store(hangs, Ordering::Relaxed);
    }

    /// The camera as last seen.
    pub(super) fn camera(&self) -> Camera {
        self.lock().clone()
    }

    /// Keeps what was seen of the camera, and logs a change.
    pub(super) fn saw_camera(&self, name: String, problem: Option<String>) {
        let mut camera = self.lock();
        camera.name = name;
        camera.saw(problem);
    }

    /// The infrared camera as last seen, if there is one.
    pub(super) fn infrared(&self) -> Option<Camera> {
        self.infrared.as_ref().map(|camera| lock(camera).clone())
    }

    /// Keeps what was seen of it, and logs a change.
    pub(super) fn saw_infrared(&self, problem: Option<String>) {
        self.infrared.iter().for_each(|camera| lock(camera).saw(problem.clone()));
    }

    /// Keeps how the last face lay in the picture, and logs a change.
    pub(super) fn saw_turned(&self, turned: Option<RetryReason>) {
        let mut camera = self.lock();
        if let Some(reason) = turned.filter(|_| camera.turned != turned) {
            tracing::warn!("camera {}: {}", camera.name, Outcome::from(reason).message());
        }
        camera.turned = turned;
    }

    fn lock(&self) -> MutexGuard<'_, Camera> {
        lock(&self.camera)
    }
}

impl Camera {
    fn saw(&mut self, problem: Option<String>) {
        match (&self.problem, &problem) {
            (before, Some(now)) if before.as_ref() != Some(now) => tracing::warn!("degraded: {now}"),
            (Some(_), None) => tracing::info!("camera {}: back", self.name),
            _ => {}
        }
        self.problem = problem;
    }
}

fn lock(camera: &Mutex<Camera>) -> MutexGuard<'_, Camera> {
    // Nothing panics while it is held.
    camera.lock().unwrap_or_else(PoisonError::into_inner)
}
