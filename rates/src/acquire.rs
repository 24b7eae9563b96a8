//! Turns people's pictures into embeddings: decode, detect, align, embed; on all cores, through the [`Cache`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::cache::{Cache, Recipe, Record};
use super::people::{FileHash, People};
use super::set::{Losses, Quality, Set};
use super::{RatesError, alike, cores, picture};
use facelatch::camera::Frame;
use facelatch::detect::quality::{QualityGate, RetryReason};
use facelatch::detect::{Bbox, Detector, Face};
use facelatch::embed::{Chip, Embedded, Embedder, Embedding, Measures, Role, align};
use facelatch::model::ModelError;

/// Every pair of pictures is compared and its score kept, 4 bytes each: 800 MB at this limit. While they are compared, h of
/// each picture takes 32 KB more: 655 MB.
const MAX_PICTURES: usize = 20_000;

/// Measures of a picture without a face.
const NO_FACE: Measures = Measures { norm: 0.0, confidence: 0.0 };

/// The networks and the quality gate of the daemon.
pub struct Bench {
    /// Finds faces; `None` when the pictures are aligned chips.
    pub detector: Option<Detector>,
    /// SHA-256 of the detector's file.
    pub detector_sha256: String,
    /// Makes embeddings.
    pub embedder: Embedder,
    /// Judges picture quality; a poor picture is used all the same.
    pub gate: QualityGate,
    /// Of several faces the labelled person's is the one nearest to the middle of the picture, not the largest.
    pub central: bool,
    /// Faces are embedded left for right.
    pub mirrored: bool,
    /// Which frame of an attempt is made of a picture (`alike::moment`); 0: the picture itself.
    pub moment: u8,
}

/// Progress callback: pictures done, pictures in total.
pub type OnPicture<'a> = &'a mut dyn FnMut(usize, usize);

impl Bench {
    /// How this bench makes embeddings.
    pub fn recipe(&self) -> Recipe {
        let preparation = match &self.detector {
            Some(_) => {
                let face = if self.central { ", central face" } else { "" };
                format!("detector {}, border on need, 2{face}", self.detector_sha256)
            }
            None => "aligned, 2".to_owned(),
        };
        let mut preparation = preparation + if self.mirrored { ", mirrored" } else { "" };
        if self.moment > 0 {
            preparation += &format!(", moment {}", self.moment);
        }
        Recipe {
            embedder: self.embedder.name().to_owned(),
            embedder_sha256: self.embedder.model_sha256().to_owned(),
            preparation,
            length: self.embedder.length(),
        }
    }

    /// Embeds everyone's pictures. Pictures that cannot be read or show no face are listed and left out.
    ///
    /// # Errors
    /// [`RatesError`]: too many pictures, a network fails, the cache belongs to another recipe, or fewer than two people
    /// are left.
    pub fn acquire(&self, people: &People, cache: &Path, tell: OnPicture<'_>) -> Result<Set, RatesError> {
        self.embed(people, cache, tell)?.checked()
    }

    /// As [`Self::acquire`], also where everybody has one picture.
    ///
    /// # Errors
    /// [`RatesError`]: too many pictures, a network fails, or the cache belongs to another recipe.
    pub fn embed(&self, people: &People, cache: &Path, tell: OnPicture<'_>) -> Result<Set, RatesError> {
        if people.pictures() > MAX_PICTURES {
            let why = format!(
                "{} pictures are too many to compare each with each; use at most {MAX_PICTURES}: fewer people, or fewer pictures of each",
                people.pictures()
            );
            return Err(RatesError::Asked(why));
        }
        let recipe = self.recipe();
        let mut cache = Cache::open(cache, &recipe)?;
        let all: Vec<(usize, &Path, FileHash)> = people
            .people
            .iter()
            .enumerate()
            .flat_map(|(n, p)| p.pictures.iter().map(move |x| (n, x.path.as_path(), x.sha256)))
            .collect();
        let todo: Vec<_> = all.iter().filter(|(_, _, sha256)| cache.get(sha256).is_none()).collect();
        let mut unreadable = people.unreadable.clone();
        let (mut done, total) = (all.len() - todo.len(), all.len());
        tell(done, total);
        let take = |(_, path, sha256): &&(usize, &Path, FileHash)| {
            (path.to_path_buf(), *sha256, self.take(path, sha256))
        };
        cores::each(todo.iter(), take, |(path, sha256, taken)| {
            match taken? {
                Ok(taken) => cache.put(sha256, taken, recipe.length)?,
                Err(why) => unreadable.push((path, why)),
            }
            done += 1;
            tell(done, total);
            Ok(())
        })?;
        unreadable.sort();
        let (repeated, of_two) = (people.repeated.len(), people.of_two.clone());
        let losses = Losses { pictures: total, repeated, of_two, unreadable, ..Default::default() };
        let mut set = Set {
            people: people.people.iter().map(|p| p.name.clone()).collect(),
            samples: Vec::new(),
            aliases: Vec::new(),
            losses,
            recipe,
        };
        for (person, path, sha256) in all {
            set.collect(person, path, cache.get(&sha256));
        }
        let number: HashMap<_, _> = set.samples.iter().zip(0..).map(|(s, n)| (s.path.clone(), n)).collect();
        let alias = |(path, first): &(PathBuf, PathBuf)| (path.clone(), number.get(first).copied());
        set.aliases = people.repeated.iter().map(alias).collect();
        Ok(set)
    }

