//! A presentation attack for the camera, rendered from a bundled picture.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use facelatch::camera::decode::decode_picture;
use facelatch_lab::{Picture, Shot, Species, render};

/// Frames that the camera sees again and again.
const FRAMES: usize = 12;

/// Writes the frames of an attack with this picture into `folder`, and tells their paths.
pub(crate) fn write(picture: &Path, species: Species, seed: u64, folder: &Path) -> Result<Vec<PathBuf>> {
    let bytes =
        std::fs::read(picture).with_context(|| format!("cannot read picture {}", picture.display()))?;
    let (width, height, rgb) = decode_picture(&bytes)?;
    let clip = [Picture::new(width, height, rgb).map_err(|why| anyhow!(why))?];
    let frames = render(&Shot::new(&clip, species, seed), FRAMES).map_err(|why| anyhow!(why))?;
    let mut paths = Vec::new();
    for (number, frame) in frames.into_iter().enumerate() {
        let path = folder.join(format!("{}-{number:02}.png", species.name()));
        let (width, height) = (frame.width(), frame.height());
        crate::draw::save_png(&path, width, height, frame.rgb())
            .with_context(|| format!("cannot write picture {}", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}
