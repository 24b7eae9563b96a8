//! What the detector's landmarks do on rendered attacks, and whether the daemon's model takes them for a head that turns.
//!
//! Of each rendering, the first frame is the straight face; the others are compared with it as in a challenge.

use facelatch_lab::{Motion, Picture, Rendering, Shot, Species};

use crate::RatesError;
use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::detect::attack::plane::Parallax;
use facelatch::detect::attack::turn::{Evidence, View};
use facelatch::detect::{Detector, Face, Point};

/// Frames of a rendering that are looked at, and their rate: long enough for the object to go there and come back.
const FRAMES: usize = 15;
const FPS: f32 = 6.0;

/// From this turn on, in degrees, an object counts as turned.
const TURNED: f32 = 15.0;

/// From this bend on, in 1/m, it counts as bent.
const BENT: f32 = 2.0;

/// Log-odds of a head that the challenge asks for.
const HEAD: f32 = 2.0;

/// What is rendered.
const KINDS: [(Species, Motion); 13] = [
    (Species::Live, Motion::Still),
    (Species::Print, Motion::Still),
    (Species::Print, Motion::Swaying),
    (Species::Print, Motion::Tilting),
    (Species::Print, Motion::Bending),
    (Species::BentPrint, Motion::Still),
    (Species::BentPrint, Motion::Tilting),
    (Species::BentPrint, Motion::Bending),
    (Species::CutPrint, Motion::Still),
    (Species::CutPrint, Motion::Tilting),
    (Species::Phone, Motion::Tilting),
    (Species::Tablet, Motion::Tilting),
    (Species::Monitor, Motion::Still),
];

/// How far the nose is from where a plane would have it, in eye distances: by the detector, and by where the same points truly
/// were.
#[derive(Default)]
struct Errors {
    found: Vec<f32>,
    exact: Vec<f32>,
}

/// All renderings of one kind.
pub struct Measured {
    kind: (Species, Motion),
    renderings: usize,
    /// Frames in which no face was found.
    lost: usize,
    /// Frames in which the object was turned and bent little from the first one on.
    near: Errors,
    /// Frames in which it was turned by 15 degrees or more, or bent.
    far: Errors,
    /// Log-odds of a head, of the renderings that showed a turn at all: by the detector, and by where the points truly were.
    heads: Errors,
}

/// Renders each picture `seeds` times as each kind.
///
/// # Errors
/// [`RatesError`]: the detector fails, or a picture cannot be rendered.
pub fn measure(detector: &Detector, pictures: &[Picture], seeds: u64) -> Result<Vec<Measured>, RatesError> {
    let one = |kind| {
        let (near, far, heads) = Default::default();
        let mut measured = Measured { kind, renderings: 0, lost: 0, near, far, heads };
        for (number, shown) in (0..).zip(pictures) {
            let Some(face) = found(detector, shown)? else { continue };
            for seed in 0..seeds {
                measured.take(detector, shown, &face, 1000 * number + seed)?;
            }
        }
        Ok(measured)
    };
    KINDS.into_iter().map(one).collect()
}

