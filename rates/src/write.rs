//! Writes a fitted or imported head to its file and reads it back to check it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::RatesError;
use facelatch::head::file::Wanted;
use facelatch::head::project::RawProjection;
use facelatch::head::{Head, HeadError, Measured};

/// Contents of a head file.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Lines for people, without `#`.
    pub comments: Vec<String>,
    /// Name of the embedder.
    pub embedder: String,
    /// SHA-256 of its file, hex.
    pub embedder_sha256: String,
    /// Values of an embedding.
    pub length: usize,
    /// Embeddings are not scaled to unit length.
    pub unscaled: bool,
    /// b.
    pub bias: f32,
    /// alpha; written as one number if all are equal.
    pub alpha: Vec<f32>,
    /// Threshold of a decision, `0..1`.
    pub threshold: f64,
    /// What it was fitted on.
    pub fitted_on: String,
    /// Date of the fit, `YYYY-MM-DD`.
    pub fitted_at: String,
    /// What was measured at the threshold.
    pub measured: Option<Measured>,
    /// R without its matrix.
    pub projection: Option<RawProjection>,
    /// The learned part of R, row by row; stored in a separate file beside the head.
    pub matrix: Option<Vec<f32>>,
}

impl Sheet {
    /// Writes the head, and its matrix beside it. Both are first written to a temporary folder and read back as the daemon
    /// would, so a refused head leaves the existing files in place.
    ///
    /// # Errors
    /// [`RatesError`]: not writable, or [`HeadError`] when the daemon would refuse it; nothing is changed then.
    pub fn write(&self, path: &Path) -> Result<Head, RatesError> {
        // Equal values are written as one number, which would fit any length.
        if self.projection.is_none() && self.matrix.is_none() && self.alpha.len() != self.length {
            let (path, got, wanted) = (path.to_owned(), self.alpha.len(), self.length);
            return Err(HeadError::WrongLength { path, got, wanted }.into());
        }
        let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let new = tempfile::tempdir_in(beside).map_err(RatesError::file(path))?;
        let (new_head, matrix_path) = (new.path().join("head"), self.matrix_path(path));
        let name = matrix_path.file_name().unwrap_or_default();
        let new_matrix = new.path().join(name);
        let mut projection = self.projection.clone();
        if let Some(matrix) = &self.matrix {
            let bytes: Vec<u8> = matrix.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(&new_matrix, &bytes).map_err(RatesError::file(&matrix_path))?;
            let projection = projection.get_or_insert_default();
            projection.matrix = Some(name.to_string_lossy().into_owned());
            projection.matrix_sha256 =
                Some(Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect());
        }
        let text = self.text(projection.as_ref());
        let wanted = Wanted {
            embedder_sha256: &self.embedder_sha256,
            length: self.length,
            unit_length: !self.unscaled,
        };
        let head = Head::parse_with(path, new.path(), &text, wanted)?;
        std::fs::write(&new_head, text).map_err(RatesError::file(path))?;
        if self.matrix.is_some() {
            std::fs::rename(&new_matrix, &matrix_path).map_err(RatesError::file(&matrix_path))?;
        }
        std::fs::rename(&new_head, path).map_err(RatesError::file(path))?;
        Ok(head)
    }

    fn matrix_path(&self, path: &Path) -> PathBuf {
        path.with_extension("matrix.bin")
    }

