//! Do the frames of a turn show a plane or a rigid head? Both models fitted to all of them, and how likely each makes them.

use super::plane::Parallax;

/// What the frames so far say.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    frames: Vec<Parallax>,
}

impl Evidence {
    /// Another frame.
    pub fn add(&mut self, parallax: Parallax) {
        self.frames.push(parallax);
    }
}
