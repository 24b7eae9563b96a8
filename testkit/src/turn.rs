//! A picture of a head that was turned: pixels moved as they would on a rigid head, an ellipsoid with a nose.

use crate::spoil::{FaceAxes, Pixels};

/// Half the width and height of the head, and how far it stands out, in eye distances.
const HEAD: (f32, f32, f32) = (1.35, 1.9, 1.1);

/// The middle of the head below the eyes.
const MIDDLE: f32 = 0.5;

/// How far the nose stands out beyond the head, and where it is below the eyes.
const NOSE: (f32, f32) = (0.55, 0.6);

/// The head turned by so many degrees to the person's own left, which is the right in the picture; negative to their right.
pub(crate) fn turned((width, height, rgb): Pixels, degrees: f32) -> Pixels {
    let FaceAxes { middle, eye_distance } = FaceAxes::of(width, height, &rgb);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (wide, high, _) = HEAD;
    let mut out = rgb.clone();
    for (at, pixel) in out.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at % width as usize) as f32, (at / width as usize) as f32);
        let (across, down) = ((x - middle.x) / eye_distance, (y - middle.y) / eye_distance);
        if across.abs() > wide + 0.1 || (down - MIDDLE).abs() > high {
            continue;
        }
        // Where on the head this pixel comes from: x = from * cos + depth(from) * sin, solved step by step.
        let mut from = across;
        for _ in 0..8 {
            let shown = from * cos + depth(from, down) * sin + (1.0 - cos) * outside(from, down) * from;
            from += 0.5 * (across - shown);
        }
        let column = (middle.x + from * eye_distance).clamp(0.0, width as f32 - 1.001);
        let (left, share) = (column as usize, column.fract());
        let row = y as usize * width as usize;
        for (channel, value) in pixel.iter_mut().enumerate() {
            let of = |column: usize| f32::from(rgb[3 * (row + column) + channel]);
            *value = (of(left) * (1.0 - share) + of(left + 1) * share) as u8;
        }
    }
    (width, height, out)
}

/// How far the head stands out there, in eye distances.
fn depth(across: f32, down: f32) -> f32 {
    let (wide, high, deep) = HEAD;
    let edge = (1.0 - (across / wide).powi(2) - ((down - MIDDLE) / high).powi(2)).max(0.0);
    let (stands_out, below) = NOSE;
    let nose = (-(across / 0.22).powi(2) - ((down - below) / 0.3).powi(2)).exp();
    deep * edge.sqrt() + stands_out * nose
}

/// 1 beyond the head, which stays where it is, and 0 on it.
fn outside(across: f32, down: f32) -> f32 {
    let (wide, high, _) = HEAD;
    let square = (across / wide).powi(2) + ((down - MIDDLE) / high).powi(2);
    (square - 0.8).clamp(0.0, 0.2) / 0.2
}
