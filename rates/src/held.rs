//! A threshold on people whom it was not chosen on: rates of whole decisions over thresholds, and a threshold that is chosen on
//! some people and judged on others.
//!
//! A fit of the shipped plan has two numbers, b and one alpha for all coordinates, so it maps the scores of any other such fit by
//! a straight line: which decisions match depends on the threshold alone. So it is the threshold that is cross-validated, on the
//! scores of one head.

mod report;

use serde::Serialize;

use super::RatesError;
use super::fit::{Target, divided, fold, threshold};
use super::measure::SEED;
use super::rate::Rates;
use super::set::Set;
use super::table::Table;
use super::trials::{Scored, Shape, decisions};

pub use report::held;

/// How often the people are halved.
const ROUNDS: u64 = 5;

/// A set with a name and the scores of its pairs.
pub struct Named<'a> {
    /// For tables.
    pub name: String,
    /// The people.
    pub set: &'a Set,
    /// Their scores.
    pub table: &'a Table,
}

/// A threshold, and the rates of the decisions that it was judged on.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The set that it was chosen on; `None` for a given one.
    pub chosen_on: Option<String>,
    /// The set whose decisions were judged.
    pub judged_on: String,
    /// The lowest and the highest threshold that was chosen, in log-odds.
    pub z: (f32, f32),
    /// Rates of those decisions.
    #[serde(flatten)]
    pub rates: Rates,
}

/// Everything measured. The field names are the JSON keys.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// Of each decision.
    pub shape: Shape,
    /// The FMR that a chosen threshold has to keep.
    pub target_fmr: f64,
    /// At each threshold around that of the head, for each set; that of the head first.
    pub over_thresholds: Vec<Judged>,
    /// Chosen on half of the people of a set, judged on the other half; five times, both ways.
    pub halves: Vec<Judged>,
    /// Chosen on one set, judged on another.
    pub across: Vec<Judged>,
    /// Sets with too few pictures for such decisions.
    pub left_out: Vec<String>,
}

/// Measures all sets at the threshold `z` of the head and around it, and chooses others.
///
/// # Errors
/// [`RatesError::Asked`]: no set has people with enough pictures, or the target is no rate.
pub fn measure(sets: &[Named<'_>], shape: Shape, z: f32, target_fmr: f64) -> Result<Held, RatesError> {
    let target = Target::Fmr(target_fmr);
    let mut held = Held {
        shape,
        target_fmr,
        over_thresholds: Vec::new(),
        halves: Vec::new(),
        across: Vec::new(),
        left_out: Vec::new(),
    };
    let mut usable = Vec::new();
    for named in sets {
        match decided(named, shape, SEED, &|_| true) {
            Some(scored) => usable.push((named, scored)),
            None => held.left_out.push(named.name.clone()),
        }
    }
    if usable.is_empty() {
        let Shape { templates, frames } = shape;
        let why = format!("no two people of a set have {templates} + {frames} pictures for a decision");
        return Err(RatesError::Asked(why));
    }
    for (named, scored) in &usable {
        for z in std::iter::once(z).chain((-8..=6).map(|step| z + step as f32 / 2.0)) {
            held.over_thresholds.push(judged(None, named, (z, z), scored));
        }
        held.halves.extend(halves(named, shape, target)?);
    }
    for (chosen_on, scored) in &usable {
        let z = threshold(scored, target)?.z;
        for (judged_on, decisions) in usable.iter().filter(|(other, _)| other.name != chosen_on.name) {
            held.across.push(judged(Some(chosen_on), judged_on, (z, z), decisions));
        }
    }
    Ok(held)
}

fn decided(named: &Named<'_>, shape: Shape, seed: u64, keep: &dyn Fn(usize) -> bool) -> Option<Scored> {
    decisions(named.set, shape, seed, keep, &|a, b| named.table.at(a, b))
}

fn judged(chosen_on: Option<&Named<'_>>, judged_on: &Named<'_>, z: (f32, f32), scored: &Scored) -> Judged {
    let name = |named: &Named<'_>| named.name.clone();
    let rates = Rates::at(scored, z.0);
    Judged { chosen_on: chosen_on.map(name), judged_on: name(judged_on), z, rates }
}

/// Nobody is in both halves. `None` where a half has too few people with enough pictures.
fn halves(named: &Named<'_>, shape: Shape, target: Target) -> Result<Option<Judged>, RatesError> {
    let (mut all, mut lowest, mut highest) = (Scored::default(), f32::INFINITY, f32::NEG_INFINITY);
    for round in 0..ROUNDS {
        let Ok(parts) = divided(named.set, 2, SEED + round) else { return Ok(None) };
        for half in 0..2 {
            let (chooses, tests) = fold(&parts, half);
            let seed = SEED + 2 * round + half as u64;
            let (Some(chosen_by), Some(unseen)) =
                (decided(named, shape, seed, &chooses), decided(named, shape, seed, &tests))
            else {
                return Ok(None);
            };
            let z = threshold(&chosen_by, target)?.z;
            (lowest, highest) = (lowest.min(z), highest.max(z));
            // Relative to the threshold, which differs from half to half.
            let relative = |mut trial: super::trials::Trial| {
                trial.z -= z;
                trial
            };
            all.genuine.extend(unseen.genuine.into_iter().map(relative));
            all.impostor.extend(unseen.impostor.into_iter().map(relative));
        }
    }
    let rates = Rates::at(&all, 0.0);
    let name = named.name.clone();
    Ok(Some(Judged { chosen_on: Some(name.clone()), judged_on: name, z: (lowest, highest), rates }))
}

#[cfg(test)]
mod tests;
