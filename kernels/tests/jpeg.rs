//! Checks the pixels of a JPEG against the formulas, and the instruction sets against each other.

use facelatch_kernels::{Isa, JpegPixels};
use proptest::prelude::*;

/// Miri takes a thousand times as long.
const CASES: u32 = if cfg!(miri) { 2 } else { 100 };

/// ITU-T T.81, A.3.3, in f64, and the level of the middle.
fn formula(coefficients: &[i16; 64], steps: &[i16; 64]) -> Vec<f64> {
    let scale = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
    let wave = |x: usize, k: usize| ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos();
    let sample = |(x, y): (usize, usize)| {
        let term = |at: usize| {
            let (u, v) = (at % 8, at / 8);
            let value = f64::from(coefficients[at]) * f64::from(steps[at]);
            scale(u) * scale(v) * value * wave(x, u) * wave(y, v)
        };
        ((0..64).map(term).sum::<f64>() / 4.0 + 128.0).clamp(0.0, 255.0)
    };
    (0..64).map(|at| sample((at % 8, at / 8))).collect()
}

/// The places of the first coefficients in zigzag order.
const FIRST: [usize; 10] = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24];

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_block_is_the_inverse_dct(
        mean in -60_i16..60,
        others in prop::collection::vec(-3_i16..4, 63),
        steps in prop::collection::vec(1_i16..17, 64),
        count in prop::sample::select(vec![1_usize, 2, 10, 64]),
    ) {
        let steps: [i16; 64] = steps.try_into().expect("64");
        let mut block = [0; 64];
        block[0] = mean;
        for (at, value) in others.iter().enumerate() {
            let place = at + 1;
            let is_kept = if count == 64 { true } else { FIRST[..count].contains(&place) };
            block[place] = if is_kept { *value } else { 0 };
        }
        let wanted = formula(&block, &steps);
        for isa in Isa::all_available() {
            let mut out = vec![[0; 8]; 7 * 3 + 1];
            JpegPixels::new(isa).expect("available").block(&block, &steps, count, &mut out, 3);
            for (at, wanted) in wanted.iter().enumerate() {
                let got = f64::from(out[at / 8 * 3][at % 8]);
                prop_assert!((got - wanted).abs() < 1.0, "{isa}, {at}: {got} is not {wanted}");
            }
        }
    }

    #[test]
    fn all_instruction_sets_give_the_same_samples(
        values in prop::collection::vec(any::<i16>(), 64),
        rows in prop::collection::vec(any::<u8>(), 3 * 50),
    ) {
        let block: [i16; 64] = values.try_into().expect("64");
        let (y, rest) = rows.split_at(50);
        let (cb, cr) = rest.split_at(50);
        let mut first = None;
        for isa in Isa::all_available() {
            let kernel = JpegPixels::new(isa).expect("available");
            let (mut samples, mut between) = (vec![[0; 8]; 8], vec![0; 50]);
            let (mut wide, mut rgb) = (vec![0; 100], vec![0; 150]);
            kernel.block(&block, &[3; 64], 64, &mut samples, 1);
            kernel.between(y, cb, &mut between);
            kernel.widened(y, &mut wide);
            kernel.rgb(y, cb, cr, &mut rgb);
            let all = (samples, between, wide, rgb);
            prop_assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{} differs from the first", isa);
        }
    }
}

#[test]
fn colours_are_those_of_bt601() {
    let kernel = JpegPixels::new(Isa::detect()).expect("available");
    for (ycc, rgb) in [
        ([0, 128, 128], [0, 0, 0]),
        ([255, 128, 128], [255, 255, 255]),
        ([76, 85, 255], [254, 0, 0]),
        ([150, 44, 21], [0, 255, 1]),
        ([29, 255, 107], [0, 0, 254]),
    ] {
        let [y, cb, cr] = ycc.map(|value| [value; 20]);
        let mut out = [0; 60];
        kernel.rgb(&y, &cb, &cr, &mut out);
        assert!(
            out.chunks_exact(3).all(|pixel| pixel.iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= 1)),
            "{ycc:?}"
        );
    }
}

#[test]
fn a_wide_row_leans_on_its_neighbours() {
    let kernel = JpegPixels::new(Isa::detect()).expect("available");
    let mut wide = [0; 6];
    kernel.widened(&[0, 100, 200], &mut wide);
    assert_eq!(wide, [0, 25, 75, 125, 175, 200]);
    let mut between = [0; 3];
    kernel.between(&[0, 100, 200], &[200, 100, 0], &mut between);
    assert_eq!(between, [50, 100, 150]);
    kernel.widened(&[7], &mut wide[..2]);
    assert_eq!(wide[..2], [7, 7]);
}
