//! One person's pictures under every fault, through the daemon's own detector, gates and embedder.

use std::path::Path;

use image::RgbImage;

use super::fault::{Fault, Kind};
use super::pixels::{moved, resized, signed};
use super::{Plan, Taken};
use crate::acquire::Bench;
use crate::people::Person;
use crate::picture;
use facelatch::detect::Face;
use facelatch::detect::quality::RetryReason;
use facelatch::embed::Role;
use facelatch::head::project::SplitMix64;
use facelatch::model::ModelError;

/// Larger pictures are made as small as a camera's: faults would only take longer to make.
const LONGEST_SIDE_PX: u32 = 640;

/// Frames of one person: without a fault first, then each kind in each strength.
pub struct Shots {
    /// For the templates, one list for each row of the table.
    pub templates: Vec<Vec<Taken>>,
    /// For the probes.
    pub probes: Vec<Vec<Taken>>,
}

/// A picture, with the face that faults are placed by.
struct Scene {
    picture: RgbImage,
    face: Face,
}

/// Takes templates from the first half of a person's pictures, and probes from the rest. A picture that is needed again
/// is turned, scaled and shifted a little, as a head that moves. `None` when a half shows no face.
///
/// # Errors
/// [`ModelError`] when a network fails.
pub fn shots(
    bench: &Bench,
    person: &Person,
    kinds: &[&Kind],
    plan: &Plan,
) -> Result<Option<Shots>, ModelError> {
    let mut scenes = Vec::new();
    for picture in &person.pictures {
        scenes.extend(scene(bench, &picture.path)?);
    }
    let (first, rest) = scenes.split_at(scenes.len().div_ceil(2));
    if rest.is_empty() {
        return Ok(None);
    }
    let seed =
        person.pictures[0].sha256.iter().take(8).fold(plan.seed, |seed, byte| seed << 8 ^ u64::from(*byte));
    let mut random = SplitMix64(seed);
    let mut taken = |role, scenes: &[Scene], frames| rows(bench, role, scenes, frames, kinds, &mut random);
    let templates = taken(Role::Template, first, plan.templates)?;
    Ok(Some(Shots { templates, probes: taken(Role::Probe, rest, plan.frames)? }))
}

/// The picture as a camera would have taken it. `None` if it cannot be read or shows no face.
fn scene(bench: &Bench, path: &Path) -> Result<Option<Scene>, ModelError> {
    let Ok(mut picture) = picture::read(path) else { return Ok(None) };
    let longest = picture.width().max(picture.height());
    if longest > LONGEST_SIDE_PX {
        let side = |length: u32| (length * LONGEST_SIDE_PX).div_ceil(longest);
        picture = resized(&picture, (side(picture.width()), side(picture.height())));
    }
    if let Some(face) = face(bench, &picture)? {
        return Ok(Some(Scene { picture, face }));
    }
    let bordered = picture::with_border(&picture).ok();
    let bordered = bordered.and_then(|f| RgbImage::from_raw(f.width(), f.height(), f.rgb().to_vec()));
    let Some(picture) = bordered else { return Ok(None) };
    Ok(face(bench, &picture)?.map(|face| Scene { picture, face }))
}

/// The largest face, whatever is wrong with it.
fn face(bench: &Bench, picture: &RgbImage) -> Result<Option<Face>, ModelError> {
    let (Some(detector), Ok(frame)) = (&bench.detector, picture::frame(picture)) else { return Ok(None) };
    Ok(detector.detect(&frame)?.first().copied())
}

fn rows(
    bench: &Bench,
    role: Role,
    scenes: &[Scene],
    frames: usize,
    kinds: &[&Kind],
    random: &mut SplitMix64,
) -> Result<Vec<Vec<Taken>>, ModelError> {
    let mut rows = Vec::new();
    for number in 0..frames {
        let scene = &scenes[number % scenes.len()];
        let again = if number < scenes.len() { None } else { jittered(bench, scene, random)? };
        let all = under_every_fault(bench, role, again.as_ref().unwrap_or(scene), kinds, random)?;
        rows.resize_with(all.len(), Vec::new);
        rows.iter_mut().zip(all).for_each(|(row, taken): (&mut Vec<Taken>, Taken)| row.push(taken));
    }
    Ok(rows)
}

/// The head has moved a little; `None` if its face is not found there.
fn jittered(bench: &Bench, scene: &Scene, random: &mut SplitMix64) -> Result<Option<Scene>, ModelError> {
    let mut by = |most: f32| most * signed(random);
    let picture = moved(&scene.picture, by(3.0), 1.0 + by(0.04), (by(0.03), by(0.03)));
    Ok(face(bench, &picture)?.map(|face| Scene { picture, face }))
}

fn under_every_fault(
    bench: &Bench,
    role: Role,
    scene: &Scene,
    kinds: &[&Kind],
    random: &mut SplitMix64,
) -> Result<Vec<Taken>, ModelError> {
    let mut taken = vec![judged(bench, role, &scene.picture, |face| *face)?];
    for kind in kinds {
        for strength in kind.strengths {
            taken.push(match kind.fault {
                Fault::Picture(spoil) => {
                    let spoilt = spoil(&scene.picture, &scene.face, strength, random);
                    judged(bench, role, &spoilt, |face| *face)?
                }
                Fault::Landmarks(spoil) => {
                    judged(bench, role, &scene.picture, |face| spoil(face, strength, random))?
                }
            });
        }
    }
    Ok(taken)
}

/// A picture as a frame through the daemon's stages. `spoil` stands between detector and gate.
fn judged(
    bench: &Bench,
    role: Role,
    picture: &RgbImage,
    spoil: impl FnOnce(&Face) -> Face,
) -> Result<Taken, ModelError> {
    // A picture too small for a frame shows no face.
    picture::frame(picture).map_or(Ok(Err(RetryReason::NoFace)), |frame| bench.judge(&frame, role, spoil))
}
