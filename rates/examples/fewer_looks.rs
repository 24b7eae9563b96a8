//! What it changes to look for a face only around its last place: `fewer_looks MODELS PICTURES SIDE [previous]`.
//!
//! PICTURES holds folders of one person or clip each, at any depth. The whole picture at the detector's scale is looked at, then a
//! square of SIDE pixels of it around the face, which begins at a multiple of the network's coarsest stride; with `previous` around
//! where the face was in the picture before, as in a clip. Both faces are embedded, and compared with another picture of the folder and with one
//! of the folder before.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use facelatch::camera::Frame;
use facelatch::camera::decode::decode_picture;
use facelatch::camera::scale::{Interpolation, scaled};
use facelatch::clock::BootTime;
use facelatch::config::Config;
use facelatch::detect::{Bbox, Detector, Face, Point, boxes, geometry};
use facelatch::embed::{Embedded, Embedder, Embedding};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch::model::Manifest;

/// Side of the picture that the whole look scales to.
const WHOLE: usize = 320;

/// The coarsest stride.
const STRIDE: u32 = 32;

/// Pictures of each folder.
const EACH: usize = 4;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (models, pictures, side, previous) = match &words[..] {
        [models, pictures, side] => (Path::new(models), pictures, side.parse()?, false),
        [models, pictures, side, word] if word == "previous" => {
            (Path::new(models), pictures, side.parse()?, true)
        }
        _ => bail!("usage: fewer_looks MODELS PICTURES SIDE [previous]"),
    };
    let manifest = Manifest::load(models)?;
    let least = Config::default().detect.min_confidence;
    let embedder = Embedder::new(manifest.embedder("sface")?);
    let looks = Looks {
        whole: Detector::new(manifest.detector("yunet", WHOLE)?, least)?,
        part: Detector::new(manifest.detector("yunet", side as usize)?, least)?,
        head: Head::load(&models.join("sface.head.toml"), Wanted::of(&embedder))?,
        embedder,
        side,
        previous,
    };
    let mut folders = Vec::new();
    walk(Path::new(pictures), &mut folders)?;
    let (mut seen, mut before) = (Seen::default(), None);
    for folder in folders {
        looks.folder(&folder, &mut before, &mut seen)?;
    }
    seen.tell()
}

/// The pictures of each folder that holds any, in order.
fn walk(folder: &Path, folders: &mut Vec<Vec<PathBuf>>) -> Result<()> {
    let mut inside: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    inside.sort();
    let (inner, files): (Vec<_>, Vec<_>) = inside.into_iter().partition(|path| path.is_dir());
    let pictures: Vec<PathBuf> =
        files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "jpg")).collect();
    if pictures.len() > 1 {
        folders.push(pictures.into_iter().take(EACH).collect());
    }
    inner.iter().try_for_each(|folder| walk(folder, folders))
}

struct Looks {
    whole: Detector,
    part: Detector,
    head: Head,
    embedder: Embedder,
    side: u32,
    previous: bool,
}

impl Looks {
    fn folder(&self, pictures: &[PathBuf], before: &mut Option<Embedding>, seen: &mut Seen) -> Result<()> {
        let (mut template, mut place): (Option<Embedding>, Option<Bbox>) = (None, None);
        for path in pictures {
            let Ok(bytes) = std::fs::read(path) else { continue };
            let Ok((width, height, rgb)) = decode_picture(&bytes) else { continue };
            let frame = Frame::new(width, height, rgb, BootTime::default())?;
            let small = fitted(&frame)?;
            let scale = frame.width() as f32 / small.width() as f32;
            let Some(face) = self.whole.detect(&small)?.into_iter().next() else { continue };
            let around = if self.previous { place.replace(face.bbox) } else { Some(face.bbox) };
            let whole = self.embedder.embed_face(&frame, &boxes::scaled(&face, scale))?;
            if let Some(around) = around {
                seen.faces += 1;
                match self.look(&small, &around)? {
                    None => seen.lost += 1,
                    Some(part) => {
                        let embedded = self.embedder.embed_face(&frame, &boxes::scaled(&part, scale))?;
                        seen.landmarks(&face, &part);
                        for (other, is_own) in [(&template, true), (before, false)] {
                            other.iter().for_each(|other| {
                                seen.scores(&self.head, [&whole, &embedded], other, is_own)
                            });
                        }
                    }
                }
            }
            template.get_or_insert(whole.embedding);
        }
        if template.is_some() {
            *before = template;
        }
        Ok(())
    }

