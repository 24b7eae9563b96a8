//! Checks the scans against plain loops.

use facelatch_kernels::{ByteScan, Isa, Scan};
use proptest::prelude::*;

/// Miri takes a thousand times as long.
const CASES: u32 = if cfg!(miri) { 4 } else { 100 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn float_scan_equals_the_formula(
        weights in prop::collection::vec(-2.0_f32..1.0, 53),
        probe in prop::collection::vec(-1.0_f32..1.0, 53),
        templates in prop::collection::vec(-1.0_f32..1.0, 53 * 5),
    ) {
        let mut first: Option<Vec<f32>> = None;
        for isa in Isa::all_available() {
            let mut out = vec![0.0; 5];
            Scan::new(isa, &weights).unwrap().run(&probe, &templates, &mut out);
            for (got, t) in out.iter().zip(templates.chunks_exact(53)) {
                let want: f64 = (0..53).map(|j| f64::from(weights[j]) * f64::from((probe[j] - t[j]).abs())).sum();
                prop_assert!((f64::from(*got) - want).abs() < 1e-4, "{isa}: {got} {want}");
            }
            prop_assert_eq!(first.get_or_insert(out.clone()), &out, "{} differs from the first", isa);
        }
    }

    #[test]
    fn many_with_many_are_the_bits_of_one_with_one(
        weights in prop::collection::vec(-2.0_f32..1.0, 53),
        probes in (0..10_usize).prop_flat_map(|n| prop::collection::vec(-1.0_f32..1.0, 53 * n)),
        templates in (0..10_usize).prop_flat_map(|n| prop::collection::vec(-1.0_f32..1.0, 53 * n)),
    ) {
        for isa in Isa::all_available() {
            let scan = Scan::new(isa, &weights).unwrap();
            let mut out = vec![0.0; probes.len() / 53 * (templates.len() / 53)];
            scan.between(&probes, &templates, &mut out);
            let pairs = probes.chunks_exact(53).flat_map(|p| templates.chunks_exact(53).map(move |t| (p, t)));
            let wanted: Vec<f32> = pairs.map(|(p, t)| scan.distance(p, t)).collect();
            prop_assert_eq!(out, wanted, "{}", isa);
        }
    }

    #[test]
    fn byte_scan_equals_the_formula(
        weights in prop::collection::vec(-2.0_f32..1.0, 240),
        probe in prop::collection::vec(any::<u8>(), 240),
        templates in prop::collection::vec(any::<u8>(), 240 * 3),
    ) {
        for isa in Isa::all_available() {
            let mut out = vec![0.0; 3];
            ByteScan::new(isa, &weights, 0.01).unwrap().run(&probe, &templates, &mut out);
            for (got, t) in out.iter().zip(templates.chunks_exact(240)) {
                let term = |j: usize| f64::from(weights[j]) * f64::from(probe[j].abs_diff(t[j])) * 0.01;
                let want: f64 = (0..240).map(term).sum();
                prop_assert!((f64::from(*got) - want).abs() < 0.05, "{isa}: {got} {want}");
            }
        }
    }
}

#[test]
fn the_largest_sums_do_not_overflow() {
    for isa in Isa::all_available() {
        let mut out = [0.0];
        ByteScan::new(isa, &[-1.0; 256], 1.0).unwrap().run(&[255; 256], &[0; 256], &mut out);
        assert!((out[0] + 256.0 * 255.0).abs() < 1.0, "{isa}: {}", out[0]);
        assert!(ByteScan::new(isa, &[1.0; 272], 1.0).is_err());
        assert!(ByteScan::new(isa, &[1.0; 15], 1.0).is_err());
        assert!(Scan::new(isa, &[]).is_err());
    }
}
