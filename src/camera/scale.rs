//! RGB pictures in another size.

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::U8x3;

/// How new pixels are computed from old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Fast, and smooth enough for the networks.
    Linear,
    /// Keeps edges sharp when a picture is enlarged.
    CatmullRom,
}

/// Scales a picture from one `(width, height)` to another. Takes and returns `height * width * 3` bytes of RGB, row by
/// row. Shrinking uses every pixel.
///
/// # Errors
/// A text, when the length of `rgb` does not match its size.
pub fn scaled(
    rgb: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    interpolation: Interpolation,
) -> Result<Vec<u8>, String> {
    // Typed images, because the untyped functions link code for every kind of pixel: two megabytes.
    let source = TypedImageRef::<U8x3>::from_buffer(from.0, from.1, rgb).map_err(|e| e.to_string())?;
    let mut pixels = vec![0; to.0 as usize * to.1 as usize * 3];
    let mut target = TypedImage::<U8x3>::from_buffer(to.0, to.1, &mut pixels).map_err(|e| e.to_string())?;
    let filter = match interpolation {
        Interpolation::Linear => fir::FilterType::Bilinear,
        Interpolation::CatmullRom => fir::FilterType::CatmullRom,
    };
    let how = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(filter));
    fir::Resizer::new().resize_typed(&source, &mut target, &how).map_err(|e| e.to_string())?;
    drop(target);
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_takes_the_mean_and_colours_stay_apart() {
        // Black and white columns of red, all green, no blue.
        let rgb: Vec<u8> = (0..64).flat_map(|i| [if i % 2 == 0 { 0 } else { 200 }, 90, 0]).collect();
        for interpolation in [Interpolation::Linear, Interpolation::CatmullRom] {
            let half = scaled(&rgb, (8, 8), (4, 4), interpolation).expect("fits");
            assert_eq!(half.len(), 4 * 4 * 3);
            let inner = &half[(4 + 1) * 3..][..3];
            assert!(
                (95..=105).contains(&inner[0]) && inner[1] == 90 && inner[2] == 0,
                "{interpolation:?}: {inner:?}"
            );
        }
    }

    #[test]
    fn a_length_that_does_not_fit_is_refused() {
        assert!(scaled(&[0; 11], (2, 2), (4, 4), Interpolation::Linear).is_err());
        assert!(scaled(&[], (1, 1), (4, 4), Interpolation::Linear).is_err());
    }
}
