//! Reads clips for the laboratory of flat attacks and writes what its camera sees: frames as JPEG, the rate in `fps`, and
//! what is true of each frame in `truth.toml`.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use facelatch_lab::{Picture, Rendering, Shot, Species};
use image::codecs::jpeg::JpegEncoder;
use serde::Serialize;

use super::{RatesError, picture};
use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::config::Config;
use facelatch::detect::Detector;
use facelatch::model::Manifest;

/// Frames that are read of a clip at most.
const MAX_FRAMES: usize = 600;

/// Rate of a clip that does not say its own, in frames a second.
const USUAL_FPS: f32 = 15.0;

/// The frames of a clip, in order of their names.
pub struct Clip {
    /// At least one.
    pub frames: Vec<Picture>,
    /// Frames a second: what the file `fps` beside them says, or 15.
    pub fps: f32,
}

impl Clip {
    /// A folder of pictures, or one picture.
    ///
    /// # Errors
    /// [`RatesError::Data`]: no picture, one that cannot be read, or a rate that is no number.
    pub fn load(source: &Path) -> Result<Self, RatesError> {
        if !source.is_dir() {
            return Ok(Self { frames: vec![read(source)?], fps: USUAL_FPS });
        }
        let entries = source.read_dir().map_err(RatesError::file(source))?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.file_name().is_some_and(|name| name != "fps" && name != "truth.toml"));
        files.sort();
        files.truncate(MAX_FRAMES);
        if files.is_empty() {
            return Err(RatesError::data(source, "holds no picture"));
        }
        let frames = files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
        let rate = source.join("fps");
        let fps = match std::fs::read_to_string(&rate) {
            Ok(text) => text.trim().parse().map_err(|_| RatesError::data(&rate, "is not one number"))?,
            Err(_) => USUAL_FPS,
        };
        Ok(Self { frames, fps })
    }
}

/// A picture file, as the laboratory takes it.
///
/// # Errors
/// [`RatesError::Data`] with the reason.
pub fn read(file: &Path) -> Result<Picture, RatesError> {
    let known = picture::read(file).map_err(|why| RatesError::data(file, why))?;
    Picture::new(known.width(), known.height(), known.into_raw()).map_err(|why| RatesError::data(file, why))
}

/// The detector of the daemon, with its defaults.
///
/// # Errors
/// [`RatesError::Model`].
pub fn detector(models: &Path) -> Result<Detector, RatesError> {
    let (models, config) = (Manifest::load(models)?, Config::default());
    let network = models.detector(&config.models.detector, config.detect.input_px as usize)?;
    Ok(Detector::new(network, config.detect.min_confidence)?)
}

/// Where the eyes of the largest face are, in pixels; `None` without a face.
///
/// # Errors
/// [`RatesError`] when the detector fails.
pub fn eyes(detector: &Detector, shown: &Picture) -> Result<Option<[[f32; 2]; 2]>, RatesError> {
    let frame = Frame::new(shown.width(), shown.height(), shown.rgb().to_vec(), BootTime::default());
    let frame = frame.map_err(|why| RatesError::Asked(why.to_string()))?;
    let face = detector.detect(&frame)?.into_iter().next();
    Ok(face.map(|face| [0, 1].map(|eye| [face.landmarks[eye].x, face.landmarks[eye].y])))
}

/// What is written beside the frames: `truth.toml`.
#[derive(Serialize)]
struct TruthFile<'a> {
    species: &'a str,
    motion: &'a str,
    film: bool,
    seed: u64,
    fps: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen_pixel_m: Option<f32>,
    frame: Vec<Row>,
}

/// What is true of one frame: angles in degrees, places in metres from the camera, corners in pixels.
#[derive(Serialize)]
struct Row {
    file: String,
    time: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

#[derive(Serialize)]
struct Held {
    at: [f32; 3],
    yaw: f32,
    pitch: f32,
    roll: f32,
    bend: f32,
    corners: [[f32; 2]; 4],
}

/// Renders a shot into a folder, which must be new or empty.
///
/// # Errors
/// [`RatesError`]: it cannot be rendered or written, or the folder holds something.
pub fn write(shot: &Shot<'_>, frames: usize, folder: &Path) -> Result<(), RatesError> {
    let rendering = Rendering::new(shot).map_err(RatesError::Asked)?;
    std::fs::create_dir_all(folder).map_err(RatesError::file(folder))?;
    if folder.read_dir().map_err(RatesError::file(folder))?.next().is_some() {
        return Err(RatesError::data(folder, "is not empty; name a new folder"));
    }
    let mut rows = Vec::new();
    for index in 0..frames {
        let file = format!("{index:04}.jpg");
        let seen = rendering.frame(index).map_err(RatesError::Asked)?;
        jpeg(&seen, rendering.quality(), &folder.join(&file))?;
        let truth = rendering.truth(index);
        let held = truth.pose.zip(truth.corners).map(|(pose, corners)| {
            let [yaw, pitch, roll] = [pose.yaw, pose.pitch, pose.roll].map(f32::to_degrees);
            Held { at: pose.at, yaw, pitch, roll, bend: pose.bend, corners }
        });
        rows.push(Row { file, time: truth.time, held });
    }
    let told = TruthFile {
        species: shot.species.name(),
        motion: shot.motion.name(),
        film: shot.film || shot.species == Species::Live,
        seed: shot.seed,
        fps: shot.fps,
        screen_pixel_m: rendering.pitch(),
        frame: rows,
    };
    let text = toml::to_string(&told).map_err(|why| RatesError::Asked(why.to_string()))?;
    for (name, text) in [("truth.toml", text), ("fps", format!("{}\n", shot.fps))] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(RatesError::file(path))?;
    }
    Ok(())
}

fn jpeg(seen: &Picture, quality: u8, path: &Path) -> Result<(), RatesError> {
    let mut file = BufWriter::new(File::create(path).map_err(RatesError::file(path))?);
    let (width, height) = (seen.width(), seen.height());
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(seen.rgb(), width, height, image::ExtendedColorType::Rgb8)
        .map_err(|why| RatesError::data(path, why.to_string()))?;
    std::io::Write::flush(&mut file).map_err(RatesError::file(path))
}
