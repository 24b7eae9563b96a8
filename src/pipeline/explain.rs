//! What an attempt rests on, noted while it runs. Such an attempt is judged like any other, and its misses count; but it never
//! makes a grant. Scores, so for the owner alone.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::{Attempt, Observer, Pipeline, Trace};
use crate::clock::WallTime;
use crate::detect::quality::RetryReason;
pub use crate::embed::Measure;
use crate::head::{LogOdds, Measured, Probability};
use crate::judge::{Policy, vote};
use crate::people::{Accounts, UserName};
use crate::store::{StoreError, Template};

/// An attempt may see hundreds of frames; of so many it is told what became of them.
pub const MAX_FRAMES: usize = 40;

/// What an attempt rests on, as far as it got.
#[derive(Debug, Default)]
pub struct Explanation {
    /// The newest frames, oldest first.
    pub frames: VecDeque<FrameNote>,
    /// Frames before them.
    pub earlier_frames: usize,
    /// Whether the face is live.
    pub live: Option<LiveNote>,
    /// How much the face looks like a small child's, and from where on it is taken for one.
    pub child: Option<Measure>,
    /// The comparison.
    pub comparison: Option<Comparison>,
    /// What was measured of the frame that is being examined.
    at_hand: FrameNote,
}

/// A frame.
#[derive(Debug, Default)]
pub struct FrameNote {
    /// Which one it was, from 1.
    pub number: usize,
    /// File name, if frames come from a folder of pictures.
    pub picture: Option<String>,
    /// What became of it.
    pub used: Used,
    /// What a face needs to be judged.
    pub measures: Vec<Measure>,
    /// What it would need to become a template.
    pub fitness: Vec<Measure>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Used {
    /// It counted.
    Kept,
    /// It was good, and newer frames or another face took its place.
    Replaced,
    /// It was good, and did not look like the person who had been asked to turn their head.
    #[default]
    Unlike,
    /// It was not good enough.
    Refused(RetryReason),
}

/// Log-odds that the face is live.
#[derive(Debug)]
pub struct LiveNote {
    /// The parts together; `None` with too few frontal frames.
    pub log_odds: Option<f32>,
    /// Below this it is an attack.
    pub least: f32,
    /// The network's mean, and each cue that could tell.
    pub parts: Vec<Measure>,
}

/// What the decision was made from.
#[derive(Debug)]
pub struct Comparison {
    /// People compared with.
    pub compared: usize,
    /// b of the head.
    pub bias: LogOdds,
    /// What a decision must reach: the head's threshold, raised by the number of people.
    pub threshold: Probability,
    /// Least difference between the best and the second best.
    pub least_margin: f32,
    /// What was measured at the head's threshold.
    pub measured: Option<Measured>,
    /// The best, and in a search the second best: whoever is asked why a search found two must be able to say which two. The
    /// owner may see who is enrolled, and every score.
    pub people: Vec<ComparedPerson>,
}

/// Somebody the frames were compared with.
#[derive(Debug)]
pub struct ComparedPerson {
    /// Who.
    pub user: UserName,
    /// All frames together.
    pub z: LogOdds,
    /// Each frame alone, by the enrolled templates.
    pub frames: Vec<LogOdds>,
    /// Each template alone: the enrolled ones, then those that adapted.
    pub templates: Vec<ComparedTemplate>,
}

/// A template, with the log-odds of each frame.
#[derive(Debug)]
pub struct ComparedTemplate {
    /// What is known of it beside the face.
    pub note: TemplateNote,
    /// By frame.
    pub frames: Vec<LogOdds>,
}

/// What is known of a template beside the face.
#[derive(Debug, Clone)]
pub struct TemplateNote {
    /// As the store has it.
    pub id: String,
    /// What its set is called.
    pub label: String,
    /// When it was enrolled.
    pub created_at: WallTime,
    /// Whether nobody enrolled it.
    pub adapted: bool,
}

impl Pipeline {
    /// As [`Pipeline::verify`], or without a user [`Pipeline::identify`] at no door, with an explanation in the trace. A match
    /// ends in [`super::Verdict::Matched`], never in a grant.
    pub fn explain(
        &mut self,
        camera: Option<&str>,
        claimed: Option<&UserName>,
        accounts: &Accounts,
        observer: Observer<'_>,
    ) -> Attempt {
        let trace = Trace { explanation: Some(Box::default()), ..Trace::default() };
        self.attempt(camera, (claimed, None), accounts, observer, trace)
    }

