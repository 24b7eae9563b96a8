//! The text of a head file to a [`Head`] that is finite, of the right length, for this embedder, and able to work.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::project::{Projection, RawProjection};
use super::{Formula, Head, LogOdds, Measured, Probability};
use crate::bounded;
use crate::embed::Embedder;

/// Longest head file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Layouts of head files: 2 may have a `[projection]`, 1 may not.
const SCHEMAS: std::ops::RangeInclusive<u32> = 1..=2;

/// A head file as written, before it is checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHead {
    schema: u32,
    embedder: String,
    embedder_sha256: String,
    bias: f64,
    alpha: RawAlpha,
    threshold: f64,
    #[expect(dead_code, reason = "for people: what the head was fitted on")]
    fitted_on: Option<String>,
    #[expect(dead_code, reason = "for people: when the head was fitted")]
    fitted_at: Option<String>,
    projection: Option<RawProjection>,
    /// What was measured at the threshold.
    measured: Option<Measured>,
}

/// One weight for all coordinates, or one each.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawAlpha {
    Common(f64),
    Each(Vec<f64>),
}

/// Which embedder a head must be made for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// SHA-256 of the embedder's file, lower-case hex.
    pub embedder_sha256: &'a str,
    /// Values in one embedding.
    pub length: usize,
    /// Whether embeddings have unit length.
    pub unit_length: bool,
}

impl<'a> Wanted<'a> {
    /// What this embedder needs.
    pub fn of(embedder: &'a Embedder) -> Self {
        Self {
            embedder_sha256: embedder.model_sha256(),
            length: embedder.length(),
            unit_length: embedder.has_unit_length(),
        }
    }
}

/// Why a head is refused.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum HeadError {
    /// The file cannot be read.
    #[error("head {}: cannot be read; check `head` in the configuration", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The text is not a head.
    #[error("head {}: {why}; fit or fetch the head again", .path.display())]
    Malformed { path: PathBuf, why: String },
    /// Fitted for another network, so its numbers mean nothing here.
    #[error(
        "head {}: made for the embedder {made_for} (sha256 {made_for_sha256}), but {loaded_sha256} is loaded; \
         fit a head for this embedder or configure the other one",
        .path.display()
    )]
    OtherEmbedder { path: PathBuf, made_for: String, made_for_sha256: String, loaded_sha256: String },
    /// alpha and embedding differ in length.
    #[error("head {}: alpha has {got} values, h has {wanted}; fit the head again", .path.display())]
    WrongLength { path: PathBuf, got: usize, wanted: usize },
    /// NaN or infinity.
    #[error("head {}: {what} is not a finite number; fit the head again", .path.display())]
    NotFinite { path: PathBuf, what: &'static str },
    /// A threshold that everybody or nobody reaches.
    #[error("head {}: threshold {got} is out of range; use a number above 0 and below 1", .path.display())]
    Threshold { path: PathBuf, got: f64 },
    /// Nobody could ever match.
    #[error(
        "head {}: an identical pair scores {best}, below the threshold {threshold}, so nobody could ever match; \
         fit it again with a bias or lower the threshold",
        .path.display()
    )]
    Unreachable { path: PathBuf, best: Probability, threshold: Probability },
    /// Everybody would match.
    #[error(
        "head {}: even the most unlike pair scores {worst}, not below the threshold {threshold}, so everybody \
         would match; fit it again or raise the threshold",
        .path.display()
    )]
    GrantsAnyone { path: PathBuf, worst: Probability, threshold: Probability },
}

