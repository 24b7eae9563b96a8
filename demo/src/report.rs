//! The demo's results as a table, as JSON and as pictures.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use facelatch_wire::Outcome as Verdict;
use facelatch_wire::reply::{self, Judging};
use serde_json::json;

use super::draw::{Canvas, Mood};
use super::steps::{ENROLLED, Shown, Step};
use facelatch::camera::decode::decode_picture;
use facelatch::detect::{Bbox, Face, Point};

/// One visitor and the daemon's reply.
pub(crate) struct Outcome {
    /// The visitor.
    pub(crate) step: &'static Step,
    /// The reply.
    pub(crate) judging: Judging,
}

/// All results.
pub(crate) struct Report {
    /// Threshold of p.
    pub(crate) threshold: f64,
    /// p of two identical faces.
    pub(crate) identical_pair_p: f64,
    /// Name of the embedder.
    pub(crate) embedder: String,
    /// Templates enrolled.
    pub(crate) templates: u64,
    /// The visitors in order.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        self.judging.verdict.unwrap_or(Verdict::Unknown)
    }

    fn as_expected(&self) -> bool {
        self.verdict() == self.step.expected
    }

    /// The picture the reply is about.
    fn picture(&self) -> &str {
        let first = match self.step.shown {
            Shown::Pictures(names) => names.first().copied().unwrap_or_default(),
            Shown::Attack { picture, .. } => picture,
        };
        self.judging.picture.as_deref().unwrap_or(first)
    }

    /// The name, without extension, of what is drawn of it: the same each time, whichever picture came last.
    fn drawn(&self) -> &str {
        match self.step.shown {
            Shown::Pictures([first, ..]) => first.rsplit_once('.').map_or(*first, |(name, _)| name),
            Shown::Pictures([]) => "",
            Shown::Attack { .. } => "attack",
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "picture": self.picture(),
            "claimed": ENROLLED,
            "verdict": self.verdict(),
            "expected": self.step.expected,
            "p": self.judging.p,
            "ms": self.judging.ms,
        })
    }

    fn row(&self) -> String {
        let p = self.judging.p.map_or("-".to_owned(), |p| format!("{p:.4}"));
        let ms = self.judging.ms.clone().unwrap_or_default();
        let mark = if self.as_expected() { "" } else { "  <- not as expected" };
        format!(
            "{:<18} {:<16} {:>6} {:>7.1} {:>6.1} {:>6.1} {:>6.2}  {}{mark}",
            self.picture(),
            self.step.who,
            p,
            ms.detect,
            ms.align,
            ms.embed,
            ms.score,
            self.verdict(),
        )
    }
}

impl Report {
    /// Whether every verdict was the expected one.
    pub(crate) fn as_expected(&self) -> bool {
        self.outcomes.iter().all(Outcome::as_expected)
    }

    /// Prints the report to standard output.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        let text = if json { serde_json::to_string_pretty(&self.json())? } else { self.table() };
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "threshold": self.threshold,
            "identical_pair_p": self.identical_pair_p,
            "embedder": self.embedder,
            "enrolled": { "user": ENROLLED, "templates": self.templates },
            "steps": self.outcomes.iter().map(Outcome::json).collect::<Vec<_>>(),
            "as_expected": self.as_expected(),
        })
    }

    fn table(&self) -> String {
        let mut lines = vec![
            format!(
                "{ENROLLED} enrolled with {} templates ({}); threshold {:.4}, an identical pair scores {:.4}",
                self.templates, self.embedder, self.threshold, self.identical_pair_p
            ),
            String::new(),
            format!(
                "{:<18} {:<16} {:>6} {:>7} {:>6} {:>6} {:>6}  {}",
                "picture", "who", "p", "detect", "align", "embed", "score", "verdict"
            ),
        ];
        lines.extend(self.outcomes.iter().map(Outcome::row));
        lines.push(String::new());
        lines.push("Times in milliseconds: one frame; score: the whole decision.".to_owned());
        lines.join("\n")
    }

    /// Writes each picture, which lies in one of the folders `pictures`, with its result drawn on it to `folder`.
    pub(crate) fn draw(&self, pictures: &[&Path], folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create folder {}", folder.display()))?;
        for outcome in &self.outcomes {
            let name = outcome.picture();
            let found = pictures.iter().map(|place| place.join(name)).find(|path| path.is_file());
            let bytes = std::fs::read(found.with_context(|| format!("picture {name} is gone"))?)?;
            let (width, height, rgb) = decode_picture(&bytes)?;
            let mut canvas = Canvas::new(width, height, rgb);
            let mood = if outcome.verdict() == Verdict::Match { Mood::Yes } else { Mood::No };
            // One of several is not the face that the verdict is about.
            let face = outcome.judging.face.as_ref().filter(|_| outcome.verdict() != Verdict::SeveralFaces);
            if let Some(face) = face.and_then(in_pixels) {
                canvas.mark(&face, mood);
            }
            let p = outcome.judging.p.map_or(String::new(), |p| format!("p = {p:.4} "));
            canvas.caption(&format!("{ENROLLED}? {p}-> {}", outcome.verdict()), mood);
            let to = folder.join(format!("{}.png", outcome.drawn()));
            canvas.save(&to).with_context(|| format!("cannot write picture {}", to.display()))?;
        }
        Ok(())
    }
}

/// The face of a reply as the detector's type; `None` unless it has five landmarks.
fn in_pixels(face: &reply::Face) -> Option<Face> {
    let points: Vec<Point> = face.landmarks.iter().map(|p| Point { x: p.x as f32, y: p.y as f32 }).collect();
    Some(Face {
        bbox: Bbox { x: face.x as f32, y: face.y as f32, w: face.w as f32, h: face.h as f32 },
        landmarks: points.try_into().ok()?,
        confidence: 1.0,
    })
}
