//! `facelatch-rates fit`.

use anyhow::{Context, Result};
use facelatch::clock::{Clock, SystemClock};
use facelatch::head::Measured;
use facelatch::head::project::RawProjection;
use facelatch_rates::fit::{Fitted, Target, Wish, fit};
use facelatch_rates::rate::Rates;
use facelatch_rates::report;
use facelatch_rates::set::Set;
use facelatch_rates::trials::Shape;
use facelatch_rates::write::Sheet;

use super::args::Fit;
use super::measure::acquire;

pub(crate) fn run(args: &Fit) -> Result<()> {
    let (bench, set) = acquire(&args.pictures, &args.pictures.source, args.pictures.aligned)?;
    let wish = Wish {
        folds: args.folds,
        seed: args.seed,
        shape: Shape { templates: args.templates.max(1), frames: args.frames.max(1) },
        target: match (args.target_fpir, args.enrolled) {
            (Some(rate), Some(enrolled)) => Target::Fpir { rate, enrolled },
            _ => Target::Fmr(args.target_fmr),
        },
        prior: args.prior,
        rotations: args.rotations,
        only: args.plan.clone(),
    };
    let fitted = fit(&set, &wish, &mut |name| eprintln!("fitting: {name}"))?;
    let unscaled = !bench.embedder.has_unit_length();
    let sheet = Sheet { unscaled, ..sheet(args, &wish, &set, &fitted) };
    let head = sheet.write(&args.output)?;
    if let Some(path) = &args.report {
        let json = serde_json::json!({
            "asked": wish,
            "people": set.people.len(),
            "pictures": set.losses.pictures,
            "acquired": set.samples.len(),
            "losses": set.losses,
            "plan": fitted.plan.name,
            "tried": fitted.tried,
            "threshold": fitted.threshold,
            "identical_pair": head.identical_pair().value(),
        });
        std::fs::write(path, serde_json::to_string_pretty(&json)?)
            .with_context(|| path.display().to_string())?;
    }
    let text = report::fitted(&fitted);
    super::say(&format!(
        "{text}written: {} (an identical pair scores {})",
        args.output.display(),
        head.identical_pair()
    ))
}

fn sheet(args: &Fit, wish: &Wish, set: &Set, fitted: &Fitted) -> Sheet {
    let Wish { shape, seed, folds, prior, .. } = wish;
    let mut comments = vec![
        format!(
            "Made by: facelatch-rates fit DIR --embedder {} --output {}",
            set.recipe.embedder,
            args.output.file_name().unwrap_or_default().to_string_lossy()
        ),
        format!(
            "Plan \"{}\", chosen among {} by cross-validation over people in {folds} parts, seed {seed}.",
            fitted.plan.name,
            fitted.tried.len()
        ),
        format!(
            "A decision is the mean over {} frames of the mean of the two best of {} templates.",
            shape.frames, shape.templates
        ),
        format!("b is calibrated for a share of {prior} genuine pairs."),
    ];
    comments.extend(report::threshold(fitted));
    let people = set.by_person().iter().filter(|samples| !samples.is_empty()).count();
    let people = format!("{people} people, {} pictures", set.samples.len());
    let measured = measured(shape, &fitted.threshold.rates, &people);
    let fitted_on =
        if args.description.is_empty() { people } else { format!("{}, {people}", args.description) };
    let plan = &fitted.plan;
    Sheet {
        comments,
        embedder: set.recipe.embedder.clone(),
        embedder_sha256: set.recipe.embedder_sha256.clone(),
        length: set.recipe.length,
        bias: fitted.learnt.bias,
        alpha: fitted.learnt.alpha.clone(),
        threshold: fitted.threshold.p,
        fitted_on,
        fitted_at: args.date.clone().unwrap_or_else(today),
        projection: (plan.rotations > 0).then(|| RawProjection {
            rotations: plan.rotations,
            seed: plan.seed,
            ..Default::default()
        }),
        matrix: fitted.learnt.matrix.clone(),
        measured: Some(measured),
        ..Default::default()
    }
}

/// What the threshold means, for `facelatch explain`.
fn measured(shape: &Shape, rates: &Rates, people: &str) -> Measured {
    let Rates { fmr_bounds: fmr, .. } = rates;
    Measured {
        set: format!("the set it was fitted on ({people}), by heads that had not seen those judged"),
        frames: u32::try_from(shape.frames).unwrap_or(u32::MAX),
        templates: u32::try_from(shape.templates).unwrap_or(u32::MAX),
        decisions: fmr.trials as u64,
        false_matches: fmr.errors as u64,
        fmr_at_most: fmr.upper95(),
    }
}

/// As `YYYY-MM-DD`, UTC.
pub(crate) fn today() -> String {
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(SystemClock.wall().0);
    humantime::format_rfc3339_seconds(now).to_string().chars().take(10).collect()
}
