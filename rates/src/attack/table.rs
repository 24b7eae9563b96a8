//! Rates as Markdown.

use std::fmt::Write as _;

use super::left_out::LeftOut;
use super::rates::{Rate, Summary, Threshold};
use super::tries::{Person, Try};
use crate::rate::Bounds;

/// What was measured, by source: people, clips and tries.
pub(super) fn material(people: &[Person]) -> String {
    let mut text =
        "| source | person | enrolled | species | clips | tries |\n| --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for person in people {
        let mut species: Vec<&str> =
            person.presentations.iter().map(|shown| shown.species.as_str()).collect();
        species.sort_unstable();
        species.dedup();
        for name in species {
            let shown = || person.presentations.iter().filter(|shown| shown.species == name);
            let tries: usize = shown().map(|shown| shown.tries.len()).sum();
            let enrolled = if person.enrolled.is_some() { "yes" } else { "no" };
            let Person { source, name: who, .. } = person;
            let _ =
                writeln!(text, "| {source} | {who} | {enrolled} | {name} | {} | {tries} |", shown().count());
        }
    }
    text
}

/// Species in rows, then the live presentations.
pub(super) fn summary(summary: &Summary) -> String {
    let mut text = "| attacks | clips | people | tries | APCER | ≤ by tries | ≤ by people | second try | no decision | IAPAR | \
                    ≤ by people | without detection | RIAPAR |\n\
                    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let live = &summary.live;
    for species in &summary.species {
        let riapar = species.iapar.rate + live.frr.rate;
        let Bounds { people, trials, .. } = species.apnrr.bounds;
        let _ = writeln!(
            text,
            "| {} | {} | {people} | {trials} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            species.name,
            species.clips,
            counted(&species.apcer),
            upper_by_tries(&species.apcer),
            upper(&species.apcer),
            share(species.apcer_two.rate),
            share(species.apnrr.rate),
            counted(&species.iapar),
            upper(&species.iapar),
            share(species.iapar_off.rate),
            share(riapar),
        );
    }
    if let Some(worst) = summary.worst() {
        let _ = writeln!(text, "\nWorst species: {}, APCER {}.", worst.name, share(worst.apcer.rate));
    }
    text.push_str(
        "\n| live | clips | people | tries | BPCER | ≤ by tries | ≤ by people | second try | no decision | FRR | frames, mean | 95 % |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let Bounds { people, trials, .. } = live.bpnrr.bounds;
    let _ = writeln!(
        text,
        "| | {} | {people} | {trials} | {} | {} | {} | {} | {} | {} | {:.1} | {} |",
        live.clips,
        counted(&live.bpcer),
        upper_by_tries(&live.bpcer),
        upper(&live.bpcer),
        counted(&live.bpcer_two),
        share(live.bpnrr.rate),
        counted(&live.frr),
        live.frames.mean,
        live.frames.most,
    );
    text
}

/// Each source by itself, at one threshold.
pub(super) fn by_source(people: &[Person], threshold: Threshold) -> String {
    let mut text = "| source | BPCER | second try | no decision | FRR | APCER | IAPAR |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut sources: Vec<&str> = people.iter().map(|person| person.source.as_str()).collect();
    sources.dedup();
    for source in sources {
        let own: Vec<&Person> = people.iter().filter(|person| person.source == source).collect();
        let Summary { live, species, .. } = Summary::of(&own, threshold);
        let of_each = |rate: &dyn Fn(&super::rates::Species) -> Rate| {
            let of = |one: &super::rates::Species| format!("{} {}", one.name, counted(&rate(one)));
            species.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(
            text,
            "| {source} | {} | {} | {} | {} | {} | {} |",
            counted(&live.bpcer),
            share(live.bpcer_two.rate),
            silence(&own, threshold),
            counted(&live.frr),
            of_each(&|one| one.apcer),
            of_each(&|one| one.iapar),
        );
    }
    text
}

/// How often there was no decision, and why: of live faces and attacks.
fn silence(people: &[&Person], threshold: Threshold) -> String {
    let mut told: Vec<(bool, &Try)> = Vec::new();
    for person in people {
        let tries = person.presentations.iter().flat_map(|shown| &shown.tries);
        told.extend(tries.filter_map(|one| Some((threshold.is_silent(person, one)?, one))));
    }
    let mut reasons: Vec<&str> =
        told.iter().filter(|(is_silent, _)| *is_silent).map(|(_, one)| one.outcome.as_str()).collect();
    reasons.sort_unstable();
    let counts = reasons.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same[0], same.len()));
    match counts.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "0".to_owned(),
        counts => format!("{counts} of {}", told.len()),
    }
}

/// Thresholds set on all sources but one, in rows.
pub(super) fn left_out(rows: &[LeftOut]) -> String {
    let mut text =
        "| source | threshold | BPCER | APCER | threshold, moved by the enrolment | BPCER | APCER |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    let mut sums = [Sum::default(), Sum::default()];
    for row in rows {
        let _ = write!(text, "| {} ", row.source);
        for (summary, sum) in [&row.fixed, &row.calibrated].into_iter().zip(&mut sums) {
            sum.add(summary);
            let attacks = summary.species.iter().map(|one| format!("{} {}", one.name, counted(&one.apcer)));
            let attacks = attacks.collect::<Vec<_>>().join(", ");
            let _ = write!(
                text,
                "| {:.2} | {} | {attacks} ",
                summary.threshold.score,
                counted(&summary.live.bpcer)
            );
        }
        text.push_str("|\n");
    }
    let [fixed, calibrated] = sums.map(|sum| format!("| | {} | {} ", sum.live(), sum.attacks()));
    let _ = writeln!(text, "| all {fixed}{calibrated}|");
    text
}

/// Tries of several sources together.
#[derive(Default)]
struct Sum {
    live: (usize, usize),
    attacks: (usize, usize),
}

impl Sum {
    fn add(&mut self, summary: &Summary) {
        let plus = |sum: &mut (usize, usize), rate: &Rate| {
            *sum = (sum.0 + rate.bounds.errors, sum.1 + rate.bounds.trials);
        };
        plus(&mut self.live, &summary.live.bpcer);
        summary.species.iter().for_each(|species| plus(&mut self.attacks, &species.apcer));
    }

    fn live(&self) -> String {
        of(self.live.0, self.live.1)
    }

    fn attacks(&self) -> String {
        of(self.attacks.0, self.attacks.1)
    }
}

/// As "1.2 % (3 of 250)".
fn counted(rate: &Rate) -> String {
    of(rate.bounds.errors, rate.bounds.trials)
}

fn of(errors: usize, trials: usize) -> String {
    if trials == 0 {
        return "-".to_owned();
    }
    format!("{} ({errors} of {trials})", share(errors as f64 / trials as f64))
}

/// The 95 % bound by people.
fn upper(rate: &Rate) -> String {
    if rate.bounds.trials == 0 { "-".to_owned() } else { share(rate.bounds.upper95()) }
}

/// The 95 % bound as if tries were independent.
fn upper_by_tries(rate: &Rate) -> String {
    if rate.bounds.trials == 0 { "-".to_owned() } else { share(rate.bounds.as_if_independent) }
}

fn share(share: f64) -> String {
    match share {
        share if share.is_nan() => "-".to_owned(),
        0.0 => "0".to_owned(),
        share => format!("{:.1} %", share * 100.0),
    }
}
