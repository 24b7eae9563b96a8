//! `facelatch-rates change`.

use anyhow::Result;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::change::{Tags, changed};
use facelatch_rates::groups::sheet;
use facelatch_rates::table::{Features, Table};

use super::args::Change;
use super::measure::{acquire, bar, told};

pub(crate) fn run(args: &Change) -> Result<()> {
    let pictures = &args.pictures;
    let (bench, set) = acquire(pictures, &pictures.source, pictures.aligned)?;
    let tags = Tags::read(&args.tags, &set)?;
    let path = args.head.clone().unwrap_or_else(|| pictures.networks.head_path());
    let head = Head::load(&path, Wanted::of(&bench.embedder))?;
    let comparing = bar("comparing");
    let table = Table::new(&Features::of_head(&set, &head), head.formula(), &mut told(&comparing));
    comparing.finish_and_clear();
    let changed = changed(&set, &tags, &table, head.threshold().log_odds().0);
    super::say(&if args.json { serde_json::to_string_pretty(&changed)? } else { sheet::changed(&changed) })
}
