//! The variants as Markdown tables.

use std::fmt::Write as _;

use super::super::rate::Rates;
use super::{Cost, Row, TARGET_FMR};

/// Million instructions of a Cortex-A72: a run of SFace, and a comparison of two h of 8,192 values (benches/README.md).
const RUN: f64 = 161.5;
const COMPARISON: f64 = 0.022;

/// Rates, then costs.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = format!(
        "| variant | EER | TAR @1e-3, 1e-4, 1e-5 | at the shipped threshold: FMR (at most), FNMR (at most) | FNMR at its FMR | \
         threshold for {TARGET_FMR:.0e} from the other half: FMR (at most), FNMR (at most) | M instructions more: template; \
         genuine, impostor decision |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let tar = row.tar.map(|tar| tar.map_or("-".to_owned(), |tar| format!("{tar:.4}"))).join(", ");
        let _ = writeln!(
            out,
            "| {} | {} | {tar} | {} | {} | {} | {} |",
            row.variant,
            percent(row.eer),
            rates(row.shipped.as_ref()),
            percent(row.fnmr_at_shipped_fmr),
            rates(row.other_half.as_ref()),
            instructions(&row.cost)
        );
    }
    if let Some(row) = rows.first() {
        let _ = writeln!(out, "\n{} genuine and {} impostor decisions.", row.genuine, row.impostor);
    }
    out
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.3} %", 100.0 * share))
}

fn rates(rates: Option<&Rates>) -> String {
    let Some(r) = rates else { return "-".to_owned() };
    let (fmr, fnmr) = (100.0 * r.fnmr, 100.0 * r.fnmr_upper95);
    format!("{:.1e} ({:.1e}), {fmr:.3} % ({fnmr:.3} %)", r.fmr, r.fmr_upper95)
}

fn instructions(cost: &Cost) -> String {
    let of = |runs: f64| runs * RUN + cost.comparisons * COMPARISON;
    let [template, genuine, impostor] =
        [cost.template_runs * RUN, of(cost.genuine_runs), of(cost.impostor_runs)].map(|m| format!("{m:.1}"));
    if *cost == Cost::default() { "0".to_owned() } else { format!("{template}; {genuine}, {impostor}") }
}
