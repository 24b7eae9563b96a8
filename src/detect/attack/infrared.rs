//! A grey camera beside a colour one, with an emitter of near infrared (850 or 940 nm): what both must show of a live face.
//!
//! - A screen emits no infrared: in the grey frame it is black glass with the hand around it.
//! - Coloured inks let infrared through to the paper, which reflects most of it: a print is bright and has lost the contrast
//!   of its eyes. Black that is made of carbon keeps it: **a print in black ink only passes this part**.
//! - Skin of any colour reflects half of it, and the head is round, so that the middle of a face, which turns to emitter and
//!   camera, is brighter than its sides. Eyes mirror the emitter as a spot.
//!
//! Strobing cameras light every other frame; each frame without the emitter is subtracted from the one beside it, which leaves
//! the emitter's light alone. There was no camera here and no public pair of pictures: limits follow from the physics above, and
//! the tests render it.

mod place;
mod reflection;

use std::time::Duration;

use super::passive::MIN_FRAMES;
use super::{CueScore, Need, Presentation, Score, Species};
use crate::camera::Frame;
use crate::clock::BootTime;
use crate::detect::Face;

pub use place::{Placement, Sight};
use reflection::Reflection;

/// A grey frame this far from a colour one shows something else: a face moves by half its width in twice that.
const MAX_APART: Duration = Duration::from_millis(150);

/// Grey frames that are kept: lit and dark ones at 30 a second for as long as they may be apart.
const KEPT: usize = 6;

/// Frames with less light than this, `0..=255`, where they are brightest are dark: the emitter was off.
const MIN_LIGHT: f32 = 24.0;

/// A frame with less than this share of the brightest one's light was taken without the emitter.
const MAX_DARK: f32 = 0.7;

/// Pairs that say something together.
const MIN_PAIRS: usize = 2;

/// A face with a lower score is an attack, whatever else speaks for it. Rendered screens and prints have less, rendered faces
/// more than zero; how far real faces lie from that is not known.
const MIN_LIVE: f32 = -1.0;

/// No cue outweighs everything else.
const LIMITS: (f32, f32) = (-4.0, 2.0);

/// What pairs of frames of one face say so far. Its frames are wiped when dropped.
#[derive(Default)]
pub struct Infrared {
    placement: Option<Placement>,
    grey: Vec<Lit>,
    last: Option<BootTime>,
    scores: Vec<(f32, Species)>,
}

/// A grey frame and its light.
struct Lit {
    frame: Frame,
    light: f32,
}

impl Infrared {
    /// Nothing seen yet. `placement`: where the grey camera sees what the colour one sees, if that is known.
    pub fn new(placement: Option<Placement>) -> Self {
        Self { placement, ..Self::default() }
    }

    /// Another frame of the grey camera. One that is not newer than the last, or has colours, is left out: a camera of visible
    /// light would see every screen as a face.
    pub fn add(&mut self, grey: Frame) {
        let newer = self.grey.last().is_none_or(|last| grey.taken_at() > last.frame.taken_at());
        if !newer || !reflection::is_grey(&grey) {
            return;
        }
        if self.grey.len() == KEPT {
            self.grey.remove(0);
        }
        let light = reflection::light(&grey);
        self.grey.push(Lit { frame: grey, light });
    }

    /// The grey frame to look for faces in beside a colour frame of that moment: the nearest one with the emitter's light.
    /// `None`: there is none, and the colour frame says nothing.
    pub fn lit(&self, at: BootTime) -> Option<&Frame> {
        let near = || self.grey.iter().filter(|grey| apart(grey.frame.taken_at(), at) <= MAX_APART);
        let most = near().map(|grey| grey.light).fold(0.0, f32::max);
        let lit = near().filter(|grey| most >= MIN_LIGHT && grey.light > MAX_DARK * most);
        lit.min_by_key(|grey| apart(grey.frame.taken_at(), at)).map(|grey| &grey.frame)
    }

