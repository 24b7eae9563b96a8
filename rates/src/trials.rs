//! Makes trials from a [`Set`]: pairs of pictures, and whole decisions as the daemon makes them.

use super::set::Set;
use facelatch::head::LogOdds;
use facelatch::head::project::SplitMix64;
use facelatch::judge::vote;

/// Most pairs kept of each kind to fit on; more are thinned out at random.
const MAX_PAIRS: usize = 4_000_000;

/// About this many impostor decisions are drawn, so that 1 in 10,000 can be bounded.
const WANTED_DECISIONS: usize = 40_000;

/// Two samples of a set, by number.
pub type Pair = (usize, usize);

/// Pairs of pictures.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// One person.
    pub genuine: Vec<Pair>,
    /// Two people.
    pub impostor: Vec<Pair>,
}

/// A scored trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Log-odds, or any score that rises with similarity.
    pub z: f32,
    /// Numbers of the two people; the same twice in a genuine trial.
    pub people: (u32, u32),
}

/// Scored trials.
#[derive(Debug, Clone, Default)]
pub struct Scored {
    /// One person.
    pub genuine: Vec<Trial>,
    /// Two people.
    pub impostor: Vec<Trial>,
}

/// Score of two samples by number.
pub type Score<'a> = &'a dyn Fn(usize, usize) -> f32;

impl Pairs {
    /// Every pair among the people for whom `keep` is true; a random sample beyond 4,000,000 pairs of a kind.
    pub fn all(set: &Set, keep: impl Fn(usize) -> bool) -> Self {
        let samples: Vec<usize> = (0..set.samples.len()).filter(|s| keep(set.samples[*s].person)).collect();
        let all = |n: usize| n * n.saturating_sub(1) / 2;
        let share = |pairs: usize| MAX_PAIRS as f64 / pairs.max(1) as f64;
        let of_one: usize = samples
            .chunk_by(|a, b| set.samples[*a].person == set.samples[*b].person)
            .map(|s| all(s.len()))
            .sum();
        let (genuine, impostor) = (share(of_one), share(all(samples.len())));
        let mut random = SplitMix64(1);
        let mut taken = |share: f64| share >= 1.0 || random.uniform() < share;
        let mut pairs = Self::default();
        for (i, &a) in samples.iter().enumerate() {
            for &b in &samples[i + 1..] {
                if set.samples[a].person != set.samples[b].person {
                    if taken(impostor) {
                        pairs.impostor.push((a, b));
                    }
                } else if taken(genuine) {
                    pairs.genuine.push((a, b));
                }
            }
        }
        pairs
    }

    /// All pairs if there are at most `most`, else a sample of at most half that number of each kind, drawn from `seed`.
    pub fn thinned(mut self, most: usize, seed: u64) -> Self {
        if self.genuine.len() + self.impostor.len() > most {
            for kind in [&mut self.genuine, &mut self.impostor] {
                SplitMix64(seed).shuffle(kind);
                kind.truncate((most / 2).max(1));
                kind.sort_unstable();
            }
        }
        self
    }

    /// Scores them.
    pub fn score(&self, set: &Set, z: Score<'_>) -> Scored {
        let trial = |&(a, b): &Pair| Trial {
            z: z(a, b),
            people: (set.samples[a].person as u32, set.samples[b].person as u32),
        };
        Scored {
            genuine: self.genuine.iter().map(trial).collect(),
            impostor: self.impostor.iter().map(trial).collect(),
        }
    }
}

/// How a decision is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    /// Templates of the user.
    pub templates: usize,
    /// Frames of the person before the camera.
    pub frames: usize,
}

/// Decisions as the daemon makes them: `shape.frames` pictures of one person against `shape.templates` of another, or
/// other pictures of the same person. Everyone with enough pictures for the templates is a user, and everyone with enough
/// for the frames stands before the camera. About 40,000 of each kind, at least one and at most 200 for a pair of people,
/// the same number for every pair. A picture that is not believed takes no part; where no frame or no template is left,
/// there is no match. `None` when fewer than two of the people kept have enough pictures for both.
pub fn decisions(
    set: &Set,
    shape: Shape,
    seed: u64,
    keep: &dyn Fn(usize) -> bool,
    z: Score<'_>,
) -> Option<Scored> {
    drawn(set, shape, seed, keep, &|templates, frames| decide(templates, frames, z))
}

