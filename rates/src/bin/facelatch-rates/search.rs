//! `facelatch-rates search`.

use anyhow::{Result, ensure};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::Bench;
use facelatch_rates::people::People;
use facelatch_rates::search::{Draw, measure, report};
use facelatch_rates::table::{Features, Table};

use super::args::{Networks, Search};
use super::measure::{bar, bench, told};

pub(crate) fn run(args: &Search) -> Result<()> {
    ensure!(args.templates > 0 && args.frames > 0, "a search takes at least one template and one frame");
    ensure!(
        args.least <= args.templates,
        "--least {} is more than --templates {}",
        args.least,
        args.templates
    );
    let pictures = &args.pictures;
    let bench = bench(pictures, pictures.aligned)?;
    let embed = |people: &People| {
        let bar = bar("embedding");
        bench.embed(people, &pictures.cache, &mut told(&bar))
    };
    let mut set = embed(&People::load(&pictures.source)?)?;
    let of_first = set.people.len();
    if let Some(strangers) = &args.strangers {
        set.join(embed(&People::load(strangers)?)?)?;
    }
    if args.limits {
        set.heed_limits(&bench.embedder);
    }
    if args.gate {
        set.heed_gate();
    }
    let head = head(args.head.as_deref(), &pictures.networks, &bench)?;
    let bar = bar("comparing");
    let table = Table::new(&Features::of_head(&set, &head), head.formula(), &mut told(&bar));
    bar.finish_and_clear();
    let searched = |frames| {
        let draw = Draw {
            enrolled: args.enrolled,
            of_first,
            templates: (args.least, args.templates),
            frames,
            galleries: args.galleries.max(1),
            seed: args.seed,
        };
        measure(&set, &table, head.threshold(), &draw, args.enrolled)
    };
    let all = (1..=args.frames).map(searched).collect::<Result<Vec<_>, _>>()?;
    super::say(&if args.json { serde_json::to_string_pretty(&all)? } else { report::searched(&all) })
}

/// The head that was asked for, or the one beside the embedder.
pub(crate) fn head(path: Option<&std::path::Path>, networks: &Networks, bench: &Bench) -> Result<Head> {
    let path = path.map_or_else(|| networks.head_path(), ToOwned::to_owned);
    Ok(Head::load(&path, Wanted::of(&bench.embedder))?)
}
