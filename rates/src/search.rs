//! Searches among many people enrolled (1:N): drawn here, ranked and judged by the daemon's own functions.

pub mod report;

use std::collections::BTreeMap;

use serde::Serialize;

use super::bound::clopper_pearson_upper;
use super::rate::{Bounds, CONFIDENCE, Rates};
use super::set::Set;
use super::tally::Tally;
use super::trials::Trial;
use super::{RatesError, cores};
use facelatch::head::project::SplitMix64;
use facelatch::head::{LogOdds, Probability};
use facelatch::judge::{Policy, Ranked, Refusal, rank};

/// Powers of the number of people that the odds may grow by; with 1 they grow as the chances of a false match do.
const POWERS: [f64; 6] = [0.0, 0.25, 1.0 / 3.0, 0.5, 0.75, 1.0];

/// Log-odds of a user's templates and the frames before the camera, by number of their samples; `None` where one of the two is
/// empty.
pub type Decide<'a> = &'a (dyn Fn(&[usize], &[usize]) -> Option<f32> + Sync);

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Draw {
    /// People enrolled; fewer if fewer have the pictures for it.
    pub enrolled: usize,
    /// Only people up to this number are enrolled; those after them are strangers only.
    pub of_first: usize,
    /// Fewest and most templates of a person: as many as they have.
    pub templates: (usize, usize),
    /// Frames of the person who is searched, who has no template of the same picture.
    pub frames: usize,
    /// Frames made of each of these pictures: 1 is the picture itself.
    pub alike: usize,
    /// How often people are drawn to be enrolled.
    pub galleries: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// One search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// Who is before the camera.
    pub person: u32,
    /// How many templates they have; 0: a stranger.
    pub templates: usize,
    /// Who scored best.
    pub ranked: Ranked<u32>,
}

/// All searches.
pub struct Searches {
    /// People enrolled in each gallery.
    pub enrolled: usize,
    /// People who were ever a stranger, times people enrolled while they were: pairs of people, each counted once.
    pub pairs: usize,
    /// In the order of the draws.
    pub searches: Vec<Search>,
}

/// Rates of the searches under one policy.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Outcome {
    /// Strangers who are let in, counted by strangers.
    pub fpir: Bounds,
    /// Users who are not let in as themselves, counted by people.
    pub fnir: Bounds,
    /// Of those: no match, a match of two people, and taken for somebody else.
    pub missed: [usize; 3],
    /// Pairs of a stranger and a person enrolled who were compared.
    pub pairs: usize,
    /// Of those, pairs with a false match.
    pub pairs_matched: usize,
}

impl Outcome {
    /// Upper 95 % bound of FPIR among `enrolled` people, by pairs of people: each person enrolled is another chance.
    pub fn fpir_by_pairs(&self, enrolled: usize) -> f64 {
        (clopper_pearson_upper(self.pairs_matched, self.pairs, CONFIDENCE) * enrolled as f64).min(1.0)
    }
}

/// One gallery: who is enrolled with which samples, and who is searched with which.
#[derive(Default)]
struct Gallery {
    templates: Vec<(u32, Vec<usize>)>,
    /// Person, number of their templates, frames.
    probes: Vec<(u32, usize, Vec<usize>)>,
}

/// Draws galleries and searches everybody who has pictures left: users and strangers.
///
/// # Errors
/// [`RatesError::Asked`] where fewer than two people can be enrolled, or nobody is searched.
pub fn searches(set: &Set, decide: Decide<'_>, draw: &Draw) -> Result<Searches, RatesError> {
    let mut people: Vec<(u32, Vec<usize>)> = (0..).zip(set.by_person()).collect();
    people.iter_mut().for_each(|(_, samples)| samples.retain(|sample| set.samples[*sample].believed));
    let mut random = SplitMix64(draw.seed);
    let mut found = Searches { enrolled: 0, pairs: 0, searches: Vec::new() };
    let mut compared = vec![false; set.people.len() * draw.of_first];
    for _ in 0..draw.galleries {
        let gallery = gallery(&mut people, draw, &mut random);
        if gallery.templates.len() < 2 {
            let why = format!("fewer than two people have the {} pictures to be enrolled", draw.templates.0);
            return Err(RatesError::Asked(why));
        }
        found.enrolled = gallery.templates.len();
        for (stranger, ..) in gallery.probes.iter().filter(|(_, templates, _)| *templates == 0) {
            for (user, _) in &gallery.templates {
                compared[*stranger as usize * draw.of_first + *user as usize] = true;
            }
        }
        let searched = cores::map(gallery.probes.iter(), |probe| search(&gallery, probe, decide));
        found.searches.extend(searched.into_iter().flatten());
    }
    if found.searches.is_empty() {
        let why =
            format!("nobody has {} pictures left to be searched with; ask for fewer --frames", draw.frames);
        return Err(RatesError::Asked(why));
    }
    found.pairs = compared.into_iter().filter(|pair| *pair).count();
    Ok(found)
}

fn gallery(people: &mut [(u32, Vec<usize>)], draw: &Draw, random: &mut SplitMix64) -> Gallery {
    let (least, most) = draw.templates;
    random.shuffle(people);
    let mut drawn = Gallery::default();
    for (person, samples) in people {
        random.shuffle(samples);
        let can_be_enrolled = (*person as usize) < draw.of_first && samples.len() >= least.max(1);
        if !can_be_enrolled || drawn.templates.len() == draw.enrolled {
            if samples.len() >= draw.frames {
                drawn.probes.push((*person, 0, samples[..draw.frames].to_vec()));
            }
            continue;
        }
        let (frames, rest) = samples.split_at(draw.frames.min(samples.len()));
        // Who has too few pictures for both is enrolled and not searched.
        let is_searched = rest.len() >= least.max(1);
        let templates = if is_searched { rest } else { samples.as_slice() };
        let templates = &templates[..most.max(1).min(templates.len())];
        if is_searched {
            drawn.probes.push((*person, templates.len(), frames.to_vec()));
        }
        drawn.templates.push((*person, templates.to_vec()));
    }
    drawn
}

