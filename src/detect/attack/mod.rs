//! Is a live face before the camera, or a picture of one? Between the face and the embedding: what is an attack is never
//! compared.
//!
//! The words are those of ISO/IEC 30107-3: a presentation is live (bona fide) or an attack of some species; APCER is the
//! share of attacks of one species taken for live, BPCER the share of live presentations taken for attacks.

pub mod challenge;
pub mod infrared;
pub mod network;
pub mod passive;
pub mod plane;
#[cfg(test)]
mod rig;
pub mod scene;
pub mod surroundings;
pub mod track;
pub mod turn;

use crate::camera::Frame;
use crate::detect::Face;
use crate::model::ModelError;

/// Log-odds that a presentation is live rather than an attack: the natural logarithm of P(live) / P(attack). Larger is more
/// like a live face.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score(pub f32);

/// The kind of attack that the evidence is most like: a guess for the record, never part of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Species {
    /// A print on paper.
    Print,
    /// A phone, tablet or monitor that shows a picture or a film.
    Screen,
    /// A recording: it moves, and does not do what was asked.
    Film,
    /// Flat, and nothing more is known.
    Flat,
    /// Another person's face took the place of the first.
    Swap,
}

/// What is missing before a presentation can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// More frames of the face.
    Frames,
    /// Pairs of frames in which the infrared camera sees the face, lit.
    Infrared,
    /// Frames in colour.
    Colour,
    /// The head turned to the person's own left.
    TurnLeft,
    /// The head turned to the person's own right.
    TurnRight,
    /// The head turned farther to the side that it is turned to.
    TurnFarther,
    /// The face straight to the camera.
    LookStraight,
}

/// What the frames of one face so far say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Presentation {
    /// A live face.
    Live(Score),
    /// An attack; nothing is compared.
    Attack(Species),
    /// It cannot be judged yet.
    MoreNeeded(Need),
}

/// What scores one frame of a face by itself: the network, or a script in a test.
pub trait FrameScore: Send + Sync {
    /// Tells its scores from those of another network: the SHA-256 of its file.
    fn id(&self) -> &str;

    /// Log-odds that the face in this frame is live.
    ///
    /// # Errors
    /// When the network fails.
    fn score(&self, frame: &Frame, face: &Face) -> Result<Score, ModelError>;

    /// Whether it was made for frames like this one.
    fn can_judge(&self, _frame: &Frame, _face: &Face) -> bool {
        true
    }
}

/// What a cue beside the network says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CueScore {
    /// Weighted so that it adds to the network's; `None` if the cue cannot tell.
    pub score: Option<Score>,
    /// The kind of attack that a low score speaks for.
    pub species: Species,
}
