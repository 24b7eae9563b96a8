//! What adapted templates are worth, and whether an impostor can make them their own.
//!
//! [`life`] lets people come again and again while some of their faces become adapted templates; [`drift`] has an impostor
//! who knows the second factor try to get theirs in. Both go by the daemon's own rule ([`Reach`]), and for comparison by
//! rules that have less of it. Every presentation is taken for a live one, and every attempt is a day after the one before.

pub mod drift;
pub mod life;
pub mod table;

use facelatch::head::{Head, LogOdds};
use facelatch::judge::adapt::{MOST_ADAPTED, Reach};
use facelatch::judge::vote;

use super::set::Set;

/// A projected embedding.
pub type Face<'a> = &'a [f32];

/// A rule by which templates change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The daemon's.
    Limited(Reach),
    /// The same, but adapted templates count like enrolled ones.
    Unlimited(Reach),
    /// A bank that updates itself: what is within reach of any template is taken, and the oldest gives way, but for one that was
    /// enrolled.
    SelfUpdating(Reach),
}

impl Rule {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Limited(_) => "as the daemon",
            Self::Unlimited(_) => "without a limit in the decision",
            Self::SelfUpdating(_) => "a bank that updates itself",
        }
    }
}

/// Somebody's templates.
#[derive(Clone)]
pub struct Bank<'a> {
    enrolled: Vec<Face<'a>>,
    /// The oldest first.
    adapted: Vec<Face<'a>>,
}

impl<'a> Bank<'a> {
    /// Of an enrolment.
    pub fn new(enrolled: Vec<Face<'a>>) -> Self {
        Self { enrolled, adapted: Vec::new() }
    }

    /// How many faces it has taken that are still there.
    pub fn adapted(&self) -> usize {
        self.adapted.len()
    }

    /// Takes faces without asking.
    pub fn give(&mut self, faces: impl IntoIterator<Item = Face<'a>>) {
        self.adapted.extend(faces);
    }

    /// What the enrolled templates alone say of frames.
    pub fn enrolled_only(&self, head: &Head, frames: &[Face<'_>]) -> LogOdds {
        score(head, frames, &self.enrolled)
    }

    /// What a decision rests on.
    pub fn decide(&self, head: &Head, rule: Rule, frames: &[Face<'_>]) -> LogOdds {
        let enrolled = self.enrolled_only(head, frames);
        if self.adapted.is_empty() {
            return enrolled;
        }
        let all = score(head, frames, &self.all());
        match rule {
            Rule::Limited(reach) => reach.limit(enrolled, all),
            Rule::Unlimited(_) | Rule::SelfUpdating(_) => all,
        }
    }

    /// Takes the face of an attempt after the second factor, if the rule lets it; `other` is its best score against anybody
    /// else.
    pub fn offer(
        &mut self,
        head: &Head,
        rule: Rule,
        face: Face<'a>,
        other: impl FnOnce() -> Option<LogOdds>,
    ) -> bool {
        let threshold = head.threshold().log_odds();
        let taken = match rule {
            Rule::Limited(reach) | Rule::Unlimited(reach) => {
                let own = self.enrolled_only(head, &[face]);
                reach.takes(threshold, own, None) && reach.takes(threshold, own, other())
            }
            Rule::SelfUpdating(reach) => score(head, &[face], &self.all()).0 >= threshold.0 - reach.0,
        };
        if !taken {
            return false;
        }
        self.adapted.push(face);
        match rule {
            Rule::SelfUpdating(_) if self.enrolled.len() > 1 => drop(self.enrolled.remove(0)),
            Rule::SelfUpdating(_) => drop(self.adapted.remove(0)),
            _ if self.adapted.len() > MOST_ADAPTED => drop(self.adapted.remove(0)),
            _ => {}
        }
        true
    }

    fn all(&self) -> Vec<Face<'a>> {
        [self.enrolled.as_slice(), &self.adapted].concat()
    }
}

/// The daemon's vote.
fn score(head: &Head, frames: &[Face<'_>], templates: &[Face<'_>]) -> LogOdds {
    let z = vote::combine(frames.len(), templates.len(), |f, t| head.log_odds_of(frames[f], templates[t]));
    z.unwrap_or(LogOdds(f32::NEG_INFINITY))
}

/// Everybody with enough pictures that the daemon believes, projected: number of the person in the set, and their faces.
pub struct Crowd {
    /// By number.
    pub people: Vec<(usize, Vec<Vec<f32>>)>,
    /// Sample numbers of the faces.
    pub samples: Vec<Vec<usize>>,
}

impl Crowd {
    /// Of a set: people with at least `least` pictures, and of each at most `most`.
    pub fn of(set: &Set, head: &Head, least: usize, most: usize) -> Self {
        let (mut people, mut all) = (Vec::new(), Vec::new());
        for (person, mut samples) in set.by_person().into_iter().enumerate() {
            samples.retain(|sample| set.samples[*sample].believed);
            samples.truncate(most);
            if samples.len() >= least {
                let project = |sample: &usize| head.project(&set.samples[*sample].embedding).into_owned();
                people.push((person, samples.iter().map(project).collect()));
                all.push(samples);
            }
        }
        Self { people, samples: all }
    }
}

#[cfg(test)]
mod tests;
