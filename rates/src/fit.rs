//! Fits a head that can ship: chooses the plan by cross-validation over people, and the threshold from decisions
//! about people the head never saw.

use serde::Serialize;

use super::RatesError;
use super::bound::{clopper_pearson_upper, trials_without_event};
use super::curve::Curve;
use super::learn::{Alpha, Learnt, Plan};
use super::rate::{CONFIDENCE, Rates};
use super::set::Set;
use super::trials::{Pairs, Scored, Shape, decisions};
use facelatch::head::project::SplitMix64;

/// Options of a fit.
#[derive(Debug, Clone, Serialize)]
pub struct Wish {
    /// Folds of the cross-validation over people.
    pub folds: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Templates and frames of a decision.
    pub shape: Shape,
    /// The error rate to keep.
    pub target: Target,
    /// Share of genuine pairs for which p is calibrated.
    pub prior: f64,
    /// Rotations, for plans that use them.
    pub rotations: usize,
    /// Use only this plan, by name; `None` compares all.
    pub only: Option<String>,
}

/// The error rate a threshold is derived from. Both are bounds on a whole decision, not on a pair.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One claimed user.
    Fmr(f64),
    /// A search among `enrolled` people: one decision may use `rate / enrolled`. On top of that `judge` raises the odds
    /// with the number of people enrolled, so searches are stricter than asked. The threshold is not lowered to
    /// compensate: a login is one decision at the threshold itself and must keep the reported rate.
    Fpir {
        /// Wanted rate.
        rate: f64,
        /// People enrolled.
        enrolled: usize,
    },
}

/// How one plan performed on people it was not fitted on.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// Name of the plan.
    pub plan: String,
    /// Mean cross-entropy over the folds, nats.
    pub log_loss: f64,
    /// Standard error of that mean.
    pub standard_error: f64,
    /// Mean equal error rate over the folds, `0..=1`.
    pub eer: f64,
}

/// Decisions about people the head never saw, and the threshold they give.
#[derive(Debug, Clone, Serialize)]
pub struct Threshold {
    /// In log-odds.
    pub z: f32,
    /// As probability.
    pub p: f64,
    /// Error rates of those decisions at this threshold.
    #[serde(flatten)]
    pub rates: Rates,
    /// Notes to print with it.
    pub notes: Vec<String>,
}

/// A fitted head and the evidence for it.
pub struct Fitted {
    /// The plan that was chosen.
    pub plan: Plan,
    /// The head, fitted on everyone.
    pub learnt: Learnt,
    /// All plans that were tried.
    pub tried: Vec<Tried>,
    /// The threshold.
    pub threshold: Threshold,
}

/// The plans that compete, from the fewest fitted numbers to the most.
pub fn plans(wish: &Wish) -> Vec<Plan> {
    let plan = |name: &str, rotations, learned, alpha| Plan {
        name: name.to_owned(),
        rotations,
        seed: wish.seed,
        learned,
        alpha,
        bias: true,
        prior: wish.prior,
    };
    let k = wish.rotations;
    let mut plans = vec![plan("rotated", k, None, Alpha::Common), plan("plain", 0, None, Alpha::Common)];
    for lambda in [100.0, 10.0, 1.0, 0.1, 0.01, 0.001] {
        plans.push(plan(&format!("free-{lambda}"), 0, None, Alpha::Free(lambda)));
    }
    for shrink in [0.95, 0.9, 0.8, 0.6] {
        plans.push(plan(&format!("learned-{shrink}"), k, Some(shrink), Alpha::Common));
    }
    plans
}

