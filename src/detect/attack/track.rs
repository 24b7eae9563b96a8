//! One face from frame to frame: which detection continues the last one.
//!
//! What a frame says counts once, in the order in which frames were taken. A face that jumps, or is gone for long, is another
//! face: nothing that was seen of the first holds for it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::super::{Bbox, Face};
use crate::camera::Frame;
use crate::clock::BootTime;

#[cfg(test)]
mod tests;

/// A face that is not found for longer is lost. Detectors miss a turned face for a frame or two.
const MAX_GAP: Duration = Duration::from_millis(600);

/// Least overlap (shared by joint area) of a face with where it was last.
const MIN_OVERLAP: f32 = 0.35;

/// A second face at least this large beside the tracked one makes it unclear who is meant: the quality gate's share.
const RIVAL_AREA: f32 = 0.5;

/// Why a track ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// No face for too long.
    Gone,
    /// A face, and not where the last one was, or not of its size.
    Jumped,
    /// Two faces, so that it is unclear who is meant.
    Several,
}

/// What a frame is to the track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// The tracked face, or the first.
    Face(Face),
    /// No evidence: a frame seen already, an older one, or one without the face, which may come back.
    Nothing,
    /// The track has ended. The next frame starts another.
    Lost(Loss),
}

/// One face from frame to frame.
#[derive(Default)]
pub struct Track {
    last: Option<Last>,
    /// The newest frame: when it was taken, and a hash of its pixels.
    frame: Option<(BootTime, u64)>,
}

/// The newest sight of the face.
struct Last {
    bbox: Bbox,
    at: BootTime,
}

impl Track {
    /// The next frame, with the faces found in it.
    pub fn see(&mut self, frame: &Frame, faces: &[Face]) -> Seen {
        let (at, hash) = (frame.taken_at(), hash(frame));
        if self.frame.is_some_and(|(newest, pixels)| at <= newest || hash == pixels) {
            return Seen::Nothing;
        }
        self.frame = Some((at, hash));
        self.follow(at, faces)
    }

    fn follow(&mut self, at: BootTime, faces: &[Face]) -> Seen {
        let Some(last) = &self.last else {
            let Some(largest) = faces.iter().max_by(|a, b| a.bbox.area().total_cmp(&b.bbox.area())) else {
                return Seen::Nothing;
            };
            return self.found(at, *largest, faces);
        };
        let nearest = faces
            .iter()
            .map(|face| (face.bbox.overlap(&last.bbox), face))
            .filter(|(overlap, _)| *overlap >= MIN_OVERLAP)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let late = at.since(last.at) > MAX_GAP;
        match nearest {
            Some((_, face)) if !late => self.found(at, *face, faces),
            None if !late => Seen::Nothing,
            _ => self.lost(if faces.is_empty() { Loss::Gone } else { Loss::Jumped }),
        }
    }

    fn found(&mut self, at: BootTime, face: Face, faces: &[Face]) -> Seen {
        let rivals = faces.iter().filter(|other| other.bbox.area() >= RIVAL_AREA * face.bbox.area());
        if rivals.count() > 1 {
            return self.lost(Loss::Several);
        }
        self.last = Some(Last { bbox: face.bbox, at });
        Seen::Face(face)
    }

    fn lost(&mut self, why: Loss) -> Seen {
        self.last = None;
        Seen::Lost(why)
    }
}

/// Of all pixels. A picture that comes again to the last bit was stored, not taken: sensors are never without noise.
fn hash(frame: &Frame) -> u64 {
    let mut hasher = DefaultHasher::new();
    frame.rgb().hash(&mut hasher);
    hasher.finish()
}
