use std::path::Path;

use super::*;
use crate::embed::{Embedding, KeyKind, TemplateKey};
use crate::head::project::{Projection, SplitMix64};
use crate::head::{Formula, KeyedHead};

/// As shipped.
const ALPHA: f32 = -0.496_574_04;

fn head(length: usize, alpha: Vec<f32>, rotations: usize) -> Head {
    seeded(length, alpha, (rotations, 5))
}

fn seeded(length: usize, alpha: Vec<f32>, (rotations, seed): (usize, u64)) -> Head {
    let projection = Projection::new(length, None, rotations, seed).expect("works");
    Head::with_projection(Path::new("test"), (40.684_383, alpha), Some(projection), 0.97).expect("works")
}

fn unit(random: &mut SplitMix64, length: usize) -> Vec<f32> {
    // Four uniform numbers are nearly normal, so that all directions are as likely.
    let mut normal = || (0..4).map(|_| random.uniform() as f32 - 0.5).sum::<f32>();
    (0..length).map(|_| normal()).collect()
}

fn keyed(head: &Head) -> (KeyedHead, TemplateKey) {
    let key = TemplateKey::draw(&[4; 32], KeyKind::Rotation, head.length());
    (head.for_key(&key), key)
}

#[test]
fn a_head_has_a_bound_only_where_it_was_measured() {
    let bound = |head: &Head| Bound::of(head).is_some();
    assert!(bound(&head(128, vec![ALPHA; 8192], 64)));
    assert!(bound(&head(192, vec![ALPHA; 16384], 64)));
    assert!(!bound(&head(128, vec![ALPHA; 4096], 32)), "fewer rotations");
    assert!(!bound(&head(128, vec![ALPHA; 16384], 128)), "more rotations, of which half are others");
    for seed in [0, 1, 6] {
        assert!(!bound(&seeded(128, vec![ALPHA; 8192], (64, seed))), "seed {seed}");
    }
    for (length, rows) in [(8, 512), (16, 1024), (127, 8192), (193, 16384)] {
        // Steeper, so that the formula of few values still refuses a stranger.
        assert!(!bound(&head(length, vec![4.0 * ALPHA; rows], 64)), "{length} values");
    }
    let mut each = vec![ALPHA; 8192];
    each[7] *= 1.1;
    assert!(!bound(&head(128, each, 64)), "an alpha for each coordinate");
    let formula = Formula::new(4.0, &[-1.0; 128]).expect("finite");
    let plain = Head { formula, projection: None, ..head(128, vec![ALPHA; 8192], 64) };
    assert!(!bound(&plain), "no rotations");
    let learned = Projection::new(2, Some(vec![1.0, 0.0, 0.0, 2.0]), 64, 5).expect("works");
    assert!(!bound(&Head { projection: Some(learned), ..plain }), "a learned matrix");
}

/// What the formula says of a pair, and what it can say at most.
fn scored(head: &KeyedHead, a: &KeyedEmbedding, b: &KeyedEmbedding) -> (LogOdds, Most) {
    let bound = head.bound().expect("has one");
    let mut row = KeyedRows::with_capacity(b.key_id(), a.values().len(), 1);
    row.push(b).expect("one key");
    let square = bound.squares(std::slice::from_ref(a), &row).expect("one key")[0];
    (head.log_odds(a, b).expect("one key"), bound.most(square.sqrt(), row.longest()))
}

/// Near pairs and far ones, and pairs that differ along an axis of one of the rotations.
#[test]
fn no_pair_scores_above_its_bound() {
    for (length, rows) in [(128, 8192), (192, 16384)] {
        let head = head(length, vec![ALPHA; rows], 64);
        let (keyed, key) = keyed(&head);
        let mut random = SplitMix64(length as u64);
        for round in 0..100_u32 {
            let one = unit(&mut random, length);
            let step = match round % 4 {
                0 => (0..length).map(|i| f32::from(u8::from(i == round as usize))).collect(),
                1 => vec![0.0; length],
                _ => unit(&mut random, length),
            };
            let far = 2.0_f32.powi(round as i32 % 12 - 8);
            let other = one.iter().zip(step).map(|(a, b)| a + far * b).collect();
            let [a, b] = [one, other].map(|values| key.apply(&Embedding::new(values).expect("unit")));
            let (z, most) = scored(&keyed, &a, &b);
            assert!(
                z <= most.of_faces && most.of_faces <= most.anywhere,
                "{z:?} above {most:?}, {far} apart"
            );
        }
    }
}

/// No pair was found that needs the slack for rounding; it is there all the same.
#[test]
fn a_bound_leaves_room_for_rounding() {
    let (keyed, key) = keyed(&head(128, vec![ALPHA; 8192], 64));
    let face = key.apply(&Embedding::new(unit(&mut SplitMix64(1), 128)).expect("unit"));
    let (z, most) = scored(&keyed, &face, &face);
    // Half of what the slack is for a mean distance of so much; 24 bits of the bias alone are 4e-6.
    let room = -ALPHA * (FRAC_2_PI * 8192.0).sqrt() * 1e-3 / 2.0;
    assert!(most.of_faces.0 > z.0 + room, "{z:?}, {most:?}");
}

/// A short version of what docs/search.md does at length: down from an axis of a rotation, by gradients on the sphere.
#[test]
fn a_descent_over_directions_does_not_come_below_the_least_share() {
    let (length, rotations) = (128, 64);
    let projection = Projection::new(length, None, rotations, 5).expect("works");
    let axis = |i: usize| (0..length).map(|j| f32::from(u8::from(i == j))).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = (0..length).map(|i| projection.apply(&axis(i))).collect();
    let mean = (FRAC_2_PI * projection.rows() as f32).sqrt();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let scaled = |v: &[f32], to: f32| -> Vec<f32> {
        let by = to / dot(v, v).sqrt();
        v.iter().map(|v| v * by).collect()
    };
    let mut at = axis(3);
    let (mut step, mut least) = (0.3, 1.0_f32);
    for _ in 0..60 {
        let h = projection.apply(&at);
        let signs: Vec<f32> = h.iter().map(|v| v.signum()).collect();
        least = least.min(dot(&signs, &h) / mean);
        let gradient: Vec<f32> = columns.iter().map(|column| dot(column, &signs)).collect();
        let along = dot(&gradient, &at);
        let down: Vec<f32> = gradient.iter().zip(&at).map(|(g, a)| a * along - g).collect();
        let next: Vec<f32> = at.iter().zip(scaled(&down, step)).map(|(a, d)| a + d).collect();
        at = scaled(&next, 1.0);
        step *= 0.92;
    }
    assert!(least < 0.96, "the descent works: {least}");
    assert!(least > LEAST_SHARE + 0.01, "{least}");
    // Two embeddings that differ in that direction: the bound for any direction holds for them, that for faces does not.
    let beside = {
        let other = axis(5);
        let along = dot(&other, &at);
        scaled(&other.iter().zip(&at).map(|(o, a)| o - along * a).collect::<Vec<f32>>(), 1.0)
    };
    let (keyed, key) = keyed(&head(length, vec![ALPHA; projection.rows()], rotations));
    let [a, b] = [1.0, -1.0].map(|sign| {
        let values = beside.iter().zip(&at).map(|(u, a)| (u + sign * a) / 2.0_f32.sqrt()).collect();
        key.apply(&Embedding::new(values).expect("unit"))
    });
    let (z, most) = scored(&keyed, &a, &b);
    assert!(z > most.of_faces && z <= most.anywhere, "{z:?}, {most:?}");
}