    /// The largest face in the square around this place, in pixels of the whole picture.
    fn look(&self, picture: &Frame, around: &Bbox) -> Result<Option<Face>> {
        let start = |from: f32, length: f32, limit: u32| {
            let first = (from + length / 2.0 - self.side as f32 / 2.0).max(0.0) as u32;
            let first = (first + STRIDE / 2) / STRIDE * STRIDE;
            first.min(limit.saturating_sub(self.side) / STRIDE * STRIDE)
        };
        let (left, top) =
            (start(around.x, around.w, picture.width()), start(around.y, around.h, picture.height()));
        let (width, height) = (self.side.min(picture.width() - left), self.side.min(picture.height() - top));
        // Where the picture ends, black as the whole look has it.
        let mut rgb = vec![0; (self.side * self.side * 3) as usize];
        let rows = rgb.chunks_exact_mut(self.side as usize * 3).take(height as usize);
        for (row, to) in rows.enumerate() {
            let from = ((top as usize + row) * picture.width() as usize + left as usize) * 3;
            to[..width as usize * 3].copy_from_slice(&picture.rgb()[from..][..width as usize * 3]);
        }
        let frame = Frame::new(self.side, self.side, rgb, BootTime::default())?;
        let moved = |p: Point| Point { x: p.x + left as f32, y: p.y + top as f32 };
        Ok(self.part.detect(&frame)?.into_iter().next().map(|face| {
            let Point { x, y } = moved(Point { x: face.bbox.x, y: face.bbox.y });
            Face { bbox: Bbox { x, y, ..face.bbox }, landmarks: face.landmarks.map(moved), ..face }
        }))
    }
}

/// At the detector's scale, as it scales a frame itself.
fn fitted(frame: &Frame) -> Result<Frame> {
    let (width, height) = (frame.width(), frame.height());
    let scale = WHOLE as f64 / f64::from(width.max(height));
    let to = [width, height].map(|side| (f64::from(side) * scale).round() as u32);
    let rgb = match scaled(frame.rgb(), (width, height), (to[0], to[1]), Interpolation::Linear) {
        Ok(rgb) => rgb,
        Err(why) => bail!(why),
    };
    Ok(Frame::new(to[0], to[1], rgb, BootTime::default())?)
}

/// What differed.
#[derive(Default)]
struct Seen {
    faces: usize,
    lost: usize,
    same: usize,
    /// By the distance of the eyes.
    landmarks: Vec<f32>,
    /// Log-odds of one frame and one template.
    z: Vec<f32>,
    cosines: Vec<f32>,
    pairs: [usize; 2],
    changed: [usize; 2],
}

impl Seen {
    fn landmarks(&mut self, whole: &Face, part: &Face) {
        let apart = |(a, b): (&Point, &Point)| (a.x - b.x).hypot(a.y - b.y);
        let most = whole.landmarks.iter().zip(&part.landmarks).map(apart).fold(0.0, f32::max);
        self.same += usize::from(most == 0.0);
        self.landmarks.push(most / geometry::eye_distance(whole).max(1.0));
    }

    fn scores(&mut self, head: &Head, [whole, part]: [&Embedded; 2], other: &Embedding, is_own: bool) {
        let z = [whole, part].map(|face| head.log_odds(&face.embedding, other).0);
        let limit = head.threshold().log_odds().0;
        self.z.push((z[0] - z[1]).abs());
        let (a, b) = (whole.embedding.values(), part.embedding.values());
        self.cosines.push(a.iter().zip(b).map(|(a, b)| a * b).sum());
        self.pairs[usize::from(is_own)] += 1;
        self.changed[usize::from(is_own)] += usize::from((z[0] >= limit) != (z[1] >= limit));
    }

    fn tell(mut self) -> Result<()> {
        let of = |values: &mut Vec<f32>| {
            values.sort_by(f32::total_cmp);
            let at =
                |share: f64| values.get((values.len() as f64 * share) as usize).copied().unwrap_or_default();
            format!(
                "median {:.4}, 95 % {:.4}, most {:.4}",
                at(0.5),
                at(0.95),
                values.last().copied().unwrap_or_default()
            )
        };
        let (landmarks, z) = (of(&mut self.landmarks), of(&mut self.z));
        let least = self.cosines.iter().copied().fold(1.0, f32::min);
        let Self { faces, lost, same, pairs, changed, .. } = self;
        writeln!(
            std::io::stdout(),
            "{faces} faces, {lost} lost, {same} with the same landmarks; farthest landmark by the eyes: {landmarks}; least cosine \
             {least:.4}; log-odds: {z}; other verdicts: {} of {} pairs of one person, {} of {} of two",
            changed[1],
            pairs[1],
            changed[0],
            pairs[0]
        )?;
        Ok(())
    }
}
