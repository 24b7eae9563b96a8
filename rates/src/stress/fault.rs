//! What may be wrong with a picture of a face: the kinds of the table, each in five strengths.

use image::RgbImage;

use super::pixels::{
    blurred, compressed, drawn, each, gaussian, moved, noisy, resized, signed, smeared, warped,
};
use crate::RatesError;
use facelatch::detect::{Face, Point};
use facelatch::head::project::SplitMix64;

/// Strengths of each kind.
pub const STRENGTHS: usize = 5;

/// A kind of fault.
pub struct Kind {
    /// As the table names it.
    pub name: &'static str,
    /// What the strength counts.
    pub unit: &'static str,
    /// From weak to strong.
    pub strengths: [f32; STRENGTHS],
    /// How it is made.
    pub fault: Fault,
}

/// Where a fault comes in.
pub enum Fault {
    /// It spoils the picture. The face is where the detector saw it before.
    Picture(fn(&RgbImage, &Face, f32, &mut SplitMix64) -> RgbImage),
    /// It moves what the detector reports, as bad landmarks do.
    Landmarks(fn(&Face, f32, &mut SplitMix64) -> Face),
}

/// All kinds. Lengths are in eye distances, so that they mean the same in pictures of any size.
pub static KINDS: [Kind; 20] = [
    picture("tilted", "degrees, either way", [20.0, 30.0, 40.0, 50.0, 70.0], |p, _, by, random| {
        moved(p, by * signed(random).signum(), 1.0, (0.0, 0.0))
    }),
    picture("turned", "degrees clockwise", [90.0, 135.0, 180.0, 225.0, 270.0], |p, _, by, _| {
        moved(p, by, 1.0, (0.0, 0.0))
    }),
    picture("out of focus", "deviation, eye distances", [0.05, 0.1, 0.15, 0.2, 0.3], |p, face, by, _| {
        blurred(p, by * eye_distance(face))
    }),
    picture("motion blur", "length, eye distances", [0.15, 0.3, 0.5, 0.75, 1.0], |p, face, by, random| {
        smeared(p, by * eye_distance(face), 180.0 * random.uniform() as f32)
    }),
    picture("low resolution", "pixels between the eyes", [10.0, 7.0, 5.0, 4.0, 3.0], |p, face, by, _| {
        let scale = by / eye_distance(face);
        let side = |length: u32| (length as f32 * scale).round() as u32;
        resized(&resized(p, (side(p.width()), side(p.height()))), p.dimensions())
    }),
    picture("noise", "deviation, of 255", [15.0, 25.0, 40.0, 60.0, 80.0], |p, _, by, random| {
        noisy(p, by, random)
    }),
    picture("dark", "share of the light", [0.3, 0.2, 0.12, 0.07, 0.04], |p, _, by, random| {
        noisy(&each(p, |_, _, rgb| rgb.map(|v| v * by)), 2.0, random)
    }),
    picture("overexposed", "times the light", [1.5, 2.0, 3.0, 4.0, 6.0], |p, _, by, _| {
        each(p, |_, _, rgb| rgb.map(|v| v * by))
    }),
    picture("veiled", "share of white light", [0.5, 0.7, 0.8, 0.88, 0.94], |p, _, by, random| {
        noisy(&each(p, |_, _, rgb| rgb.map(|v| v * (1.0 - by) + 255.0 * by * 0.8)), 2.0, random)
    }),
    picture("half in shadow", "light there", [0.4, 0.25, 0.15, 0.08, 0.03], half_in_shadow),
    picture("JPEG", "quality", [20.0, 15.0, 10.0, 6.0, 3.0], |p, _, by, _| compressed(p, by as u8)),
    picture("mask", "upper edge, 0 mouth to 1 eyes", [0.2, 0.4, 0.55, 0.7, 0.85], |p, face, by, random| {
        masked(p, face, by, random)
    }),
    picture("dark glasses", "half height, eye distances", [0.15, 0.22, 0.3, 0.38, 0.46], |p, face, by, _| {
        with_glasses(p, face, by)
    }),
    picture("mask and glasses", "of both, as above", [0.2, 0.4, 0.55, 0.7, 0.85], |p, face, by, random| {
        with_glasses(&masked(p, face, by, random), face, 0.15 + by * 0.25)
    }),
    picture("hand or hair", "side, eye distances", [0.6, 0.9, 1.2, 1.5, 1.8], covered),
    picture("cut by the border", "share of the face", [0.1, 0.2, 0.3, 0.4, 0.5], cut),
    picture("stretched", "width by height", [0.75, 1.35, 0.6, 1.7, 0.5], |p, _, by, _| {
        resized(p, ((p.width() as f32 * by).round() as u32, p.height()))
    }),
    picture("drawn", "grey tones", [8.0, 5.0, 4.0, 3.0, 2.0], |p, _, by, _| drawn(p, by)),
    picture("negative", "share", [0.55, 0.65, 0.75, 0.9, 1.0], |p, _, by, _| {
        each(p, |_, _, rgb| rgb.map(|v| v * (1.0 - by) + (255.0 - v) * by))
    }),
    Kind {
        name: "bad landmarks",
        unit: "deviation, eye distances",
        strengths: [0.05, 0.1, 0.15, 0.25, 0.4],
        fault: Fault::Landmarks(|face, by, random| {
            let by = by * eye_distance(face);
            let mut at = || by * gaussian(random);
            Face { landmarks: face.landmarks.map(|p| Point { x: p.x + at(), y: p.y + at() }), ..*face }
        }),
    },
];