/// Chooses a plan, fits it on everyone and sets the threshold. `tell` is called with each plan tried.
///
/// # Errors
/// [`RatesError::Asked`] for an unknown plan, too few people, or a head that cannot work.
pub fn fit(set: &Set, wish: &Wish, tell: &mut dyn FnMut(&str)) -> Result<Fitted, RatesError> {
    let mut plans = plans(wish);
    if let Some(only) = &wish.only {
        let names: Vec<String> = plans.iter().map(|p| p.name.clone()).collect();
        plans.retain(|plan| plan.name == *only);
        if plans.is_empty() {
            return Err(RatesError::Asked(format!(
                "unknown plan {only}; choose one of {}",
                names.join(", ")
            )));
        }
    }
    let parts = divided(set, wish.folds, wish.seed)?;
    let mut tried = Vec::new();
    for plan in &plans {
        tell(&plan.name);
        tried.push(try_plan(set, plan, &parts)?);
    }
    let plan = plans.swap_remove(simplest_good(&tried));
    tell("threshold");
    let learnt = plan.learn(set, &|_| true)?;
    let mut threshold = threshold(&unseen_decisions(set, &plan, wish)?, wish.target)?;
    let part = threshold.rates.fnmr_bounds.people;
    let without = set.by_person().iter().filter(|samples| !samples.is_empty()).count() - part;
    if without > 0 {
        let Shape { templates, frames } = wish.shape;
        threshold.notes.push(format!(
            "{without} people have fewer than {} pictures: they helped to fit b and alpha, but the threshold and its rates come from the other {part}",
            templates + frames
        ));
    }
    Ok(Fitted { plan, learnt, tried, threshold })
}

/// The fold of each person, random but fixed by the seed.
pub(super) fn divided(set: &Set, folds: usize, seed: u64) -> Result<Vec<usize>, RatesError> {
    let people = set.people.len();
    if folds < 2 || people < 2 * folds {
        let why = format!(
            "{people} people cannot be divided into {folds} parts of at least two; ask for --folds 2 or add people"
        );
        return Err(RatesError::Asked(why));
    }
    let mut order: Vec<usize> = (0..people).collect();
    SplitMix64(seed).shuffle(&mut order);
    let mut part = vec![0; people];
    order.iter().enumerate().for_each(|(i, person)| part[*person] = i % folds);
    Ok(part)
}

/// Who a head is fitted on and who it is tested on: nobody is in both.
pub(super) fn fold(parts: &[usize], held_out: usize) -> (impl Fn(usize) -> bool, impl Fn(usize) -> bool) {
    (move |person: usize| parts[person] != held_out, move |person: usize| parts[person] == held_out)
}