impl Measured {
    fn take(
        &mut self,
        detector: &Detector,
        shown: &Picture,
        own: &Face,
        seed: u64,
    ) -> Result<(), RatesError> {
        let (species, motion) = self.kind;
        let eyes = Some([0, 1].map(|eye| [own.landmarks[eye].x, own.landmarks[eye].y]));
        let shot = Shot { motion, fps: FPS, eyes, ..Shot::new(std::slice::from_ref(shown), species, seed) };
        let rendering = Rendering::new(&shot).map_err(RatesError::Asked)?;
        self.renderings += 1;
        let (mut first, mut evidence) = (None, [Evidence::default(), Evidence::default()]);
        for index in 0..FRAMES {
            let frame = rendering.frame(index).map_err(RatesError::Asked)?;
            let Some(face) = found(detector, &frame)? else {
                self.lost += 1;
                continue;
            };
            let exact =
                Face { landmarks: own.landmarks.map(|point| placed(&rendering, index, point)), ..face };
            let pose = rendering.truth(index).pose;
            let Some((straight, was)) = &first else {
                first = Some(([face.landmarks, exact.landmarks], pose));
                continue;
            };
            let moved = pose.zip(*was).is_some_and(|(pose, was)| {
                (pose.yaw - was.yaw).abs().to_degrees() > TURNED || (pose.bend - was.bend).abs() > BENT
            });
            let errors = if moved { &mut self.far } else { &mut self.near };
            for (i, (face, errors)) in
                [(&face, &mut errors.found), (&exact, &mut errors.exact)].into_iter().enumerate()
            {
                errors.extend(Parallax::between(&straight[i], face).map(|p| p.x.hypot(p.y) as f32));
                View::between(&straight[i], face).iter().for_each(|view| evidence[i].add(view));
            }
        }
        for (evidence, heads) in evidence.iter().zip([&mut self.heads.found, &mut self.heads.exact]) {
            heads.extend((evidence.frames() > 0).then(|| evidence.score().0));
        }
        Ok(())
    }
}

fn placed(rendering: &Rendering<'_>, index: usize, point: Point) -> Point {
    let [x, y] = rendering.place(index, [point.x, point.y]);
    Point { x, y }
}

/// The largest face.
pub(super) fn found(detector: &Detector, shown: &Picture) -> Result<Option<Face>, RatesError> {
    let frame = Frame::new(shown.width(), shown.height(), shown.rgb().to_vec(), BootTime::default());
    let frame = frame.map_err(|why| RatesError::Asked(why.to_string()))?;
    Ok(detector.detect(&frame)?.into_iter().next())
}

/// Two Markdown tables: how far the nose is off (median, 95th and 99th percentile, number of frames), and what is taken for
/// a head (renderings at log-odds of 2 and more, of those that showed a turn; the largest log-odds).
pub fn markdown(measured: &[Measured]) -> String {
    let mut noses = String::from(
        "| shown | moved | frames without a face | nose off, near the first pose | of the points themselves | nose off, turned or bent | of the points themselves |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut heads = String::from(
        "| shown | moved | renderings | a turn is seen | taken for a head | largest log-odds | the points themselves taken for a head |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for Measured { kind: (species, motion), renderings, lost, near, far, heads: scores } in measured {
        let named = format!("| {} | {} ", species.name(), motion.name());
        let cells = [&near.found, &near.exact, &far.found, &far.exact].map(|all| quantiles(all));
        noses += &format!("{named}| {lost} of {} | {} |\n", renderings * FRAMES, cells.join(" | "));
        let taken = |scores: &[f32]| scores.iter().filter(|score| **score >= HEAD).count();
        let largest = scores.found.iter().copied().reduce(f32::max);
        heads += &format!(
            "{named}| {renderings} | {} | {} | {} | {} of {} |\n",
            scores.found.len(),
            taken(&scores.found),
            largest.map_or("-".to_owned(), |largest| format!("{largest:.1}")),
            taken(&scores.exact),
            scores.exact.len()
        );
    }
    format!("{noses}\n{heads}")
}

fn quantiles(all: &[f32]) -> String {
    let mut sorted = all.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((share * sorted.len() as f32) as usize).or(sorted.last());
    match (at(0.5), at(0.95), at(0.99)) {
        (Some(half), Some(most), Some(nearly)) => {
            format!("{half:.3} / {most:.3} / {nearly:.3} ({})", sorted.len())
        }
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let values: Vec<f32> = (0..100).rev().map(|i| i as f32 / 100.0).collect();
        assert_eq!(quantiles(&values), "0.500 / 0.950 / 0.990 (100)");
        assert_eq!(quantiles(&[]), "-");
    }
}
