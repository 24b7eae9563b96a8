//! What the cues beside the network say of clips, one line for each piece of a clip: `cues MODELS CLIPS [SECONDS]`.
//!
//! CLIPS holds SOURCE/SPECIES/CLIP/*.jpg, with the frames a second of a clip in its file `fps`. A picture named
//! `background.png` beside the frames is learned first, as the empty scene. Each piece is a presentation of so many seconds
//! (all of the clip without them). Tabs between: clip, first frame, frames with a face, share and score of `scene`, share
//! and score of `surroundings`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::detect::Detector;
use facelatch::detect::attack::Score;
use facelatch::detect::attack::scene::{SETTLED, Scene};
use facelatch::detect::attack::surroundings::Surroundings;
use facelatch::model::Manifest;

/// Side of the detector's input, and the confidence of a face: the daemon's defaults.
const DETECTOR: (usize, f32) = (320, 0.6);

/// Times that `background.png` is shown.
const EMPTY_FRAMES: usize = 8;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (models, clips) = args.next().zip(args.next()).context("usage: cues MODELS CLIPS [SECONDS]")?;
    let seconds = args.next().map(|text| text.parse::<f64>()).transpose()?.unwrap_or(f64::INFINITY);
    let network = Manifest::load(Path::new(&models))?.detector("yunet", DETECTOR.0)?;
    let detector = Detector::new(network, DETECTOR.1)?;
    for source in sorted(Path::new(&clips))? {
        for species in sorted(&source)? {
            for clip in sorted(&species)? {
                measure(&detector, &clip, seconds)?;
            }
        }
    }
    Ok(())
}

fn measure(detector: &Detector, clip: &Path, seconds: f64) -> Result<()> {
    let fps: f64 = std::fs::read_to_string(clip.join("fps"))?.trim().parse()?;
    let mut files = sorted(clip)?;
    files.retain(|file| file.extension().is_some_and(|name| name == "jpg"));
    let mut scene = Scene::default();
    let background = clip.join("background.png");
    if background.exists() {
        let empty = frame(&background, 0.0)?;
        (0..EMPTY_FRAMES).for_each(|_| scene.see(&empty, None));
    }
    let piece = (fps * seconds).round().clamp(1.0, files.len().max(1) as f64) as usize;
    for (number, files) in files.chunks(piece).enumerate() {
        let mut surroundings = Surroundings::default();
        scene.start();
        let mut faces = 0;
        for (at, file) in files.iter().enumerate() {
            let frame = frame(file, SETTLED.as_secs_f64() + (number * piece + at) as f64 / fps)?;
            let face = detector.detect(&frame)?.into_iter().next();
            faces += usize::from(face.is_some());
            scene.see(&frame, face.as_ref());
            surroundings.see(&frame, face.as_ref());
        }
        let told = [scene.share(), score(scene.score()), surroundings.share(), score(surroundings.score())];
        let told = told.map(|value| value.map_or("-".to_owned(), |value| format!("{value:.3}")));
        writeln!(std::io::stdout(), "{}\t{}\t{faces}\t{}", clip.display(), number * piece, told.join("\t"))?;
    }
    Ok(())
}

fn score(score: Option<Score>) -> Option<f32> {
    score.map(|Score(score)| score)
}

fn frame(file: &Path, seconds: f64) -> Result<Frame> {
    let rgb = image::open(file).with_context(|| file.display().to_string())?.to_rgb8();
    let taken_at = BootTime(Duration::from_secs_f64(seconds));
    Ok(Frame::new(rgb.width(), rgb.height(), rgb.into_raw(), taken_at)?)
}

/// What a folder holds; nothing for a file.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