    /// How the best two came to their scores: by the same rule, for each frame and template alone. `ranked` has everybody.
    pub(super) fn comparison(
        &self,
        probes: &[Cow<'_, [f32]>],
        ranked: &[(&UserName, LogOdds)],
        policy: Policy,
    ) -> Result<Comparison, StoreError> {
        let head = self.gallery.head();
        let people = ranked.iter().take(2).map(|(user, z)| self.compared(probes, user, *z));
        Ok(Comparison {
            compared: ranked.len(),
            bias: head.bias(),
            threshold: policy.threshold(),
            least_margin: policy.margin(),
            measured: self.networks.head.measured().cloned(),
            people: people.collect::<Result<_, _>>()?,
        })
    }

    fn compared(
        &self,
        probes: &[Cow<'_, [f32]>],
        user: &UserName,
        z: LogOdds,
    ) -> Result<ComparedPerson, StoreError> {
        let (head, templates) = (self.gallery.head(), self.gallery.of(user));
        let mut frames = Vec::with_capacity(probes.len());
        for probe in probes.chunks(1) {
            frames.extend(vote::decide_projected(head, probe, &templates)?);
        }
        let mut compared = Vec::with_capacity(templates.len());
        let (adapted_notes, notes): (Vec<_>, Vec<_>) =
            self.notes(user).into_iter().partition(|note| note.adapted);
        let enrolled = templates.iter().zip(notes);
        for (template, note) in enrolled.chain(self.gallery.adapted(user).iter().zip(adapted_notes)) {
            let template = head.project(template)?;
            let frames = probes.iter().map(|probe| head.log_odds_of(probe, &template)).collect();
            compared.push(ComparedTemplate { note, frames });
        }
        Ok(ComparedPerson { user: user.clone(), z, frames, templates: compared })
    }
}

impl Pipeline {
    /// What else is known of a user's templates, in the order of the gallery; nothing if they have changed since, or cannot be
    /// read: the attempt has been judged by then, and a damaged store must not keep its miss from being counted.
    fn notes(&self, user: &UserName) -> Vec<TemplateNote> {
        let theirs = self.store.templates(Some(user)).unwrap_or_default();
        if !self.gallery.has_revision(self.store.revision()) {
            return Vec::new();
        }
        let note =
            |Template { id, label, created_at, adapted, .. }| TemplateNote { id, label, created_at, adapted };
        theirs.into_iter().map(note).collect()
    }
}

impl Trace {
    /// Whether the attempt is made to be explained.
    pub(super) fn is_explained(&self) -> bool {
        self.explanation.is_some()
    }

    /// Notes something, if anybody wants to know.
    pub(super) fn note(&mut self, note: impl FnOnce(&mut Explanation)) {
        if let Some(explanation) = &mut self.explanation {
            note(explanation);
        }
    }

    /// So many of the newest good frames count now.
    pub(super) fn keep(&mut self, frames: usize) {
        self.frames = frames;
        self.note(|explanation| explanation.keep(frames));
    }

    /// A frame was examined, and may be judged or not.
    pub(super) fn examined(&mut self, refused: Option<RetryReason>) {
        let picture = self.picture.clone();
        self.note(|explanation| explanation.examined(picture, refused));
    }
}

impl Explanation {
    /// Of the frame that is being examined.
    pub(super) fn measured(&mut self, measures: Vec<Measure>) {
        self.at_hand.measures = measures;
    }

    /// Of the same frame.
    pub(super) fn fit(&mut self, fitness: Vec<Measure>) {
        self.at_hand.fitness = fitness;
    }

    fn examined(&mut self, picture: Option<String>, refused: Option<RetryReason>) {
        if self.frames.len() == MAX_FRAMES {
            self.frames.pop_front();
            self.earlier_frames += 1;
        }
        let number = self.earlier_frames + self.frames.len() + 1;
        let used = refused.map_or(Used::Unlike, Used::Refused);
        self.frames.push_back(FrameNote { number, picture, used, ..std::mem::take(&mut self.at_hand) });
    }

    fn keep(&mut self, mut frames: usize) {
        if let Some(newest) = self.frames.back_mut() {
            newest.used = Used::Kept;
        }
        for frame in self.frames.iter_mut().rev().filter(|frame| frame.used == Used::Kept) {
            match frames.checked_sub(1) {
                Some(left) => frames = left,
                None => frame.used = Used::Replaced,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        Trace { explanation: Some(Box::default()), ..Trace::default() }
    }

    fn uses(trace: &Trace) -> Vec<Used> {
        trace.explanation.iter().flat_map(|told| &told.frames).map(|frame| frame.used).collect()
    }

    #[test]
    fn the_frames_that_count_are_the_newest_good_ones() {
        let mut trace = trace();
        let dark = Used::Refused(RetryReason::TooDark);
        trace.examined(None);
        trace.keep(1);
        trace.examined(Some(RetryReason::TooDark));
        trace.examined(None);
        trace.keep(2);
        assert_eq!(uses(&trace), [Used::Kept, dark, Used::Kept]);
        trace.examined(None);
        trace.keep(2);
        assert_eq!(uses(&trace), [Used::Replaced, dark, Used::Kept, Used::Kept]);
        // Another face: the frames before it are discarded.
        trace.examined(None);
        trace.keep(1);
        assert_eq!(uses(&trace)[2..], [Used::Replaced, Used::Replaced, Used::Kept]);
        trace.examined(None);
        assert_eq!(uses(&trace).last(), Some(&Used::Unlike), "nobody has said that it counts");
    }

    #[test]
    fn what_is_measured_belongs_to_one_frame() {
        let mut trace = trace();
        let norm = Measure { name: "norm", value: 8.0, least: Some(9.5) };
        trace.note(|told| told.measured(vec![norm]));
        trace.examined(Some(RetryReason::Unclear));
        trace.examined(Some(RetryReason::NoFace));
        let told = trace.explanation.expect("asked for");
        assert_eq!((&told.frames[0].measures[..], &told.frames[1].measures[..]), (&[norm][..], &[][..]));
    }

    #[test]
    fn an_attempt_of_hundreds_of_frames_tells_of_the_newest() {
        let mut trace = trace();
        for _ in 0..MAX_FRAMES + 300 {
            trace.examined(Some(RetryReason::NoFace));
        }
        let told = trace.explanation.expect("asked for");
        assert_eq!((told.frames.len(), told.earlier_frames, told.frames[0].number), (MAX_FRAMES, 300, 301));
    }

    #[test]
    fn nothing_is_noted_where_nobody_asked() {
        let mut trace = Trace::default();
        trace.examined(None);
        trace.keep(1);
        assert!(!trace.is_explained() && trace.frames == 1);
    }
}