/// Fits on all folds but one and tests on that one, for each fold.
fn try_plan(set: &Set, plan: &Plan, parts: &[usize]) -> Result<Tried, RatesError> {
    let folds = parts.iter().max().map_or(0, |m| m + 1);
    let (mut losses, mut eers) = (Vec::new(), Vec::new());
    for held_out in 0..folds {
        let (fits, tests) = fold(parts, held_out);
        let table = plan.learn(set, &fits)?.table(set);
        let scored = Pairs::all(set, tests).score(set, &|a, b| table.at(a, b));
        if !scored.genuine.is_empty() && !scored.impostor.is_empty() {
            let curve = Curve::new(&scored);
            losses.push(curve.log_loss());
            eers.push(curve.eer());
        }
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let log_loss = mean(&losses);
    let variance = losses.iter().map(|l| (l - log_loss).powi(2)).sum::<f64>()
        / losses.len().saturating_sub(1).max(1) as f64;
    let standard_error = (variance / losses.len().max(1) as f64).sqrt();
    Ok(Tried { plan: plan.name.clone(), log_loss, standard_error, eer: mean(&eers) })
}

/// The first plan within one standard error of the best (Breiman et al. 1984): with few people a small gain is
/// chance, and extra freedom costs accuracy on new people.
fn simplest_good(tried: &[Tried]) -> usize {
    let best = tried.iter().min_by(|a, b| a.log_loss.total_cmp(&b.log_loss));
    let limit = best.map_or(f64::INFINITY, |best| best.log_loss + best.standard_error);
    tried.iter().position(|t| t.log_loss <= limit).unwrap_or(0)
}

/// Five times: fits on half the people and draws decisions among the others, then swaps the halves.
fn unseen_decisions(set: &Set, plan: &Plan, wish: &Wish) -> Result<Scored, RatesError> {
    let mut all = Scored::default();
    for round in 0..5 {
        let halves = divided(set, 2, wish.seed.wrapping_add(1000 + round))?;
        for half in 0..2 {
            let (fits, tests) = fold(&halves, half);
            let table = plan.learn(set, &fits)?.table(set);
            let seed = wish.seed.wrapping_add(2 * round + half as u64);
            let Some(scored) = decisions(set, wish.shape, seed, &tests, &|a, b| table.at(a, b)) else {
                let Shape { templates, frames } = wish.shape;
                let why = format!(
                    "decisions of {templates} templates and {frames} frames need two people in each half with \
                     {} pictures; ask for fewer with --templates and --frames",
                    templates + frames
                );
                return Err(RatesError::Asked(why));
            };
            all.genuine.extend(scored.genuine);
            all.impostor.extend(scored.impostor);
        }
    }
    Ok(all)
}

/// The lowest threshold whose false match rate is at most the target with 95 % confidence, both as if decisions were
/// independent and by resampling people. If no impostor decision reaches it, neither bound says much: see [`Rates`].
///
/// # Errors
/// [`RatesError::Asked`] for a target that is not a rate.
pub fn threshold(scored: &Scored, target: Target) -> Result<Threshold, RatesError> {
    let (rate, mut notes) = match target {
        Target::Fmr(rate) => (rate, Vec::new()),
        Target::Fpir { rate, enrolled } => {
            let one = rate / enrolled.max(1) as f64;
            let why =
                "in addition, the daemon raises the threshold of a search with the number of people enrolled";
            (
                one,
                vec![format!(
                    "asked for {rate} of searches among {enrolled}, so {one:.1e} of the decisions; {why}"
                )],
            )
        }
    };
    if !(rate > 0.0 && rate < 1.0) {
        return Err(RatesError::Asked(format!("target {rate}: must lie between 0 and 1")));
    }
    let (curve, n) = (Curve::new(scored), scored.impostor.len());
    let bound = |k: usize| clopper_pearson_upper(k, n, CONFIDENCE);
    if bound(0) > rate {
        let wanted = trials_without_event(rate, CONFIDENCE);
        notes.push(format!("{n} impostor decisions cannot show a rate of {rate:.0e} ({wanted} without an error could); the threshold is above all of them"));
    }
    let mut allowed = 0;
    while bound(allowed + 1) <= rate {
        allowed += 1;
    }
    // Thresholds are written in steps of 0.001 in z, upwards.
    let above = |allowed| {
        let at = f64::from(curve.threshold_for(allowed));
        (((at * 1000.0).ceil() + 1.0) / 1000.0) as f32
    };
    // Errors cluster by person, so the bound by people must hold too.
    while allowed > 0 && Rates::at(scored, above(allowed)).fmr_bounds.by_people > Some(rate) {
        allowed -= 1;
    }
    let z = above(allowed);
    if z < 0.0 {
        notes.push(format!("z >= {z}: below p = 0.5, because these people are easier to tell apart than others will be; fit on a harder set"));
    }
    Ok(Threshold {
        z,
        p: facelatch::head::LogOdds(z).probability().value(),
        rates: Rates::at(scored, z),
        notes,
    })
}

#[cfg(test)]
mod tests {
    use super::super::set::drawn_people;
    use super::super::trials::Trial;
    use super::*;

    fn wish(only: Option<&str>) -> Wish {
        Wish {
            folds: 2,
            seed: 5,
            shape: Shape { templates: 2, frames: 1 },
            target: Target::Fmr(1e-2),
            prior: 0.5,
            rotations: 2,
            only: only.map(str::to_owned),
        }
    }

    fn eight_people() -> Set {
        drawn_people(8, 5, 0.0)
    }

    #[test]
    fn nobody_is_in_fit_and_test() {
        let parts = divided(&eight_people(), 3, 1).expect("enough");
        assert_eq!(parts.len(), 8);
        for held_out in 0..3 {
            let (fits, tests) = fold(&parts, held_out);
            assert!((0..8).all(|person| fits(person) != tests(person)), "{parts:?}");
            assert!((0..8).filter(|person| tests(*person)).count() >= 2);
        }
        assert!(divided(&eight_people(), 5, 1).is_err());
    }

    #[test]
    fn the_same_people_and_seed_give_the_same_head() {
        let set = eight_people();
        let once = fit(&set, &wish(None), &mut |_| {}).expect("fits");
        let again = fit(&set, &wish(None), &mut |_| {}).expect("fits");
        assert_eq!((once.learnt.bias, &once.learnt.alpha), (again.learnt.bias, &again.learnt.alpha));
        assert_eq!(once.threshold.z, again.threshold.z);
        assert_eq!(once.tried.len(), plans(&wish(None)).len());
    }

    #[test]
    fn unknown_plans_and_too_few_pictures_are_refused() {
        let set = eight_people();
        let text = fit(&set, &wish(Some("magic")), &mut |_| {}).err().expect("unknown").to_string();
        assert!(text.contains("rotated"), "{text}");
        let many = Wish { shape: Shape { templates: 5, frames: 3 }, ..wish(Some("plain")) };
        let text = fit(&set, &many, &mut |_| {}).err().expect("too few").to_string();
        assert!(text.contains("8 pictures"), "{text}");
    }

    #[test]
    fn people_with_too_few_pictures_are_reported_and_excluded_from_the_rates() {
        let mut set = eight_people();
        let mut of_p0 = 0;
        set.samples.retain(|s| {
            of_p0 += usize::from(s.person == 0);
            s.person != 0 || of_p0 <= 2
        });
        let fitted = fit(&set, &wish(Some("plain")), &mut |_| {}).expect("fits");
        assert_eq!(fitted.threshold.rates.fnmr_bounds.people, 7);
        let said = super::super::report::threshold(&fitted).join("\n");
        assert!(said.contains("1 people have fewer than 3 pictures"), "{said}");
        assert!(said.contains("7 people, ") && !said.contains("0 by people"), "{said}");
        assert!(said.contains("0 people a miss (FNMR at most 34.82 %)"), "none of seven: {said}");
    }

    #[test]
    fn a_small_gain_does_not_justify_a_freer_plan() {
        let tried = |log_loss| Tried { plan: String::new(), log_loss, standard_error: 0.1, eer: 0.0 };
        assert_eq!(simplest_good(&[tried(0.55), tried(0.5), tried(0.9)]), 0);
        assert_eq!(simplest_good(&[tried(0.75), tried(0.5)]), 1);
    }

    #[test]
    fn the_threshold_keeps_the_target_with_confidence_or_says_that_it_cannot() {
        let trials = |n: usize, at: f32| {
            (0..n).map(|i| Trial { z: at + i as f32 / n as f32, people: (0, 1) }).collect()
        };
        let scored = Scored { genuine: trials(100, 5.0), impostor: trials(10_000, 0.0) };
        let got = threshold(&scored, Target::Fmr(1e-2)).expect("a rate");
        assert!(
            got.rates.fmr_upper95 <= 1e-2 && got.rates.fmr_bounds.errors > 50 && got.notes.is_empty(),
            "{got:?}"
        );
        let strict = threshold(&scored, Target::Fmr(1e-5)).expect("a rate");
        assert!(strict.rates.fmr_bounds.errors == 0 && strict.notes[0].contains("299572"));
        assert!(strict.rates.fmr_upper95 >= 0.95, "one pair of people shows nothing");
        let of_ten = threshold(&scored, Target::Fpir { rate: 0.1, enrolled: 10 }).expect("a rate");
        assert_eq!((of_ten.z, of_ten.rates.fmr), (got.z, got.rates.fmr), "a login keeps its rate");
        assert!(of_ten.notes[0].contains("1.0e-2 of the decisions"), "{:?}", of_ten.notes);
        assert!(threshold(&scored, Target::Fmr(0.0)).is_err());
        let easy = Scored { genuine: trials(100, 5.0), impostor: trials(10_000, -9.0) };
        let easy = threshold(&easy, Target::Fmr(1e-2)).expect("a rate");
        assert!(easy.z < 0.0 && easy.notes[0].contains("a harder set"), "{easy:?}");
    }
}
