//! What a face reflects of the emitter's light.

use crate::camera::Frame;
use crate::detect::{Face, Point};

/// Added to the light before it is divided: black is never quite black.
const BLACK: f32 = 4.0;

/// A spot in an eye is the emitter's if it is this much brighter than the skin.
const GLINT: f32 = 1.3;

/// A hand around a screen is a fiftieth of the frame, a lamp that is mirrored less.
const BRIGHTEST: f32 = 0.98;

/// Most difference between the colours of a grey pixel.
const MAX_COLOUR: f32 = 8.0;

/// Pixels between the eyes of the smallest face that shows them dark.
const MIN_EYE_DISTANCE: f32 = 15.0;

/// Samples along a side of a patch, and of the frame.
const PATCH: usize = 9;
const FRAME: u32 = 48;

/// Numbers without a unit: none depends on exposure or on the emitter's power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reflection {
    /// The skin's light by what is brightest in the frame, but for a few spots.
    pub(super) brightness: f32,
    /// How much darker the eyes are than the skin, as a natural logarithm.
    pub(super) contrast: f32,
    /// How much brighter the middle of the face is than its sides, likewise. Only where no other light is in it.
    pub(super) roundness: Option<f32>,
    /// Whether there is a bright spot in both eyes.
    pub(super) glints: bool,
}

impl Reflection {
    /// Of a face in a lit frame; what `dark` shows without the emitter is subtracted. `None` for a
    /// face that is not inside, or too small.
    pub(super) fn of(lit: &Frame, dark: Option<&Frame>, face: &Face) -> Option<Self> {
        let dark = dark.filter(|dark| (dark.width(), dark.height()) == (lit.width(), lit.height()));
        let at = |x: f32, y: f32| {
            let inside = (0.0..lit.width() as f32).contains(&x) && (0.0..lit.height() as f32).contains(&y);
            let of = |frame: &Frame| pixel(frame, x as u32, y as u32);
            inside.then(|| (of(lit) - dark.map_or(0.0, of)).max(0.0))
        };
        let [left, right, nose, mouth_left, mouth_right] = face.landmarks;
        let eye_distance = (right.x - left.x).hypot(right.y - left.y);
        if !(eye_distance >= MIN_EYE_DISTANCE && eye_distance.is_finite()) {
            return None;
        }
        let patch = |centre: Point, radius: f32| patch(&at, centre, radius * eye_distance);
        let cheeks = [between(left, mouth_left, 0.6), between(right, mouth_right, 0.6)];
        let skin = (median(patch(cheeks[0], 0.12)?) + median(patch(cheeks[1], 0.12)?)) / 2.0;
        let eyes = [patch(left, 0.2)?, patch(right, 0.2)?];
        // Lashes, pupil and brow's shadow: the darkest quarter. The eye in which they are less dark counts.
        let darkness = eyes.iter().map(|eye| quantile(eye.clone(), 0.25)).fold(0.0, f32::max);
        let brightest = |eye: &Vec<f32>| eye.iter().copied().fold(0.0, f32::max);
        let sides = [beyond(nose, cheeks[0]), beyond(nose, cheeks[1])];
        let side = (median(patch(sides[0], 0.08)?) + median(patch(sides[1], 0.08)?)) / 2.0;
        let middle = median(patch(between(between(left, right, 0.5), nose, 0.6), 0.12)?);
        let log = |more: f32, less: f32| ((more + BLACK) / (less + BLACK)).ln();
        let most = grid(lit).filter_map(|(x, y)| at(x as f32, y as f32)).collect();
        Some(Self {
            brightness: skin / quantile(most, BRIGHTEST).max(1.0),
            contrast: log(skin, darkness),
            roundness: dark.map(|_| log(middle, side)),
            glints: eyes.iter().map(brightest).all(|spot| spot >= GLINT * skin.max(BLACK)),
        })
    }
}

/// The light of a frame: that of its brightest parts, `0..=255`.
pub(super) fn light(frame: &Frame) -> f32 {
    quantile(grid(frame).map(|(x, y)| pixel(frame, x, y)).collect(), BRIGHTEST)
}

/// Whether it has no colours, but for the rounding of a codec.
pub(super) fn is_grey(frame: &Frame) -> bool {
    let colour = |(x, y): (u32, u32)| {
        let at = (y as usize * frame.width() as usize + x as usize) * 3;
        frame
            .rgb()
            .get(at..at + 3)
            .map_or(0.0, |rgb| f32::from(rgb[0].abs_diff(rgb[1]).max(rgb[1].abs_diff(rgb[2]))))
    };
    quantile(grid(frame).map(colour).collect(), 0.95) <= MAX_COLOUR
}

fn grid(frame: &Frame) -> impl Iterator<Item = (u32, u32)> {
    let (width, height) = (frame.width(), frame.height());
    (0..FRAME * FRAME).map(move |i| (i % FRAME * width / FRAME, i / FRAME * height / FRAME))
}

/// All three colours of a grey frame are the same.
fn pixel(frame: &Frame, x: u32, y: u32) -> f32 {
    let at = (y as usize * frame.width() as usize + x as usize) * 3 + 1;
    frame.rgb().get(at).copied().map_or(0.0, f32::from)
}

/// A square around `centre`; `None` if it is not all inside.
fn patch(at: &impl Fn(f32, f32) -> Option<f32>, centre: Point, radius: f32) -> Option<Vec<f32>> {
    let step = |i: usize| (i as f32 / (PATCH - 1) as f32 * 2.0 - 1.0) * radius;
    (0..PATCH * PATCH).map(|i| at(centre.x + step(i % PATCH), centre.y + step(i / PATCH))).collect()
}

fn between(one: Point, other: Point, share: f32) -> Point {
    Point { x: one.x + (other.x - one.x) * share, y: one.y + (other.y - one.y) * share }
}

/// As far behind `cheek` again as a third of its way from the nose, where a head turns away.
fn beyond(nose: Point, cheek: Point) -> Point {
    between(nose, cheek, 1.35)
}

fn median(values: Vec<f32>) -> f32 {
    quantile(values, 0.5)
}

fn quantile(mut values: Vec<f32>, share: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = (values.len().saturating_sub(1) as f32 * share).round() as usize;
    values.get(at).copied().unwrap_or(0.0)
}