    /// One frame through the daemon's stages, in its order. `spoil` may move what the detector reports.
    ///
    /// # Errors
    /// [`ModelError`] when a network fails. The inner `Err` is the daemon's reason not to take the frame for this role.
    pub fn judge(
        &self,
        frame: &Frame,
        role: Role,
        spoil: impl FnOnce(&Face) -> Face,
    ) -> Result<Result<Embedding, RetryReason>, ModelError> {
        let mut faces = self.detector.as_ref().map_or(Ok(Vec::new()), |detector| detector.detect(frame))?;
        if let Some(face) = faces.first_mut() {
            *face = spoil(face);
        }
        let examined = self.embedder.examine(&self.gate, frame, &faces, &mut |_| ())?;
        Ok(examined.and_then(|seen| role.check(&seen.chip).map(|()| seen.embedding)))
    }

    /// One picture. The inner `Err` is a picture that cannot be read.
    fn take(&self, path: &Path, sha256: &FileHash) -> Result<Result<Record, String>, ModelError> {
        let picture = match picture::read(path) {
            Ok(picture) => alike::moment(picture, self.moment, seed(sha256)),
            Err(why) => return Ok(Err(why)),
        };
        let Some(detector) = &self.detector else {
            return self.take_aligned(&picture);
        };
        let (frame, faces, bordered) = match found(detector, &picture)? {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let quality = Quality::of(&self.gate, &frame, &faces).code();
        let Some(face) = labelled(&frame, &faces, self.central) else {
            return Ok(Ok(Record { quality, bordered: false, embedding: None, measures: NO_FACE }));
        };
        let embedded = self.embed_chip(align::align(&frame, face))?;
        let measures = Measures::of(face, &embedded);
        Ok(Ok(Record { quality, bordered, embedding: Some(embedded.embedding), measures }))
    }

    fn embed_chip(&self, chip: Chip) -> Result<Embedded, ModelError> {
        self.embedder.embed(&if self.mirrored { chip.mirrored() } else { chip })
    }

    /// The labelled face in a picture file; `None` without one, and where pictures are aligned. The inner `Err` is a picture that
    /// cannot be read.
    ///
    /// # Errors
    /// When the detector fails.
    pub fn face(&self, path: &Path) -> Result<Result<Option<Face>, String>, ModelError> {
        let (Some(detector), Ok(picture)) = (&self.detector, picture::read(path)) else {
            return Ok(picture::read(path).map(|_| None));
        };
        let face = |(frame, faces, _): Found| labelled(&frame, &faces, self.central).copied();
        Ok(found(detector, &picture)?.map(face))
    }

    /// The aligned chip of the labelled face in a picture file, as the embedder would see it; `None` without a face. The inner
    /// `Err` is a picture that cannot be read.
    ///
    /// # Errors
    /// When the detector fails.
    pub fn chip(&self, path: &Path) -> Result<Result<Option<Chip>, String>, ModelError> {
        let (Some(detector), Ok(picture)) = (&self.detector, picture::read(path)) else {
            return Ok(picture::read(path).map(|picture| picture::chip(&picture)));
        };
        let chip = |(frame, faces, _): Found| {
            labelled(&frame, &faces, self.central).map(|face| align::align(&frame, face))
        };
        Ok(found(detector, &picture)?.map(chip))
    }

    fn take_aligned(&self, picture: &RgbImage) -> Result<Result<Record, String>, ModelError> {
        let (Some(chip), Ok(frame)) = (picture::chip(picture), picture::frame(picture)) else {
            let (width, height) = picture.dimensions();
            return Ok(Err(format!("is {width}x{height} pixels; --aligned takes 112x112 only")));
        };
        let quality = Quality::of(&self.gate, &frame, &[face_of_chip()]);
        let embedded = self.embed_chip(chip)?;
        let measures = Measures::of(&face_of_chip(), &embedded);
        let embedding = Some(embedded.embedding);
        Ok(Ok(Record { quality: quality.code(), bordered: false, embedding, measures }))
    }
}

/// The face of the person whose picture it is: the largest, or the most central.
fn labelled<'a>(frame: &Frame, faces: &'a [Face], central: bool) -> Option<&'a Face> {
    if !central {
        return faces.first();
    }
    let off = |face: &Face| {
        let Bbox { x, y, w, h } = face.bbox;
        (x + w / 2.0 - frame.width() as f32 / 2.0).hypot(y + h / 2.0 - frame.height() as f32 / 2.0)
    };
    faces.iter().min_by(|a, b| off(a).total_cmp(&off(b)))
}

/// The same for the same picture.
fn seed(sha256: &FileHash) -> u64 {
    sha256.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// A frame, the faces in it, and whether it needed a border.
type Found = (Frame, Vec<Face>, bool);

/// Looks for a face in the picture as it is, then with a border. The inner `Err` is an unusable size.
fn found(detector: &Detector, picture: &RgbImage) -> Result<Result<Found, String>, ModelError> {
    if let Ok(frame) = picture::frame(picture) {
        let faces = detector.detect(&frame)?;
        if !faces.is_empty() {
            return Ok(Ok((frame, faces, false)));
        }
    }
    match picture::with_border(picture) {
        Ok(frame) => detector.detect(&frame).map(|faces| Ok((frame, faces, true))),
        Err(why) => Ok(Err(why)),
    }
}

/// The face position in an aligned chip, for the quality gate.
fn face_of_chip() -> Face {
    let bbox = Bbox { x: 8.0, y: 0.0, w: 96.0, h: 112.0 };
    Face { bbox, landmarks: align::TEMPLATE, confidence: 1.0 }
}

#[cfg(test)]
mod tests;
