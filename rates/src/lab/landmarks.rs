//! What the detector's landmarks do on rendered attacks: how far the nose lies from where a plane would put it.
//!
//! The homography of a plane is fixed by the four points of eyes and mouth in two frames; the nose is the fifth. Its error is
//! given in eye distances.

use facelatch_lab::{Motion, Picture, Rendering, Shot, Species};

use crate::RatesError;
use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::detect::{Detector, Face};

/// Frames of a rendering that are looked at, and their rate.
const FRAMES: usize = 15;
const FPS: f32 = 6.0;

/// From this turn on, in degrees, an object counts as turned.
const TURNED: f32 = 15.0;

/// From this bend on, in 1/m, it counts as bent.
const BENT: f32 = 2.0;

/// What is rendered.
const KINDS: [(Species, Motion); 12] = [
    (Species::Live, Motion::Still),
    (Species::Print, Motion::Still),
    (Species::Print, Motion::Swaying),
    (Species::Print, Motion::Tilting),
    (Species::Print, Motion::Bending),
    (Species::BentPrint, Motion::Still),
    (Species::BentPrint, Motion::Tilting),
    (Species::CutPrint, Motion::Still),
    (Species::CutPrint, Motion::Tilting),
    (Species::Phone, Motion::Tilting),
    (Species::Tablet, Motion::Tilting),
    (Species::Monitor, Motion::Still),
];

/// Errors of one kind.
pub struct Errors {
    /// What was rendered.
    pub kind: (Species, Motion),
    /// How often.
    pub renderings: usize,
    /// Frames in which no face was found.
    pub lost: usize,
    /// By the detector, where the object was turned and bent little from the first frame on.
    pub near: Vec<f32>,
    /// Of the same points as they truly moved.
    pub near_exact: Vec<f32>,
    /// By the detector, where it was turned by 15 degrees or more, or bent.
    pub far: Vec<f32>,
    /// Of the same points as they truly moved.
    pub far_exact: Vec<f32>,
}

/// Renders each picture `seeds` times as each kind.
///
/// # Errors
/// [`RatesError`]: the detector fails, or a picture cannot be rendered.
pub fn measure(detector: &Detector, pictures: &[Picture], seeds: u64) -> Result<Vec<Errors>, RatesError> {
    let one = |kind| {
        let mut errors = Errors {
            kind,
            renderings: 0,
            lost: 0,
            near: Vec::new(),
            near_exact: Vec::new(),
            far: Vec::new(),
            far_exact: Vec::new(),
        };
        for (number, shown) in (0..).zip(pictures) {
            let Some(face) = found(detector, shown)? else { continue };
            for seed in 0..seeds {
                errors.take(detector, shown, &face, 1000 * number + seed)?;
            }
        }
        Ok(errors)
    };
    KINDS.into_iter().map(one).collect()
}

/// Five landmarks, in pixels.
type Points = [[f32; 2]; 5];

impl Errors {
    fn take(
        &mut self,
        detector: &Detector,
        shown: &Picture,
        face: &Face,
        seed: u64,
    ) -> Result<(), RatesError> {
        let (species, motion) = self.kind;
        let own = points(face);
        let eyes = Some([own[0], own[1]]);
        let shot = Shot { motion, fps: FPS, eyes, ..Shot::new(std::slice::from_ref(shown), species, seed) };
        let rendering = Rendering::new(&shot).map_err(RatesError::Asked)?;
        self.renderings += 1;
        let mut first = None;
        for index in 0..FRAMES {
            let frame = rendering.frame(index).map_err(RatesError::Asked)?;
            let Some(face) = found(detector, &frame)? else {
                self.lost += 1;
                continue;
            };
            let (seen, true_points) = (points(&face), own.map(|point| rendering.place(index, point)));
            let pose = rendering.truth(index).pose;
            let Some((first_seen, first_true, held)) = &first else {
                first = Some((seen, true_points, pose));
                continue;
            };
            let moved = pose.zip(*held).is_some_and(|(pose, held)| {
                (pose.yaw - held.yaw).abs().to_degrees() > TURNED || (pose.bend - held.bend).abs() > BENT
            });
            let errors = if moved { &mut self.far } else { &mut self.near };
            errors.extend(nose_error(first_seen, &seen));
            let exact = if moved { &mut self.far_exact } else { &mut self.near_exact };
            exact.extend(nose_error(first_true, &true_points));
        }
        Ok(())
    }
}

fn points(face: &Face) -> Points {
    face.landmarks.map(|point| [point.x, point.y])
}

