//! Searches as Markdown tables.

use std::fmt::Write as _;

use super::{Outcome, Searched};
use crate::report::{counted, share};
use facelatch::head::LogOdds;
use facelatch::judge::Policy;

fn outcome(o: &Outcome, enrolled: usize) -> String {
    let [no_match, ambiguous, other] = o.missed;
    let pairs = format!("{} ({} of {} pairs)", share(o.fpir_by_pairs(enrolled)), o.pairs_matched, o.pairs);
    format!(
        "{} | {pairs} | {} | {no_match}, {ambiguous}, {other} |",
        counted(&o.fpir, " people"),
        counted(&o.fnir, " people")
    )
}

/// Different pictures, or so many frames of one.
fn frames(s: &Searched) -> String {
    match s.draw.alike {
        1 => s.draw.frames.to_string(),
        alike => format!("{alike} alike"),
    }
}

/// The tables, for each number of frames.
pub fn searched(all: &[Searched]) -> String {
    let mut out = String::new();
    let head = |out: &mut String, title: &str, first: &str| {
        let _ = writeln!(
            out,
            "\n{title}\n\n| {first} | FPIR | at most, by strangers | at most, by pairs of people | FNIR | at most, by people | no match, ambiguous, somebody else |\n| --- | --- | --- | --- | --- | --- | --- |"
        );
    };
    let Some(Searched { enrolled, judged_as, z, draw, .. }) = all.first() else { return out };
    let raised = Policy::identify(LogOdds(*z).probability(), *judged_as).threshold().log_odds();
    let _ = writeln!(
        out,
        "{enrolled} people enrolled with {} to {} templates, {} galleries; judged as {judged_as} people: z >= {:.2}, margin {z:.2}",
        draw.templates.0.max(1),
        draw.templates.1.max(1),
        draw.galleries,
        raised.0
    );
    head(&mut out, "At the threshold of the head", "frames");
    for s in all {
        let _ = writeln!(out, "| {} | {}", frames(s), outcome(&s.shipped, *judged_as));
    }
    head(&mut out, "By the templates of the user; FPIR is that of all", "frames, templates");
    for s in all {
        for (templates, o) in s.by_templates.iter().filter(|(_, o)| o.fnir.trials > 0) {
            let _ = writeln!(out, "| {}, {templates} | {}", frames(s), outcome(o, *judged_as));
        }
    }
    head(&mut out, "Other thresholds of the head", "frames, z of one decision");
    for s in all {
        for (z, o) in &s.by_threshold {
            let _ = writeln!(out, "| {}, {z:.2} | {}", frames(s), outcome(o, *judged_as));
        }
    }
    head(
        &mut out,
        "At the threshold of the head, where the odds grow by a power of the number of people",
        "frames, power",
    );
    for s in all {
        for (power, o) in &s.by_growth {
            let _ = writeln!(out, "| {}, {power:.2} | {}", frames(s), outcome(o, *judged_as));
        }
    }
    for s in all.iter().filter(|s| !s.let_in.is_empty()) {
        let _ = writeln!(out, "\nLet in with {} frames:", frames(s));
        for (stranger, user, searches) in &s.let_in {
            let _ = writeln!(out, "- {stranger} as {user}, in {searches} searches");
        }
    }
    out
}
