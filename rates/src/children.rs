//! Children, whom an embedder confuses: how alike they are by age, and what tells them from adults. A cue is learnt from pictures
//! of one set whose terms allow that, and measured on others.

mod cue;
mod sheet;

use std::path::Path;

use super::RatesError;
use super::acquire::Bench;
use super::bound::clopper_pearson_upper;
use super::set::Set;
use super::table::{Features, Table};
use facelatch::head::Head;

pub use cue::{Cue, Direction, Learnt};
pub use sheet::markdown;

/// Ages of a row of the table, in years.
const BANDS: [(u8, u8); 9] =
    [(0, 2), (3, 5), (6, 9), (10, 12), (13, 15), (16, 19), (20, 39), (40, 59), (60, u8::MAX)];

/// From this age on somebody who is refused is refused wrongly.
const ADULT: u8 = 18;

/// Two pictures with a cosine above this show one person, whatever they are labelled as: left out.
const SAME: f32 = 0.8;

/// Share of adults that each cue may refuse where they are compared.
const REFUSED: f64 = 0.01;

/// A picture of somebody whose age is known.
pub struct Aged {
    /// In years; the lower end of a range.
    pub age: u8,
    /// Name of the folder.
    pub group: String,
    /// Number in the set.
    pub sample: usize,
}

/// The first whole number in a name such as `10_0_0_2017.jpg`, `3-9` or `70+`.
pub fn age_in(name: &str) -> Option<u8> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    name[..digits].parse().ok()
}

/// Whose age is known, of the pictures that the daemon would judge: by the name of the file, or of the person where `by_person`.
///
/// # Errors
/// [`RatesError`] naming the first picture without an age.
pub fn aged(bench: &Bench, set: &Set, by_person: bool) -> Result<Vec<Aged>, RatesError> {
    let mut aged = Vec::with_capacity(set.samples.len());
    for (sample, seen) in set.samples.iter().enumerate() {
        let group = &set.people[seen.person];
        let file = seen.path.file_name().unwrap_or_default().to_string_lossy();
        let Some(age) = age_in(if by_person { group } else { &file }) else {
            let why = "its name begins with no age; wanted AGE_..., in years";
            return Err(RatesError::data(&seen.path, why));
        };
        if bench.embedder.check(&seen.measures).is_ok() {
            aged.push(Aged { age, group: group.clone(), sample });
        }
    }
    Ok(aged)
}

/// A count of some, of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are counted.
    pub some: usize,
    /// All.
    pub of: usize,
}

impl Share {
    fn count(all: impl Iterator<Item = bool>) -> Self {
        all.fold(Self::default(), |Self { some, of }, one| Self { some: some + usize::from(one), of: of + 1 })
    }

    /// 0 of none.
    pub fn rate(self) -> f64 {
        self.some as f64 / self.of.max(1) as f64
    }

    /// With 95 % confidence, as if each were independent.
    pub fn at_most(self) -> f64 {
        clopper_pearson_upper(self.some, self.of, 0.95)
    }
}

/// What a cue does in one band of ages.
pub struct Band {
    /// Youngest and oldest.
    pub ages: (u8, u8),
    /// Faces that it takes for a child's.
    pub caught: Share,
    /// Pairs of people of the band that match.
    pub alike: Share,
    /// Those that match, neither being taken for a child.
    pub left: Share,
    /// The same of everybody not taken for a child, with everybody: a template may be a child's whom an owner has allowed.
    pub across: Share,
}

/// A cue at one threshold.
pub struct Row {
    /// Its name, and what it costs.
    pub cue: &'static str,
    /// At least this is taken for a child.
    pub threshold: f32,
    /// By age.
    pub bands: Vec<Band>,
    /// Adults it refuses, by group.
    pub adults: Vec<(String, Share)>,
}

impl Row {
    /// Of all groups.
    pub fn refused(&self) -> Share {
        let add = |a: Share, (_, b): &(String, Share)| Share { some: a.some + b.some, of: a.of + b.of };
        self.adults.iter().fold(Share::default(), add)
    }
}

/// Scores of all pairs, and which of them count.
pub struct Pairs<'a> {
    set: &'a Set,
    table: Table,
    level: f32,
}

impl<'a> Pairs<'a> {
    /// Compares everybody with everybody.
    pub fn of(set: &'a Set, head: &Head) -> Self {
        let table = Table::new(&Features::of_head(set, head), head.formula(), &mut |_, _| ());
        Self { set, table, level: head.threshold().log_odds().0 }
    }

