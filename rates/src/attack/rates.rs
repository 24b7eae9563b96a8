//! Tries and a threshold to rates with their bounds.

use serde::Serialize;

use facelatch::detect::attack::Score;
use facelatch::detect::attack::passive::{Bar, MAX_OFFSET, calibration};

use super::clips::LIVE;
use super::tries::{Person, Presentation, Try};
use crate::rate::{Bounds, Rates};
use crate::tally::Tally;
use crate::trials::Trial;

/// The least score of a live presentation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// Log-odds.
    pub score: f32,
    /// How far from it the first frames decide alone.
    pub margin: f32,
    /// The median score of the enrolled frames behind it: a camera whose own differ moves the threshold. `None`: it holds for
    /// all cameras.
    pub live_median: Option<f32>,
}

impl Threshold {
    /// Whether a try of this person is taken for live, and after how many frontal frames; `None` without a decision.
    pub fn judge(&self, person: &Person, one: &Try) -> Option<(bool, usize)> {
        one.judge(Bar { threshold: self.score + self.offset(person), margin: self.margin })
    }

    /// Whether it is taken for live.
    pub fn accepts(&self, person: &Person, one: &Try) -> bool {
        self.judge(person, one).is_some_and(|(is_live, _)| is_live)
    }

    /// Whether it ended without a decision; `None` if it was the clip that ended, so that nothing is said of it.
    pub fn is_silent(&self, person: &Person, one: &Try) -> Option<bool> {
        let is_silent = self.judge(person, one).is_none();
        (!(is_silent && one.cut)).then_some(is_silent)
    }

    /// How far the camera of this person moves it, as in the daemon.
    pub fn offset(&self, person: &Person) -> f32 {
        let enrolled = person.enrolled.clone().and_then(calibration);
        let offset = enrolled.zip(self.live_median).map_or(0.0, |(Score(own), median)| own - median);
        if offset.is_finite() { offset.clamp(-MAX_OFFSET, MAX_OFFSET) } else { 0.0 }
    }
}

/// A share of tries, and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// `NaN` without tries; written as `null`.
    pub rate: f64,
    /// With the people.
    pub bounds: Bounds,
}

impl Rate {
    /// From who tried, and whether it went wrong.
    fn of(tries: impl Iterator<Item = (u32, bool)>) -> Self {
        let trial = |(person, wrong)| Trial { z: if wrong { 1.0 } else { 0.0 }, people: (person, person) };
        let trials: Vec<Trial> = tries.map(trial).collect();
        let (tally, none) = (Tally::of(&trials, |trial| trial.z > 0.0), Tally::of(&[], |_| false));
        let bounds = Rates::of(&tally, &none).fnmr_bounds;
        Self { rate: bounds.errors as f64 / bounds.trials as f64, bounds }
    }
}

/// All attacks of one species.
#[derive(Debug, Clone, Serialize)]
pub struct Species {
    /// Name of the folder.
    pub name: String,
    /// Clips.
    pub clips: usize,
    /// Attacks taken for live, among those with a decision.
    pub apcer: Rate,
    /// The same where the attacker may try once more at once.
    pub apcer_two: Rate,
    /// Attacks without a decision.
    pub apnrr: Rate,
    /// Attacks taken for live that match the enrolled person they show.
    pub iapar: Rate,
    /// The same with attack detection off.
    pub iapar_off: Rate,
}

/// Frontal frames that decisions took.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Frames {
    /// In the mean; `NaN` without a decision.
    pub mean: f64,
    /// In 95 of 100, at most.
    pub most: usize,
}

/// All live presentations.
#[derive(Debug, Clone, Serialize)]
pub struct Live {
    /// Clips.
    pub clips: usize,
    /// Live presentations taken for attacks, among those with a decision.
    pub bpcer: Rate,
    /// Those that are not taken for live at a second try, either.
    pub bpcer_two: Rate,
    /// Live presentations without a decision.
    pub bpnrr: Rate,
    /// Frontal frames that the decisions took.
    pub frames: Frames,
    /// Tries of an enrolled person that do not end in a match.
    pub frr: Rate,
}

/// Everything at one threshold.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The threshold.
    pub threshold: Threshold,
    /// Live faces.
    pub live: Live,
    /// Attacks, by name.
    pub species: Vec<Species>,
}