    fn text(&self, projection: Option<&RawProjection>) -> String {
        let mut text = String::new();
        for line in &self.comments {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
        let quoted = |s: &str| toml::Value::String(s.to_owned()).to_string();
        let _ = writeln!(text, "schema = {}", if projection.is_some() { 2 } else { 1 });
        let _ = writeln!(text, "embedder = {}", quoted(&self.embedder));
        let _ = writeln!(text, "embedder_sha256 = {}", quoted(&self.embedder_sha256));
        let _ = writeln!(text, "bias = {:?}", self.bias);
        let _ = writeln!(text, "alpha = {}", alpha_text(&self.alpha));
        let _ = writeln!(text, "threshold = {:?}", self.threshold);
        let _ = writeln!(text, "fitted_on = {}", quoted(&self.fitted_on));
        let _ = writeln!(text, "fitted_at = {}", quoted(&self.fitted_at));
        if let Some(raw) = projection {
            let _ = writeln!(text, "\n[projection]\nrotations = {}\nseed = {}", raw.rotations, raw.seed);
            for (key, value) in [("matrix", &raw.matrix), ("matrix_sha256", &raw.matrix_sha256)] {
                if let Some(value) = value {
                    let _ = writeln!(text, "{key} = {}", quoted(value));
                }
            }
        }
        if let Some(measured) = &self.measured {
            let _ = write!(text, "\n[measured]\n{}", toml::to_string(measured).unwrap_or_default());
        }
        text
    }
}

/// One number if all are equal, else eight per line. `{:?}` of an f32 reads back to the same bits.
fn alpha_text(alpha: &[f32]) -> String {
    match alpha {
        [first, rest @ ..] if rest.iter().all(|a| a == first) => format!("{first:?}"),
        _ => {
            let lines = alpha.chunks(8).map(|c| c.iter().map(|a| format!("{a:?}, ")).collect::<String>());
            format!("[\n{}]", lines.map(|line| format!("    {}\n", line.trim_end())).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch::embed::Embedding;

    fn sheet() -> Sheet {
        Sheet {
            comments: vec!["made by a test".to_owned(), String::new()],
            embedder: "x".to_owned(),
            embedder_sha256: "ab".to_owned(),
            length: 2,
            bias: 4.1,
            alpha: vec![-3.3, -5.0],
            threshold: 0.9,
            fitted_on: "nobody \"quoted\"".to_owned(),
            fitted_at: "2026-11-24".to_owned(),
            ..Default::default()
        }
    }

    fn sheet_with_matrix() -> Sheet {
        Sheet { matrix: Some(vec![1.0, 0.0, 0.0, 1.0]), ..sheet() }
    }

    #[test]
    fn a_written_head_reads_back_to_the_same_bits() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("x.head.toml");
        let e = |v: [f32; 2]| Embedding::new(v.to_vec()).expect("unit");
        let (a, b) = (e([1.0, 0.0]), e([0.6, 0.8]));
        let plain = sheet().write(&path).expect("works");
        let wanted = 4.1 + (-3.3 * (1.0_f32 - 0.6).abs() + -5.0 * 0.8);
        assert_eq!(plain.log_odds(&a, &b).0, wanted);
        let projected = Sheet {
            projection: Some(RawProjection { rotations: 2, seed: 3, ..Default::default() }),
            matrix: Some(vec![1.0, 0.0, 0.0, 1.0]),
            alpha: vec![-5.0; 4],
            ..sheet()
        };
        let written = projected.write(&path).expect("works");
        let wanted = Wanted { embedder_sha256: "ab", length: 2, unit_length: true };
        let read = Head::load(&path, wanted).expect("the daemon reads it");
        assert_eq!(written.log_odds(&a, &b), read.log_odds(&a, &b));
        std::fs::write(dir.path().join("x.head.matrix.bin"), [0; 16]).expect("changed");
        let text = Head::load(&path, wanted).expect_err("another matrix").to_string();
        assert!(text.contains("sha256"), "{text}");
    }

    #[test]
    fn a_head_that_cannot_grant_an_identical_pair_is_not_written() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("x.head.toml");
        let without = Sheet { bias: 0.0, ..sheet_with_matrix() };
        assert!(without.write(&path).expect_err("refused").to_string().contains("identical pair"));
        assert_eq!(std::fs::read_dir(dir.path()).expect("folder").count(), 0);
    }

    #[test]
    fn what_was_measured_is_read_back_and_what_cannot_be_right_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("x.head.toml");
        let set = "two \"sets\"".to_owned();
        let measured = Measured {
            set,
            frames: 3,
            templates: 5,
            decisions: 399_000,
            false_matches: 12,
            fmr_at_most: 9.4e-5,
        };
        let sheet = Sheet { measured: Some(measured.clone()), ..sheet_with_matrix() };
        assert_eq!(sheet.write(&path).expect("works").measured(), Some(&measured));
        let never = Measured { decisions: 0, ..measured };
        let error =
            Sheet { measured: Some(never), ..sheet }.write(&path).expect_err("no decision").to_string();
        assert!(error.contains("[measured]"), "{error}");
    }

    #[test]
    fn a_refused_head_leaves_the_working_one_and_its_matrix() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("x.head.toml");
        sheet_with_matrix().write(&path).expect("works");
        let without = Sheet { bias: 0.0, matrix: Some(vec![2.0, 0.0, 0.0, 2.0]), ..sheet_with_matrix() };
        without.write(&path).expect_err("refused");
        let wanted = Wanted { embedder_sha256: "ab", length: 2, unit_length: true };
        Head::load(&path, wanted).expect("as before");
        assert_eq!(std::fs::read_dir(dir.path()).expect("folder").count(), 2);
    }

    #[test]
    fn an_unwritable_file_is_named() {
        let text = sheet().write(Path::new("/nowhere/x.head.toml")).expect_err("no folder").to_string();
        assert!(text.starts_with("/nowhere/x.head.toml"), "{text}");
    }
}
