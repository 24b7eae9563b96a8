//! An impostor who knows the second factor wants a person's templates to become their own.

use facelatch::embed::{CHIP_SIDE_PX, Embedding};
use facelatch::head::{Head, LogOdds};
use facelatch::judge::adapt::Reach;
use facelatch::model::ModelError;
use image::RgbImage;
use serde::Serialize;

use super::{Bank, Crowd, Face, Rule};
use crate::acquire::{Bench, OnPicture};
use crate::bound::clopper_pearson_upper;
use crate::rate::CONFIDENCE;
use crate::set::Set;
use crate::{RatesError, cores, picture};

/// Steps from the user to the impostor.
const STEPS: usize = 25;

/// How often the impostor goes through all steps.
const ROUNDS: usize = 3;

/// What the impostor shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// Their own face.
    Own,
    /// Blends of a picture of the user and one of their own, aligned by the five landmarks, from the one to the other.
    Morphs,
    /// The same between the embeddings: no picture can be better placed.
    Ideal,
    /// Nothing: their own templates are put into the store, as if nothing had been checked.
    Given,
}

impl Attack {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "their own face",
            Self::Morphs => "morphs, step by step",
            Self::Ideal => "ideal morphs of embeddings",
            Self::Given => "their own templates in the store",
        }
    }
}

/// One attack under one rule.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was shown.
    pub attack: Attack,
    /// By which rule templates change.
    pub rule: &'static str,
    /// Pairs of user and impostor.
    pub pairs: usize,
    /// Pairs in which something became a template.
    pub taken: usize,
    /// Mean share of the impostor in the last face that was taken, `0..=1`.
    pub share: f64,
    /// Mean score of the impostor's face before, in log-odds, and afterwards.
    pub before: f64,
    /// See `before`.
    pub after: f64,
    /// Pairs in which the impostor's own face, from other pictures, matched before.
    pub matched_before: usize,
    /// Pairs in which it did afterwards.
    pub matched: usize,
    /// 95 % upper bound of their share.
    pub matched_upper95: f64,
}

/// Pictures of a pair: the user's enrolled ones, what is shown from the user to the impostor, and the impostor's frames.
struct Pair {
    enrolled: Vec<Vec<f32>>,
    own: Vec<Vec<f32>>,
    morphs: Vec<Vec<f32>>,
    ideal: Vec<Vec<f32>>,
    frames: Vec<Vec<f32>>,
}

/// Every person with the impostor who is most like them, of everybody in the crowd.
///
/// # Errors
/// When a network fails.
pub fn attack(
    (bench, set): (&Bench, &Set),
    crowd: &Crowd,
    head: &Head,
    (templates, frames, reach): (usize, usize, Reach),
    tell: OnPicture<'_>,
) -> Result<Vec<Row>, RatesError> {
    let (mut pairs, mut done) = (Vec::new(), 0);
    let jobs: Vec<(usize, usize)> =
        (0..crowd.people.len()).map(|user| (user, nearest(crowd, head, templates, user))).collect();
    let total = jobs.len();
    let make = |(user, impostor)| pair((bench, set), crowd, head, (templates, frames), (user, impostor));
    cores::each(jobs.into_iter(), make, |pair| {
        pairs.extend(pair?);
        done += 1;
        tell(done, total);
        Ok(())
    })?;
    let rules = [Rule::Limited(reach), Rule::Unlimited(reach), Rule::SelfUpdating(reach)];
    let attacks = [Attack::Own, Attack::Morphs, Attack::Ideal, Attack::Given];
    let rows = rules.iter().flat_map(|rule| attacks.map(|attack| row(head, &pairs, *rule, attack)));
    Ok(rows.collect())
}

/// The other person whose faces score best against this one's templates.
fn nearest(crowd: &Crowd, head: &Head, templates: usize, user: usize) -> usize {
    let enrolled = crowd.people[user].1.iter().take(templates).map(Vec::as_slice).collect();
    let bank = Bank::new(enrolled);
    let score = |other: &usize| {
        let faces: Vec<Face<'_>> = crowd.people[*other].1.iter().map(Vec::as_slice).collect();
        bank.enrolled_only(head, &faces).0
    };
    let others = (0..crowd.people.len()).filter(|other| *other != user);
    others.max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or(user)
}

