//! Model files to runnable networks: the only file that names tract.
//!
//! `MODELS.toml` beside the files says what each must be. A file with the wrong SHA-256 or shape, or whose outputs are
//! not finite, is refused with its name and the fix.

mod child;
mod entry;
mod notes;
mod operating;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use facelatch_fused::{Isa, PIXEL};
use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;

use crate::bounded;

pub use child::{Alike, ChildLimits};
pub use entry::{Kind, QualityLimits};
pub use operating::OperatingPoints;

use entry::{Colours, Entry, Side};

/// Largest model file, in bytes.
pub const MAX_MODEL_BYTES: u64 = 64 << 20;

/// Longest `MODELS.toml`, in bytes.
pub const MAX_LIST_BYTES: u64 = 1 << 20;

/// The list of models, as `MODELS.toml` has it.
#[derive(Debug, Clone)]
pub struct Manifest {
    folder: PathBuf,
    models: BTreeMap<String, Entry>,
}

/// Why a model cannot be used. Each text names the file and the fix.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum ModelError {
    /// A file is missing or cannot be read.
    #[error("model file {}: cannot be read; install the models, or set `models.folder` in the configuration", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The list is malformed.
    #[error("model list {}: {why}; install the models again", .path.display())]
    Manifest { path: PathBuf, why: String },
    /// The owner's list does not go with the package's.
    #[error("model list {}: {why}; remove it with `facelatch models remove`", .path.display())]
    Own { path: PathBuf, why: String },
    /// The owner's list is malformed.
    #[error("model list {}: {why}; delete it and add the models again (`facelatch models add`)", .path.display())]
    OwnManifest { path: PathBuf, why: String },
    /// No such model in the list.
    #[error(
        "model {name}: not in {} as {}; {}; install the models again, or name another in the configuration", .path.display(),
        .kind.with_article(), listed(.known)
    )]
    Unknown { name: String, path: PathBuf, kind: Kind, known: Vec<String> },
    /// The file is not the one in the list.
    #[error(
        "model file {}: its sha256 is {got}, but MODELS.toml says {wanted}; it is damaged or was replaced: install the models again",
        .path.display()
    )]
    Checksum { path: PathBuf, got: String, wanted: String },
    /// tract cannot read or plan it, or its shapes are wrong.
    #[error("model file {}: {why}; install the models again", .path.display())]
    Unusable { path: PathBuf, why: String },
    /// It failed while running, or its outputs make no sense.
    #[error("model file {}: inference failed: {why}; install the models again", .path.display())]
    Inference { path: PathBuf, why: String },
}

impl Manifest {
    /// Reads `MODELS.toml` in `folder`.
    ///
    /// # Errors
    /// [`ModelError::Read`], [`ModelError::Manifest`].
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("MODELS.toml");
        let read = |source| ModelError::Read { path: path.clone(), source };
        let text = bounded::read_text(&path, MAX_LIST_BYTES).map_err(read)?;
        let bad = |why: String| ModelError::Manifest { path: path.clone(), why };
        let models: BTreeMap<String, Entry> =
            toml::from_str(&text).map_err(|e| bad(e.to_string().trim_end().to_owned()))?;
        for (name, entry) in &models {
            entry.check_shape().map_err(|why| bad(format!("[{name}] {why}")))?;
            entry.check_quality().map_err(|why| bad(format!("[{name}.quality] {why}")))?;
            let child = entry.child.as_ref().map_or(Ok(()), ChildLimits::check);
            child.map_err(|why| bad(format!("[{name}.child] {why}")))?;
            let points = entry.operating_points.as_ref().map_or(Ok(()), OperatingPoints::check);
            points.map_err(|why| bad(format!("[{name}.operating_points] {why}")))?;
        }
        Ok(Self { folder: folder.to_owned(), models })
    }

    /// With the models of a second folder, if there is one: those of the owner beside those that ship.
    ///
    /// # Errors
    /// [`ModelError`]; also when both folders have a model of the same name.
    pub fn with_own(mut self, folder: &Path) -> Result<Self, ModelError> {
        let list = folder.join("MODELS.toml");
        if folder.as_os_str().is_empty() || !list.exists() {
            return Ok(self);
        }
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let own = Self::load(folder).map_err(|error| match error {
            ModelError::Manifest { path, why } => ModelError::OwnManifest { path, why },
            other => other,
        })?;
        for (name, mut entry) in own.models {
            if self.models.contains_key(&name) {
                let why = format!("[{name}] is in {} as well", self.folder.join("MODELS.toml").display());
                return Err(ModelError::Own { path: list, why });
            }
            // An absolute path replaces the folder that it is joined to.
            entry.file = absolute.join(&entry.file);
            self.models.insert(name, entry);
        }
        Ok(self)
    }

    /// Loads the detector `name` for square pictures of `side_px`.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn detector(&self, name: &str, side_px: usize) -> Result<Network, ModelError> {
        self.network(name, Kind::Detector, Some(side_px))
    }

    /// Loads the embedder `name`.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn embedder(&self, name: &str) -> Result<Network, ModelError> {
        let network = self.network(name, Kind::Embedder, None)?;
        match network.output_shapes.as_slice() {
            [shape] if shape.first() == Some(&1) && shape.len() == 2 => network.child_checked(),
            other => {
                Err(network.unusable(format!("an embedder has one [1, n] output, this one has {other:?}")))
            }
        }
    }

    /// Loads the network `name` that tells attacks from live faces.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn attack(&self, name: &str) -> Result<Network, ModelError> {
        self.network(name, Kind::Attack, None)
    }

    fn network(&self, name: &str, kind: Kind, side_px: Option<usize>) -> Result<Network, ModelError> {
        let entry = self.models.get(name).filter(|entry| entry.kind == kind).ok_or_else(|| {
            let known = self.models.iter().filter(|(_, e)| e.kind == kind).map(|(n, _)| n.clone()).collect();
            ModelError::Unknown { name: name.to_owned(), path: self.folder.join("MODELS.toml"), kind, known }
        })?;
        let path = self.folder.join(&entry.file);
        let mut shape = [0; 4];
        for (length, side) in shape.iter_mut().zip(&entry.input_shape) {
            *length = match (side, side_px) {
                // Checked when the list was read.
                (Side::Fixed(length), _) => usize::try_from(*length).unwrap_or(entry::MAX_SIDE_PX),
                (Side::Named(_), Some(length)) => length,
                (Side::Named(_), None) => {
                    let why = "its input has no fixed shape".to_owned();
                    return Err(ModelError::Unusable { path, why });
                }
            };
        }
        let bytes = read_checked(&path, &entry.sha256)?;
        Network::build(name, path, entry, shape, bytes)
    }
}

