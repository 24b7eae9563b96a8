//! `facelatch-rates measure`.

use std::path::Path;

use anyhow::{Context, Result};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::list::{self, Named};
use facelatch_rates::measure::{Measured, Question, measure};
use facelatch_rates::people::{People, is_flat};
use facelatch_rates::set::Set;
use facelatch_rates::trials::Shape;
use facelatch_rates::{report, svg};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Measure, Pictures, Rates};

/// Embeds a set, with a progress bar on a terminal.
pub(crate) fn acquire(pictures: &Pictures, source: &Path, aligned: bool) -> Result<(Bench, Set)> {
    embed(pictures, &People::load(source)?, (aligned, false))
}

/// Embeds a set; with `mirrored`, its faces left for right.
pub(crate) fn embed(
    pictures: &Pictures,
    people: &People,
    (aligned, mirrored): (bool, bool),
) -> Result<(Bench, Set)> {
    let bench = Bench { mirrored, ..bench(pictures, aligned)? };
    let bar = bar("embedding");
    let set = bench.acquire(people, &pictures.cache, &mut told(&bar))?;
    bar.finish_and_clear();
    Ok((bench, set))
}

/// The networks that were asked for.
pub(crate) fn bench(pictures: &Pictures, aligned: bool) -> Result<Bench> {
    let detector = (!aligned).then_some(pictures.networks.detector.as_str());
    Ok(Bench::load(
        &pictures.networks.models,
        Names { embedder: &pictures.networks.embedder, detector, central: pictures.central },
    )?)
}

/// A bar with the time left, on standard error where that is a terminal.
pub(crate) fn bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len}, {eta} left");
    let bar = ProgressBar::new(0).with_message(what);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Moves the bar.
pub(crate) fn told(bar: &ProgressBar) -> impl FnMut(usize, usize) {
    |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    }
}

pub(crate) fn run(args: &Measure) -> Result<()> {
    let rates = &args.rates;
    let pictures = &rates.pictures;
    let pairs =
        args.pairs.as_deref().map(|file| Ok::<_, anyhow::Error>((file, list::read(file)?))).transpose()?;
    let pairs: Option<(&Path, &[Named])> = pairs.as_ref().map(|(file, pairs)| (*file, pairs.as_slice()));
    let flat = pairs.filter(|_| is_flat(&pictures.source));
    let (bench, mut set) = match flat {
        Some((file, pairs)) => {
            embed(pictures, &People::listed(&pictures.source, file, pairs)?, (pictures.aligned, false))?
        }
        None => acquire(pictures, &pictures.source, pictures.aligned)?,
    };
    if rates.limits {
        set.heed_limits(&bench.embedder);
    }
    let head = head(rates, &bench)?;
    // A list of pairs tells too little of who is who for whole decisions.
    let shape = shape(rates).filter(|_| flat.is_none());
    let measured = measured(rates, &set, &head, Question { shape, pairs, ..Default::default() })?;
    super::say(&if rates.json {
        serde_json::to_string_pretty(&measured)?
    } else {
        report::measured(&measured)
    })
}

/// The head that was asked for.
pub(crate) fn head(args: &Rates, bench: &Bench) -> Result<Head> {
    let path = args.head.clone().unwrap_or_else(|| args.pictures.networks.head_path());
    Ok(Head::load(&path, Wanted::of(&bench.embedder))?)
}

/// The decisions that were asked for.
pub(crate) fn shape(args: &Rates) -> Option<Shape> {
    Some(Shape { templates: args.templates, frames: args.frames }).filter(|s| s.templates > 0 && s.frames > 0)
}

/// Measures, with a progress bar on a terminal, and draws where that was asked for.
pub(crate) fn measured(args: &Rates, set: &Set, head: &Head, question: Question<'_>) -> Result<Measured> {
    let groups = match &args.groups {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let pairs = text.lines().filter_map(|line| line.split_once(','));
            pairs.map(|(person, group)| (person.trim().to_owned(), group.trim().to_owned())).collect()
        }
        None => Default::default(),
    };
    let bar = bar("comparing");
    let measured = measure(set, head, &Question { groups, ..question }, &mut told(&bar))?;
    bar.finish_and_clear();
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
    Ok(measured)
}