/// Log-odds of templates and frames, by number; `None` where one of the two is empty.
pub type Decide<'a> = &'a dyn Fn(&[usize], &[usize]) -> Option<f32>;

/// The same [`decisions`], made by another rule.
pub fn drawn(
    set: &Set,
    shape: Shape,
    seed: u64,
    keep: &dyn Fn(usize) -> bool,
    decide: Decide<'_>,
) -> Option<Scored> {
    let kept = |(p, _): &(u32, Vec<usize>)| keep(*p as usize);
    let people: Vec<(u32, Vec<usize>)> = (0..).zip(set.by_person()).filter(kept).collect();
    let with = |pictures: usize| people.iter().filter(move |(_, samples)| samples.len() >= pictures);
    let both = shape.templates + shape.frames;
    let others = with(shape.frames).count().checked_sub(1).filter(|_| with(both).count() > 1)?;
    let draws = (WANTED_DECISIONS / (with(shape.templates).count() * others)).clamp(1, 200);
    let mut random = SplitMix64(seed);
    let mut scored = Scored::default();
    for (user, own) in with(shape.templates) {
        let mut own = own.clone();
        for (other, theirs) in with(shape.frames).filter(|(p, s)| p != user || s.len() >= both) {
            let mut theirs = theirs.clone();
            for _ in 0..if user == other { draws * others } else { draws } {
                random.shuffle(&mut own);
                random.shuffle(&mut theirs);
                let (templates, rest) = own.split_at(shape.templates);
                let frames = if user == other { &rest[..shape.frames] } else { &theirs[..shape.frames] };
                let believed = |samples: &[usize]| -> Vec<usize> {
                    samples.iter().copied().filter(|sample| set.samples[*sample].believed).collect()
                };
                let z = decide(&believed(templates), &believed(frames)).unwrap_or(f32::NEG_INFINITY);
                let side = if user == other { &mut scored.genuine } else { &mut scored.impostor };
                side.push(Trial { z, people: (*user, *other) });
            }
        }
    }
    Some(scored)
}

/// The daemon's decision rule, on sample numbers.
pub fn decide(templates: &[usize], frames: &[usize], z: Score<'_>) -> Option<f32> {
    vote::combine(frames.len(), templates.len(), |f, t| LogOdds(z(frames[f], templates[t]))).map(|z| z.0)
}

/// Searches among everyone enrolled.
#[derive(Debug, Clone, Default)]
pub struct Searches {
    /// People enrolled in a search for a stranger; a search for a user has one more.
    pub enrolled: usize,
    /// Best scores of strangers, each with the stranger's number twice.
    pub strangers: Vec<Trial>,
    /// Users' own scores where they are the best, else minus infinity.
    pub users: Vec<Trial>,
}

