//! The story: one attempt from frames to a [`Verdict`].
//!
//! admit -> (frame -> face -> quality -> embedding) x frames -> vote -> judge -> remember the miss.
//! It runs on one plain thread; it knows no socket and opens no latch.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::camera::{CameraError, Frame, FrameSource};
use crate::clock::{BootTime, Clock};
use crate::detect::quality::{QualityGate, RetryReason};
use crate::detect::{Detector, Face};
use crate::embed::{Embedder, Embedding, align};
use crate::head::{Head, Probability};
use crate::judge::{
    Attempts, Cause, DenyReason, Evidence, Lockout, Policy, UserName, Verdict, admit, judge, vote,
};
use crate::model::ModelError;
use crate::store::{StoreError, Template, TemplateStore};

mod enroll;
mod gallery;

pub use enroll::{EnrollError, EnrollRequest, Enrolled};
use gallery::Gallery;

/// The numbers an attempt is run by; all from the configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Good frames in one decision.
    pub frames: usize,
    /// How long one attempt may take, camera start included.
    pub verify_deadline: Duration,
    /// How long an enrolment may take.
    pub enroll_deadline: Duration,
    /// What a face must be like to be judged.
    pub quality: QualityGate,
    /// The rate limit.
    pub lockout: Lockout,
}

/// Milliseconds spent in each stage, summed over the judged frames.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageMs {
    /// Finding the face.
    pub detect: f64,
    /// Cutting it out.
    pub align: f64,
    /// Embedding it.
    pub embed: f64,
    /// Comparing it with the templates.
    pub score: f64,
}

/// Word on how an attempt gets on, while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The last frame could not be used; what to do about it.
    Guidance(RetryReason),
    /// So many good frames of so many are there.
    Captured {
        /// Good frames so far.
        done: usize,
        /// Frames wanted.
        wanted: usize,
    },
    /// The camera does not give frames just now: text for people.
    Camera(String),
}

/// Who listens to [`Progress`]; `Break` gives the attempt up because nobody listens any more.
pub type Listener<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// An attempt and how it ended.
#[derive(Debug)]
pub struct Attempt {
    /// The decision.
    pub verdict: Verdict,
    /// What the head said, if a face was judged. For root's eyes only.
    pub probability: Option<Probability>,
    /// What it had to reach, if a face was judged. For root's eyes only.
    pub threshold: Option<Probability>,
    /// Time by stage.
    pub ms: StageMs,
    /// Frames judged.
    pub frames: usize,
    /// The face in the last frame, in pixels of that frame.
    pub face: Option<Face>,
    /// Picture file of the last frame, where the camera is a folder of pictures.
    pub picture: Option<String>,
}