/// The user's first pictures are enrolled and the next one is what the impostor has of them. Of the impostor's, the first ones
/// are judged, the last is shown. `None` where a face is not found again.
fn pair(
    (bench, set): (&Bench, &Set),
    crowd: &Crowd,
    head: &Head,
    (templates, frames): (usize, usize),
    (user, impostor): (usize, usize),
) -> Result<Option<Pair>, ModelError> {
    let (theirs, own) = (&crowd.samples[user], &crowd.samples[impostor]);
    let (Some(start), Some(end)) = (theirs.get(templates), own.last()) else { return Ok(None) };
    let (start, end) = (&set.samples[*start], &set.samples[*end]);
    let (Ok(Some(from)), Ok(Some(to))) = (bench.chip(&start.path)?, bench.chip(&end.path)?) else {
        return Ok(None);
    };
    let mut morphs = Vec::new();
    for step in 1..=STEPS {
        let Some(chip) = blend(from.rgb(), to.rgb(), share(step)) else { return Ok(None) };
        morphs.push(head.project(&bench.embedder.embed(&chip)?.embedding).into_owned());
    }
    let between = |step| between(&start.embedding, &end.embedding, share(step));
    let ideal = (1..=STEPS).filter_map(between).map(|e| head.project(&e).into_owned()).collect();
    let faces = &crowd.people[impostor].1;
    Ok(Some(Pair {
        enrolled: crowd.people[user].1[..templates].to_vec(),
        own: faces[frames..].to_vec(),
        morphs,
        ideal,
        frames: faces[..frames].to_vec(),
    }))
}

fn share(step: usize) -> f32 {
    step as f32 / STEPS as f32
}

fn blend(from: &[u8], to: &[u8], share: f32) -> Option<facelatch::embed::Chip> {
    let mix = |(a, b): (&u8, &u8)| (f32::from(*a) * (1.0 - share) + f32::from(*b) * share).round() as u8;
    let rgb = from.iter().zip(to).map(mix).collect();
    picture::chip(&RgbImage::from_raw(CHIP_SIDE_PX, CHIP_SIDE_PX, rgb)?)
}

fn between(from: &Embedding, to: &Embedding, share: f32) -> Option<Embedding> {
    let mix = |(a, b): (&f32, &f32)| a * (1.0 - share) + b * share;
    Embedding::new(from.values().iter().zip(to.values()).map(mix).collect()).ok()
}

fn row(head: &Head, pairs: &[Pair], rule: Rule, attack: Attack) -> Row {
    let mut row = Row {
        attack,
        rule: rule.name(),
        pairs: pairs.len(),
        taken: 0,
        share: 0.0,
        before: 0.0,
        after: 0.0,
        matched_before: 0,
        matched: 0,
        matched_upper95: 0.0,
    };
    let threshold = head.threshold().log_odds();
    for pair in pairs {
        let mut bank = Bank::new(pair.enrolled.iter().map(Vec::as_slice).collect());
        let frames: Vec<Face<'_>> = pair.frames.iter().map(Vec::as_slice).collect();
        let before = bank.decide(head, rule, &frames);
        let shares = present(head, rule, attack, pair, &mut bank);
        let after = bank.decide(head, rule, &frames);
        row.taken += usize::from(shares.is_some());
        row.share += f64::from(shares.unwrap_or_default());
        row.before += f64::from(before.0);
        row.after += f64::from(after.0);
        row.matched_before += usize::from(before.0 >= threshold.0);
        row.matched += usize::from(after.0 >= threshold.0);
    }
    let mean = |sum: f64, n: usize| sum / n.max(1) as f64;
    row.share = mean(row.share, row.taken);
    (row.before, row.after) = (mean(row.before, pairs.len()), mean(row.after, pairs.len()));
    row.matched_upper95 = clopper_pearson_upper(row.matched, row.pairs, CONFIDENCE);
    row
}

/// Shows everything there is, again and again; the share of the impostor in the last face that was taken.
fn present<'a>(head: &Head, rule: Rule, attack: Attack, pair: &'a Pair, bank: &mut Bank<'a>) -> Option<f32> {
    let nobody = || None::<LogOdds>;
    let shown: Vec<(Face<'a>, f32)> = match attack {
        Attack::Own | Attack::Given => pair.own.iter().map(|face| (face.as_slice(), 1.0)).collect(),
        Attack::Morphs => steps(&pair.morphs).collect(),
        Attack::Ideal => steps(&pair.ideal).collect(),
    };
    if attack == Attack::Given {
        bank.give(shown.iter().take(facelatch::judge::adapt::MOST_ADAPTED).map(|(face, _)| *face));
        return Some(1.0);
    }
    let all = shown.iter().cycle().take(ROUNDS * shown.len());
    let taken = all.filter(|(face, _)| bank.offer(head, rule, face, nobody)).map(|(_, share)| *share);
    taken.last()
}

fn steps(morphs: &[Vec<f32>]) -> impl Iterator<Item = (Face<'_>, f32)> {
    (1..).zip(morphs).map(|(step, face)| (face.as_slice(), share(step)))
}
