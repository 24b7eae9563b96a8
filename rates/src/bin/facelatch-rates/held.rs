//! `facelatch-rates threshold`.

use std::path::Path;

use anyhow::Result;
use facelatch_rates::held::{Named, held, measure};
use facelatch_rates::table::{Features, Table};
use facelatch_rates::trials::Shape;

use super::args::Threshold;
use super::measure::{acquire, bar, told};
use super::search::head;

pub(crate) fn run(args: &Threshold) -> Result<()> {
    let pictures = &args.pictures;
    let sources = std::iter::once((&pictures.source, pictures.aligned))
        .chain(args.also.iter().map(|source| (source, false)))
        .chain(args.also_aligned.iter().map(|source| (source, true)));
    let (mut sets, mut z) = (Vec::new(), 0.0);
    for (source, aligned) in sources {
        let (bench, mut set) = acquire(pictures, source, aligned)?;
        if args.limits {
            set.heed_limits(&bench.embedder);
        }
        let head = head(args.head.as_deref(), &pictures.networks, &bench)?;
        z = head.threshold().log_odds().0;
        let bar = bar("comparing");
        let table = Table::new(&Features::of_head(&set, &head), head.formula(), &mut told(&bar));
        bar.finish_and_clear();
        sets.push((name(source), set, table));
    }
    let named = |(name, set, table)| Named { name: String::clone(name), set, table };
    let named: Vec<Named<'_>> = sets.iter().map(|(name, set, table)| named((name, set, table))).collect();
    let shape = Shape { templates: args.templates.max(1), frames: args.frames.max(1) };
    let measured = measure(&named, shape, z, args.target_fmr)?;
    super::say(&if args.json { serde_json::to_string_pretty(&measured)? } else { held(&measured) })
}

/// Of a folder or list, for tables.
fn name(source: &Path) -> String {
    source.file_stem().unwrap_or(source.as_os_str()).to_string_lossy().into_owned()
}
