//! Ablation of the formula: what the bias, free alphas and the projection each contribute.
//!
//! Every head is fitted on some people and measured on others, so each row is about people the head never saw.

use serde::Serialize;

use super::RatesError;
use super::curve::Curve;
use super::fit::fold;
use super::learn::{Alpha, Plan};
use super::set::Set;
use super::table::Table;
use super::trials::{Pairs, Scored};
use facelatch::head::project::SplitMix64;

/// One row of the table; means when several heads were fitted.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was fitted.
    pub head: String,
    /// Whether there is a bias.
    pub bias: bool,
    /// Equal error rate, `0..=1`.
    pub eer: f64,
    /// True acceptance rate at 1 false match in 100, 1,000, 10,000 pairs.
    pub tar: [f64; 3],
    /// Mean cross-entropy in nats, both kinds weighted equally; `None` if the score is not a probability.
    pub log_loss: Option<f64>,
    /// p of an identical pair; `None` likewise.
    pub identical_pair: Option<f64>,
}

/// Who fits and who is measured.
pub enum Split<'a> {
    /// Fit on one half of a set and measure the other, then swap; `rounds` times.
    Halves {
        /// How many times.
        rounds: u64,
        /// Seed of the random halves.
        seed: u64,
    },
    /// Heads are fitted on everyone in this other set.
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
    for shrink in [0.8, 0.95] {
        let name = format!("projected L1, 64 rotations, metric {shrink}");
        plans.push(Plan { learned: Some(shrink), ..plan(&name, 64, Alpha::Common, true) });
    }
    plans
}

/// The whole table; `tell` is called with the row being computed.
///
/// # Errors
/// [`RatesError::Asked`] when there are too few people.
pub fn ablate(set: &Set, split: &Split<'_>, tell: &mut dyn FnMut(&str)) -> Result<Vec<Row>, RatesError> {
    let seed = 5;
    if let Split::FittedOn(other) = split
        && other.recipe.embedder_sha256 != set.recipe.embedder_sha256
    {
        return Err(RatesError::Asked("the two sets were embedded by different embedders".to_owned()));
    }
    let mut rows = Vec::new();
    for plan in plans(seed) {
        tell(&plan.name);
        let parts = unseen(set, split, |keep| {
            let learnt = match split {
                Split::FittedOn(other) => plan.learn(other, keep)?,
                Split::Halves { .. } => plan.learn(set, keep)?,
            };
            Ok((learnt.table(set), learnt.identical_pair()))
        })?;
        rows.push(row(&plan.name, plan.bias, &parts));
    }
    let cosine = Table::of(set.samples.len(), |a, b| set.cosine(a, b));
    let cosine = |_: &dyn Fn(usize) -> bool| Ok((cosine.clone(), 0.0));
    let row = row("cosine, for comparison", false, &unseen(set, split, cosine)?);
    rows.push(Row { log_loss: None, identical_pair: None, ..row });
    Ok(rows)
}

/// Means over the parts.
fn row(name: &str, bias: bool, parts: &[(Scored, f64)]) -> Row {
    let mean = |of: &dyn Fn(&(Scored, f64)) -> f64| parts.iter().map(of).sum::<f64>() / parts.len() as f64;
    Row {
        head: name.to_owned(),
        bias,
        eer: mean(&|part| Curve::new(&part.0).eer()),
        tar: [1e-2, 1e-3, 1e-4].map(|fmr| mean(&|part| Curve::new(&part.0).tar(fmr))),
        log_loss: Some(mean(&|part| Curve::new(&part.0).log_loss())),
        identical_pair: Some(mean(&|part| part.1)),
    }
}

/// Scored pairs of people the head never saw, with p of an identical pair; one part for each fitted head.
/// `learn` fits on the people it is given.
fn unseen(
    set: &Set,
    split: &Split<'_>,
    mut learn: impl FnMut(&dyn Fn(usize) -> bool) -> Result<(Table, f64), RatesError>,
) -> Result<Vec<(Scored, f64)>, RatesError> {
    let (rounds, seed) = match split {
        Split::FittedOn(_) => {
            let (table, identical) = learn(&|_| true)?;
            return Ok(vec![(Pairs::all(set, |_| true).score(set, &|a, b| table.at(a, b)), identical)]);
        }
        Split::Halves { rounds, seed } => (*rounds, *seed),
    };
    let people = set.people.len();
    if people < 4 {
        return Err(RatesError::Asked(format!("{people} people cannot be halved; at least four are needed")));
    }
    let mut parts = Vec::new();
    for round in 0..rounds.max(1) {
        let mut order: Vec<usize> = (0..people).collect();
        SplitMix64(seed.wrapping_add(round)).shuffle(&mut order);
        let (one, _) = order.split_at(people / 2);
        let halves: Vec<usize> = (0..people).map(|person| usize::from(!one.contains(&person))).collect();
        for held_out in [1, 0] {
            let (fits, tests) = fold(&halves, held_out);
            let (table, identical) = learn(&fits)?;
            let pairs = Pairs::all(set, tests);
            parts.push((pairs.score(set, &|a, b| table.at(a, b)), identical));
        }
    }
    Ok(parts)
}
