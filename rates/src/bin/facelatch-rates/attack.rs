//! `facelatch-rates attack`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use facelatch::config::{AttackLevel, Config};
use facelatch::detect::attack::network::AttackNetwork;
use facelatch::model::{Manifest, ModelError};
use facelatch::pipeline::Networks;
use facelatch_rates::attack::kept::Kept;
use facelatch_rates::attack::rates::Threshold;
use facelatch_rates::attack::report::Report;
use facelatch_rates::attack::tries::{Challenges, Plan};
use facelatch_rates::attack::{clips, measure, scoring};
use facelatch_rates::{RatesError, svg};

use super::args::Attack;
use super::measure::{bar, told};

pub(crate) fn run(args: &Attack) -> Result<()> {
    let clips = clips::load(&args.source, |source| !args.without.iter().any(|name| name == source))?;
    let config = config(args);
    let (model, bpcer) = (&config.attack.model, f64::from(config.attack.bpcer));
    let network = manifest(&config)?.attack(model)?;
    let points = network.operating_points().ok();
    let margin = args.margin.or_else(|| Some(points?.margin)).unwrap_or(0.0);
    let mut shipped = match points {
        Some(points) => {
            let score = points.threshold(config.attack.bpcer).with_context(|| {
                format!(
                    "--bpcer: {bpcer} is out of range; the thresholds of {model} are for {}",
                    points.range()
                )
            })?;
            Some(Threshold { score, margin, live_median: Some(points.live_median) })
        }
        None => None,
    };
    let (templates, frames) = (args.templates, args.frames.unwrap_or(config.decision.frames));
    let passive = Plan { templates, frames, every_s: args.every, challenge: None };
    let challenge = args.challenge.then_some(Challenges { attacks: args.tries, seed: args.seed });
    let networks_used = networks_used(&config, network.sha256())?;
    let mut reports = Vec::new();
    for plan in [Some(passive), challenge.map(|drawn| Plan { challenge: Some(drawn), ..passive })] {
        let Some(plan) = plan else { continue };
        let how = format!("{plan:?}{networks_used}");
        let kept = Kept::open(args.cache.clone(), &how)?;
        let bar = bar("people");
        let people = measure(&clips, &plan, &|| networks(&config), &kept, &mut told(&bar))?;
        bar.finish_and_clear();
        let network = (model.clone(), network.sha256().to_owned());
        let report = Report::of(network, people, plan, (bpcer, margin, shipped));
        shipped.get_or_insert(report.shipped.threshold);
        reports.push(report);
    }
    if let (Some(path), Some(report)) = (&args.svg, reports.first()) {
        std::fs::write(path, svg::attack_det(&report.det())).with_context(|| path.display().to_string())?;
    }
    if args.json {
        return super::say(&serde_json::to_string_pretty(&reports)?);
    }
    super::say(&reports.iter().map(Report::markdown).collect::<Vec<_>>().join("\n"))
}

/// The daemon's defaults, with the networks that were named.
fn config(args: &Attack) -> Config {
    let mut config = Config::default();
    config.models.folder.clone_from(&args.networks.models);
    config.models.own_folder.clone_from(&args.own_models);
    config.models.detector.clone_from(&args.networks.detector);
    config.models.embedder.clone_from(&args.networks.embedder);
    config.attack.bpcer = args.bpcer.unwrap_or(config.attack.bpcer);
    if let Some(model) = &args.model {
        config.attack.model.clone_from(model);
    }
    config
}

fn manifest(config: &Config) -> Result<Manifest, ModelError> {
    Manifest::load(&config.models.folder)?.with_own(&config.models.own_folder)
}

/// Everything that scores depend on: scores of other networks must not be taken for these.
fn networks_used(config: &Config, attack_sha256: &str) -> Result<String> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let Config { models, .. } = config;
    let list = read(&models.folder.join("MODELS.toml"))?;
    let head = read(&models.head_path())?;
    Ok(format!("{} {} {attack_sha256}\n{list}{head}", models.detector, models.embedder))
}

/// The daemon's networks, with a detector that tells its scores.
fn networks(config: &Config) -> Result<Networks, RatesError> {
    let Config { models, detect, attack, .. } = config;
    let refused = |e: anyhow::Error| RatesError::Asked(format!("{e:#}"));
    let mut off = attack.clone();
    off.level = AttackLevel::Off;
    let mut networks = Networks::load(models, detect, &off).map_err(|e| refused(e.into()))?;
    let network = AttackNetwork::new(manifest(config)?.attack(&attack.model)?)?;
    let scoring = scoring(Arc::new(network)).ok_or_else(|| refused(anyhow!("no threshold for everybody")))?;
    networks.passive = Some(scoring);
    Ok(networks)
}
