//! `facelatch-rates variants`.

use anyhow::Result;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::people::People;
use facelatch_rates::trials::Shape;
use facelatch_rates::variants::{Material, markdown, variants};

use super::args::Variants;
use super::measure::{acquire, embed};

pub(crate) fn run(args: &Variants) -> Result<()> {
    let (pictures, people) = (&args.pictures, People::load(&args.pictures.source)?);
    let (bench, mut plain) = embed(pictures, &people, (pictures.aligned, false))?;
    let (_, mut mirrored) = embed(pictures, &people, (pictures.aligned, true))?;
    let marked = plain.judged(&bench.embedder);
    plain.keep(&marked);
    mirrored.keep(&marked);
    let background = args.background.as_deref().map(|list| acquire(pictures, list, false)).transpose()?;
    let head = Head::load(&pictures.networks.head_path(), Wanted::of(&bench.embedder))?;
    let material = Material {
        plain: &plain,
        mirrored: &mirrored,
        background: background.as_ref().map(|(_, set)| set),
        head: &head,
        shape: Shape { templates: args.templates, frames: args.frames },
    };
    let rows = variants(&material, &mut |what| eprintln!("computing: {what}"))?;
    super::say(&if args.json { serde_json::to_string_pretty(&rows)? } else { markdown(&rows) })
}
