//! `facelatch-rates measure`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::{Bench, Set};
use facelatch_rates::bench::Names;
use facelatch_rates::measure::{Question, measure};
use facelatch_rates::people::People;
use facelatch_rates::trials::Shape;
use facelatch_rates::{report, svg};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Measure, Pictures};

/// Embeds a set, with a progress bar on a terminal.
pub(crate) fn acquire(pictures: &Pictures, source: &Path, aligned: bool) -> Result<(Bench, Set)> {
    let detector = (!aligned).then_some(pictures.detector.as_str());
    let bench = Bench::load(&pictures.models, Names { embedder: &pictures.embedder, detector })?;
    let people = People::load(source)?;
    let bar = ProgressBar::new(people.pictures() as u64);
    bar.set_style(
        ProgressStyle::with_template("embedding {bar:40} {pos}/{len} {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let set = bench.acquire(&people, &pictures.cache, &mut |done, _| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok((bench, set))
}

pub(crate) fn run(args: &Measure) -> Result<()> {
    let (bench, mut set) = acquire(&args.pictures, &args.pictures.source, args.pictures.aligned)?;
    if args.limits {
        set.heed_limits(&bench.embedder);
    }
    let shipped = || args.pictures.models.join(format!("{}.head.toml", args.pictures.embedder));
    let path: PathBuf = args.head.clone().unwrap_or_else(shipped);
    let wanted = Wanted::of(&bench.embedder);
    let head = Head::load(&path, wanted)?;
    let groups = match &args.groups {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let pairs = text.lines().filter_map(|line| line.split_once(','));
            pairs.map(|(person, group)| (person.trim().to_owned(), group.trim().to_owned())).collect()
        }
        None => Default::default(),
    };
    let shape = Some(Shape { templates: args.templates, frames: args.frames });
    let shape = shape.filter(|s| s.templates > 0 && s.frames > 0);
    let measured = measure(&set, &head, &Question { shape, pairs: args.pairs.as_deref(), groups })?;
    if let Some(folder) = &args.svg {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let pictures = [
            ("det.svg", svg::det(&measured)),
            ("scores.svg", svg::histogram(&measured)),
            ("reliability.svg", svg::reliability(&measured)),
        ];
        for (name, text) in pictures {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
    }
    super::say(&if args.json {
        serde_json::to_string_pretty(&measured)?
    } else {
        report::measured(&measured)
    })
}
