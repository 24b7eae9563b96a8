//! Makes trials from a [`Set`]: pairs of pictures, and whole decisions as the daemon makes them.

use std::collections::HashMap;
use std::path::Path;

use super::RatesError;
use super::acquire::Set;
use facelatch::head::LogOdds;
use facelatch::head::project::SplitMix64;
use facelatch::judge::vote;

/// Most pairs kept of each kind; more are thinned out at random. 12 bytes each while being scored.
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

    /// Reads pairs from lines of `file_x,file_y,Yes|No`, with or without that header. Each path must be the end of a path
    /// in the set. Pairs with a picture that could not be acquired are left out and counted.
    ///
    /// # Errors
    /// [`RatesError::Data`] for a malformed line, a file that is not in the set, or no pair of one kind.
    pub fn listed(set: &Set, file: &Path) -> Result<(Self, usize), RatesError> {
        let text = std::fs::read_to_string(file).map_err(RatesError::file(file))?;
        let known = by_tail(set);
        let lost: std::collections::HashSet<String> = set
            .losses
            .no_face
            .iter()
            .chain(set.losses.unreadable.iter().map(|(p, _)| p))
            .flat_map(|p| tails(p))
            .collect();
        let (mut pairs, mut left_out) = (Self::default(), 0);
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: String| RatesError::data(file, format!("line {}: {why}", number + 1));
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let (x, y, same) = match fields.as_slice() {
                [] | [""] | ["file_x", "file_y", _] => continue,
                [x, y, answer] if answer.eq_ignore_ascii_case("yes") => (*x, *y, true),
                [x, y, answer] if answer.eq_ignore_ascii_case("no") => (*x, *y, false),
                _ => return Err(wrong("expected file_x,file_y,Yes or file_x,file_y,No".to_owned())),
            };
            if lost.contains(x) || lost.contains(y) {
                left_out += 1;
                continue;
            }
            let find = |name: &str| match known.get(name) {
                Some(Some(sample)) => Ok(*sample),
                Some(None) => {
                    Err(wrong(format!("{name} matches several files of the set; write more of its path")))
                }
                None => Err(wrong(format!("{name} is not in the set"))),
            };
            let pair = (find(x)?, find(y)?);
            if same { pairs.genuine.push(pair) } else { pairs.impostor.push(pair) }
        }
        if pairs.genuine.is_empty() || pairs.impostor.is_empty() {
            return Err(RatesError::data(file, "needs at least one pair with Yes and one with No"));
        }
        Ok((pairs, left_out))
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

/// `a/b/c.png` gives `c.png`, `b/c.png` and the whole path.
fn tails(path: &Path) -> Vec<String> {
    let parts: Vec<_> = path.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let mut tails: Vec<String> =
        (1..=parts.len().min(3)).map(|n| parts[parts.len() - n..].join("/")).collect();
    tails.push(path.to_string_lossy().into_owned());
    tails.dedup();
    tails
}

/// Samples by the end of their path; `None` if two share it.
fn by_tail(set: &Set) -> HashMap<String, Option<usize>> {
    let mut known = HashMap::new();
    for (number, sample) in set.samples.iter().enumerate() {
        for tail in tails(&sample.path) {
            known.entry(tail).and_modify(|n| *n = None).or_insert(Some(number));
        }
    }
    known
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
/// other pictures of the same person. About 40,000 of each kind, at most 200 for a pair of people, the same number for
/// every pair. A picture that is not believed takes no part; where no frame or no template is left, there is no match.
/// `None` when fewer than two of the people kept have enough pictures.
pub fn decisions(
    set: &Set,
    shape: Shape,
    seed: u64,
    keep: &dyn Fn(usize) -> bool,
    z: Score<'_>,
) -> Option<Scored> {
    let enough = |samples: &Vec<usize>| samples.len() >= shape.templates + shape.frames;
    let people: Vec<(u32, Vec<usize>)> =
        (0..).zip(set.by_person()).filter(|(p, s)| keep(*p as usize) && enough(s)).collect();
    let others = people.len().checked_sub(1).filter(|n| *n > 0)?;
    let draws = (WANTED_DECISIONS / (people.len() * others)).clamp(1, 200);
    let mut random = SplitMix64(seed);
    let mut scored = Scored::default();
    for (user, own) in &people {
        let mut own = own.clone();
        for (other, theirs) in &people {
            let mut theirs = theirs.clone();
            for _ in 0..if user == other { draws * others } else { draws } {
                random.shuffle(&mut own);
                random.shuffle(&mut theirs);
                let (templates, rest) = own.split_at(shape.templates);
                let frames = if user == other { &rest[..shape.frames] } else { &theirs[..shape.frames] };
                let believed = |samples: &[usize]| -> Vec<usize> {
                    samples.iter().copied().filter(|sample| set.samples[*sample].believed).collect()
                };
                let z = decide(&believed(templates), &believed(frames), z).unwrap_or(f32::NEG_INFINITY);
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
    use super::super::acquire::set_of;
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
    fn listed_pairs_are_found_by_the_end_of_their_path() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "file_x,file_y,Decision\nanna/0,anna/1,Yes\nanna/0,bert/3,No\n")
            .expect("file");
        let (pairs, left_out) = Pairs::listed(&set(), file.path()).expect("found");
        assert_eq!((pairs.genuine, pairs.impostor, left_out), (vec![(0, 1)], vec![(0, 7)], 0));
        for (text, wanted) in [
            ("0,anna/1,Yes\n", "several files"),
            ("dora/0,anna/1,Yes\n", "not in the set"),
            ("anna/0,anna/1,maybe\n", "line 1"),
            ("anna/0,anna/1,Yes\n", "one with No"),
        ] {
            std::fs::write(file.path(), text).expect("file");
            let why = Pairs::listed(&set(), file.path()).expect_err("refused").to_string();
            assert!(why.contains(wanted), "{why}");
        }
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
