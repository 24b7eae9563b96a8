//! Pictures that no face can be judged from, made of good ones.

use facelatch::camera::orient::Orientation;
use facelatch::camera::scale::{Interpolation, scaled};

/// What is wrong with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spoil {
    /// Turned clockwise by so many degrees, a multiple of 90.
    Turned(u32),
    /// Scaled down so many times and up again: blurred, as few pixels are.
    Coarse(u32),
    /// Up to so many grey levels added to or taken from each value.
    Noisy(u8),
}

/// Width, height, RGB.
pub type Pixels = (u32, u32, Vec<u8>);

/// The picture with that fault.
pub fn spoilt((width, height, rgb): Pixels, spoil: Spoil) -> Pixels {
    match spoil {
        Spoil::Turned(degrees) => Orientation::new(degrees, false).turned(width, height, &rgb),
        Spoil::Coarse(times) => {
            let small = (width / times, height / times);
            let down = scaled(&rgb, (width, height), small, Interpolation::Linear).expect("scales");
            (width, height, scaled(&down, small, (width, height), Interpolation::Linear).expect("scales"))
        }
        Spoil::Noisy(levels) => (width, height, noisy(&rgb, levels)),
    }
}

/// The same noise each time.
fn noisy(rgb: &[u8], levels: u8) -> Vec<u8> {
    let mut state = 1_u64;
    let levels = i64::from(levels);
    let mut noise = || {
        // Constants of Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * levels + 1) - levels
    };
    rgb.iter().map(|value| (i64::from(*value) + noise()).clamp(0, 255) as u8).collect()
}
