//! The main job on bundled pictures, with no camera and no root: `cargo run --release -- demo`.
//!
//! Starts the daemon (its library, in a child process) in a temporary folder with a folder of pictures as its camera,
//! and talks to its socket like any client.
#![forbid(unsafe_code)]

mod attack;
mod child;
mod draw;
mod report;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use facelatch::config::{Config, Millis};
use facelatch::serve::{self, DaemonArgs};
use facelatch_wire::call::{Enroll, Status, Verify};
use facelatch_wire::{Client, Deadline};

use child::Daemon;
use report::{Outcome, Report};
use steps::{ATTACKS, ENROLLED, ENROLMENT, STEPS, Shown, Step};

/// How long the daemon may take for one answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the daemon looks for a face, in milliseconds; short, because the pictures do not change.
const LOOK_MS: Millis = Millis(1000);

/// facelatch on bundled pictures
#[derive(Debug, Parser)]
#[command(name = "facelatch-demo", version)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Enrol one person, then let others try
    Demo(Options),
    /// The daemon, as the demo starts it
    #[command(hide = true)]
    Daemon(DaemonArgs),
}

#[derive(Debug, Clone, Default, clap::Args)]
struct Options {
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Write each picture with box, landmarks, p and verdict into this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Embedder to use: sface or mobilefacenet
    #[arg(long, value_name = "NAME", default_value = "sface")]
    embedder: String,
}

fn main() -> ExitCode {
    let options = match Args::parse().verb {
        Verb::Demo(options) => options,
        Verb::Daemon(args) => return serve::main(&args),
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("facelatch-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the demo; true when each verdict was the expected one.
///
/// # Errors
/// Anything that keeps the demo from running, with the fix.
fn run(options: &Options) -> Result<bool> {
    let assets = Assets::find()?;
    let room =
        tempfile::tempdir().context("cannot create a temporary folder; set TMPDIR to a writable folder")?;
    let camera = room.path().join("camera");
    std::fs::create_dir(&camera)?;

    let mut config = Config::default();
    config.camera.replay = camera.clone();
    config.models.folder = assets.models.clone();
    config.models.embedder.clone_from(&options.embedder);
    config.attack.level = ATTACKS.0;
    config.decision.deadline_ms = LOOK_MS;
    config.store.folder = room.path().join("store");
    config.serve.socket = room.path().join("facelatch.sock");
    let rendered = room.path().join("rendered");
    std::fs::create_dir(&rendered)?;
    let ask = Asking { socket: config.serve.socket.clone(), camera, pictures: assets.pictures, rendered };
    ask.show(&Shown::Pictures(ENROLMENT))?;
    let daemon = Daemon::start(room.path(), &config)?;
    let report = ask.report()?;
    drop(daemon);
    if let Some(folder) = &options.pictures {
        report.draw(&[&ask.pictures, &ask.rendered], folder)?;
    }
    report.print(options.json)?;
    Ok(report.as_expected())
}

/// Where models and pictures are.
struct Assets {
    models: PathBuf,
    pictures: PathBuf,
}

impl Assets {
    /// Those of the checkout around the working folder, or else around this program.
    fn find() -> Result<Self> {
        let exe = std::env::current_exe().unwrap_or_default();
        let here = std::env::current_dir().unwrap_or_default();
        for place in here.ancestors().chain(exe.ancestors()) {
            let (models, pictures) = (place.join("models"), place.join("tests/data/faces"));
            if models.join("MODELS.toml").is_file() && pictures.is_dir() {
                return Ok(Self { models, pictures });
            }
        }
        anyhow::bail!("models and pictures not found; run the demo in a checkout of facelatch")
    }
}

/// The demo's side of the conversation.
struct Asking {
    socket: PathBuf,
    camera: PathBuf,
    pictures: PathBuf,
    /// Where attacks are rendered.
    rendered: PathBuf,
}

impl Asking {
    fn report(&self) -> Result<Report> {
        let status = self.client()?.call(&Status {})?;
        let templates = Some(ENROLMENT.len() as u64);
        let enrolling =
            self.client()?.call(&Enroll { user: ENROLLED.into(), templates, ..Enroll::default() })?;
        let outcomes = STEPS.iter().map(|step| self.outcome(step)).collect::<Result<_>>()?;
        Ok(Report {
            threshold: status.threshold.context("the daemon's status has no threshold")?,
            identical_pair_p: status
                .identical_pair_p
                .context("the daemon's status has no identical_pair_p")?,
            embedder: status.embedder,
            templates: enrolling.added.unwrap_or_default(),
            outcomes,
        })
    }

    fn outcome(&self, step: &'static Step) -> Result<Outcome> {
        self.show(&step.shown)?;
        let judging =
            self.client()?.call(&Verify { user: Some(ENROLLED.into()), latch: None, camera: None })?;
        Ok(Outcome { step, judging })
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.socket, Deadline::within(PATIENCE))?)
    }

    /// Shows this, and nothing else, to the camera.
    fn show(&self, shown: &Shown) -> Result<()> {
        // Rendered first, so that the camera is not without pictures meanwhile.
        let new: Vec<PathBuf> = match *shown {
            Shown::Pictures(names) => names.iter().map(|name| self.pictures.join(name)).collect(),
            Shown::Attack { picture, species, seed } => {
                attack::write(&self.pictures.join(picture), species, seed, &self.rendered)?
            }
        };
        for old in std::fs::read_dir(&self.camera)? {
            std::fs::remove_file(old?.path())?;
        }
        for from in new {
            std::fs::copy(&from, self.camera.join(from.file_name().unwrap_or_default()))
                .with_context(|| format!("cannot copy picture {}", from.display()))?;
        }
        Ok(())
    }
}
