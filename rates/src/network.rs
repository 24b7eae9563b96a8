//! Adds a siamese network to a folder of models: an embedder and the head that goes with it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::RatesError;
use super::write::Sheet;
use crate::siamese::{EMBEDDING, Pixels, Siamese};
use facelatch::bounded;
use facelatch::embed::{CHIP_SIDE_PX, Chip, Embedder};
use facelatch::head::Head;
use facelatch::head::project::SplitMix64;
use facelatch::model::{MAX_LIST_BYTES, MAX_MODEL_BYTES, Manifest};

/// The name of a network and the kind of picture it was trained on.
#[derive(Debug, Clone)]
pub struct Naming<'a> {
    /// Name in `MODELS.toml`: lower-case letters, digits and `-`.
    pub name: &'a str,
    /// Range of its pixel values.
    pub pixels: Pixels,
    /// Blue first, as OpenCV reads pictures; no effect on grey ones.
    pub bgr: bool,
    /// Threshold of a decision, `0..1`.
    pub threshold: f64,
    /// Date, `YYYY-MM-DD`.
    pub date: String,
}

/// An entry of `MODELS.toml`: keys the daemon reads, and some for people.
#[derive(Serialize)]
struct Entry<'a> {
    kind: &'a str,
    file: String,
    sha256: String,
    bytes: usize,
    source: String,
    input_shape: [usize; 4],
    colour: &'a str,
    outputs: [&'a str; 1],
    output_length: usize,
    normalise: bool,
}

/// What was written.
pub struct Imported {
    /// The head that goes with it.
    pub head: Head,
    /// Path of the head file.
    pub head_path: PathBuf,
}

/// Splits the network in `file` and adds it to the folder `models`: NAME.onnx, NAME.head.toml, and an entry in
/// `MODELS.toml`. Embeddings are not normalised, since its alpha was trained on them as they are.
///
/// # Errors
/// [`RatesError`]: not a siamese network, a name already in use, a head the daemon would refuse. Nothing is left behind.
pub fn import(file: &Path, models: &Path, naming: &Naming<'_>) -> Result<Imported, RatesError> {
    let name = naming.name;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(RatesError::Asked(format!("name {name:?}: use only lower-case letters, digits and -")));
    }
    let list = models.join("MODELS.toml");
    let text = bounded::read(&list, MAX_LIST_BYTES).map_err(RatesError::file(&list))?;
    let text = String::from_utf8(text).map_err(|e| RatesError::data(&list, e.to_string()))?;
    let known: toml::Table =
        text.parse().map_err(|e: toml::de::Error| RatesError::data(&list, e.to_string().trim_end()))?;
    if known.contains_key(name) {
        return Err(RatesError::data(&list, format!("already has a model {name}; choose another name")));
    }
    let bytes = bounded::read(file, MAX_MODEL_BYTES).map_err(RatesError::file(file))?;
    let siamese = Siamese::read(&bytes, naming.pixels).map_err(|why| RatesError::data(file, why))?;
    let source = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entry = entry(&siamese, naming, &source);
    let (network_path, head_path) = (models.join(&entry.file), models.join(format!("{name}.head.toml")));
    for path in [&network_path, &head_path] {
        if path.exists() {
            return Err(RatesError::data(path, "already exists; move it away or choose another name"));
        }
    }
    let added = format!("{}\n\n{}", text.trim_end(), entry_text(name, &entry)?);
    let written = (|| {
        std::fs::write(&network_path, &siamese.tower).map_err(RatesError::file(&network_path))?;
        tempfile::NamedTempFile::new_in(models)
            .and_then(|mut new| {
                std::io::Write::write_all(&mut new, added.as_bytes())?;
                new.as_file().set_permissions(std::fs::metadata(&list)?.permissions())?;
                new.persist(&list).map_err(|e| e.error)
            })
            .map_err(RatesError::file(&list))?;
        // Load it as the daemon would.
        let network = Manifest::load(models).and_then(|list| list.embedder(name)).map_err(|why| {
            let why = format!(
                "its tower does not run; export it for one picture, or for any number of them: {why}"
            );
            RatesError::data(file, why)
        });
        let embedder = Embedder::new(network?);
        let head = sheet(&siamese, naming, &source, &embedder).write(&head_path)?;
        tells_apart(&embedder, &head, file)?;
        Ok(head)
    })();
    match written {
        Ok(head) => Ok(Imported { head, head_path }),
        Err(error) => {
            // Neither file existed before.
            let _ = [&network_path, &head_path].map(std::fs::remove_file);
            std::fs::write(&list, text).map_err(RatesError::file(&list))?;
            Err(error)
        }
    }
}