/// The largest face.
pub(super) fn found(detector: &Detector, shown: &Picture) -> Result<Option<Face>, RatesError> {
    let frame = Frame::new(shown.width(), shown.height(), shown.rgb().to_vec(), BootTime::default());
    let frame = frame.map_err(|why| RatesError::Asked(why.to_string()))?;
    Ok(detector.detect(&frame)?.into_iter().next())
}

/// How far the nose of `to` lies from where the plane of eyes and mouth takes that of `from`, in eye distances of `to`.
/// `None` where three of the four points lie in line.
pub fn nose_error(from: &Points, to: &Points) -> Option<f32> {
    let [left, right, nose, mouth_left, mouth_right] = *from;
    let corners = [left, right, mouth_left, mouth_right];
    // The nose in the projective coordinates of the four corners, which a homography keeps.
    let weights = basis(&corners)?;
    let place = solved(&weights, homogeneous(nose))?;
    let new = basis(&[to[0], to[1], to[3], to[4]])?;
    let seen = [0, 1, 2].map(|i| (0..3).map(|j| new[i][j] * place[j]).sum::<f64>());
    let (x, y) = (seen[0] / seen[2], seen[1] / seen[2]);
    let eyes = f64::from(to[1][0] - to[0][0]).hypot(f64::from(to[1][1] - to[0][1]));
    let error = (x - f64::from(to[2][0])).hypot(y - f64::from(to[2][1])) / eyes;
    error.is_finite().then_some(error as f32)
}

fn homogeneous([x, y]: [f32; 2]) -> [f64; 3] {
    [f64::from(x), f64::from(y), 1.0]
}

/// The matrix (by rows) that takes the unit vectors to the first three points, and their sum to the fourth.
fn basis(points: &[[f32; 2]; 4]) -> Option<[[f64; 3]; 3]> {
    let [a, b, c, d] = points.map(homogeneous);
    let columns = [0, 1, 2].map(|i| [a[i], b[i], c[i]]);
    let scale = solved(&columns, d)?;
    Some(columns.map(|row| [0, 1, 2].map(|j| row[j] * scale[j])))
}

/// Solves a system of three equations (Cramer's rule).
fn solved(rows: &[[f64; 3]; 3], right: [f64; 3]) -> Option<[f64; 3]> {
    let determinant = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(rows);
    let part = |column: usize| {
        let mut replaced = *rows;
        for (row, value) in replaced.iter_mut().zip(right) {
            row[column] = value;
        }
        determinant(&replaced) / whole
    };
    (whole.abs() > 1e-9).then(|| [0, 1, 2].map(part))
}

/// The errors as a Markdown table: median, 95th and 99th percentile.
pub fn markdown(measured: &[Errors]) -> String {
    let mut text = String::from(
        "| shown | moved | renderings | no face | frames turned < 15 degrees | points themselves | frames turned more | points themselves |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for errors in measured {
        let (species, motion) = errors.kind;
        let motion = Motion::ALL.iter().find(|(_, own)| *own == motion).map_or("", |(name, _)| name);
        let cells =
            [&errors.near, &errors.near_exact, &errors.far, &errors.far_exact].map(|all| quantiles(all));
        text += &format!(
            "| {} | {motion} | {} | {} | {} |\n",
            species.name(),
            errors.renderings,
            errors.lost,
            cells.join(" | ")
        );
    }
    text
}

fn quantiles(all: &[f32]) -> String {
    let mut sorted = all.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((share * sorted.len() as f32) as usize).or(sorted.last()).copied();
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

    const FACE: Points = [[100.0, 100.0], [160.0, 102.0], [131.0, 140.0], [108.0, 170.0], [155.0, 171.0]];

    fn seen(bend: f32, nose: [f32; 2]) -> Points {
        // A tilt about the vertical: what lies to the right is farther away.
        let mut face = FACE;
        face[2] = [face[2][0] + nose[0], face[2][1] + nose[1]];
        face.map(|[x, y]| {
            let away = 1.0 + bend * (x - 130.0) / 300.0;
            [320.0 + 0.8 * (x - 130.0) / away, 240.0 + (y - 130.0) / away]
        })
    }

    #[test]
    fn a_plane_keeps_the_nose_and_a_head_moves_it() {
        assert!(nose_error(&FACE, &seen(0.5, [0.0; 2])).is_some_and(|error| error < 1e-4));
        let turned = nose_error(&FACE, &seen(0.5, [12.0, 0.0])).expect("a number");
        assert!((0.1..0.4).contains(&turned), "{turned}");
        assert_eq!(nose_error(&FACE, &[[7.0; 2]; 5]), None);
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let values: Vec<f32> = (0..100).rev().map(|i| i as f32 / 100.0).collect();
        assert_eq!(quantiles(&values), "0.500 / 0.950 / 0.990 (100)");
        assert_eq!(quantiles(&[]), "-");
    }
}