    /// Whether two pictures match; `None` if they are one picture, or show one person.
    fn matches(&self, a: usize, b: usize) -> Option<bool> {
        (a != b && self.set.cosine(a, b) < SAME).then(|| self.table.at(a, b) >= self.level)
    }
}

/// The row of a cue whose values are `values`, one for each of `people`.
pub fn row(cue: &'static str, values: &[f32], threshold: f32, people: &[Aged], pairs: &Pairs<'_>) -> Row {
    let is_child: Vec<bool> = values.iter().map(|value| *value >= threshold).collect();
    let band = |ages: (u8, u8)| {
        let inside: Vec<usize> =
            (0..people.len()).filter(|n| (ages.0..=ages.1).contains(&people[*n].age)).collect();
        let matches = |a: usize, b: usize| pairs.matches(people[a].sample, people[b].sample);
        let among =
            || inside.iter().enumerate().flat_map(|(at, a)| inside[..at].iter().map(move |b| (*a, *b)));
        let scored = among().filter_map(|(a, b)| Some((a, b, matches(a, b)?))).collect::<Vec<_>>();
        let admitted = inside.iter().filter(|n| !is_child[**n]);
        let across = admitted.flat_map(|a| (0..people.len()).filter_map(move |b| matches(*a, b)));
        Band {
            ages,
            caught: Share::count(inside.iter().map(|n| is_child[*n])),
            alike: Share::count(scored.iter().map(|(_, _, is_match)| *is_match)),
            left: Share::count(
                scored.iter().map(|(a, b, is_match)| *is_match && !is_child[*a] && !is_child[*b]),
            ),
            across: Share::count(across),
        }
    };
    let mut adults: std::collections::BTreeMap<&str, Share> = std::collections::BTreeMap::new();
    for (person, is_child) in people.iter().zip(&is_child).filter(|(person, _)| person.age >= ADULT) {
        let share = adults.entry(&person.group).or_default();
        *share = Share { some: share.some + usize::from(*is_child), of: share.of + 1 };
    }
    let adults = adults.into_iter().map(|(group, share)| (group.to_owned(), share)).collect();
    Row { cue, threshold, bands: BANDS.map(band).into(), adults }
}

/// The threshold that refuses one adult in a hundred.
pub fn threshold(values: &[f32], people: &[Aged]) -> f32 {
    let mut adults: Vec<f32> =
        values.iter().zip(people).filter(|(_, p)| p.age >= ADULT).map(|(value, _)| *value).collect();
    adults.sort_by(|a, b| b.total_cmp(a));
    let allowed = (adults.len() as f64 * REFUSED) as usize;
    // Just above the first who may not be refused.
    adults.get(allowed).map_or(f32::INFINITY, |value| value.next_up())
}

/// Of grown people with several pictures: single pictures that a direction takes for a child's, and means of each person's first
/// three.
pub fn refused(bench: &Bench, set: &Set, direction: &Direction) -> (Share, Share) {
    let judged = |n: &&usize| bench.embedder.check(&set.samples[**n].measures).is_ok();
    let value = |n: &usize| direction.cosine(set.samples[*n].embedding.values());
    let people: Vec<Vec<f32>> =
        set.by_person().iter().map(|of| of.iter().filter(judged).map(value).collect()).collect();
    let single = Share::count(people.iter().flatten().map(|value| *value >= direction.min_cosine));
    let mean = |of: &Vec<f32>| of[..3].iter().sum::<f32>() / 3.0 >= direction.min_cosine;
    let several = Share::count(people.iter().filter(|of| of.len() >= 3).map(mean));
    (single, several)
}

/// The proportions of a face: from eye to eye, by the height from eyes to mouth. Greater in small children.
///
/// # Errors
/// [`RatesError`] when the detector fails.
pub fn proportions(bench: &Bench, path: &Path) -> Result<f32, RatesError> {
    let Some(face) = bench.face(path)?.ok().flatten() else { return Ok(0.0) };
    let [right, left, _, mouth_right, mouth_left] = face.landmarks.map(|point| (point.x, point.y));
    let middle = |a: (f32, f32), b: (f32, f32)| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let apart = |a: (f32, f32), b: (f32, f32)| (a.0 - b.0).hypot(a.1 - b.1);
    Ok(apart(right, left) / apart(middle(right, left), middle(mouth_right, mouth_left)).max(1.0))
}

#[cfg(test)]
mod tests;
