//! One part of attack detection on N frames of 640x480, to count what a frame costs: `attack_frames PART N` with two N, under
//! something that counts instructions (benches/README.md); the difference is that of the frames.
//!
//! PART is `network` (the square around the face, scaled and judged), `surroundings`, `scene`, `challenge` (tracking the face
//! and judging its turn), or for comparison `detect`, `embed` and `decode` (of the picture, a JPEG); `frame` is what making the
//! frames takes, which all but `decode` contain.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use facelatch::camera::Frame;
use facelatch::camera::decode::{Layout, PixelFormat, decode};
use facelatch::clock::BootTime;
use facelatch::config::{AttackLevel, Config};
use facelatch::detect::attack::challenge::Challenge;
use facelatch::detect::attack::scene::Scene;
use facelatch::detect::attack::surroundings::Surroundings;
use facelatch::detect::attack::track::{Seen, Track};
use facelatch::detect::{Bbox, Face, Point};
use facelatch::pipeline::Networks;

/// Of the bundled picture and its face; what the parts take does not depend on them.
const PICTURE: &str = "tests/data/faces/obama-3.jpg";

/// Frames of the empty room, before those that are counted.
const EMPTY: u64 = 8;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (part, frames) = arguments.next().zip(arguments.next()).context("usage: attack_frames PART N")?;
    let frames: u64 = frames.parse()?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let jpeg = std::fs::read(here.join(PICTURE))?;
    let picture =
        decode(Layout { format: PixelFormat::Mjpeg, width: 0, height: 0 }, &jpeg, BootTime::default())?;
    let rgb = picture.rgb();
    let frame = |n: u64| Frame::new(picture.width(), picture.height(), rgb.to_vec(), at(n));
    match part.as_str() {
        "network" | "detect" | "embed" => networks(here, &part, frames, frame),
        "surroundings" => {
            let mut surroundings = Surroundings::default();
            (1..=frames).try_for_each(|n| {
                surroundings.see(&frame(n)?, Some(&face(n)));
                std::hint::black_box(surroundings.score());
                Ok(())
            })
        }
        "scene" => {
            let mut scene = Scene::default();
            (0..EMPTY).try_for_each(|n| frame(n).map(|frame| scene.see(&frame, None)))?;
            (1..=frames).try_for_each(|n| {
                scene.see(&frame(EMPTY + n)?, Some(&face(n)));
                std::hint::black_box(scene.score());
                Ok(())
            })
        }
        "challenge" => challenge(frames, frame),
        "decode" => (1..=frames).try_for_each(|n| {
            let layout = Layout { format: PixelFormat::Mjpeg, width: 0, height: 0 };
            std::hint::black_box(decode(layout, &jpeg, at(n))?);
            Ok(())
        }),
        "frame" => (1..=frames).try_for_each(|n| {
            std::hint::black_box(frame(n)?);
            Ok(())
        }),
        other => {
            bail!("{other} is no part: network, surroundings, scene, challenge, detect, embed, decode, frame")
        }
    }
}

/// 15 frames a second.
fn at(n: u64) -> BootTime {
    BootTime(Duration::from_millis(66 * n))
}

/// The face of the picture, which steps a little to and fro, so that every frame is compared with earlier ones.
fn face(n: u64) -> Face {
    let x = 5.0 * (n % 3) as f32;
    turned(x, 0.0)
}

fn turned(x: f32, nose: f32) -> Face {
    let point = |dx, y| Point { x: x + dx, y };
    let landmarks = [
        point(290.0, 200.0),
        point(350.0, 200.0),
        point(320.0 + nose, 236.0),
        point(296.0, 269.0),
        point(344.0, 269.0),
    ];
    Face { bbox: Bbox { x: x + 260.0, y: 150.0, w: 120.0, h: 160.0 }, landmarks, confidence: 0.9 }
}

fn networks(
    here: &Path,
    part: &str,
    frames: u64,
    frame: impl Fn(u64) -> Result<Frame, facelatch::camera::CameraError>,
) -> Result<()> {
    let mut config = Config::default();
    config.models.folder = here.join("models");
    config.attack.level = AttackLevel::Passive;
    let networks = Networks::load(&config.models, &config.detect, &config.attack)?;
    let found = networks.detector.detect(&frame(0)?)?.into_iter().next().context("no face")?;
    let mut passive = networks.passive.context("no network for attacks")?.decision(None);
    for n in 1..=frames {
        let frame = frame(n)?;
        match part {
            "network" => ensure!(passive.see(&frame, &found)?.is_some(), "the face is not judged"),
            "detect" => drop(std::hint::black_box(networks.detector.detect(&frame)?)),
            _ => drop(std::hint::black_box(networks.embedder.embed_face(&frame, &found)?)),
        }
    }
    Ok(())
}

/// A head that turns to one side, so that each frame but the first ones is evidence.
fn challenge(
    frames: u64,
    frame: impl Fn(u64) -> Result<Frame, facelatch::camera::CameraError>,
) -> Result<()> {
    let (mut track, mut challenge) =
        (Track::default(), Challenge::new(1, BootTime::default()).with_questions(9));
    for n in 1..=frames {
        let face = turned(0.0, if n < 5 { 0.0 } else { 9.0 });
        if let Seen::Face(face) = track.see(&frame(n)?, &[face]) {
            challenge.see(at(n), &face, (640, 480));
        }
        std::hint::black_box(challenge.judge(at(n)));
    }
    Ok(())
}
