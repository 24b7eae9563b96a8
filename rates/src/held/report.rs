//! Thresholds as Markdown tables.

use std::fmt::Write as _;

use super::{Held, Judged};
use crate::report::{counted, share};

fn row(judged: &Judged) -> String {
    let Judged { chosen_on, judged_on, z: (low, high), rates } = judged;
    let z = if low == high { format!("{low:.3}") } else { format!("{low:.3} to {high:.3}") };
    let chosen_on = chosen_on.as_deref().unwrap_or("given");
    let (fmr, fnmr) = (counted(&rates.fmr_bounds, ""), counted(&rates.fnmr_bounds, ""));
    format!("| {chosen_on} | {judged_on} | {z} | {fmr} | {fnmr} |")
}

/// The tables.
pub fn held(held: &Held) -> String {
    let mut out = String::new();
    let mut table = |title: &str, rows: &[Judged]| {
        let _ = writeln!(
            out,
            "\n{title}\n\n| chosen on | judged on | z | FMR (decisions; pairs of people) | at most | FNMR (decisions; people) | at most |\n| --- | --- | --- | --- | --- | --- | --- |"
        );
        rows.iter().for_each(|judged| {
            let _ = writeln!(out, "{}", row(judged));
        });
    };
    let target = share(held.target_fmr);
    table("That of the head first, then around it", &held.over_thresholds);
    table(&format!("Chosen on half of the people for FMR <= {target}, judged on the others"), &held.halves);
    table(&format!("Chosen on one set for FMR <= {target}, judged on another"), &held.across);
    let _ = writeln!(
        out,
        "\nDecisions of {} frames against {} templates.",
        held.shape.frames, held.shape.templates
    );
    if !held.left_out.is_empty() {
        let _ = writeln!(out, "Too few pictures for them: {}.", held.left_out.join(", "));
    }
    out
}
