//! `facelatch-rates search`.

use std::path::Path;

use anyhow::{Result, ensure};
use facelatch::embed::Embedding;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::acquire::Bench;
use facelatch_rates::alike::Alike;
use facelatch_rates::people::People;
use facelatch_rates::search::{Decide, Draw, measure, report};
use facelatch_rates::set::Set;
use facelatch_rates::table::{Features, Table};
use facelatch_rates::trials::decide;

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
    let bench = bench(&args.pictures, args.pictures.aligned)?;
    let head = head(args.head.as_deref(), &args.pictures.networks, &bench)?;
    let (mut set, of_first) = set(args, &bench)?;
    let draw = Draw {
        enrolled: args.enrolled,
        of_first,
        templates: (args.least, args.templates),
        frames: 1,
        alike: 1,
        galleries: args.galleries.max(1),
        seed: args.seed,
    };
    let measured = |set: &Set, decide: Decide<'_>, draw: Draw| {
        measure(set, decide, head.threshold(), &draw, args.enrolled)
    };
    let all = match args.alike {
        Some(frames) => {
            let alike = alike(args, bench, &mut set, (of_first, frames), &head)?;
            let decide =
                |templates: &[usize], pictures: &[usize]| alike.decide(templates, *pictures.first()?);
            let draw = Draw { alike: frames.into(), ..draw };
            eprintln!("frames of one picture differ by {:.2} log-odds", alike.deviation(&set));
            vec![measured(&set, &decide, draw)?]
        }
        None => {
            let bar = bar("comparing");
            let table = Table::new(&Features::of_head(&set, &head), head.formula(), &mut told(&bar));
            bar.finish_and_clear();
            let decide =
                |templates: &[usize], frames: &[usize]| decide(templates, frames, &|a, b| table.at(a, b));
            let searched = |frames| measured(&set, &decide, Draw { frames, ..draw });
            (1..=args.frames).map(searched).collect::<Result<Vec<_>, _>>()?
        }
    };
    super::say(&if args.json { serde_json::to_string_pretty(&all)? } else { report::searched(&all) })
}

/// Everybody, and how many of them may be enrolled.
fn set(args: &Search, bench: &Bench) -> Result<(Set, usize)> {
    let embed = |source: &Path| -> Result<Set> {
        let bar = bar("embedding");
        Ok(bench.embed(&People::load(source)?, &args.pictures.cache, &mut told(&bar))?)
    };
    let mut set = embed(&args.pictures.source)?;
    let of_first = set.people.len();
    if let Some(strangers) = &args.strangers {
        set.join(embed(strangers)?)?;
    }
    if args.limits {
        set.heed_limits(&bench.embedder);
    }
    if args.gate {
        set.heed_gate();
    }
    Ok((set, of_first))
}

/// So many frames of each picture of `set`, of whose people those before `of_first` may be enrolled.
fn alike(
    args: &Search,
    bench: Bench,
    everybody: &mut Set,
    (of_first, frames): (usize, u8),
    head: &Head,
) -> Result<Alike> {
    let mut bench = bench;
    let mut moments = Vec::new();
    for moment in 1..frames {
        bench.moment = moment;
        moments.push(set(args, &bench)?.0);
    }
    let templates: Vec<Embedding> =
        everybody.samples.iter().filter(|s| s.person < of_first).map(|s| s.embedding.clone()).collect();
    let length = head.formula().alpha().len();
    let templates = Features::of_embeddings(&templates, length, &|e| head.project(e).into_owned());
    let bar = bar("comparing");
    let alike = Alike::new(everybody, &moments, &templates, head, &mut told(&bar));
    bar.finish_and_clear();
    Ok(alike)
}

/// The head that was asked for, or the one beside the embedder.
pub(crate) fn head(path: Option<&Path>, networks: &Networks, bench: &Bench) -> Result<Head> {
    let path = path.map_or_else(|| networks.head_path(), ToOwned::to_owned);
    Ok(Head::load(&path, Wanted::of(&bench.embedder))?)
}
