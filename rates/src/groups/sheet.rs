//! Rates of groups as Markdown tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::acquired::Acquired;
use super::halved::{Chosen, Halved};
use super::strict::Strict;
use super::{Grouped, Part, Question, Ratio, Row};
use crate::change::Changed;

/// `0.1234` as `12.3 %`, small ones as `1.2e-5`.
fn share(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        small if small < 1e-3 => format!("{small:.1e}"),
        _ => format!("{:.2} %", 100.0 * rate),
    }
}

/// A rate, its errors and trials, and from where to where it may lie; `-` without trials.
fn span(errors: usize, trials: usize, lower: f64, upper: f64) -> String {
    match trials {
        0 => "- | -".to_owned(),
        _ => format!(
            "{} ({errors} of {trials}) | {} to {}",
            share(errors as f64 / trials as f64),
            share(lower),
            share(upper)
        ),
    }
}

/// All tables.
pub fn sheet(grouped: &Grouped, question: &Question) -> String {
    let mut out = format!(
        "{} people, {} pictures that the door takes; {} pictures under two people left out; {} people without a label\n",
        grouped.people, grouped.pictures, grouped.of_two, grouped.unlabelled
    );
    let kinds: BTreeSet<&str> = grouped.acquired.iter().map(|row| row.by.as_str()).collect();
    for kind in kinds {
        let rows: Vec<&Acquired> = grouped.acquired.iter().filter(|row| row.by == kind).collect();
        acquired(kind, &rows, &mut out);
    }
    for part in &grouped.parts {
        rates(part, question, &mut out);
    }
    halved(&grouped.halved, question, &mut out);
    out
}

fn acquired(kind: &str, rows: &[&Acquired], out: &mut String) {
    let reasons: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.refused.keys()).map(String::as_str).collect();
    let head: String = reasons.iter().map(|reason| format!(" {reason} |")).collect();
    let _ = writeln!(out, "\nFailure to acquire, by {kind}\n\n| group | pictures | refused |{head}");
    let _ = writeln!(out, "| --- | --- | --- |{}", " --- |".repeat(reasons.len()));
    for row in rows {
        let of = |reason: &&str| format!(" {} |", row.refused.get(*reason).copied().unwrap_or(0));
        let counts: String = reasons.iter().map(of).collect();
        let refused = share(row.total() as f64 / row.pictures.max(1) as f64);
        let _ = writeln!(out, "| {} | {} | {refused} |{counts}", row.group, row.pictures);
    }
}

fn rates(part: &Part, question: &Question, out: &mut String) {
    let _ = writeln!(out, "\nBy {}, {}, z >= {:.2}\n", part.by, part.compared, part.z);
    out.push_str("| group | people | FMR | 95 % bounds | FNMR | 95 % bounds | repeats left out |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for row in &part.rows {
        let _ = writeln!(out, "{} {} |", cells(row), row.repeats);
    }
    out.push('\n');
    for (name, ratio) in [("FMR", &part.fmr), ("FNMR", &part.fnmr)] {
        if let Some(ratio) = ratio {
            let _ = writeln!(out, "- {name} of {}", over(ratio));
        }
    }
    for Strict { group, seen, shown } in &part.strict {
        let target = share(question.target);
        let shown = shown.map_or(", too few people to show it".to_owned(), |z| {
            format!(", shown with 95 % confidence from {z:.2}")
        });
        let seen =
            if seen.is_finite() { format!("from z >= {seen:.2} as seen") } else { "at any z".to_owned() };
        let _ = writeln!(out, "- {group}: FMR at most {target} {seen}{shown}");
    }
}

fn halved(all: &[(String, Halved)], question: &Question, out: &mut String) {
    if all.is_empty() {
        return;
    }
    let target = share(question.target);
    let _ = writeln!(
        out,
        "\nThresholds chosen on half of a group for FMR {target}, judged on its other half, {} times both ways\n\n\
         | group | compared | chosen so that FMR | z: least, middle, most | FMR of the other halves | at most, by people | halves over {target} |\n\
         | --- | --- | --- | --- | --- | --- | --- |",
        question.halves
    );
    for (way, Halved { group, chosen, halves, z: [least, middle, most], fmr, over }) in all {
        let chosen = match chosen {
            Chosen::Seen => "is seen",
            Chosen::Shown => "is shown",
            Chosen::Given => "-, given",
        };
        let rate = share(fmr.errors as f64 / fmr.trials.max(1) as f64);
        let _ = writeln!(
            out,
            "| {group} | {way} | {chosen} | {least:.2}, {middle:.2}, {most:.2} | {rate} ({} of {}) | {} | {over} of {halves} |",
            fmr.errors,
            fmr.trials,
            share(fmr.upper95())
        );
    }
}

/// Rates by what differs between pictures.
pub fn changed(changed: &Changed) -> String {
    let Changed { z, tagged, left_out, rows } = changed;
    let mut out = format!(
        "{tagged} tagged pictures, {left_out} more gave no embedding or repeat another; single pairs, z >= {z:.2}\n\n\
         | pictures | people | FMR | 95 % bounds | FNMR | 95 % bounds |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let _ = writeln!(out, "{}", cells(row));
    }
    out
}

/// What all tables say of a row.
fn cells(row: &Row) -> String {
    let Row { group, people, rates, fmr_lower95, fnmr_lower95, .. } = row;
    let (fmr, fnmr) = (rates.fmr_bounds, rates.fnmr_bounds);
    let fmr = span(fmr.errors, fmr.trials, *fmr_lower95, rates.fmr_upper95);
    let fnmr = span(fnmr.errors, fnmr.trials, *fnmr_lower95, rates.fnmr_upper95);
    format!("| {group} | {people} | {fmr} | {fnmr} |")
}

fn over(ratio: &Ratio) -> String {
    let number = |times: f64| if times < 10.0 { format!("{times:.1}") } else { format!("{times:.0}") };
    let seen = ratio.ratio.map_or("no error in the best".to_owned(), |r| format!("{} times", number(r)));
    let most = ratio.at_most.map_or("any number".to_owned(), number);
    format!(
        "{} over {}: {seen} (at least {}, at most {most})",
        ratio.worst,
        ratio.best,
        number(ratio.at_least)
    )
}
