//! Watching a camera between attempts: glances, and whether a face is in sight. Nothing is judged or kept.

use std::time::Duration;

use super::Pipeline;
use crate::camera::CameraError;
use crate::camera::grey::Grey;
use crate::detect::geometry;
use crate::model::ModelError;

/// Longest wait for a frame: an attempt that is asked for meanwhile must not wait long.
const FRAME_WAIT: Duration = Duration::from_millis(150);

/// Why it is not known whether a face is in sight.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The camera gave no frame.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// The detector failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Pipeline {
    /// A glance through a camera, by its index in [`Pipeline::cameras`]. Opens it, and keeps it open.
    ///
    /// # Errors
    /// As [`FrameSource::glance`](crate::camera::FrameSource::glance).
    pub fn glance(&mut self, camera: usize) -> Result<Grey, CameraError> {
        let deadline = self.clock.now().after(FRAME_WAIT);
        let camera = &mut self.cameras()[camera];
        camera.watched = true;
        camera.frames.glance(deadline)
    }

    /// Whether a face that is large enough to be judged is in the camera's next frame.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn sees_face(&mut self, camera: usize) -> Result<bool, WatchError> {
        let deadline = self.clock.now().after(FRAME_WAIT);
        let frame = self.cameras()[camera].frames.next_frame(deadline)?;
        let faces = self.networks.detector.detect(&frame)?;
        let enough = self.rules.quality.min_eye_distance_px;
        Ok(faces.iter().any(|face| geometry::eye_distance(face) >= enough))
    }

    /// Nobody watches the camera any more: closes it, unless an attempt used it just now.
    pub fn stop_watching(&mut self, camera: usize) {
        let camera = &mut self.cameras()[camera];
        camera.watched = false;
        if camera.last_use.is_none() {
            camera.close();
        }
    }
}