    /// A colour frame with the face, and the faces in the grey frame that [`Infrared::lit`] gave for it.
    pub fn see(&mut self, colour: &Frame, face: &Face, grey_faces: &[Face]) {
        let at = colour.taken_at();
        let Some(lit) = self.lit(at) else { return };
        // The same frame is no further evidence.
        if self.last.is_some_and(|last| lit.taken_at() <= last) {
            return;
        }
        let dark = self.dark(lit);
        let found = grey_faces.iter().find(|other| place::same(self.placement, (colour, face), (lit, other)));
        let place = found.copied().unwrap_or_else(|| place::expected(self.placement, (colour, face), lit));
        let reflection = Reflection::of(lit, dark, &place);
        let seen = judge(found.is_some(), reflection.as_ref());
        self.last = Some(lit.taken_at());
        self.scores.extend(seen);
    }

    /// What the pairs say together; `None` for too few.
    pub fn score(&self) -> Option<Score> {
        let sum: f32 = self.scores.iter().map(|(score, _)| score).sum();
        (self.scores.len() >= MIN_PAIRS).then(|| Score(sum / self.scores.len() as f32))
    }

    /// What is added to the network's score: nothing that speaks for a face. A print in black ink passes this part, and no camera
    /// was there to tell how much its word is worth.
    pub fn cue(&self) -> CueScore {
        CueScore { score: self.score().map(|score| Score(score.0.min(0.0))), species: self.species() }
    }

    /// What becomes of a presentation that has been judged with that. Without a word of this camera nobody is live.
    pub fn confirm(&self, presentation: Presentation) -> Presentation {
        let may_be_live = |Score(score): Score| score >= MIN_LIVE;
        match (presentation, self.score()) {
            (Presentation::Live(_), None) => Presentation::MoreNeeded(Need::Infrared),
            (Presentation::Live(_), Some(score)) if !may_be_live(score) => {
                Presentation::Attack(self.species())
            }
            // While the network wants more frames, a mean of as many pairs as it takes to be clear is believed, and no fewer:
            // in one or two the detector may have missed a live face.
            (Presentation::MoreNeeded(Need::Frames), Some(score))
                if !may_be_live(score) && self.scores.len() >= MIN_FRAMES =>
            {
                Presentation::Attack(self.species())
            }
            _ => presentation,
        }
    }

    /// The kind of attack that the worst pair is most like.
    pub fn species(&self) -> Species {
        let worst = self.scores.iter().min_by(|(one, _), (other, _)| one.total_cmp(other));
        worst.map_or(Species::Flat, |(_, species)| *species)
    }

    /// The nearest frame without the emitter's light, if the camera strobes.
    fn dark(&self, lit: &Frame) -> Option<&Frame> {
        let light = reflection::light(lit);
        let dark = self.grey.iter().filter(|grey| {
            grey.light <= MAX_DARK * light && apart(grey.frame.taken_at(), lit.taken_at()) <= MAX_APART
        });
        dark.min_by_key(|grey| apart(grey.frame.taken_at(), lit.taken_at())).map(|grey| &grey.frame)
    }
}

/// Log-odds of live, and the attack that it would be. `None`: the place of the face is not in the grey frame.
fn judge(found: bool, reflection: Option<&Reflection>) -> Option<(f32, Species)> {
    let Reflection { brightness, contrast, roundness, glints } = reflection?;
    // Black glass and a hand; below half of the brightest, since the face is what is nearest to the emitter.
    let bright = line(*brightness, (0.25, -4.0), (0.5, 0.5));
    // Paper without its inks.
    let contrasted = line(*contrast, (0.1, -3.0), (0.35, 0.5));
    let round = roundness.map_or(0.0, |roundness| line(roundness, (0.0, -0.5), (0.2, 0.5)));
    let glint = if *glints { 0.5 } else { 0.0 };
    let species = if bright < contrasted { Species::Screen } else { Species::Print };
    // The detector misses a live face in infrared now and then; a mean of several pairs outlives that.
    let missed = if found { 0.0 } else { -2.0 };
    let sum = bright + contrasted + round + if found { glint } else { missed };
    Some((sum.clamp(LIMITS.0, LIMITS.1), species))
}

/// On the line through two points, and not beyond them.
fn line(x: f32, (x0, y0): (f32, f32), (x1, y1): (f32, f32)) -> f32 {
    let share = ((x - x0) / (x1 - x0)).clamp(0.0, 1.0);
    y0 + share * (y1 - y0)
}

fn apart(one: BootTime, other: BootTime) -> Duration {
    one.since(other).max(other.since(one))
}

#[cfg(test)]
mod tests;
