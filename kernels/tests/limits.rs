//! Sums as large as they can be, on every instruction set, and larger ones, which are refused.

use facelatch_kernels::{Bytes, Dense, Depthwise, Isa, Pointwise, Requant, Window};

/// Whole pixels as `isa` stores them, and back.
fn stored(isa: Isa, x: &[u8]) -> Vec<u8> {
    x.iter().map(|byte| byte ^ isa.flip()).collect()
}

#[test]
fn extreme_sums_do_not_saturate() {
    // All products of one sign and largest: VPMADDUBSW and 16-bit sums would fail here.
    let (x, w) = (vec![255_u8; 512], [vec![127_i8; 512], vec![-127_i8; 512]].concat());
    let (bias, scale) = ([0, 0], [1.0e-5, 1.0e-5]);
    let requant = Requant { bias: &bias, pos: &scale, neg: &scale, zero_in: 0, zero_out: 128 };
    for isa in Isa::all_available() {
        let layer = Pointwise::new(isa, 512, &w, &requant).unwrap();
        let mut out = Bytes::zeroed(16);
        layer.run(&stored(isa, &x), &[], &mut out);
        // 512 * 255 * 127 = 16,581,120
        assert_eq!(stored(isa, &out[..2]), [255, 0], "{isa}");
    }
}

#[test]
fn scaled_sums_beyond_16_bits_are_the_nearest_byte() {
    // 64 channels at once, and what is left of them.
    let (x, w) = (vec![255_u8; 9 * 80], [[127_i8; 9], [-127; 9]].concat().repeat(40));
    let (bias, window) = ([0; 80], Window { height: 3, width: 3, stride: 1, pad: [0; 4] });
    for ((pos, neg), zero_out) in
        [((10.0, 10.0), 128), ((10.0, 10.0), 255), ((10.0, 5.0), 0), ((10.0, 5.0), 128)]
    {
        let requant = Requant { bias: &bias, pos: &[pos; 80], neg: &[neg; 80], zero_in: 0, zero_out };
        for isa in Isa::all_available() {
            let layer = Depthwise::new(isa, window, &w, &requant).unwrap();
            let mut out = Bytes::zeroed(80);
            layer.run(&stored(isa, &x), &mut out);
            // 9 * 255 * 127 * 10 = 2,914,650
            assert_eq!(stored(isa, &out), [255, 0].repeat(40), "{isa}");
        }
    }
}

#[test]
fn layers_that_could_overflow_are_refused() {
    let isa = Isa::detect();
    let requant =
        |bias: &'static [i32], pos: &'static [f32]| Requant { bias, pos, neg: pos, zero_in: 0, zero_out: 0 };
    assert!(Pointwise::new(isa, 1, &[-128], &requant(&[0], &[1.0])).is_err());
    assert!(Pointwise::new(isa, 1, &[1], &requant(&[i32::MAX], &[1.0e-9])).is_err());
    assert!(Pointwise::new(isa, 1, &[1], &requant(&[0], &[f32::NAN])).is_err());
    assert!(Pointwise::new(isa, 1, &[1], &requant(&[0], &[1.0e6])).is_err());
    assert!(Pointwise::new(isa, 2, &[1], &requant(&[0], &[1.0])).is_err());
    // Miri takes minutes to pack so many.
    assert!(cfg!(miri) || Dense::new(isa, 70_000, &[127; 70_000], &[0], &[1.0], 0).is_err());
}