/// The kinds of these names; all, if none is given.
///
/// # Errors
/// [`RatesError::Asked`] for a name that is not among them, with those that are.
pub fn named(names: &[String]) -> Result<Vec<&'static Kind>, RatesError> {
    let known = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let found = KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| RatesError::Asked(format!("{name} is no kind of fault; use one of: {}", known())))
    };
    if names.is_empty() { Ok(KINDS.iter().collect()) } else { names.iter().map(find).collect() }
}

impl Kind {
    /// No fault: the first row.
    pub const fn none() -> Self {
        picture("none", "", [0.0; STRENGTHS], |picture, _, _, _| picture.clone())
    }
}

const fn picture(
    name: &'static str,
    unit: &'static str,
    strengths: [f32; STRENGTHS],
    fault: fn(&RgbImage, &Face, f32, &mut SplitMix64) -> RgbImage,
) -> Kind {
    Kind { name, unit, strengths, fault: Fault::Picture(fault) }
}

/// In pixels.
fn eye_distance(face: &Face) -> f32 {
    let [left, right, ..] = face.landmarks;
    (left.x - right.x).hypot(left.y - right.y).max(1.0)
}

/// The axes of a face: from (x, y) in the picture to (across, down) in eye distances, from the middle of the eyes.
fn axes(face: &Face) -> impl Fn(u32, u32) -> (f32, f32) {
    let [left, right, ..] = face.landmarks;
    let length = eye_distance(face);
    let (ux, uy) = ((right.x - left.x) / length, (right.y - left.y) / length);
    let (middle_x, middle_y) = ((left.x + right.x) / 2.0, (left.y + right.y) / 2.0);
    move |x, y| {
        let (x, y) = ((x as f32 - middle_x) / length, (y as f32 - middle_y) / length);
        (x * ux + y * uy, y * ux - x * uy)
    }
}

fn half_in_shadow(picture: &RgbImage, face: &Face, light: f32, random: &mut SplitMix64) -> RgbImage {
    let (at, side) = (axes(face), signed(random).signum());
    each(picture, |x, y, rgb| {
        // A soft edge along the nose.
        let share = (0.5 + side * at(x, y).0 * 4.0).clamp(0.0, 1.0);
        rgb.map(|v| v * (light + (1.0 - light) * share))
    })
}

/// A cloth of one colour over the lower face: its upper edge lies between mouth (0) and eyes (1).
fn masked(picture: &RgbImage, face: &Face, edge: f32, random: &mut SplitMix64) -> RgbImage {
    let at = axes(face);
    let mouth = (at(face.landmarks[3].x as u32, face.landmarks[3].y as u32).1
        + at(face.landmarks[4].x as u32, face.landmarks[4].y as u32).1)
        / 2.0;
    let colours = [[210.0, 220.0, 230.0], [30.0, 30.0, 35.0], [120.0, 170.0, 200.0]];
    let colour = colours[random.below(colours.len())];
    each(picture, |x, y, rgb| {
        let (across, down) = at(x, y);
        let top = mouth * (1.0 - edge) + 0.3 * across * across;
        let inside = down > top && down < 2.2 * mouth && across.abs() < 1.15;
        // Folds, so that it is no flat surface.
        if inside { colour.map(|v: f32| v * (0.9 + 0.1 * (down * 9.0).sin())) } else { rgb }
    })
}

/// Black glasses: two ellipses and a bridge.
fn with_glasses(picture: &RgbImage, face: &Face, half_height: f32) -> RgbImage {
    let at = axes(face);
    each(picture, |x, y, rgb| {
        let (across, down) = at(x, y);
        let lens = ((across.abs() - 0.5) / 0.42).powi(2) + (down / half_height).powi(2) < 1.0;
        let bridge = across.abs() < 0.95 && (down + 0.03).abs() < 0.04;
        if lens || bridge { [18.0, 18.0, 20.0] } else { rgb }
    })
}

/// A square patch of skin or hair colour somewhere on the face.
fn covered(picture: &RgbImage, face: &Face, side: f32, random: &mut SplitMix64) -> RgbImage {
    let at = axes(face);
    let (x0, y0) = (0.7 * signed(random), 0.5 + 0.7 * signed(random));
    let colour = if random.below(2) == 0 { [190.0, 140.0, 115.0] } else { [45.0, 35.0, 30.0] };
    each(picture, |x, y, rgb| {
        let (across, down) = at(x, y);
        let inside = (across - x0).abs() < side / 2.0 && (down - y0).abs() < side / 2.0;
        if inside { colour.map(|v: f32| v + 6.0 * (across * 25.0).sin()) } else { rgb }
    })
}

/// The picture is shifted so that this share of the face's box lies outside, on one of four sides.
fn cut(picture: &RgbImage, face: &Face, share: f32, random: &mut SplitMix64) -> RgbImage {
    let (width, height) = (picture.width(), picture.height());
    let (w, h) = (face.bbox.w * share, face.bbox.h * share);
    let (right, bottom) = (face.bbox.x + face.bbox.w, face.bbox.y + face.bbox.h);
    let cropped = |left: f32, top: f32, right: f32, bottom: f32| {
        let (left, top) = (left.clamp(0.0, width as f32 - 33.0), top.clamp(0.0, height as f32 - 33.0));
        let size = ((right.min(width as f32) - left).max(33.0), (bottom.min(height as f32) - top).max(33.0));
        warped(picture, (size.0 as u32, size.1 as u32), |p| Point { x: p.x + left, y: p.y + top })
    };
    match random.below(4) {
        0 => cropped(face.bbox.x + w, 0.0, f32::MAX, f32::MAX),
        1 => cropped(0.0, face.bbox.y + h, f32::MAX, f32::MAX),
        2 => cropped(0.0, 0.0, right - w, f32::MAX),
        _ => cropped(0.0, 0.0, f32::MAX, bottom - h),
    }
}

#[cfg(test)]
mod tests;
