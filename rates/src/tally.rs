//! Trials counted by the people in them: what the bounds of a rate are computed from.

use std::collections::BTreeMap;

use super::trials::Trial;

/// A count for each two people, by number, the smaller first; one person twice in genuine trials.
pub type Cells = BTreeMap<(u32, u32), usize>;

/// Trials of one kind, and those with an error.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Who was compared, how often.
    pub spread: Spread,
    /// Trials with an error. People without one are absent.
    pub wrong: Cells,
}

/// Who was compared, how often.
#[derive(Debug, Clone)]
pub enum Spread {
    /// Counted one by one.
    Listed(Cells),
    /// Each picture with each of every other person: the number of pictures of each person. Millions of pairs of people
    /// take no memory.
    Crossed(Vec<u32>),
    /// Everyone is enrolled, and each probe is compared with everybody else: the people, and the number of their probes.
    Probed(Vec<(u32, u32)>),
}

impl Tally {
    /// Counts the trials.
    pub fn of(trials: &[Trial], wrong: impl Fn(&Trial) -> bool) -> Self {
        let listed = cells(trials.iter().map(|trial| trial.people));
        let wrong = cells(trials.iter().filter(|trial| wrong(trial)).map(|trial| trial.people));
        Self { spread: Spread::Listed(listed), wrong }
    }

    /// Trials.
    pub fn trials(&self) -> usize {
        match &self.spread {
            Spread::Listed(cells) => cells.values().sum(),
            Spread::Crossed(pictures) => pairs_of_two(pictures),
            Spread::Probed(probes) => {
                probes.iter().map(|(_, n)| *n as usize).sum::<usize>() * probes.len().saturating_sub(1)
            }
        }
    }

    /// Trials with an error.
    pub fn errors(&self) -> usize {
        self.wrong.values().sum()
    }

    /// Pairs of people that were compared, or people where trials are genuine.
    pub fn people(&self) -> usize {
        match &self.spread {
            Spread::Listed(cells) => cells.len(),
            Spread::Crossed(pictures) => {
                let present = pictures.iter().filter(|n| **n > 0).count();
                pairs(present)
            }
            Spread::Probed(probes) => {
                pairs(probes.len()) - pairs(probes.iter().filter(|(_, n)| *n == 0).count())
            }
        }
    }

    /// Pairs of people, or people, with an error.
    pub fn people_with_error(&self) -> usize {
        self.wrong.len()
    }

    /// Numbers of everyone in a trial.
    pub fn everyone(&self) -> Vec<u32> {
        match &self.spread {
            Spread::Listed(cells) => cells.keys().flat_map(|(a, b)| [*a, *b]).collect(),
            Spread::Crossed(pictures) => {
                (0..).zip(pictures).filter(|(_, n)| **n > 0).map(|(p, _)| p).collect()
            }
            Spread::Probed(probes) => probes.iter().map(|(p, _)| *p).collect(),
        }
    }
}

/// Pairs among so many.
fn pairs(of: usize) -> usize {
    of * of.saturating_sub(1) / 2
}

/// Pairs of pictures of two people.
fn pairs_of_two(pictures: &[u32]) -> usize {
    let (sum, squares) =
        pictures.iter().map(|n| *n as usize).fold((0, 0), |(sum, squares), n| (sum + n, squares + n * n));
    (sum * sum - squares) / 2
}

/// Counts each two people.
pub fn cells(people: impl Iterator<Item = (u32, u32)>) -> Cells {
    let mut sorted: Vec<(u32, u32)> = people.map(|(a, b)| (a.min(b), a.max(b))).collect();
    sorted.sort_unstable();
    sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossed_people_are_counted_as_if_listed() {
        let pictures = vec![3, 0, 1, 2];
        let mut trials = Vec::new();
        for (a, b) in (0..4_u32).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let times = pictures[a as usize] * pictures[b as usize];
            trials.extend(std::iter::repeat_n(Trial { z: 0.0, people: (a, b) }, times as usize));
        }
        let listed = Tally::of(&trials, |trial| trial.people == (2, 0));
        let crossed = Tally { spread: Spread::Crossed(pictures), wrong: listed.wrong.clone() };
        for tally in [&listed, &crossed] {
            assert_eq!((tally.trials(), tally.people()), (11, 3));
            assert_eq!((tally.errors(), tally.people_with_error()), (3, 1));
            assert!([0, 2, 3].iter().all(|p| tally.everyone().contains(p)) && !tally.everyone().contains(&1));
        }
    }
    #[test]
    fn probed_people_are_counted_as_if_listed() {
        let probes = [(1, 2), (4, 0), (5, 0), (9, 1)];
        let all = |(a, n): (u32, u32)| {
            probes.into_iter().filter(move |b| b.0 != a).flat_map(move |b| vec![(a, b.0); n as usize])
        };
        let trials: Vec<_> =
            probes.into_iter().flat_map(all).map(|people| Trial { z: 0.0, people }).collect();
        let listed = Tally::of(&trials, |_| false);
        let probed = Tally { spread: Spread::Probed(probes.to_vec()), wrong: Cells::new() };
        assert_eq!((listed.trials(), listed.people()), (9, 5));
        assert_eq!((probed.trials(), probed.people()), (9, 5));
        assert_eq!(probed.everyone(), [1, 4, 5, 9]);
    }
}
