//! `facelatch-rates stress`.

use anyhow::Result;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::people::People;
use facelatch_rates::stress::{self, Plan, fault, table};
use indicatif::ProgressBar;

use super::args::Stress;

pub(crate) fn run(args: &Stress) -> Result<()> {
    // All that can be refused comes before the networks are loaded.
    let kinds = fault::named(&args.kinds)?;
    let people = People::load(&args.source)?;
    let Stress { people: most, skip, templates, frames, seed, .. } = *args;
    let plan = Plan { people: most, skip, templates, frames, seed };
    plan.choose(&people)?;
    let bench = Bench::load(
        &args.models,
        Names { embedder: &args.embedder, detector: Some(&args.detector), central: false },
    )?;
    let path = args.models.join(format!("{}.head.toml", args.embedder));
    let head = Head::load(&path, Wanted::of(&bench.embedder))?;
    let bar = ProgressBar::new(most as u64);
    let measured = stress::measure(&bench, &head, &people, &kinds, plan, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    super::say(&if args.json { serde_json::to_string_pretty(&measured)? } else { table::markdown(&measured) })
}
