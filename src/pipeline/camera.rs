//! What belongs to one camera: where its frames come from, and what they have shown so far. Networks, store and gallery are
//! the same for all, and one attempt after another uses one of the cameras.

use std::time::Duration;

use super::infrared::SecondCamera;
use super::turned::Turns;
use super::{Cause, Pipeline};
use crate::camera::beside::Beside;
use crate::camera::{CameraError, FrameSource};
use crate::clock::BootTime;
use crate::config;
use crate::detect::attack::scene::Scene;
use crate::detect::quality::RetryReason;

/// A camera, and what is known of what is before it.
pub struct Camera {
    name: String,
    pub(super) frames: Box<dyn FrameSource>,
    pub(super) infrared: Option<SecondCamera>,
    pub(super) turns: Turns,
    pub(super) scene: Scene,
    idle_close: Duration,
    pub(super) last_use: Option<BootTime>,
    /// Somebody watches it, so it stays open.
    pub(super) watched: bool,
}

impl Camera {
    /// Of these frames, which are turned as the settings say.
    pub fn new(settings: &config::Camera, frames: Box<dyn FrameSource>) -> Self {
        Self {
            name: settings.name.clone(),
            frames,
            infrared: None,
            turns: Turns::of(settings),
            scene: Scene::default(),
            idle_close: settings.idle_close_ms.duration(),
            last_use: None,
            watched: false,
        }
    }

    /// With an infrared camera beside it.
    #[must_use]
    pub fn with_infrared(self, beside: Beside) -> Self {
        Self { infrared: Some(SecondCamera::new(beside)), ..self }
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path or name of the device.
    pub fn device(&self) -> String {
        self.frames.name()
    }

    /// Is it there? Takes no frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&mut self) -> Result<(), CameraError> {
        self.frames.probe()
    }

    /// The value to set `camera.rotate` to, as a word, if the last face to be seen was turned.
    pub fn turned(&self) -> Option<RetryReason> {
        self.turns.found()
    }

    /// Path or name of the infrared camera beside it, if there is one.
    pub fn infrared_name(&self) -> Option<String> {
        self.infrared.as_ref().map(|second| second.name().to_owned())
    }

    /// Is the infrared camera there? Takes no frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_infrared(&self) -> Result<(), CameraError> {
        self.infrared.as_ref().map_or(Ok(()), SecondCamera::check)
    }

    /// Closes it; the next attempt opens it again.
    pub(super) fn close(&mut self) {
        self.frames.close();
        self.close_infrared();
        self.last_use = None;
    }

    fn close_infrared(&mut self) {
        self.infrared.iter_mut().for_each(SecondCamera::close);
    }
}

/// All cameras, of which an attempt uses one.
pub(super) struct Cameras {
    /// At least one; the first is the default.
    all: Vec<Camera>,
    /// Index of the one in use.
    used: usize,
}

impl Cameras {
    pub(super) fn new(default: Camera) -> Self {
        Self { all: vec![default], used: 0 }
    }

    /// The one that this attempt uses.
    pub(super) fn used(&self) -> &Camera {
        &self.all[self.used]
    }

    /// The same, to take a frame from.
    pub(super) fn used_mut(&mut self) -> &mut Camera {
        &mut self.all[self.used]
    }

    /// From now on this one is used; without a name the default.
    ///
    /// # Errors
    /// [`Cause::Failed`] for a name that none has.
    pub(super) fn pick(&mut self, name: Option<&str>) -> Result<(), Cause> {
        let found = name.map_or(Some(0), |name| self.all.iter().position(|camera| camera.name == name));
        self.used =
            found.ok_or_else(|| Cause::Failed(format!("camera {name:?}: there is none of that name")))?;
        Ok(())
    }
}

impl Pipeline {
    /// With further cameras beside the default one.
    #[must_use]
    pub fn with_cameras(mut self, others: impl IntoIterator<Item = Camera>) -> Self {
        self.cameras.all.extend(others);
        self
    }

    /// All cameras, the default one first; always in the same order.
    pub fn cameras(&mut self) -> &mut [Camera] {
        &mut self.cameras.all
    }

    /// Closes all cameras; the next attempt opens its own again.
    pub fn close_cameras(&mut self) {
        self.cameras.all.iter_mut().for_each(Camera::close);
    }

    /// Closes those that nobody has used for `camera.idle_close_ms`.
    pub fn close_idle_cameras(&mut self) {
        let now = self.clock.now();
        for camera in &mut self.cameras.all {
            let idle = camera.last_use.is_some_and(|at| now.since(at) >= camera.idle_close);
            if idle && camera.watched {
                camera.close_infrared();
                camera.last_use = None;
            } else if idle {
                camera.close();
            }
        }
    }

    /// The camera of this attempt is not needed any more.
    pub(super) fn release_camera(&mut self) {
        let now = self.clock.now();
        self.cameras.used_mut().last_use = Some(now);
    }
}