/// Runs the tower on unrelated pictures and refuses it if any two of them match: such a tower has learned nothing and
/// would match everyone.
fn tells_apart(embedder: &Embedder, head: &Head, file: &Path) -> Result<(), RatesError> {
    // These are not faces, so a sound network may give no embedding for one of them.
    let embedded: Vec<_> =
        unlike_chips().iter().filter_map(|chip| Some(embedder.embed(chip).ok()?.embedding)).collect();
    if embedded.len() < 2 {
        return Err(RatesError::data(
            file,
            "its tower gives no embedding for three of four pictures; retrain it",
        ));
    }
    let pairs =
        || embedded.iter().enumerate().flat_map(|(i, a)| embedded[i + 1..].iter().map(move |b| (a, b)));
    if pairs().all(|(a, b)| a == b) {
        let why = "its tower gives the same h for unrelated pictures; retrain it";
        return Err(RatesError::data(file, why));
    }
    let least = pairs().map(|(a, b)| head.probability(a, b).value()).fold(1.0, f64::min);
    if least >= head.threshold().value() {
        let why = format!(
            "all pairs of unrelated pictures score at least {least:.4}, not below the threshold {}, so everyone would \
             match; retrain it or raise the threshold",
            head.threshold()
        );
        return Err(RatesError::data(file, why));
    }
    Ok(())
}

/// Slopes, squares and noise.
fn unlike_chips() -> Vec<Chip> {
    let side = CHIP_SIDE_PX as usize;
    let mut random = SplitMix64(1);
    let drawn = |value: &mut dyn FnMut(usize, usize) -> u64| {
        let pixels = (0..side * side).flat_map(|at| [value(at / side, at % side) as u8; 3]);
        Chip::from_rgb(pixels.collect())
    };
    let slopes = [drawn(&mut |row, _| 2 * row as u64), drawn(&mut |_, column| 255 - 2 * column as u64)];
    let squares = drawn(&mut |row, column| 255 * ((row / 14 + column / 14) % 2) as u64);
    let noise = drawn(&mut |_, _| random.bits() & 255);
    slopes.into_iter().chain([squares, noise]).flatten().collect()
}

fn entry<'a>(siamese: &Siamese, naming: &Naming<'a>, source: &str) -> Entry<'a> {
    let (height, width) = siamese.size_px;
    Entry {
        kind: "embedder",
        file: format!("{}.onnx", naming.name),
        sha256: Sha256::digest(&siamese.tower).iter().map(|b| format!("{b:02x}")).collect(),
        bytes: siamese.tower.len(),
        source: format!("a tower of {source}, by facelatch-rates import"),
        input_shape: [1, 3, height, width],
        // A grey picture is made from red, green and blue, in this order.
        colour: if naming.bgr && siamese.colours == 3 { "BGR" } else { "RGB" },
        outputs: [EMBEDDING],
        output_length: siamese.alpha.len(),
        normalise: false,
    }
}

fn entry_text(name: &str, entry: &Entry<'_>) -> Result<String, RatesError> {
    let table = std::collections::BTreeMap::from([(name, entry)]);
    toml::to_string(&table).map_err(|e| RatesError::Asked(e.to_string()))
}

fn sheet(siamese: &Siamese, naming: &Naming<'_>, source: &str, embedder: &Embedder) -> Sheet {
    Sheet {
        comments: vec![
            format!(
                "Made by: facelatch-rates import {source} --embedder {} --threshold {}",
                naming.name, naming.threshold
            ),
            "The threshold was given by hand, not measured.".to_owned(),
        ],
        embedder: naming.name.to_owned(),
        embedder_sha256: embedder.model_sha256().to_owned(),
        length: embedder.length(),
        unscaled: true,
        bias: siamese.bias,
        alpha: siamese.alpha.clone(),
        threshold: naming.threshold,
        fitted_on: format!("imported from {source}"),
        fitted_at: naming.date.clone(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
