//! A frame and the faces in it to the one embedding that may be believed, or why there is none: choose, align, embed, check.
//!
//! Frames of the daemon, its look at a frame that was turned, and `facelatch-rates` all come through here.

use super::{Chip, Embedder, Embedding, Measures, align};
use crate::camera::Frame;
use crate::detect::quality::{QualityGate, RetryReason};
use crate::detect::{Face, geometry};
use crate::model::ModelError;

/// A face tilted farther than this is unclear because of its tilt. Of the upright faces of LFW 98 in 100 are told less than 10.
const LEANING_DEGREES: f32 = 15.0;

/// A face whose embedding may be believed.
pub struct Examined {
    /// Where it is.
    pub face: Face,
    /// Cut out.
    pub chip: Chip,
    /// Not in any template key.
    pub embedding: Embedding,
}

/// What has just been done to a frame, for whoever takes the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// A face was chosen.
    Choose,
    /// It was cut out.
    Align,
    /// It was embedded, and this was measured.
    Embed(Measures),
}

impl Embedder {
    /// The one face in a frame that may be judged, embedded; `faces` is sorted, the largest first. `done` is told each step.
    ///
    /// # Errors
    /// As [`Embedder::embed`]. The inner `Err` is why no face may be judged.
    pub fn examine(
        &self,
        gate: &QualityGate,
        frame: &Frame,
        faces: &[Face],
        done: &mut dyn FnMut(Step),
    ) -> Result<Result<Examined, RetryReason>, ModelError> {
        let face = match gate.choose(frame, faces) {
            Ok(face) => face,
            Err(reason) => return Ok(Err(reason)),
        };
        done(Step::Choose);
        let chip = align::align(frame, &face);
        done(Step::Align);
        let embedded = self.embed(&chip)?;
        let measures = Measures::of(&face, &embedded);
        done(Step::Embed(measures));
        if let Err(reason) = self.check(&measures) {
            return Ok(Err(reason_of_unclear(&face, reason)));
        }
        Ok(Ok(Examined { face, chip, embedding: embedded.embedding }))
    }
}

/// The better word for a face whose embedding is not to be believed, where the tilt explains it.
fn reason_of_unclear(face: &Face, reason: RetryReason) -> RetryReason {
    if geometry::tilt_degrees(face) > LEANING_DEGREES { RetryReason::Tilted } else { reason }
}