/// Reads a model file and checks its SHA-256.
fn read_checked(path: &Path, sha256: &str) -> Result<Vec<u8>, ModelError> {
    let read = |source| ModelError::Read { path: path.into(), source };
    let bytes = bounded::read(path, MAX_MODEL_BYTES).map_err(read)?;
    let got: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if got.eq_ignore_ascii_case(sha256) {
        return Ok(bytes);
    }
    Err(ModelError::Checksum { path: path.into(), got, wanted: sha256.to_owned() })
}

/// A network that is ready to run. Cheap to clone: the weights are shared.
#[derive(Clone)]
pub struct Network {
    name: String,
    path: PathBuf,
    sha256: String,
    /// `[1, 3, height, width]`.
    input_shape: [usize; 4],
    colours: Colours,
    normalise: bool,
    quality: Option<QualityLimits>,
    child: Option<ChildLimits>,
    live_logit: usize,
    operating_points: Option<OperatingPoints>,
    output_shapes: Vec<Vec<usize>>,
    notes: Vec<String>,
    /// Whether its input is pixels in place of planes.
    takes_pixels: bool,
    plan: Arc<TypedRunnableModel>,
}

impl Network {
    fn build(
        name: &str,
        path: PathBuf,
        entry: &Entry,
        input_shape: [usize; 4],
        bytes: Vec<u8>,
    ) -> Result<Self, ModelError> {
        let unusable = |e: TractError| ModelError::Unusable { path: path.clone(), why: format!("{e:#}") };
        let fused = facelatch_fused::read(bytes, input_shape, Isa::detect()).map_err(unusable)?;
        let of_list = entry.note.iter().map(|note| format!("{name}: {note}"));
        let takes_pixels = fused.takes_pixels();
        let notes = notes::notes(name, &fused).into_iter().chain(of_list).collect();
        let model = fused
            .model
            .with_outputs_by_name(&entry.outputs)
            .and_then(|model| model.into_optimized())
            .map_err(unusable)?;
        let output_shapes = (0..entry.outputs.len())
            .map(|slot| Ok(model.output_fact(slot)?.shape.as_concrete().map(<[usize]>::to_vec)))
            .collect::<TractResult<Option<Vec<_>>>>()
            .map_err(unusable)?;
        let Some(output_shapes) = output_shapes else {
            return Err(ModelError::Unusable { path, why: "an output has no fixed shape".to_owned() });
        };
        let plan = model.into_runnable().map_err(unusable)?;
        let sha256 = entry.sha256.to_ascii_lowercase();
        Ok(Self {
            name: name.to_owned(),
            path,
            sha256,
            input_shape,
            colours: entry.colour,
            normalise: entry.normalise,
            quality: entry.quality,
            child: entry.child.clone(),
            live_logit: entry.live,
            operating_points: entry.operating_points.clone(),
            output_shapes,
            notes,
            takes_pixels,
            plan,
        })
    }

    /// Sentences for people: layers that run slowly, and the note in `MODELS.toml`; mostly none.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Its name in `MODELS.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its file, lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Values in its first output.
    pub fn output_len(&self) -> usize {
        self.output_shapes.first().map_or(0, |shape| shape.iter().product())
    }