impl Summary {
    /// Counts the tries of these people.
    pub fn of(people: &[&Person], threshold: Threshold) -> Self {
        let counted = Counted { people, threshold };
        let mut names: Vec<&str> = people
            .iter()
            .flat_map(|person| &person.presentations)
            .map(|shown| shown.species.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        let species =
            names.into_iter().filter(|name| *name != LIVE).map(|name| counted.species(name)).collect();
        Self { threshold, live: counted.live(), species }
    }

    /// The species that most attacks of are taken for live.
    pub fn worst(&self) -> Option<&Species> {
        let judged = self.species.iter().filter(|species| species.apcer.bounds.trials > 0);
        judged.max_by(|a, b| a.apcer.rate.total_cmp(&b.apcer.rate))
    }
}

/// People under a threshold.
struct Counted<'a> {
    people: &'a [&'a Person],
    threshold: Threshold,
}

/// A presentation, whose it is, and the number of the name: a person in two sources is one person.
type Shown<'a> = (u32, &'a Person, &'a Presentation);

impl<'a> Counted<'a> {
    fn shown(&self, species: &'a str) -> impl Iterator<Item = Shown<'a>> {
        let mut names: Vec<&str> = self.people.iter().map(|person| person.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let people = self
            .people
            .iter()
            .map(move |person| (names.partition_point(|name| *name < person.name.as_str()) as u32, *person));
        people.flat_map(move |(number, person)| {
            let of_species = person.presentations.iter().filter(move |shown| shown.species == species);
            of_species.map(move |shown| (number, person, shown))
        })
    }

    /// Each try that `told` has an opinion of.
    fn rate(&self, species: &'a str, told: impl Fn(&Person, &Try) -> Option<bool>) -> Rate {
        let told = &told;
        Rate::of(self.shown(species).flat_map(|(number, person, shown)| {
            shown.tries.iter().filter_map(move |one| Some((number, told(person, one)?)))
        }))
    }

    /// Each two tries in a row, the first of them with a decision.
    fn rate_of_two(&self, species: &'a str, told: impl Fn([bool; 2]) -> bool) -> Rate {
        let (told, accepts) = (&told, |person, one: &Try| self.threshold.accepts(person, one));
        Rate::of(self.shown(species).flat_map(|(number, person, shown)| {
            let pairs =
                shown.tries.windows(2).filter(|pair| self.threshold.judge(person, &pair[0]).is_some());
            pairs.map(move |pair| (number, told([&pair[0], &pair[1]].map(|one| accepts(person, one)))))
        }))
    }

    /// Of all live tries with a decision.
    fn frames(&self) -> Frames {
        let judged = |person, one| self.threshold.judge(person, one).map(|(_, frames)| frames);
        let shown =
            self.shown(LIVE).flat_map(|(_, person, shown)| shown.tries.iter().map(move |one| (person, one)));
        let mut frames: Vec<usize> = shown.filter_map(|(person, one)| judged(person, one)).collect();
        frames.sort_unstable();
        let most = frames.get((frames.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
        Frames { mean: frames.iter().sum::<usize>() as f64 / frames.len() as f64, most }
    }

    fn species(&self, name: &'a str) -> Species {
        let accepts = |person: &Person, one: &Try| self.threshold.accepts(person, one);
        let matched = |one: &Try| one.matched == Some(true);
        let of_enrolled = |person: &Person, one: &Try, wrong: bool| {
            let counts = person.enrolled.is_some() && self.threshold.is_silent(person, one).is_some();
            counts.then_some(wrong)
        };
        // What was live at once, and cut off before it was compared, might have matched.
        let opens = |person: &Person, one: &Try| accepts(person, one) && (matched(one) || one.cut);
        Species {
            name: name.to_owned(),
            clips: self.shown(name).count(),
            apcer: self
                .rate(name, |person, one| self.threshold.judge(person, one).map(|(is_live, _)| is_live)),
            apcer_two: self.rate_of_two(name, |[first, second]| first || second),
            apnrr: self.rate(name, |person, one| self.threshold.is_silent(person, one)),
            iapar: self.rate(name, |person, one| of_enrolled(person, one, opens(person, one))),
            iapar_off: self.rate(name, |person, one| of_enrolled(person, one, matched(one))),
        }
    }

    fn live(&self) -> Live {
        let accepts = |person: &Person, one: &Try| self.threshold.accepts(person, one);
        Live {
            clips: self.shown(LIVE).count(),
            bpcer: self
                .rate(LIVE, |person, one| self.threshold.judge(person, one).map(|(is_live, _)| !is_live)),
            bpcer_two: self.rate_of_two(LIVE, |[first, second]| !first && !second),
            bpnrr: self.rate(LIVE, |person, one| self.threshold.is_silent(person, one)),
            frames: self.frames(),
            frr: self.rate(LIVE, |person, one| {
                let counts = person.enrolled.is_some() && !one.cut;
                counts.then(|| !(accepts(person, one) && one.matched == Some(true)))
            }),
        }
    }
}

#[cfg(test)]
mod tests;
