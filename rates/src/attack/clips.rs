//! A folder of clips: `SOURCE/SPECIES/CLIP/NNNN.jpg`, with `fps` (frames a second, one number) beside the frames.
//!
//! SPECIES is `live`, or names a kind of presentation attack instrument: `print`, `phone`, `tablet`, `monitor`. All clips of a
//! source show one person, taken with one camera, unless a file `who` in a clip names somebody else.

use std::path::{Path, PathBuf};

use crate::RatesError;

/// The species of a live face.
pub const LIVE: &str = "live";

/// Rates that a camera may have, in frames a second.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=240.0;

/// Frames of one presentation, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Where it is from: one camera and place.
    pub source: String,
    /// [`LIVE`], or the kind of attack.
    pub species: String,
    /// Name of its folder.
    pub name: String,
    /// Whom it shows.
    pub person: String,
    /// Frames a second.
    pub fps: f64,
    /// The pictures.
    pub frames: Vec<PathBuf>,
}

impl Clip {
    /// Whether the face is live.
    pub fn is_live(&self) -> bool {
        self.species == LIVE
    }
}

/// Everything below a folder, in the order of the names; sources that `wanted` refuses are left out.
///
/// # Errors
/// [`RatesError`]: a folder that cannot be read or is laid out differently, or no live clip in any source.
pub fn load(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<Clip>, RatesError> {
    let mut clips = Vec::new();
    for source in folders(folder)?.into_iter().filter(|source| wanted(&name(source))) {
        for species in folders(&source)? {
            for clip in folders(&species)? {
                clips.push(read(&source, &species, &clip)?);
            }
        }
    }
    if !clips.iter().any(Clip::is_live) {
        let why = "no live clip; lay them out as SOURCE/live/CLIP/NNNN.jpg, with a file fps in each CLIP";
        return Err(RatesError::data(folder, why));
    }
    Ok(clips)
}

fn read(source: &Path, species: &Path, clip: &Path) -> Result<Clip, RatesError> {
    let text = |file: &str| std::fs::read_to_string(clip.join(file));
    let fps = text("fps").map_err(RatesError::file(clip.join("fps")))?;
    let fps = fps.trim().parse().ok().filter(|fps| RATES.contains(fps));
    let fps = fps.ok_or_else(|| {
        let why = format!("must be one number, {} to {} frames a second", RATES.start(), RATES.end());
        RatesError::data(clip.join("fps"), why)
    })?;
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|end| end == "jpg" || end == "png");
    let frames: Vec<PathBuf> = entries(clip)?.into_iter().filter(is_picture).collect();
    if frames.len() < 2 {
        return Err(RatesError::data(clip, "a clip needs two frames or more, .jpg or .png"));
    }
    let source = name(source);
    let who = text("who").map(|who| format!("{source}/{}", who.trim()));
    let person = who.unwrap_or_else(|_| source.clone());
    Ok(Clip { person, source, species: name(species), name: name(clip), fps, frames })
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, RatesError> {
    Ok(entries(path)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, RatesError> {
    let entries = std::fs::read_dir(path).map_err(RatesError::file(path))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, std::io::Error>>()
        .map_err(RatesError::file(path))?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(folder: &Path, at: &str, fps: &str, frames: usize) {
        let clip = folder.join(at);
        std::fs::create_dir_all(&clip).expect("folder");
        std::fs::write(clip.join("fps"), fps).expect("written");
        for frame in 0..frames {
            std::fs::write(clip.join(format!("{frame:04}.jpg")), "").expect("written");
        }
    }

    #[test]
    fn clips_come_by_name_with_their_person() {
        let folder = tempfile::tempdir().expect("folder");
        clip(folder.path(), "b/live/one", "15\n", 3);
        clip(folder.path(), "b/phone/one", "12.5", 2);
        clip(folder.path(), "a/live/two", "30", 2);
        std::fs::write(folder.path().join("a/live/two/who"), "ann\n").expect("written");
        std::fs::write(folder.path().join("README.md"), "text").expect("written");
        let clips = load(folder.path(), |_| true).expect("loads");
        let told: Vec<_> =
            clips.iter().map(|c| (c.person.as_str(), c.species.as_str(), c.fps, c.frames.len())).collect();
        assert_eq!(told, [("a/ann", "live", 30.0, 2), ("b", "live", 15.0, 3), ("b", "phone", 12.5, 2)]);
        assert_eq!(load(folder.path(), |source| source == "a").expect("loads").len(), 1);
    }

    #[test]
    fn what_cannot_be_played_is_refused_by_name() {
        let refusal = |at: &str, fps: &str, frames| {
            let folder = tempfile::tempdir().expect("folder");
            clip(folder.path(), at, fps, frames);
            load(folder.path(), |_| true).expect_err("refused").to_string()
        };
        assert!(refusal("a/live/one", "fast", 3).contains("one/fps: must be one number, 1 to 240"));
        assert!(refusal("a/live/one", "0", 3).contains("1 to 240"));
        assert!(refusal("a/live/one", "15", 1).contains("two frames or more"));
        assert!(refusal("a/phone/one", "15", 3).contains("no live clip"));
    }
}