    /// Whether its output has to be scaled to unit length.
    pub fn normalise(&self) -> bool {
        self.normalise
    }

    /// When to believe it, if its entry says so.
    pub fn quality(&self) -> Option<&QualityLimits> {
        self.quality.as_ref()
    }

    /// What tells small children, if its entry says so.
    pub fn child(&self) -> Option<&ChildLimits> {
        self.child.as_ref()
    }

    /// Itself, if its direction of children is as long as its embeddings.
    fn child_checked(self) -> Result<Self, ModelError> {
        let (wanted, got) = (self.output_len(), self.child.as_ref().map(|child| child.direction.len()));
        match got {
            Some(got) if got != wanted => Err(self.unusable(format!(
                "[{}.child] direction in MODELS.toml has {got} values, its embeddings have {wanted}",
                self.name
            ))),
            _ => Ok(self),
        }
    }

    /// Which value of its output is for a live face, if it finds attacks.
    pub fn live_logit(&self) -> usize {
        self.live_logit
    }

    /// Its thresholds.
    ///
    /// # Errors
    /// [`ModelError::Unusable`] if its entry has none.
    pub fn operating_points(&self) -> Result<&OperatingPoints, ModelError> {
        let why = || format!("MODELS.toml has no [{}.operating_points] for it", self.name);
        self.operating_points.as_ref().ok_or_else(|| self.unusable(why()))
    }

    /// Height and width of its input in pixels.
    pub fn input_size(&self) -> (usize, usize) {
        (self.input_shape[2], self.input_shape[3])
    }

    /// The input for rows of RGB pixels, 0..=255; the rest of it is black.
    fn input(&self, rgb: &[u8], width: usize) -> TractResult<Tensor> {
        let (rows, columns) = self.input_size();
        if !self.takes_pixels {
            let mut input = Tensor::zero::<f32>(&self.input_shape)?;
            self.write_planes(input.try_as_plain_ram_mut()?.as_slice_mut()?, rgb, width);
            return Ok(input);
        }
        let mut input = Tensor::zero::<u8>(&[1, rows, columns, PIXEL])?;
        let mut plain = input.try_as_plain_ram_mut()?;
        let to = plain.as_slice_mut()?.chunks_exact_mut(columns * PIXEL);
        for (to, from) in to.zip(rgb.chunks_exact(width.max(1) * 3)) {
            let pixels = to.as_chunks_mut::<PIXEL>().0.iter_mut().zip(from.as_chunks::<3>().0);
            match self.colours {
                Colours::Rgb => pixels.for_each(|(to, &[r, g, b])| *to = [r, g, b, 0]),
                Colours::Bgr => pixels.for_each(|(to, &[r, g, b])| *to = [b, g, r, 0]),
            }
        }
        Ok(input)
    }

    fn write_planes(&self, planes: &mut [f32], rgb: &[u8], width: usize) {
        let (rows, columns) = self.input_size();
        let order = match self.colours {
            Colours::Rgb => [0, 1, 2],
            Colours::Bgr => [2, 1, 0],
        };
        for (plane, channel) in planes.chunks_exact_mut(rows * columns).zip(order) {
            for (to, from) in plane.chunks_exact_mut(columns).zip(rgb.chunks_exact(width.max(1) * 3)) {
                for (to, pixel) in to.iter_mut().zip(from.as_chunks::<3>().0) {
                    *to = f32::from(pixel[channel]);
                }
            }
        }
    }

    /// Runs on rows of `width` RGB pixels, 0..=255, and returns the outputs in the order of `MODELS.toml`. What `rgb` does not
    /// cover is black.
    ///
    /// # Errors
    /// [`ModelError::Inference`], also for outputs that are not finite.
    pub fn run(&self, rgb: &[u8], width: usize) -> Result<Vec<Vec<f32>>, ModelError> {
        let failed = |e: TractError| self.bad_output(format!("{e:#}"));
        let input = self.input(rgb, width).map_err(failed)?;
        let outputs = self.plan.run(tvec!(input.into())).map_err(failed)?;
        let mut all = Vec::with_capacity(outputs.len());
        for output in outputs {
            let values =
                output.to_plain_array_view::<f32>().map_err(failed)?.iter().copied().collect::<Vec<_>>();
            if !values.iter().all(|v| v.is_finite()) {
                return Err(self.bad_output("an output is not finite".to_owned()));
            }
            all.push(values);
        }
        Ok(all)
    }

    /// The error for an output that makes no sense.
    pub fn bad_output(&self, why: String) -> ModelError {
        ModelError::Inference { path: self.path.clone(), why }
    }

    /// The error for a network that cannot be used as it is.
    pub fn unusable(&self, why: String) -> ModelError {
        ModelError::Unusable { path: self.path.clone(), why }
    }
}

/// The models that there are, in words.
fn listed(known: &[String]) -> String {
    if known.is_empty() { "it lists none".to_owned() } else { format!("it lists {}", known.join(", ")) }
}

#[cfg(test)]
mod tests;