impl Head {
    /// Reads a head file and checks that it can work with this embedder.
    ///
    /// # Errors
    /// [`HeadError`], naming the file and the fix.
    pub fn load(path: &Path, wanted: Wanted<'_>) -> Result<Self, HeadError> {
        let text = bounded::read_text(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
            ErrorKind::FileTooLarge => HeadError::Malformed { path: path.into(), why: source.to_string() },
            _ => HeadError::Read { path: path.into(), source },
        })?;
        Self::parse(path, &text, wanted)
    }

    /// A head from the text of its file; `path` is only named in errors.
    ///
    /// # Errors
    /// [`HeadError`], naming the file and the fix.
    pub fn parse(path: &Path, text: &str, wanted: Wanted<'_>) -> Result<Self, HeadError> {
        Self::parse_with(path, path.parent().unwrap_or(Path::new("")), text, wanted)
    }

    /// As [`Head::parse`], with the matrix file in `folder`: for a head that is not in its final place yet.
    pub fn parse_with(path: &Path, folder: &Path, text: &str, wanted: Wanted<'_>) -> Result<Self, HeadError> {
        let malformed = |why: String| HeadError::Malformed { path: path.into(), why };
        let raw: RawHead =
            toml::from_str(text).map_err(|e| malformed(e.to_string().trim_end().to_owned()))?;
        if !SCHEMAS.contains(&raw.schema) {
            return Err(malformed(format!("schema {}, this program reads 1 and 2", raw.schema)));
        }
        if raw.schema == 1 && raw.projection.is_some() {
            return Err(malformed("a head of schema 1 has no [projection]; write schema = 2".to_owned()));
        }
        if !raw.embedder_sha256.eq_ignore_ascii_case(wanted.embedder_sha256) {
            return Err(HeadError::OtherEmbedder {
                path: path.into(),
                made_for: raw.embedder,
                made_for_sha256: raw.embedder_sha256,
                loaded_sha256: wanted.embedder_sha256.to_owned(),
            });
        }
        let build = |raw: RawProjection| raw.build(wanted.length, folder);
        let projection = raw.projection.map(build).transpose().map_err(malformed)?;
        let rows = projection.as_ref().map_or(wanted.length, Projection::rows);
        let alpha = match raw.alpha {
            RawAlpha::Common(value) => vec![value as f32; rows],
            RawAlpha::Each(values) => values.into_iter().map(|v| v as f32).collect(),
        };
        if alpha.len() != rows {
            return Err(HeadError::WrongLength { path: path.into(), got: alpha.len(), wanted: rows });
        }
        raw.measured.as_ref().map_or(Ok(()), Measured::check).map_err(malformed)?;
        let head = Self::of(path, (raw.bias as f32, alpha), projection, raw.threshold)?;
        let head = Self { measured: raw.measured, ..head };
        // Embeddings of any length may be any distance apart.
        let apart = if wanted.unit_length { 2.0 } else { f32::INFINITY };
        head.refused_if_it_grants_anyone(path, apart)
    }

    /// A head from its numbers, refused when it cannot work.
    ///
    /// # Errors
    /// [`HeadError`] when a number is not finite, or nobody or everybody would match.
    pub fn new(path: &Path, bias: f32, alpha: Vec<f32>, threshold: f64) -> Result<Self, HeadError> {
        Self::with_projection(path, (bias, alpha), None, threshold)
    }

    /// As [`Head::new`], over `h = R * e`; `alpha` has one value for each row of R.
    ///
    /// # Errors
    /// As [`Head::new`], and [`HeadError::WrongLength`].
    pub fn with_projection(
        path: &Path,
        (bias, alpha): (f32, Vec<f32>),
        projection: Option<Projection>,
        threshold: f64,
    ) -> Result<Self, HeadError> {
        Self::of(path, (bias, alpha), projection, threshold)?.refused_if_it_grants_anyone(path, 2.0)
    }

    fn of(
        path: &Path,
        (bias, alpha): (f32, Vec<f32>),
        projection: Option<Projection>,
        threshold: f64,
    ) -> Result<Self, HeadError> {
        let path = PathBuf::from(path);
        if !bias.is_finite() {
            return Err(HeadError::NotFinite { path, what: "bias" });
        }
        let Some(formula) = Formula::new(bias, &alpha) else {
            return Err(HeadError::NotFinite { path, what: "alpha" });
        };
        let inside = (threshold > 0.0 && threshold < 1.0).then_some(threshold).and_then(Probability::new);
        let Some(threshold) = inside else {
            return Err(HeadError::Threshold { path, got: threshold });
        };
        let head = Self { formula, threshold, projection, measured: None };
        if let Some(rows) =
            head.projection.as_ref().map(Projection::rows).filter(|r| *r != head.formula.alpha().len())
        {
            return Err(HeadError::WrongLength { path, got: head.formula.alpha().len(), wanted: rows });
        }
        let best = head.identical_pair();
        if best < threshold {
            return Err(HeadError::Unreachable { path, best, threshold });
        }
        Ok(head)
    }

    /// `apart` is the largest distance between two embeddings.
    fn refused_if_it_grants_anyone(self, path: &Path, apart: f32) -> Result<Self, HeadError> {
        let (worst, threshold) = (self.most_unlike_pair(apart), self.threshold);
        if worst >= threshold {
            return Err(HeadError::GrantsAnyone { path: path.into(), worst, threshold });
        }
        Ok(self)
    }

    /// A lower bound on what any pair scores. R stretches a distance (2 at most between unit vectors) by no more than its
    /// norm, so by Cauchy-Schwarz the sum is at least -apart norm(R) norm(negative part of alpha). Without a
    /// negative alpha no pair scores less than an identical one, however far apart.
    fn most_unlike_pair(&self, apart: f32) -> Probability {
        let negative = self.formula.alpha().iter().map(|a| a.min(0.0).powi(2)).sum::<f32>().sqrt();
        if negative == 0.0 {
            return self.identical_pair();
        }
        let stretch = self.projection.as_ref().map_or(1.0, Projection::stretch);
        LogOdds(self.formula.bias - apart * stretch * negative).probability()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WANTED: Wanted<'_> = Wanted { embedder_sha256: "ab", length: 2, unit_length: true };

    fn parse(bias: &str, alpha: &str, threshold: &str) -> Result<Head, HeadError> {
        let text = format!(
            "schema = 1\nembedder = \"sface\"\nembedder_sha256 = \"AB\"\nbias = {bias}\nalpha = {alpha}\nthreshold = {threshold}\n"
        );
        Head::parse(Path::new("head.toml"), &text, WANTED)
    }

    #[test]
    fn common_alpha_stands_for_every_coordinate() {
        let head = parse("4.0", "-3.0", "0.9").expect("works");
        assert_eq!(head.formula.alpha(), [-3.0, -3.0]);
    }

    #[test]
    fn a_head_that_cannot_grant_an_identical_pair_is_refused() {
        let text = parse("0.0", "-3.0", "0.9").expect_err("sigmoid(0) = 0.5").to_string();
        assert!(text.contains("identical pair scores 0.5000"), "{text}");
    }

    #[test]
    fn a_head_that_grants_everybody_is_refused() {
        assert!(matches!(parse("4.0", "0.0", "0.9"), Err(HeadError::GrantsAnyone { .. })));
        assert!(matches!(parse("4.0", "[1.0, 2.0]", "0.9"), Err(HeadError::GrantsAnyone { .. })));
    }

    #[test]
    fn a_head_without_a_negative_alpha_is_refused_for_embeddings_of_any_length_too() {
        let any_length = Wanted { unit_length: false, ..WANTED };
        let load = |alpha: &str| {
            let text = format!(
                "schema = 1\nembedder = \"x\"\nembedder_sha256 = \"ab\"\nbias = 4.0\nalpha = {alpha}\nthreshold = 0.9\n"
            );
            Head::parse(Path::new("head.toml"), &text, any_length)
        };
        for alpha in ["0.0", "3.0", "[0.0, 0.5]"] {
            assert!(matches!(load(alpha), Err(HeadError::GrantsAnyone { .. })), "{alpha}");
        }
        // Too little for unit vectors, but these may be far apart.
        assert!(load("-0.01").is_ok() && load("[1.0, -0.01]").is_ok());
    }

    #[test]
    fn positive_entries_of_alpha_are_fine() {
        assert!(parse("4.0", "[0.5, -9.0]", "0.9").is_ok());
    }

    #[test]
    fn not_finite_wrong_length_and_odd_thresholds_are_refused() {
        assert!(matches!(parse("nan", "-3.0", "0.9"), Err(HeadError::NotFinite { what: "bias", .. })));
        assert!(matches!(
            parse("4.0", "[-1.0, inf]", "0.9"),
            Err(HeadError::NotFinite { what: "alpha", .. })
        ));
        assert!(matches!(
            parse("4.0", "[-1.0]", "0.9"),
            Err(HeadError::WrongLength { got: 1, wanted: 2, .. })
        ));
        for threshold in ["0.0", "1.0", "-1.0", "nan", "7.0"] {
            assert!(
                matches!(parse("4.0", "-3.0", threshold), Err(HeadError::Threshold { .. })),
                "{threshold}"
            );
        }
    }

    #[test]
    fn a_head_for_another_embedder_is_refused_by_its_hash() {
        let text =
            "schema = 1\nembedder = \"x\"\nembedder_sha256 = \"cd\"\nbias = 4\nalpha = -3\nthreshold = 0.9\n";
        let error = Head::parse(Path::new("h"), text, WANTED).expect_err("other hash");
        assert!(error.to_string().contains("made for the embedder x"), "{error}");
    }

    #[test]
    fn what_was_measured_is_kept_if_it_can_be_right() {
        let load = |decisions: u64, false_matches: u64, bound: f64| {
            let bound = format!("{bound:?}").to_lowercase();
            let text = format!(
                "schema = 1\nembedder = \"x\"\nembedder_sha256 = \"ab\"\nbias = 4\nalpha = -3\nthreshold = 0.9\n\
                 [measured]\nset = \"a set\"\nframes = 3\ntemplates = 5\ndecisions = {decisions}\n\
                 false_matches = {false_matches}\nfmr_at_most = {bound}\n"
            );
            Head::parse(Path::new("h"), &text, WANTED)
        };
        let head = load(1000, 1, 0.005).expect("works");
        assert_eq!(head.measured().map(|told| (told.decisions, told.fmr_at_most)), Some((1000, 0.005)));
        for (decisions, false_matches, bound) in
            [(0, 0, 0.1), (10, 11, 1.0), (10, 1, 0.05), (10, 0, 0.0), (10, 0, 1.1), (10, 0, f64::NAN)]
        {
            let told = load(decisions, false_matches, bound).expect_err("cannot be right").to_string();
            assert!(told.contains("[measured]"), "{told}");
        }
        assert!(parse("4.0", "-3.0", "0.9").expect("works").measured().is_none());
    }

    #[test]
    fn a_typo_names_the_line_and_the_field() {
        let error = Head::parse(Path::new("h"), "schema = 1\nbais = 4\n", WANTED).expect_err("typo");
        assert!(error.to_string().contains("bais"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,300}") {
            let _ = Head::parse(Path::new("h"), &text, WANTED);
        }
    }
}
