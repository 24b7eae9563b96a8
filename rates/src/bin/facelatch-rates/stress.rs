//! `facelatch-rates stress`.

use anyhow::Result;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::people::People;
use facelatch_rates::stress::{self, Plan, fault, table};

use super::args::{Networks, Stress};
use super::measure::{bar, told};

pub(crate) fn run(args: &Stress) -> Result<()> {
    // All that can be refused comes before the networks are loaded.
    let kinds = fault::named(&args.kinds)?;
    let people = People::load(&args.source)?;
    let Stress { people: most, skip, templates, frames, seed, .. } = *args;
    let plan = Plan { people: most, skip, templates, frames, seed };
    plan.choose(&people)?;
    let Networks { models, embedder, detector } = &args.networks;
    let bench = Bench::load(models, Names { embedder, detector: Some(detector), central: false })?;
    let head = Head::load(&args.networks.head_path(), Wanted::of(&bench.embedder))?;
    let bar = bar("people");
    let measured = stress::measure(&bench, &head, &people, &kinds, plan, &mut told(&bar))?;
    bar.finish_and_clear();
    super::say(&if args.json { serde_json::to_string_pretty(&measured)? } else { table::markdown(&measured) })
}
