//! `facelatch-rates children`.

use anyhow::{Context, Result};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::RatesError;
use facelatch_rates::acquire::Bench;
use facelatch_rates::children::{self, Aged, Cue, Direction, Learnt, Pairs};
use facelatch_rates::cores;
use facelatch_rates::set::Set;

use super::args::{Children, Pictures};
use super::measure::acquire;

pub(crate) fn run(args: &Children) -> Result<()> {
    let (bench, set) = acquire(&args.pictures, &args.pictures.source, false)?;
    let head = Head::load(&args.pictures.networks.head_path(), Wanted::of(&bench.embedder))?;
    let people = children::aged(&bench, &set, false)?;
    let (_, permitted) = acquire(&args.pictures, &args.learn, false)?;
    let learnt = Learnt::from(&permitted, &children::aged(&bench, &permitted, true)?);
    let learnt =
        learnt.context("--learn: no picture of a child up to 9 years, or none of an adult from 20 on")?;
    let direction = Direction { values: learnt.direction(), min_cosine: args.min_cosine };
    let pairs = Pairs::of(&set, &head);
    let compared = cues(&bench, &set, &people, &learnt)?;
    let row = |cue: &Cue| {
        let threshold = children::threshold(&cue.values, &people);
        children::row(cue.name, &cue.values, threshold, &people, &pairs)
    };
    let compared: Vec<_> = compared.iter().map(row).collect();
    let values: Vec<f32> =
        people.iter().map(|p| direction.cosine(set.samples[p.sample].embedding.values())).collect();
    let name = "cosine to the direction from adult to child";
    let chosen = children::row(name, &values, direction.min_cosine, &people, &pairs);
    let (children, adults) = learnt.pictures;
    super::say(&format!(
        "learnt from {children} pictures of children and {adults} of adults\n\n{}\n",
        direction.toml()
    ))?;
    super::say(&children::markdown(&compared, &chosen))?;
    args.adults.iter().try_for_each(|source| others(args, source, &direction))
}

/// The values of every cue. Landmarks are not kept, so each picture is looked at once more.
fn cues(bench: &Bench, set: &Set, people: &[Aged], learnt: &Learnt) -> Result<Vec<Cue>> {
    let samples = || people.iter().map(|person| &set.samples[person.sample]);
    let embeddings: Vec<&[f32]> = samples().map(|sample| sample.embedding.values()).collect();
    let norms: Vec<f32> = samples().map(|sample| sample.measures.norm).collect();
    let shapes: Result<Vec<f32>, RatesError> =
        cores::map(samples(), |sample| children::proportions(bench, &sample.path)).into_iter().collect();
    Ok(learnt.cues(&embeddings, &norms, &shapes?))
}

/// How many grown people of another set are refused.
fn others(args: &Children, source: &std::path::Path, direction: &Direction) -> Result<()> {
    let pictures = Pictures { central: true, ..args.pictures.clone() };
    let (bench, set) = acquire(&pictures, source, false)?;
    let (single, several) = children::refused(&bench, &set, direction);
    super::say(&format!(
        "{}: refused {} of {} single pictures, {} of {} people by the mean of three",
        source.display(),
        single.some,
        single.of,
        several.some,
        several.of
    ))
}