/// Draws galleries of everyone with enough pictures and searches each person in them, once as a user and once as a
/// stranger (without their own templates).
pub fn searches(set: &Set, shape: Shape, seed: u64, z: Score<'_>) -> Option<Searches> {
    let enough = |samples: &Vec<usize>| samples.len() >= shape.templates + shape.frames;
    let mut people: Vec<(u32, Vec<usize>)> = (0..).zip(set.by_person()).filter(|(_, s)| enough(s)).collect();
    if people.len() < 3 {
        return None;
    }
    let mut random = SplitMix64(seed);
    let mut found = Searches { enrolled: people.len() - 1, ..Default::default() };
    for _ in 0..(WANTED_DECISIONS / (people.len() * people.len())).clamp(1, 200) {
        people.iter_mut().for_each(|(_, samples)| random.shuffle(samples));
        for (probe, samples) in &people {
            let frames = &samples[shape.templates..shape.templates + shape.frames];
            let (mut own, mut best_other) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
            for (user, templates) in &people {
                let z = decide(&templates[..shape.templates], frames, z)?;
                if user == probe { own = z } else { best_other = best_other.max(z) }
            }
            let people = (*probe, *probe);
            found.strangers.push(Trial { z: best_other, people });
            found.users.push(Trial { z: if own >= best_other { own } else { f32::NEG_INFINITY }, people });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::super::set::set_of;
    use super::*;

    fn set() -> Set {
        let looks = |x: f32| (0..4).map(|i| vec![1.0, x + i as f32 / 100.0]).collect();
        set_of(&[("anna", looks(0.0)), ("bert", looks(1.0)), ("carl", looks(-1.0))])
    }

    #[test]
    fn all_pairs_are_counted_once() {
        let pairs = Pairs::all(&set(), |_| true);
        assert_eq!((pairs.genuine.len(), pairs.impostor.len()), (3 * 6, 3 * 16));
        assert_eq!(Pairs::all(&set(), |person| person < 2).impostor.len(), 16);
    }

    #[test]
    fn thinned_pairs_are_a_part_of_both_kinds_and_the_same_each_time() {
        let all = || Pairs::all(&set(), |_| true);
        assert_eq!(all().thinned(66, 3).impostor.len(), 48, "a small set stays as it is");
        let (few, again) = (all().thinned(20, 3), all().thinned(20, 3));
        assert_eq!((few.genuine.len(), few.impostor.len()), (10, 10));
        assert_eq!((&few.genuine, &few.impostor), (&again.genuine, &again.impostor));
        assert_ne!(few.impostor, all().thinned(20, 4).impostor);
        assert!(few.impostor.is_sorted() && few.impostor.iter().all(|pair| all().impostor.contains(pair)));
    }

    #[test]
    fn everyone_with_enough_pictures_is_a_user_or_stands_before_the_camera() {
        let looks = |n: usize| (0..n).map(|i| vec![1.0, i as f32]).collect();
        let set = set_of(&[("two", looks(2)), ("three", looks(3)), ("one", looks(1)), ("four", looks(4))]);
        let shape = Shape { templates: 2, frames: 1 };
        let scored = decisions(&set, shape, 7, &|_| true, &|_, _| 0.0).expect("two have enough for both");
        let people = |trials: &[Trial]| {
            trials
                .iter()
                .map(|t| t.people)
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(people(&scored.genuine), [(1, 1), (3, 3)]);
        let wanted = [(0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0), (3, 1), (3, 2)];
        assert_eq!(people(&scored.impostor), wanted);
    }

    #[test]
    fn pictures_that_are_not_believed_take_no_part_in_decisions() {
        let mut set = set();
        let shape = Shape { templates: 2, frames: 2 };
        let like = |a: usize, b: usize| if a.is_multiple_of(4) || b.is_multiple_of(4) { -9.0 } else { 1.0 };
        let lost = |set: &Set| {
            let scored = decisions(set, shape, 7, &|_| true, &like).expect("three people");
            scored.genuine.iter().filter(|t| t.z < 1.0).count()
        };
        assert!(lost(&set) > 0);
        set.samples.iter_mut().step_by(4).for_each(|sample| sample.believed = false);
        assert_eq!(lost(&set), 0, "the others decide");
        set.samples.iter_mut().for_each(|sample| sample.believed = false);
        assert!(lost(&set) > 0, "nothing is left to judge");
    }

    #[test]
    fn templates_and_frames_of_a_decision_are_different_pictures() {
        let set = set();
        let never_itself = |a: usize, b: usize| {
            assert_ne!(a, b);
            if set.samples[a].person == set.samples[b].person { 1.0 } else { -1.0 }
        };
        let shape = Shape { templates: 2, frames: 2 };
        let scored = decisions(&set, shape, 7, &|_| true, &never_itself).expect("three people");
        assert!(scored.genuine.iter().all(|t| t.z == 1.0) && scored.impostor.iter().all(|t| t.z == -1.0));
        assert_eq!(scored.genuine.len(), scored.impostor.len());
        assert!(decisions(&set, Shape { templates: 4, frames: 1 }, 7, &|_| true, &never_itself).is_none());
        let found = searches(&set, shape, 7, &never_itself).expect("three people");
        assert!(found.users.iter().all(|t| t.z == 1.0) && found.strangers.iter().all(|t| t.z == -1.0));
    }
}
