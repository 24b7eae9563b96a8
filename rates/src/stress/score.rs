//! Frames under faults to rates.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::Taken;
use super::fault::Kind;
use super::take::Shots;
use crate::rate::Rates;
use crate::trials::{Scored, Trial};
use facelatch::head::Head;
use facelatch::judge::vote;

/// One kind in one strength.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Name of the kind.
    pub kind: &'static str,
    /// What its strength counts.
    pub unit: &'static str,
    /// How strong.
    pub strength: f32,
    /// Frames made, of templates and probes.
    pub frames: usize,
    /// Frames that the daemon would judge.
    pub judged: usize,
    /// The others, by the daemon's word for them.
    pub refused: BTreeMap<String, usize>,
    /// Probes with the fault, templates without.
    pub probe: Cell,
    /// Templates with the fault, probes without.
    pub template: Cell,
    /// Both with the fault, as when the camera has it.
    pub both: Cell,
}

/// Attempts of everyone as everyone: about two people in each order, and about one person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// About two people.
    pub impostor: Attempts,
    /// 95 % upper bound of matches by `impostor.decisions`.
    pub fmr_upper95: f64,
    /// 95 % upper bound of matches by `impostor.attempts`: an attempt whose frames are refused opens nothing.
    pub attempts_upper95: f64,
    /// About one person.
    pub genuine: Attempts,
}

/// What became of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Attempts {
    /// All.
    pub attempts: usize,
    /// Those with a frame and a template that were judged.
    pub decisions: usize,
    /// Those that matched.
    pub matches: usize,
}

/// What a head makes of embeddings, one list for each person.
type Projected<'a> = Vec<Vec<Cow<'a, [f32]>>>;

/// The whole table.
pub fn rows(head: &Head, people: &[Shots], kinds: &[&Kind]) -> Vec<Row> {
    let as_it_is = Kind::none();
    let strengths = std::iter::once((&as_it_is, 0.0))
        .chain(kinds.iter().flat_map(|kind| kind.strengths.map(|strength| (*kind, strength))));
    let (templates, probes) =
        (project(head, people, |p| &p.templates[0]), project(head, people, |p| &p.probes[0]));
    let row = |(number, (kind, strength)): (usize, (&Kind, f32))| {
        let bad_templates = project(head, people, |p| &p.templates[number]);
        let bad_probes = project(head, people, |p| &p.probes[number]);
        let taken = || people.iter().flat_map(|p| p.templates[number].iter().chain(&p.probes[number]));
        let mut refused = BTreeMap::new();
        for reason in taken().filter_map(|taken| taken.as_ref().err()) {
            *refused.entry(reason.to_string()).or_default() += 1;
        }
        Row {
            kind: kind.name,
            unit: kind.unit,
            strength,
            frames: taken().count(),
            judged: taken().filter(|taken| taken.is_ok()).count(),
            refused,
            probe: cell(head, &templates, &bad_probes),
            template: cell(head, &bad_templates, &probes),
            both: cell(head, &bad_templates, &bad_probes),
        }
    };
    strengths.enumerate().map(row).collect()
}

fn project<'a>(head: &Head, people: &'a [Shots], of: impl Fn(&'a Shots) -> &'a Vec<Taken>) -> Projected<'a> {
    people.iter().map(|person| of(person).iter().flatten().map(|e| head.project(e)).collect()).collect()
}

/// Everyone's probes against everyone's templates, by the daemon's vote over whatever frames were judged.
fn cell(head: &Head, templates: &Projected<'_>, probes: &Projected<'_>) -> Cell {
    let mut scored = Scored::default();
    for (user, templates) in templates.iter().enumerate() {
        for (other, probes) in probes.iter().enumerate() {
            let z = vote::combine(probes.len(), templates.len(), |f, t| {
                head.log_odds_of(&probes[f], &templates[t])
            });
            let trial = Trial {
                // No decision opens no door.
                z: z.map_or(f32::NEG_INFINITY, |z| z.0),
                people: (user as u32, other as u32),
            };
            if user == other { scored.genuine.push(trial) } else { scored.impostor.push(trial) }
        }
    }
    counts(&scored, head.threshold().log_odds().0)
}

fn counts(all: &Scored, level: f32) -> Cell {
    let decided = |trials: &[Trial]| -> Vec<Trial> {
        trials.iter().filter(|trial| trial.z > f32::NEG_INFINITY).copied().collect()
    };
    let attempts = |trials: &[Trial]| Attempts {
        attempts: trials.len(),
        decisions: decided(trials).len(),
        matches: trials.iter().filter(|trial| trial.z >= level).count(),
    };
    let upper95 = |impostor| Rates::at(&Scored { genuine: Vec::new(), impostor }, level).fmr_upper95;
    Cell {
        impostor: attempts(&all.impostor),
        fmr_upper95: upper95(decided(&all.impostor)),
        attempts_upper95: upper95(all.impostor.clone()),
        genuine: attempts(&all.genuine),
    }
}

#[cfg(test)]
mod tests;
