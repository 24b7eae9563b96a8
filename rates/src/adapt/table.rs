//! What was measured, as Markdown.

use std::fmt::Write as _;

use serde::Serialize;

use super::drift::Row;
use super::life::Life;
use crate::rate::Rates;

/// Everything.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// One for each reach.
    pub lives: Vec<Life>,
    /// Whole decisions about two people at the threshold lowered by the reach, whatever was taken: `reach`, rates.
    pub worst: Vec<(f32, Rates)>,
    /// One for each rule and attack.
    pub drift: Vec<Row>,
}

/// The tables.
pub fn markdown(measured: &Measured) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, measured);
    out
}

fn write(out: &mut String, measured: &Measured) -> std::fmt::Result {
    let Measured { lives, worst, drift } = measured;
    writeln!(
        out,
        "| reach | lives with an adapted template | FNMR without | with | false matches without | with | whatever was taken: FMR (at most) |\n\
         | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for (life, (_, worst)) in lives.iter().zip(worst) {
        let (before, after) = (&life.before, &life.after);
        let fnmr =
            |rates: &Rates| format!("{:.2} % ({:.2} %)", 100.0 * rates.fnmr, 100.0 * rates.fnmr_upper95);
        let seen = |rates: &Rates| format!("{} of {}", rates.fmr_bounds.errors, rates.fmr_bounds.trials);
        writeln!(
            out,
            "| {} | {} of {}, {} people | {} | {} | {} | {} | {:.1e} ({:.1e}) |",
            life.reach,
            life.adapted,
            life.lives,
            life.people,
            fnmr(before),
            fnmr(after),
            seen(before),
            seen(after),
            worst.fmr,
            worst.fmr_upper95
        )?;
    }
    writeln!(
        out,
        "\n| templates change | what the impostor shows | taken in | share of the impostor in the last | their score before | after | \
         their face matches before | after | at most |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for row in drift {
        writeln!(
            out,
            "| {} | {} | {} of {} pairs | {:.0} % | {:.1} | {:.1} | {} | {} | {:.1} % |",
            row.rule,
            row.attack.name(),
            row.taken,
            row.pairs,
            100.0 * row.share,
            row.before,
            row.after,
            row.matched_before,
            row.matched,
            100.0 * row.matched_upper95
        )?;
    }
    Ok(())
}
