//! What the socket side may read about the engine without waiting for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::camera_status::CameraStatus;
use crate::pipeline::NetworkInfo;

/// Written by the engine, read by everybody.
pub(super) struct EngineStatus {
    /// The loaded networks.
    pub(super) networks: NetworkInfo,
    /// Name of the latch.
    pub(super) latch: String,
    /// All cameras, the default one first.
    pub(super) cameras: Vec<CameraStatus>,
    camera_hangs: AtomicBool,
    busy: AtomicBool,
    ticks: AtomicU64,
    attacks: AtomicU64,
}

impl EngineStatus {
    pub(super) fn new(networks: NetworkInfo, latch: String, cameras: Vec<CameraStatus>) -> Self {
        Self {
            networks,
            latch,
            cameras,
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

    /// Whether the last check found a camera blocked in a read.
    pub(super) fn camera_hangs(&self) -> bool {
        self.camera_hangs.load(Ordering::Relaxed)
    }

    pub(super) fn set_camera_hangs(&self, hangs: bool) {
        self.camera_hangs.store(hangs, Ordering::Relaxed);
    }

    /// The camera of this name; without one the default.
    pub(super) fn camera(&self, name: Option<&str>) -> Option<&CameraStatus> {
        let mut cameras = self.cameras.iter();
        name.map_or_else(|| self.cameras.first(), |name| cameras.find(|camera| camera.name == name))
    }

    /// The name of that camera for an event, if there are several.
    pub(super) fn named(&self, camera: Option<&str>) -> Option<String> {
        self.camera(camera).filter(|_| self.cameras.len() > 1).map(|camera| camera.name.clone())
    }

    /// What is wrong with a camera, of each with which something is.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let several = self.cameras.len() > 1;
        self.cameras.iter().filter_map(move |camera| {
            let problem = camera.problem()?;
            Some(if several { format!("{}: {problem}", camera.name) } else { problem })
        })
    }
}
