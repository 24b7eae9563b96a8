//! What was measured at a head's threshold: `[measured]` in its file.

use serde::{Deserialize, Serialize};

/// False matches of whole decisions at the threshold of a head.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Whose pictures, and who they were to the head.
    pub set: String,
    /// Frames of a decision.
    pub frames: u32,
    /// Templates of a decision.
    pub templates: u32,
    /// Decisions about a stranger.
    pub decisions: u64,
    /// Those that matched.
    pub false_matches: u64,
    /// Upper bound of the share that matches, with 95 % confidence, counted by people. Above 0, at most 1.
    pub fmr_at_most: f64,
}

/// Longest text of `set`, in bytes.
const MAX_SET_BYTES: usize = 200;

impl Measured {
    /// Why these numbers cannot be right.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { set, frames, templates, decisions, false_matches, fmr_at_most } = self;
        let wrong = |why: &str| Err(format!("[measured] {why}"));
        if set.is_empty() || set.len() > MAX_SET_BYTES {
            return wrong("set: name the pictures, in at most 200 bytes");
        }
        if *frames == 0 || *templates == 0 || *decisions == 0 || false_matches > decisions {
            return wrong(
                "frames, templates and decisions are at least 1, and false_matches at most decisions",
            );
        }
        let seen = *false_matches as f64 / *decisions as f64;
        if !(*fmr_at_most > 0.0 && *fmr_at_most <= 1.0 && *fmr_at_most >= seen) {
            return wrong("fmr_at_most: above 0, at most 1, and at least the share that was seen");
        }
        Ok(())
    }
}
