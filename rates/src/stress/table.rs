//! The table in Markdown.

use std::fmt::Write as _;

use super::Stress;
use super::score::{Cell, Row};

/// The whole table, with what stands above it.
pub fn markdown(stress: &Stress) -> String {
    let plan = &stress.plan;
    let mut text = format!(
        "{}, {} people; a decision has up to {} templates and {} frames, whichever were judged; seed {}\n\n\
         | fault | strength | frames judged | most others | probe bad | template bad | both bad | at most | of attempts | genuine, both bad |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        stress.embedder, stress.people, plan.templates, plan.frames, plan.seed
    );
    for row in &stress.rows {
        // Writing to a string never fails.
        let _ = writeln!(text, "{}", line(row));
    }
    text
}

fn line(row: &Row) -> String {
    let cells = [&row.probe, &row.template, &row.both];
    let worst = |bound: &dyn Fn(&Cell) -> f64| cells.iter().map(|cell| bound(cell)).fold(0.0, f64::max);
    let refused = row.refused.iter().max_by_key(|(_, count)| **count).map_or("", |(word, _)| word);
    let strength = if row.unit.is_empty() { String::new() } else { format!("{} {}", row.strength, row.unit) };
    let genuine = row.both.genuine;
    format!(
        "| {} | {strength} | {} | {refused} | {} | {} | {} | {} | {} | {} of {} |",
        row.kind,
        percent(row.judged as f64 / row.frames.max(1) as f64),
        matches(&row.probe),
        matches(&row.template),
        matches(&row.both),
        rate(worst(&|cell| cell.fmr_upper95)),
        rate(worst(&|cell| cell.attempts_upper95)),
        genuine.matches,
        genuine.decisions,
    )
}

fn matches(cell: &Cell) -> String {
    format!("{} of {}", cell.impostor.matches, cell.impostor.decisions)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn rate(bound: f64) -> String {
    if bound < 0.01 { format!("{bound:.1e}") } else { percent(bound) }
}
