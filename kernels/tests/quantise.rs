//! Quantising pixels on every instruction set equals the formula.
#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use facelatch_kernels::{Isa, PIXEL, Quantise, Requant, Stem, Window};
use proptest::prelude::*;

/// All 256 values, in an image of this width, of which the last two rows are left as they are.
fn check(width: usize, scale: f32, zero: u8) {
    let pixels: Vec<u8> = (0..=255).cycle().take((256 / width + 1) * width * PIXEL).collect();
    let height = pixels.len() / width / PIXEL + 2;
    let window = Window { height, width, stride: 1, pad: [1; 4] };
    let requant = Requant { bias: &[0], pos: &[1.0], neg: &[1.0], zero_in: 0, zero_out: 0 };
    for isa in Isa::all_available() {
        let mut image = Stem::new(isa, window, 3, &[0; 27], &requant).unwrap().image();
        let before = image.clone().row_mut(height - 2).to_vec();
        Quantise::new(isa, scale, zero).unwrap().run(&pixels, &mut image);
        for (y, row) in pixels.chunks_exact(width * PIXEL).enumerate() {
            for (x, got) in row.iter().zip(&*image.row_mut(y)) {
                let want = ((f32::from(*x) / scale).round_ties_even() as i32).saturating_add(zero.into());
                assert_eq!(i32::from(got ^ isa.flip()), want.clamp(0, 255), "{isa}: {x} by {scale}");
            }
        }
        assert_eq!(image.row_mut(height - 2), before, "{isa}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 150 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantising_equals_the_formula(width in 3..40_usize, scale in 0.01..3.0_f32, zero: u8) {
        check(width, scale, zero);
    }
}

#[test]
fn quantising_rounds_half_to_even_and_clamps() {
    for (scale, zero) in [(1.0, 0), (1.0, 3), (2.0, 0), (2.0, 200), (0.5, 41), (1.0e-38, 255), (3.0e38, 7)] {
        check(19, scale, zero);
    }
}

#[test]
fn a_scale_must_be_a_positive_number() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(Quantise::new(Isa::Portable, scale, 0).is_err(), "{scale}");
    }
}
