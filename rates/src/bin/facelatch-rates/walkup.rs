//! `facelatch-rates walkup`.

use std::time::Duration;

use anyhow::Result;
use facelatch::config::Config;
use facelatch::pipeline::Networks;
use facelatch_rates::RatesError;
use facelatch_rates::walkup::{Plan, markdown, measure};

use super::args::Walkup;

pub(crate) fn run(args: &Walkup) -> Result<()> {
    let Config { mut models, detect, attack, .. } = Config::default();
    models.folder.clone_from(&args.networks.models);
    models.detector.clone_from(&args.networks.detector);
    models.embedder.clone_from(&args.networks.embedder);
    let load = |level| {
        let attack = facelatch::config::Attack { level, ..attack.clone() };
        Networks::load(&models, &detect, &attack)
            .map_err(|e| RatesError::Asked(format!("{:#}", anyhow::Error::from(e))))
    };
    let plan = Plan {
        people: args.people,
        skip: args.skip,
        work: Duration::from_millis(args.work_ms),
        seed: args.seed,
    };
    let bar = indicatif::ProgressBar::new(0).with_message("people");
    let mut tell = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let walks = measure(&args.source, &plan, &load, &mut tell)?;
    bar.finish_and_clear();
    super::say(&markdown(&walks))
}
