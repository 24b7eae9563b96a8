//! The network that tells pictures of faces from faces, one frame at a time.

use super::{FrameScore, Score};
use crate::camera::Frame;
use crate::detect::Face;
use crate::model::{ModelError, Network};

/// STUB.
pub struct AttackNetwork {
    network: Network,
}

impl AttackNetwork {
    /// STUB.
    ///
    /// # Errors
    /// None.
    pub fn new(network: Network) -> Result<Self, ModelError> {
        Ok(Self { network })
    }
}

impl FrameScore for AttackNetwork {
    fn id(&self) -> &str {
        self.network.sha256()
    }

    fn score(&self, _: &Frame, _: &Face) -> Result<Score, ModelError> {
        Ok(Score(0.0))
    }
}
