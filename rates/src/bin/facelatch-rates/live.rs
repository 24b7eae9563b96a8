//! `facelatch-rates live`.

use anyhow::Result;
use facelatch::config::{AttackLevel, Config};
use facelatch::pipeline::Networks;
use facelatch_rates::acquire::Bench;
use facelatch_rates::attack::clips;
use facelatch_rates::bench::Names;
use facelatch_rates::live::enrol::Enroller;
use facelatch_rates::live::runs::Frames;
use facelatch_rates::live::{Plan, measure, report};
use facelatch_rates::people::People;

use super::args::Live;
use super::measure::{bar, told};

pub(crate) fn run(args: &Live) -> Result<()> {
    let clips = clips::load(&args.source, |source| !args.without.iter().any(|name| name == source))?;
    let Config { mut models, detect, mut attack, decision, .. } = Config::default();
    models.folder.clone_from(&args.networks.models);
    models.detector.clone_from(&args.networks.detector);
    models.embedder.clone_from(&args.networks.embedder);
    attack.level = AttackLevel::Off;
    let plan = Plan {
        templates: args.templates as usize,
        gap_s: args.gap.max(0.0),
        every_s: args.every.max(0.0),
        work_s: f64::from(args.work_ms) / 1e3,
        deadline_s: decision.deadline_ms.duration().as_secs_f64(),
    };
    let bench_of = |central| {
        let names =
            Names { embedder: &args.networks.embedder, detector: Some(&args.networks.detector), central };
        Bench::load(&args.networks.models, names)
    };
    let bench = bench_of(false)?;
    let background = match &args.background {
        Some(source) => {
            let (people, bench) = (People::load(source)?, bench_of(args.central)?);
            let bar = bar("background");
            let mut set = bench.acquire(&people, &args.cache, &mut told(&bar))?;
            bar.finish_and_clear();
            set.heed_limits(&bench.embedder);
            Some(set)
        }
        None => None,
    };
    let mut enroller = Enroller::new(Networks::load(&models, &detect, &attack)?);
    let bar = bar("frames");
    let frames = Frames::embed(&clips, &bench, &args.cache, &mut told(&bar))?;
    bar.finish_and_clear();
    let live = measure(&clips, plan, &frames, &mut enroller, background.as_ref())?;
    super::say(&if args.json { serde_json::to_string_pretty(&live)? } else { report::markdown(&live) })
}
