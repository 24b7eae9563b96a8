//! `facelatch-rates ablate`.

use anyhow::Result;
use facelatch_rates::ablate::{Split, ablate};
use facelatch_rates::report;

use super::args::Ablate;
use super::measure::acquire;

pub(crate) fn run(args: &Ablate) -> Result<()> {
    let (_, set) = acquire(&args.pictures, &args.pictures.source, args.pictures.aligned)?;
    let other = args
        .fit_on
        .as_deref()
        .map(|source| acquire(&args.pictures, source, args.fit_on_aligned))
        .transpose()?;
    let split = match &other {
        Some((_, other)) => Split::FittedOn(other),
        None => Split::Halves { rounds: args.rounds, seed: 5 },
    };
    let rows = ablate(&set, &split, &mut |name| eprintln!("fitting: {name}"))?;
    super::say(&if args.json { serde_json::to_string_pretty(&rows)? } else { report::ablation(&rows) })
}
