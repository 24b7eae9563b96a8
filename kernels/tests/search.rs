//! Checks what a search computes against plain loops.

use facelatch_kernels::{Isa, Rotations, Squares};
use proptest::prelude::*;

/// Miri takes a thousand times as long.
const CASES: u32 = if cfg!(miri) { 4 } else { 100 };

/// H D2 H D1, each sum as a plain loop does it: neighbours first.
fn plain_rotation(values: &[f32], signs: [&[f32]; 2]) -> Vec<f32> {
    let mut v = values.to_vec();
    for signs in signs {
        v.iter_mut().zip(signs).for_each(|(v, sign)| *v *= sign);
        let mut half = 1;
        while half < v.len() {
            let (low, high): (Vec<f32>, Vec<f32>) = (0..v.len()).map(|i| (v[i & !half], v[i | half])).unzip();
            for i in 0..v.len() {
                v[i] = if i & half == 0 { low[i] + high[i] } else { low[i] - high[i] };
            }
            half *= 2;
        }
    }
    v
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rotations_are_the_bits_of_a_plain_loop(
        (side, count) in (0..9_u32).prop_flat_map(|log| (Just(1_usize << log), 1..20_usize)),
        seed: u64,
    ) {
        let mut state = seed;
        let mut bits = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        let values: Vec<f32> = (0..side).map(|_| bits() as f32 / 1e7 - 0.8).collect();
        let signs: Vec<f32> = (0..2 * side * count).map(|_| if bits() & 1 == 1 { -1.0 } else { 1.0 }).collect();
        let of = |rotation: usize, round: usize| -> Vec<f32> {
            (0..side).map(|c| signs[(round * side + c) * count + rotation]).collect()
        };
        let wanted: Vec<Vec<f32>> =
            (0..count).map(|r| plain_rotation(&values, [&of(r, 0), &of(r, 1)])).collect();
        for isa in Isa::all_available() {
            let mut out = vec![f32::NAN; side * count];
            Rotations::new(isa, side, signs.clone()).unwrap().apply(&values, &mut out);
            for (at, got) in out.iter().enumerate() {
                prop_assert_eq!(got.to_bits(), wanted[at % count][at / count].to_bits(), "{}: {}", isa, at);
            }
        }
    }

    #[test]
    fn squares_equal_the_formula_for_every_pair(
        probes in (0..5_usize).prop_flat_map(|n| prop::collection::vec(-1.0_f32..1.0, 53 * n)),
        templates in (0..40_usize).prop_flat_map(|n| prop::collection::vec(-1.0_f32..1.0, 53 * n)),
    ) {
        let (probe_rows, template_rows) = (probes.chunks_exact(53), templates.chunks_exact(53));
        let pairs = template_rows.clone().flat_map(|t| probe_rows.clone().map(move |p| (p, t)));
        let mut first: Option<Vec<f32>> = None;
        for isa in Isa::all_available() {
            let mut out = vec![0.0; probe_rows.len() * template_rows.len()];
            Squares::new(isa, 53).unwrap().run(&probes, &templates, &mut out);
            for (got, (p, t)) in out.iter().zip(pairs.clone()) {
                let want: f64 = p.iter().zip(t).map(|(p, t)| f64::from(p - t).powi(2)).sum();
                prop_assert!((f64::from(*got) - want).abs() < 1e-4, "{isa}: {got} {want}");
            }
            prop_assert_eq!(first.get_or_insert(out.clone()), &out, "{} differs from the first", isa);
        }
    }
}

#[test]
fn what_is_not_whole_is_refused() {
    let isa = Isa::Portable;
    assert!(Squares::new(isa, 0).is_err());
    assert!(Rotations::new(isa, 3, vec![1.0; 6]).is_err());
    assert!(Rotations::new(isa, 4, vec![1.0; 12]).is_err());
    assert!(Rotations::new(isa, 4, Vec::new()).is_err());
    assert_eq!(Rotations::new(isa, 4, vec![1.0; 24]).map(|r| r.count()).ok(), Some(3));
}
