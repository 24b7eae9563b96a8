//! What one attempt rests on: scores, for the owner alone.

use super::Judging;
use super::kinds::FrameUse;
use crate::Outcome;
use crate::message::message;

message! {
    /// Reply of `Explain`. While `attempt` has no verdict it reports progress.
    Explaining {
        /// The attempt, as in a reply of `Verify` or `Identify`. Its `match` opens nothing.
        attempt: Judging,
        /// What it rests on; in the last reply.
        #[serde(skip_serializing_if = "Option::is_none")]
        explanation: Option<Explanation>,
    }

    /// What an attempt rests on, as far as it got. Log-odds are natural logarithms.
    Explanation {
        /// The newest frames, oldest first.
        frames: Vec<ExplainedFrame>,
        /// Earlier frames, of which nothing is kept.
        earlier_frames: u64,
        /// Whether the face is live; absent if nobody looked.
        #[serde(skip_serializing_if = "Option::is_none")]
        live: Option<LiveEvidence>,
        /// Cosine to the direction of small children, the mean of the frames that counted: from its `least` on the face is taken
        /// for a small child's. Absent if nobody looked.
        #[serde(skip_serializing_if = "Option::is_none")]
        child: Option<Measure>,
        /// The comparison; absent if it did not come to one.
        #[serde(skip_serializing_if = "Option::is_none")]
        decision: Option<Decision>,
    }

    /// A frame. `measures` has what a face must reach to be judged, `fitness` what it would have to reach to become a
    /// template.
    ExplainedFrame {
        /// Which one it was, from 1.
        number: u64,
        /// File name of the picture, where the camera is a folder of pictures.
        #[serde(skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
        /// What became of it.
        used: FrameUse,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Outcome>,
        /// Of the embedding and the detector.
        measures: Vec<Measure>,
        /// Of the picture of the face.
        fitness: Vec<Measure>,
    }

    /// A number, and the least that is wanted of it, if there is a limit.
    Measure {
        /// What was measured.
        name: String,
        /// The number.
        value: f64,
        /// Its limit.
        #[serde(skip_serializing_if = "Option::is_none")]
        least: Option<f64>,
    }

    /// Log-odds that the face is live. It is the sum of `parts`.
    LiveEvidence {
        /// All together; absent with too few frontal frames.
        #[serde(skip_serializing_if = "Option::is_none")]
        log_odds: Option<f64>,
        /// Below this it is an attack.
        least: f64,
        /// The network's mean over frontal frames, and each cue that could tell.
        parts: Vec<Measure>,
    }

    /// The comparison. p = 1 / (1 + exp(-z)), z = bias + sum; the verdict is about the first of `people`.
    Decision {
        /// People compared with.
        compared: u64,
        /// b: what two identical faces score.
        bias: f64,
        /// z of the best person.
        z: f64,
        /// z - bias: what the differences take away.
        sum: f64,
        /// The probability of z.
        p: f64,
        /// What z must reach: of the head, and for a search half the logarithm of `compared` more.
        least_z: f64,
        /// What p must reach.
        threshold: f64,
        /// z of the best person less that of the second best.
        #[serde(skip_serializing_if = "Option::is_none")]
        margin: Option<f64>,
        /// What that must reach.
        least_margin: f64,
        /// What the threshold means, in words.
        meaning: String,
        /// What was measured at it; absent if the head's file does not say.
        #[serde(skip_serializing_if = "Option::is_none")]
        measured: Option<Measured>,
        /// The best, and in a search the second best.
        people: Vec<ComparedPerson>,
    }

    /// False matches at a head's threshold, in whole decisions.
    Measured {
        /// Whose pictures, and who they were to the head.
        set: String,
        /// Frames of a decision.
        frames: u64,
        /// Templates of a decision.
        templates: u64,
        /// Decisions about a stranger.
        decisions: u64,
        /// Those that matched.
        false_matches: u64,
        /// Upper bound of the share that matches, with 95 % confidence, counted by people.
        fmr_at_most: f64,
    }

    /// Somebody the frames were compared with.
    ComparedPerson {
        /// Who.
        user: String,
        /// The mean of `frames`, and what templates that adapted add.
        z: f64,
        /// Log-odds of each frame that counted, oldest first: from its best enrolled templates.
        frames: Vec<f64>,
        /// Their templates: the enrolled ones, then those that adapted.
        templates: Vec<ComparedTemplate>,
    }

    /// A template, with the log-odds of each frame that counted. `created_at` counts seconds since 1970-01-01 UTC.
    ComparedTemplate {
        /// As `List` has it.
        id: String,
        /// What its set is called.
        label: String,
        /// Seconds since 1970-01-01 UTC.
        created_at: u64,
        /// Nobody enrolled it: it adapted.
        adapted: bool,
        /// By frame, oldest first.
        frames: Vec<f64>,
    }
}
