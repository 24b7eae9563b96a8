//! Counts the errors of pairs at a threshold: by people, by quality, by group.

use std::collections::BTreeMap;

use serde::Serialize;

use super::set::{Quality, Set};
use super::table::Table;
use super::tally::{Cells, Spread, Tally, cells};
use super::trials::{Pair, Pairs, Score};

/// Part of the pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Genuine pairs in it.
    pub genuine: usize,
    /// Impostor pairs in it; 0 where only genuine ones are counted.
    pub impostor: usize,
    /// At the threshold; `None` without pairs.
    pub fmr: Option<f64>,
    /// At the threshold; `None` without pairs.
    pub fnmr: Option<f64>,
}

/// Errors of pairs at a threshold.
pub struct Counts {
    /// Genuine pairs, and those below it.
    pub misses: Tally,
    /// Impostor pairs, and those that reach it.
    pub matches: Tally,
    /// Genuine pairs by the quality gate's verdict on the worse picture.
    pub by_quality: Vec<Group>,
    /// Pairs within each group of people.
    pub by_group: Vec<Group>,
}

/// The threshold in log-odds, and the group of each person by name.
pub type At<'a> = (f32, &'a BTreeMap<String, String>);

impl Counts {
    /// Of every pair of a set.
    pub fn of_all(set: &Set, table: &Table, at: At<'_>) -> Self {
        let mut counter = Counter::new(set, at);
        for (b, sample) in set.samples.iter().enumerate() {
            for (a, z) in table.before(b).iter().enumerate() {
                counter.add((a, b), set.samples[a].person == sample.person, *z);
            }
        }
        let pictures: Vec<u32> = set.by_person().iter().map(|samples| samples.len() as u32).collect();
        let pairs = |(p, n): (u32, &u32)| (*n > 1).then(|| ((p, p), *n as usize * (*n as usize - 1) / 2));
        let genuine = (0..).zip(&pictures).filter_map(pairs).collect();
        counter.counts(Spread::Listed(genuine), Spread::Crossed(pictures))
    }

    /// Of some pairs.
    pub fn of_pairs(set: &Set, pairs: &Pairs, z: Score<'_>, at: At<'_>) -> Self {
        let mut counter = Counter::new(set, at);
        for (list, same) in [(&pairs.genuine, true), (&pairs.impostor, false)] {
            list.iter().for_each(|(a, b)| counter.add((*a, *b), same, z(*a, *b)));
        }
        let spread = |list: &[Pair]| Spread::Listed(cells(list.iter().map(|pair| people(set, *pair))));
        counter.counts(spread(&pairs.genuine), spread(&pairs.impostor))
    }
}

struct Counter<'a> {
    set: &'a Set,
    level: f32,
    /// Of each person, by its place among `groups`.
    group: Vec<Option<usize>>,
    /// Name, genuine pairs, misses, impostor pairs, matches.
    groups: Vec<(&'a str, [usize; 4])>,
    misses: Cells,
    matches: Cells,
    /// Genuine pairs and misses.
    quality: BTreeMap<Quality, (usize, usize)>,
}

impl<'a> Counter<'a> {
    fn new(set: &'a Set, (level, groups): At<'a>) -> Self {
        let mut names: Vec<&str> = groups.values().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let group = |person: &String| names.binary_search(&groups.get(person)?.as_str()).ok();
        Self {
            set,
            level,
            group: set.people.iter().map(group).collect(),
            groups: names.iter().map(|name| (*name, [0; 4])).collect(),
            misses: Cells::new(),
            matches: Cells::new(),
            quality: BTreeMap::new(),
        }
    }

    fn add(&mut self, pair: Pair, same: bool, z: f32) {
        let samples = [&self.set.samples[pair.0], &self.set.samples[pair.1]];
        let wrong = (z >= self.level) != same;
        if wrong {
            let cells = if same { &mut self.misses } else { &mut self.matches };
            *cells.entry(people(self.set, pair)).or_default() += 1;
        }
        if same {
            let count = self.quality.entry(samples[0].quality.max(samples[1].quality)).or_default();
            *count = (count.0 + 1, count.1 + usize::from(wrong));
        }
        let [one, other] = samples.map(|sample| self.group[sample.person]);
        if let Some(group) = one.filter(|_| one == other) {
            let (_, count) = &mut self.groups[group];
            let slot = if same { 0 } else { 2 };
            count[slot] += 1;
            count[slot + 1] += usize::from(wrong);
        }
    }

    fn counts(self, genuine: Spread, impostor: Spread) -> Counts {
        let share = |errors: usize, all: usize| (all > 0).then(|| errors as f64 / all as f64);
        let quality = |(quality, (genuine, misses)): (Quality, (usize, usize))| Group {
            name: quality.name(),
            genuine,
            impostor: 0,
            fmr: None,
            fnmr: share(misses, genuine),
        };
        let group = |(name, [genuine, misses, impostor, matches]): (&str, [usize; 4])| Group {
            name: name.to_owned(),
            genuine,
            impostor,
            fmr: share(matches, impostor),
            fnmr: share(misses, genuine),
        };
        let seen = |(_, counts): &(&str, [usize; 4])| counts[0] + counts[2] > 0;
        Counts {
            misses: Tally { spread: genuine, wrong: self.misses },
            matches: Tally { spread: impostor, wrong: self.matches },
            by_quality: self.quality.into_iter().map(quality).collect(),
            by_group: self.groups.into_iter().filter(seen).map(group).collect(),
        }
    }
}

/// Numbers of the two people, the smaller first.
fn people(set: &Set, (a, b): Pair) -> (u32, u32) {
    let (a, b) = (set.samples[a].person as u32, set.samples[b].person as u32);
    (a.min(b), a.max(b))
}