/// As the daemon's pipeline compares with everybody.
fn search(gallery: &Gallery, probe: &(u32, usize, Vec<usize>), decide: Decide<'_>) -> Option<Search> {
    let (person, templates, frames) = probe;
    let score = |(user, samples): &(u32, Vec<usize>)| decide(samples, frames).map(|z| (*user, LogOdds(z)));
    let ranked = rank(gallery.templates.iter().filter_map(score))?;
    Some(Search { person: *person, templates: *templates, ranked })
}

impl Searches {
    /// Rates under a policy, of users with so many templates, and of all strangers.
    pub fn judge(&self, policy: Policy, templates: std::ops::RangeInclusive<usize>) -> Outcome {
        let (mut strangers, mut users) = (Vec::new(), Vec::new());
        let (mut missed, mut matched) = ([0; 3], Vec::new());
        for Search { person, templates: own, ranked } in &self.searches {
            let judged = policy.check_scores(ranked.z, ranked.second);
            // 1 where it is right, -1 where it is wrong, for users; the other way round for strangers.
            let trial = |z: f32| Trial { z, people: (*person, *person) };
            if *own == 0 {
                strangers.push(trial(if judged.is_ok() { 1.0 } else { -1.0 }));
                if judged.is_ok() {
                    matched.push((*person, ranked.best));
                }
            } else if templates.contains(own) {
                let is_right = judged.is_ok() && ranked.best == *person;
                users.push(trial(if is_right { 1.0 } else { -1.0 }));
                match judged {
                    Err(Refusal::Ambiguous) => missed[1] += 1,
                    Err(_) => missed[0] += 1,
                    Ok(()) => missed[2] += usize::from(!is_right),
                }
            }
        }
        matched.sort_unstable();
        matched.dedup();
        let rates = Rates::of(&Tally::of(&users, |t| t.z < 0.0), &Tally::of(&strangers, |t| t.z >= 0.0));
        Outcome {
            fpir: rates.fmr_bounds,
            fnir: rates.fnmr_bounds,
            missed,
            pairs: self.pairs,
            pairs_matched: matched.len(),
        }
    }

    /// Strangers who are let in under a policy, each with the user they are taken for, and in how many searches.
    pub fn let_in(&self, policy: Policy) -> BTreeMap<(u32, u32), usize> {
        let mut all = BTreeMap::new();
        for Search { person, ranked, .. } in self.searches.iter().filter(|search| search.templates == 0) {
            if policy.check_scores(ranked.z, ranked.second).is_ok() {
                *all.entry((*person, ranked.best)).or_default() += 1;
            }
        }
        all
    }

    /// The most templates of a user who was searched.
    pub fn most_templates(&self) -> usize {
        self.searches.iter().map(|search| search.templates).max().unwrap_or(0)
    }
}

/// What is measured for one number of frames. The field names are the JSON keys.
#[derive(Debug, Clone, Serialize)]
pub struct Searched {
    /// How it was drawn.
    pub draw: Draw,
    /// People enrolled in each gallery.
    pub enrolled: usize,
    /// The number of people the policy is for.
    pub judged_as: usize,
    /// The head's threshold, in log-odds.
    pub z: f32,
    /// Under the daemon's policy.
    pub shipped: Outcome,
    /// Strangers who were let in under it, for whom, and in how many searches: to be looked at.
    pub let_in: Vec<(String, String, usize)>,
    /// The same of users with so many templates.
    pub by_templates: Vec<(usize, Outcome)>,
    /// The same with other thresholds of the head, in log-odds; the odds grow by the number of people.
    pub by_threshold: Vec<(f32, Outcome)>,
    /// The same at the head's threshold where the odds grow by this power of the number of people.
    pub by_growth: Vec<(f64, Outcome)>,
}

/// Draws, searches and judges. `judged_as`: the number of people the policy is for, whoever is enrolled.
///
/// # Errors
/// As [`searches`].
pub fn measure(
    set: &Set,
    decide: Decide<'_>,
    threshold: Probability,
    draw: &Draw,
    judged_as: usize,
) -> Result<Searched, RatesError> {
    let found = searches(set, decide, draw)?;
    let (everybody, z) = (1..=usize::MAX, threshold.log_odds().0);
    let policy = Policy::identify(threshold, judged_as);
    let at = |z: f32| Policy::identify(LogOdds(z).probability(), judged_as);
    let of = |policy: Policy| found.judge(policy, everybody.clone());
    let name = |person: u32| set.people[person as usize].clone();
    let grown = |power: &f64| (*power, of(Policy::with_growth(threshold, judged_as, *power)));
    Ok(Searched {
        draw: *draw,
        enrolled: found.enrolled,
        judged_as,
        z,
        shipped: of(policy),
        let_in: found.let_in(policy).into_iter().map(|((a, b), n)| (name(a), name(b), n)).collect(),
        by_templates: (1..=found.most_templates()).map(|n| (n, found.judge(policy, n..=n))).collect(),
        by_threshold: (-8..=4).map(|step| z + step as f32 / 2.0).map(|z| (z, of(at(z)))).collect(),
        by_growth: POWERS.iter().map(grown).collect(),
    })
}

#[cfg(test)]
mod tests;
