//! `facelatch-rates lab`.

use anyhow::Result;
use facelatch_lab::{Motion, Shot, Species, learned};
use facelatch_rates::lab::{self, Clip};

use super::args::{Lab, Named};

/// What `--background` calls the background that a fixed camera learns from the clip.
const LEARNED: &str = "learned";

pub(crate) fn run(args: &Lab) -> Result<()> {
    let clip = Clip::load(&args.clip)?;
    let background = match args.background.as_deref() {
        None => None,
        Some(name) if name.as_os_str() == LEARNED => learned(&clip.frames),
        Some(file) => Some(lab::read(file)?),
    };
    let eyes = match args.species.0 {
        Species::CutPrint => lab::eyes(&lab::detector(&args.models)?, &clip.frames[0])?,
        _ => None,
    };
    let shot = Shot {
        motion: args.motion.0,
        film: args.film,
        clip_fps: clip.fps,
        fps: args.fps.unwrap_or(clip.fps),
        eyes,
        background: background.as_ref(),
        ..Shot::new(&clip.frames, args.species.0, args.seed)
    };
    let frames = args.frames.unwrap_or(if clip.frames.len() > 1 { clip.frames.len() } else { 45 });
    lab::write(&shot, frames, &args.output)?;
    super::say(&format!("written: {frames} frames to {}", args.output.display()))
}

impl std::str::FromStr for Named<Species> {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(name, &Species::ALL)
    }
}

impl std::str::FromStr for Named<Motion> {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(name, &Motion::ALL)
    }
}

fn named<T: Copy>(name: &str, all: &[(&str, T)]) -> Result<Named<T>, String> {
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    all.iter()
        .find(|(own, _)| *own == name)
        .map(|(_, value)| Named(*value))
        .ok_or_else(|| format!("is none of {}", known()))
}
