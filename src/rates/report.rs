//! Rates as text for people.

use std::fmt::Write as _;

use super::ablate::Row;
use super::fit::Fitted;
use super::measure::{Measured, Rates};

/// `0.1234` as `12.34 %`, small ones as `1.2e-5`.
fn share(rate: f64) -> String {
    if rate == 0.0 {
        "0".to_owned()
    } else if rate < 1e-3 {
        format!("{rate:.1e}")
    } else {
        format!("{:.2} %", 100.0 * rate)
    }
}

fn rates(r: &Rates) -> String {
    format!(
        "FMR {} (95 % bound {}; {} as if trials were independent), FNMR {} (95 % bound {})",
        share(r.fmr),
        share(r.fmr_upper95),
        share(r.fmr_upper95_trials),
        share(r.fnmr),
        share(r.fnmr_upper95)
    )
}

/// The measurement on a screen.
pub fn measured(m: &Measured) -> String {
    let mut out = String::new();
    acquired(m, &mut out);
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!("pairs       {} genuine, {} impostor", m.genuine, m.impostor));
    line(format!("            EER {}, TAR {}", share(m.eer), tar(&m.tar)));
    line(format!("            log-loss {:.4}, calibration error {:.4}", m.log_loss, m.ece));
    line(format!("threshold   p >= {:.6}", m.threshold));
    line(format!("  one pair  {}", rates(&m.pair)));
    if let Some(d) = &m.decision {
        line(format!(
            "  decision  {}   [{} templates, {} frames; {} genuine, {} impostor]",
            rates(&d.rates),
            d.shape.templates,
            d.shape.frames,
            d.genuine,
            d.impostor
        ));
        line(format!("            EER {}, TAR {}", share(d.eer), tar(&d.tar)));
    } else {
        let why = "too few people with pictures enough for --templates and --frames";
        line(format!("  decision  not measured: {why}"));
    }
    if let Some(i) = &m.identify {
        line(format!(
            "  search    of {} enrolled, p >= {:.6}: FPIR {} (95 % bound {}), FNIR {} (95 % bound {})",
            i.enrolled,
            i.threshold,
            share(i.fpir),
            share(i.fpir_upper95),
            share(i.fnir),
            share(i.fnir_upper95)
        ));
    }
    for (title, groups) in [("quality", &m.by_quality), ("group", &m.by_group)] {
        for g in groups {
            let fnmr = g.fnmr.map_or("-".to_owned(), share);
            let fmr = g
                .fmr
                .map_or(String::new(), |fmr| format!("; {} impostor pairs, FMR {}", g.impostor, share(fmr)));
            line(format!("{title:<11} {:<14} {:>7} genuine pairs, FNMR {fnmr}{fmr}", g.name, g.genuine));
        }
    }
    out
}

fn tar(rates: &std::collections::BTreeMap<&str, f64>) -> String {
    rates.iter().map(|(fmr, tar)| format!("@{fmr} {tar:.4}")).collect::<Vec<_>>().join("  ")
}

/// What the set is, and every picture that was left out.
fn acquired(m: &Measured, out: &mut String) {
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!("embedder    {} {}", m.embedder, &m.embedder_sha256[..m.embedder_sha256.len().min(12)]));
    line(format!("people      {}", m.people));
    let l = &m.losses;
    line(format!(
        "pictures    {}, a face in {} (failure to acquire {}: {} without a face, {} unreadable), {} needed a border, {} repeated",
        m.pictures,
        m.acquired,
        share(m.failure_to_acquire),
        l.no_face.len(),
        l.unreadable.len(),
        l.bordered,
        l.repeated
    ));
    for path in &l.no_face {
        line(format!("            no face: {}", path.display()));
    }
    for (path, why) in &l.unreadable {
        line(format!("            unreadable: {}: {why}", path.display()));
    }
}

/// The ablation as a Markdown table.
pub fn ablation(rows: &[Row]) -> String {
    let mut out = String::from(
        "| head | bias | EER | TAR@1e-2 | @1e-3 | @1e-4 | log-loss | p of an identical pair |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let [a, b, c] = row.tar;
        let number = |v: Option<f64>, digits| v.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
        let bias = if row.identical_pair.is_none() {
            "-"
        } else if row.bias {
            "yes"
        } else {
            "no"
        };
        let _ = writeln!(
            out,
            "| {} | {bias} | {:.2} % | {a:.3} | {b:.3} | {c:.3} | {} | {} |",
            row.head,
            100.0 * row.eer,
            number(row.log_loss, 3),
            number(row.identical_pair, 4)
        );
    }
    out
}

/// What a fit did.
pub fn fitted(f: &Fitted) -> String {
    let mut out = String::from(
        "plan             log-loss          EER    (people the head never saw, mean of the folds)\n",
    );
    for tried in &f.tried {
        let mark = if tried.plan == f.plan.name { "  <- chosen" } else { "" };
        let _ = writeln!(
            out,
            "{:<16} {:.4} +- {:.4}  {:.2} %{mark}",
            tried.plan,
            tried.log_loss,
            tried.standard_error,
            100.0 * tried.eer
        );
    }
    for text in threshold(f) {
        let _ = writeln!(out, "{text}");
    }
    out
}

/// The threshold and what it rests on; also comments of the head file.
pub fn threshold(f: &Fitted) -> Vec<String> {
    let t = &f.threshold;
    let mut lines = vec![format!(
        "threshold: z >= {:.3}, p >= {:.6}; on people the head never saw {} of {} impostor decisions reach it (95 % bound {} as if they were independent, {} by people), {} of {} genuine ones miss ({})",
        t.z,
        t.p,
        t.false_matches,
        t.impostor,
        share(t.fmr_upper95),
        share(t.fmr_upper95_people),
        t.misses,
        t.genuine,
        share(t.misses as f64 / t.genuine.max(1) as f64)
    )];
    lines.extend(t.note.iter().cloned());
    lines
}
