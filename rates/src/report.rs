//! Rates as text for people.

use std::fmt::Write as _;

use super::ablate::Row;
use super::fit::Fitted;
use super::measure::Measured;
use super::protocol::{Accuracy, Protocol};
use super::rate::{Bounds, Rates};
use super::trials::Shape;

/// `0.1234` as `12.34 %`, small ones as `1.2e-5`.
pub(super) fn share(rate: f64) -> String {
    if rate == 0.0 {
        "0".to_owned()
    } else if rate < 1e-3 {
        format!("{rate:.1e}")
    } else {
        format!("{:.2} %", 100.0 * rate)
    }
}

/// A rate, what was counted, and the upper bound by people, as two cells of a table. `whose`: what follows the number of people.
pub(super) fn counted(b: &Bounds, whose: &str) -> String {
    let seen = share(b.errors as f64 / b.trials.max(1) as f64);
    let Bounds { errors, trials, people_with_error, people, .. } = b;
    format!("{seen} ({errors} of {trials}; {people_with_error} of {people}{whose}) | {}", share(b.upper95()))
}

/// A rate with its bounds. `who`: what it is counted by; `error`: what went wrong.
fn rate(b: &Bounds, who: &str, error: &str) -> String {
    let Bounds { errors, trials, people, people_with_error, .. } = b;
    let (independent, worst) = (share(b.as_if_independent), share(b.worst_case));
    let seen = format!("{} ({errors} of {trials})", share(*errors as f64 / (*trials).max(1) as f64));
    match b.by_people {
        Some(drawn) => format!(
            "{seen}; 95 % bound {} by resampling people ({independent} as if independent); {error} in {people_with_error} of {people} {who}",
            share(drawn)
        ),
        None => format!(
            "{seen}; 95 % bound {worst} by {who} ({people}, none with {error}); {independent} only as if independent"
        ),
    }
}

/// Both rates, one line each.
fn rates(r: &Rates) -> [String; 2] {
    [
        format!("FMR  {}", rate(&r.fmr_bounds, "pairs of people", "a false match")),
        format!("FNMR {}", rate(&r.fnmr_bounds, "people", "a miss")),
    ]
}

/// The measurement as text.
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
    block("one pair", &rates(&m.pair), &mut line);
    if let Some(d) = &m.decision {
        let Shape { templates, frames } = d.shape;
        let without = m.people.saturating_sub(d.rates.fnmr_bounds.people);
        let left_out = match without {
            0 => String::new(),
            n => format!("; {n} people have too few pictures for genuine ones"),
        };
        block("decision", &rates(&d.rates), &mut line);
        line(format!("            of {frames} frames against {templates} templates{left_out}"));
        line(format!("            EER {}, TAR {}", share(d.eer), tar(&d.tar)));
    } else {
        let why = "it takes people with enough pictures for --templates and --frames, in a folder each";
        line(format!("  decision  not measured: {why}"));
    }
    if let Some(i) = &m.identify {
        let of = |n: usize, p: f64| format!("among {n}, p >= {p:.6}");
        block(
            "search",
            &[
                format!(
                    "of a stranger {}: FPIR {}",
                    of(i.enrolled, i.threshold),
                    rate(&i.fpir_bounds, "people", "a false match")
                ),
                format!(
                    "of a user {}: FNIR {}",
                    of(i.enrolled + 1, i.threshold_user),
                    rate(&i.fnir_bounds, "people", "a miss")
                ),
            ],
            &mut line,
        );
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

/// The pair protocol of LFW as text.
pub fn protocol(p: &Protocol) -> String {
    let accuracy = |a: &Accuracy| format!("{:.4} +- {:.4}", a.mean, a.standard_error);
    let seen =
        |errors: usize, of: usize| format!("{} ({errors} of {of})", share(errors as f64 / of.max(1) as f64));
    format!(
        "protocol    {} pairs in ten folds, {} left out: accuracy {} (by cosine {})\n            at the threshold of the head: FMR {}, FNMR {}\n",
        p.pairs,
        p.left_out,
        accuracy(&p.head),
        accuracy(&p.cosine),
        seen(p.false_matches, p.impostor),
        seen(p.misses, p.genuine)
    )
}

/// Lines under one heading.
fn block(heading: &str, lines: &[String], line: &mut impl FnMut(String)) {
    for (number, text) in lines.iter().enumerate() {
        line(format!("  {:<10}{text}", if number == 0 { heading } else { "" }));
    }
}

fn tar(rates: &std::collections::BTreeMap<&str, f64>) -> String {
    rates.iter().map(|(fmr, tar)| format!("@{fmr} {tar:.4}")).collect::<Vec<_>>().join("  ")
}

/// Describes the set and every picture left out.
fn acquired(m: &Measured, out: &mut String) {
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!("embedder    {} {}", m.embedder, &m.embedder_sha256[..m.embedder_sha256.len().min(12)]));
    line(format!("people      {}", m.people));
    let l = &m.losses;
    line(format!(
        "pictures    {}, a face in {} (failure to acquire {}: {} without a face, {} unreadable), {} needed a border, {} repeated, {} under two people and left out",
        m.pictures,
        m.acquired,
        share(m.failure_to_acquire),
        l.no_face.len(),
        l.unreadable.len(),
        l.bordered,
        l.repeated,
        l.of_two.len()
    ));
    for paths in &l.of_two {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        line(format!("            under two people: {}", paths.join(", ")));
    }
    if m.unclear > 0 {
        line(format!("            below the embedder's limits, in no decision: {}", m.unclear));
    }
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

/// The result of a fit.
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
    let Rates { fmr_bounds: fmr, fnmr_bounds: fnmr, .. } = &t.rates;
    let independent = share(fmr.as_if_independent);
    let bound = match fmr.by_people {
        Some(people) => {
            format!("95 % bound {independent} as if they were independent, {} by people", share(people))
        }
        None => format!(
            "95 % bound {independent} only if they were independent, {} by pairs of people",
            share(fmr.worst_case)
        ),
    };
    let mut lines = vec![
        format!(
            "threshold: z >= {:.3}, p >= {:.6}; on people the head never saw {} of {} impostor decisions reach it ({bound}), {} of {} genuine ones miss ({})",
            t.z,
            t.p,
            fmr.errors,
            fmr.trials,
            fnmr.errors,
            fnmr.trials,
            share(t.rates.fnmr)
        ),
        format!(
            "Those decisions are about {} people, {} pairs of them; {} pairs had a false match, {} people a miss (FNMR at most {}).",
            fnmr.people,
            fmr.people,
            fmr.people_with_error,
            fnmr.people_with_error,
            share(t.rates.fnmr_upper95)
        ),
    ];
    lines.extend(t.notes.iter().cloned());
    lines
}
