//! Thresholds set on all sources but one, and judged on that one: what a camera that nobody has seen may expect.

use serde::Serialize;

use facelatch::detect::attack::Score;
use facelatch::detect::attack::passive::calibration;

use super::clips::LIVE;
use super::rates::{Summary, Threshold};
use super::tries::Person;

/// One source under the threshold of all others.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub source: String,
    /// With one threshold for all cameras.
    pub fixed: Summary,
    /// With a threshold that the owner's own frames move.
    pub calibrated: Summary,
}

/// Each source in turn; those without another source to set a threshold on are left out. `bpcer` is the share of the others'
/// live tries that may be refused, each person counting alike.
pub fn each(people: &[Person], (bpcer, margin): (f64, f32)) -> Vec<LeftOut> {
    let mut sources: Vec<&str> = people.iter().map(|person| person.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let row = |source: &str| {
        let (own, others): (Vec<&Person>, Vec<&Person>) =
            people.iter().partition(|person| person.source == source);
        Some(LeftOut {
            source: source.to_owned(),
            fixed: Summary::of(&own, fixed(&others, (bpcer, margin))?),
            calibrated: Summary::of(&own, calibrated(&others, (bpcer, margin))?),
        })
    };
    sources.into_iter().filter_map(row).collect()
}

/// The threshold that refuses this share of the live tries of these people, for all cameras. `None` without a live try.
pub fn fixed(people: &[&Person], (bpcer, margin): (f64, f32)) -> Option<Threshold> {
    let score = quantile(people, (bpcer, margin), |_| 0.0)?;
    Some(Threshold { score, margin, live_median: None })
}

/// The same with each camera's own offset. `None` without a live try, or if nobody was enrolled.
pub fn calibrated(people: &[&Person], (bpcer, margin): (f64, f32)) -> Option<Threshold> {
    let own = |person: &&Person| person.enrolled.clone().and_then(calibration);
    let mut medians: Vec<f32> = people.iter().filter_map(own).map(|Score(median)| median).collect();
    medians.sort_by(f32::total_cmp);
    let live_median = Some(*medians.get(medians.len() / 2)?);
    let unmoved = Threshold { score: 0.0, margin, live_median };
    let score = quantile(people, (bpcer, margin), |person| unmoved.offset(person))?;
    Some(Threshold { score, margin, live_median })
}

/// Thresholds for several shares, and the median behind them, as `[NAME.operating_points]` of MODELS.toml wants them. `None`
/// if nobody was enrolled.
pub fn operating_points(people: &[&Person], margin: f32) -> Option<String> {
    let mut points: Vec<(f64, Threshold)> = Vec::new();
    for share in [0.01, 0.02, 0.05, 0.1, 0.2] {
        let threshold = calibrated(people, (share, margin))?;
        // They must ascend.
        if points.last().is_none_or(|(_, last)| last.score < threshold.score) {
            points.push((share, threshold));
        }
    }
    let list =
        |of: &dyn Fn(&(f64, Threshold)) -> String| points.iter().map(of).collect::<Vec<_>>().join(", ");
    let (shares, scores) =
        (list(&|(share, _)| share.to_string()), list(&|(_, at)| format!("{:.3}", at.score)));
    let median = points.first()?.1.live_median?;
    Some(format!(
        "bpcer = [{shares}]\nthreshold = [{scores}]\nlive_median = {median:.3}\nmargin = {margin}\n"
    ))
}

/// The score below which this share of live tries lies, less each person's offset; each person weighs the same.
fn quantile(people: &[&Person], (share, margin): (f64, f32), offset: impl Fn(&Person) -> f32) -> Option<f32> {
    let mut weighed: Vec<(f32, f64)> = Vec::new();
    for person in people {
        let live = person.presentations.iter().filter(|shown| shown.species == LIVE);
        let scores: Vec<f32> =
            live.flat_map(|shown| &shown.tries).filter_map(|one| one.highest(margin)).collect();
        let (weight, offset) = (1.0 / scores.len().max(1) as f64, offset(person));
        weighed.extend(scores.into_iter().map(|score| (score - offset, weight)));
    }
    weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let allowed = share * weighed.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut below = 0.0;
    for (score, weight) in &weighed {
        below += weight;
        if below > allowed + 1e-9 {
            return Some(*score);
        }
    }
    weighed.last().map(|(score, _)| *score)
}

#[cfg(test)]
mod tests {
    use super::super::tries::{Presentation, Try};
    use super::*;

    fn person(source: &str, enrolled: &[f32], live: &[f32], phone: &[f32]) -> Person {
        let one = |score: &f32| Try {
            scores: vec![*score; 8],
            first: 3,
            last: None,
            cut: false,
            matched: Some(true),
            outcome: String::new(),
            frames: (0, 0),
        };
        let shown = |species: &str, scores: &[f32]| Presentation {
            species: species.to_owned(),
            clip: "c".to_owned(),
            tries: scores.iter().map(one).collect(),
        };
        Person {
            name: source.to_owned(),
            source: source.to_owned(),
            enrolled: (!enrolled.is_empty()).then(|| enrolled.to_vec()),
            presentations: vec![shown(LIVE, live), shown("phone", phone)],
        }
    }

    #[test]
    fn each_person_weighs_the_same() {
        let many: Vec<f32> = (0..100).map(|n| n as f32).collect();
        let people = [person("a", &[], &many, &[]), person("b", &[], &[1000.0, 1001.0], &[])];
        let at = |share| fixed(&people.each_ref(), (share, 0.0)).expect("live tries").score;
        assert_eq!((at(0.0), at(0.1), at(0.5), at(0.75)), (0.0, 20.0, 1000.0, 1001.0));
    }

    #[test]
    fn a_source_is_judged_by_the_others_and_its_own_offset() {
        // The camera of `low` scores everybody 0.8 lower.
        let people = [
            person("high", &[5.0; 3], &[4.0, 5.0, 6.0], &[]),
            person("low", &[4.2; 3], &[3.4, 4.0, 5.0], &[3.0]),
            person("other", &[5.0; 3], &[4.0, 5.0, 6.0], &[]),
        ];
        let rows = each(&people, (0.0, 0.0));
        let low = &rows[1];
        assert_eq!((low.source.as_str(), low.fixed.threshold.score), ("low", 4.0));
        assert_eq!((low.fixed.live.bpcer.bounds.errors, low.calibrated.live.bpcer.bounds.errors), (1, 0));
        assert_eq!(low.calibrated.species[0].apcer.bounds.errors, 0);
    }

    #[test]
    fn nothing_is_set_on_nobody() {
        let lonely = [person("a", &[5.0; 3], &[4.0], &[])];
        assert!(each(&lonely, (0.05, 0.0)).is_empty());
        assert_eq!(calibrated(&[&person("a", &[], &[4.0], &[])], (0.05, 0.0)), None);
    }
}
