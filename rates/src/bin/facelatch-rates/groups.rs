//! `facelatch-rates groups`.

use anyhow::Result;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch_rates::groups::labels::Labels;
use facelatch_rates::groups::{self, Question, sheet};
use facelatch_rates::people::People;

use super::args::Groups;
use super::measure::{bar, bench, told};

/// Pictures of UTKFace more alike than this are taken for two of one person.
const REPEATED: f32 = 0.8;

pub(crate) fn run(args: &Groups) -> Result<()> {
    let pictures = &args.pictures;
    let people = match &args.groups {
        Some(_) => People::load(&pictures.source)?,
        None => People::apart(&pictures.source)?,
    };
    let bench = bench(pictures, pictures.aligned)?;
    let embedding = bar("embedding");
    let mut set = bench.embed(&people, &pictures.cache, &mut told(&embedding))?;
    embedding.finish_and_clear();
    let labels = match &args.groups {
        Some(file) => Labels::of_file(file, &set.people)?,
        None => Labels::of_utk(&pictures.source, &set.people)?,
    };
    let path = args.head.clone().unwrap_or_else(|| pictures.networks.head_path());
    let head = Head::load(&path, Wanted::of(&bench.embedder))?;
    let question = Question {
        repeats: args.repeats.or_else(|| args.groups.is_none().then_some(REPEATED)),
        least: args.least,
        at: std::iter::once(head.threshold().log_odds().0).chain(args.at.iter().copied()).collect(),
        target: args.target_fmr,
        templates: args.templates,
        frames: args.frames.clone(),
        halves: args.halves,
    };
    let comparing = bar("comparing");
    let grouped =
        groups::grouped(&mut set, &labels, &bench.embedder, &head, &question, &mut told(&comparing));
    comparing.finish_and_clear();
    super::say(&if args.json {
        serde_json::to_string_pretty(&grouped)?
    } else {
        sheet::sheet(&grouped, &question)
    })
}
