//! Checks quantising on every instruction set of this CPU against the formula.

use facelatch_kernels::{Isa, PIXEL, Quantise, Requant, Stem, Window};

#[test]
fn quantising_rounds_half_to_even_and_clamps() {
    let planes = [0.5, 1.5, 2.5, -0.5, 300.0, -1.0e30, 1.0e30, f32::NAN];
    for isa in Isa::all_available() {
        let window = Window { height: 1, width: 8, stride: 1, pad: [1; 4] };
        let requant = Requant { bias: &[0], pos: &[1.0], neg: &[1.0], zero_in: 0, zero_out: 0 };
        let mut image = Stem::new(isa, window, 1, &[0; 9], &requant).unwrap().image();
        Quantise::new(isa, 1.0, 3).unwrap().run(&planes, &mut image);
        let got: Vec<u8> = image.row_mut(0).chunks_exact(PIXEL).map(|p| p[0] ^ isa.flip()).collect();
        assert_eq!(got, [3, 5, 5, 3, 255, 0, 255, 3], "{isa}");
    }
}

#[test]
fn quantising_equals_the_formula_for_any_width_and_scale() {
    // Powers of two, for which a reciprocal is exact, and others; a row with whole vectors and a rest.
    for (scale, width) in [(1.0, 19), (0.5, 8), (1.0 / 64.0, 30), (0.7, 21), (3.0, 5)] {
        let planes: Vec<f32> =
            (0..2 * 3 * width).map(|i| (i * 37 % 601) as f32 / 3.0 * scale - 60.0 * scale).collect();
        for isa in Isa::all_available() {
            let window = Window { height: 2, width, stride: 1, pad: [1; 4] };
            let requant = Requant { bias: &[0], pos: &[1.0], neg: &[1.0], zero_in: 0, zero_out: 0 };
            let mut image = Stem::new(isa, window, 3, &[0; 27], &requant).unwrap().image();
            Quantise::new(isa, scale, 41).unwrap().run(&planes, &mut image);
            for (i, value) in planes.iter().enumerate() {
                let (c, y, x) = (i / width / 2, i / width % 2, i % width);
                let want = ((value / scale).round_ties_even() as i32 + 41).clamp(0, 255) as u8;
                assert_eq!(image.row_mut(y)[x * PIXEL + c] ^ isa.flip(), want, "{isa}: {value} by {scale}");
            }
        }
    }
}
