//! The formula taken apart: what the bias, the freedom of alpha and the projection each do.
//!
//! Every head is fitted on some people and measured on others, in turn, so that each row shows people the
//! head never saw.

use serde::Serialize;

use super::RatesError;
use super::acquire::Set;
use super::curve::{Curve, log_loss};
use super::learn::{Alpha, Plan, Table};
use super::trials::{Pairs, Scored};
use crate::head::project::SplitMix64;

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was fitted.
    pub head: String,
    /// Is there a bias?
    pub bias: bool,
    /// Equal error rate, `0..=1`.
    pub eer: f64,
    /// True acceptance rate at 1 false match in 100, 1,000, 10,000 pairs.
    pub tar: [f64; 3],
    /// Mean cross-entropy in nats, both kinds weighing alike; `None` where the score is no probability.
    pub log_loss: Option<f64>,
    /// p of an identical pair; `None` likewise. The mean where several heads were fitted.
    pub identical_pair: Option<f64>,
}

/// Who fits and who is measured.
pub enum Split<'a> {
    /// Halves of one set, by turns, `rounds` times.
    Halves {
        /// How many times.
        rounds: u64,
        /// What the halves are drawn from.
        seed: u64,
    },
    /// Heads are fitted on everybody of this other set.
    FittedOn(&'a Set),
}

/// The heads of the table.
pub fn plans(seed: u64) -> Vec<Plan> {
    let plan = |name: &str, rotations, alpha, bias| Plan {
        name: name.to_owned(),
        rotations,
        seed,
        learned: None,
        alpha,
        bias,
        prior: 0.5,
    };
    let mut plans = vec![
        plan("plain L1, one alpha", 0, Alpha::Common, false),
        plan("plain L1, one alpha", 0, Alpha::Common, true),
        plan("alpha free, lambda 0.01", 0, Alpha::Free(0.01), false),
        plan("alpha free, lambda 1", 0, Alpha::Free(1.0), false),
    ];
    for lambda in [0.001, 0.01, 0.1, 1.0, 10.0, 100.0] {
        plans.push(plan(&format!("alpha free, lambda {lambda}"), 0, Alpha::Free(lambda), true));
    }
    for rotations in [4, 16, 64] {
        plans.push(plan(&format!("projected L1, {rotations} rotations"), rotations, Alpha::Common, true));
    }
    let learned = plan("projected L1, 64 rotations, learned metric 0.9", 64, Alpha::Common, true);
    plans.push(Plan { learned: Some(0.9), ..learned });
    plans
}

/// The whole table; `tell` hears which row is under way.
///
/// # Errors
/// [`RatesError::Asked`] when the people are too few.
pub fn ablate(set: &Set, split: &Split<'_>, tell: &mut dyn FnMut(&str)) -> Result<Vec<Row>, RatesError> {
    let seed = 5;
    let mut rows = Vec::new();
    for plan in plans(seed) {
        tell(&plan.name);
        let (scored, identical) = unseen(set, split, &plan)?;
        let loss = Some(log_loss(&scored));
        rows.push(row(&plan.name, plan.bias, &scored, (loss, Some(identical))));
    }
    let cosine = Table::new(set.samples.len(), |a, b| {
        let (a, b) = (set.samples[a].embedding.values(), set.samples[b].embedding.values());
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    });
    let scored = match split {
        Split::Halves { rounds, seed } => halves(set, *rounds, *seed, |_| Ok(Table::clone(&cosine)))?,
        Split::FittedOn(_) => Pairs::all(set, |_| true).score(set, &|a, b| cosine.at(a, b)),
    };
    rows.push(row("cosine, for comparison", false, &scored, (None, None)));
    Ok(rows)
}

fn row(
    name: &str,
    bias: bool,
    scored: &Scored,
    (log_loss, identical_pair): (Option<f64>, Option<f64>),
) -> Row {
    let curve = Curve::new(scored);
    let tar = [1e-2, 1e-3, 1e-4].map(|fmr| curve.tar(fmr));
    Row { head: name.to_owned(), bias, eer: curve.eer(), tar, log_loss, identical_pair }
}

fn unseen(set: &Set, split: &Split<'_>, plan: &Plan) -> Result<(Scored, f64), RatesError> {
    match split {
        Split::FittedOn(other) => {
            if other.recipe.embedder_sha256 != set.recipe.embedder_sha256 {
                return Err(RatesError::Asked(
                    "the two sets were embedded by different embedders".to_owned(),
                ));
            }
            let learnt = plan.learn(other, &|_| true)?;
            let table = learnt.table(set);
            let scored = Pairs::all(set, |_| true).score(set, &|a, b| table.at(a, b));
            Ok((scored, learnt.identical_pair()))
        }
        Split::Halves { rounds, seed } => {
            let mut identical = Vec::new();
            let scored = halves(set, *rounds, *seed, |keep| {
                let learnt = plan.learn(set, keep)?;
                identical.push(learnt.identical_pair());
                Ok(learnt.table(set))
            })?;
            Ok((scored, identical.iter().sum::<f64>() / identical.len().max(1) as f64))
        }
    }
}

/// Pairs of each half, scored by what the other half gave.
fn halves(
    set: &Set,
    rounds: u64,
    seed: u64,
    mut learn: impl FnMut(&dyn Fn(usize) -> bool) -> Result<Table, RatesError>,
) -> Result<Scored, RatesError> {
    let people = set.people.len();
    if people < 4 {
        return Err(RatesError::Asked(format!("{people} people cannot be halved; at least four are needed")));
    }
    let mut all = Scored::default();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..people).collect();
        SplitMix64(seed.wrapping_add(round)).shuffle(&mut order);
        let (one, _) = order.split_at(people / 2);
        for fits_first in [true, false] {
            let table = learn(&|person| one.contains(&person) == fits_first)?;
            let scored = Pairs::all(set, |person| one.contains(&person) != fits_first)
                .score(set, &|a, b| table.at(a, b));
            all.genuine.extend(scored.genuine);
            all.impostor.extend(scored.impostor);
        }
    }
    Ok(all)
}
