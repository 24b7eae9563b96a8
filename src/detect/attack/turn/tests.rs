use super::*;
use crate::detect::attack::rig::{Random, Shape, Stand, bent, head, seen};

/// Noise of a landmark. It makes 0.041 of the nose under the homography of the others, as was measured on flat pictures.
const NOISE: f64 = 0.03;

/// Log-odds after a turn to `yaw` and back, in steps of 5 degrees, at about this pitch.
fn score(shape: &Shape, yaw: f64, random: &mut Random) -> f32 {
    let stand =
        Stand { distance: random.within(6.0, 13.0), pitch: random.within(-20.0, 20.0), ..Stand::straight() };
    // The mean of three frames, as in a challenge.
    let straight = seen(shape, stand, NOISE / 3.0_f64.sqrt(), random).landmarks;
    let mut evidence = Evidence::default();
    let steps = (yaw.abs() / 5.0) as i32;
    for step in (0..=steps).chain([steps; 2]).chain((0..steps).rev()) {
        let now = Stand {
            yaw: yaw * f64::from(step) / f64::from(steps),
            pitch: stand.pitch + random.within(-5.0, 5.0),
            roll: random.within(-5.0, 5.0),
            ..stand
        };
        if let Some(view) = View::between(&straight, &seen(shape, now, NOISE, random)) {
            evidence.add(&view);
        }
    }
    evidence.score().0
}

/// The share of `tries` whose score is at least `limit`.
fn share(tries: u32, limit: f32, mut score: impl FnMut() -> f32) -> f64 {
    f64::from((0..tries).map(|_| u32::from(score() >= limit)).sum::<u32>()) / f64::from(tries)
}

#[test]
fn nothing_seen_decides_nothing() {
    assert_eq!(Evidence::default().frames(), 0);
    assert!(Evidence::default().score().0.abs() < 1e-6);
}

#[test]
fn a_head_within_the_human_range_that_turns_is_a_head() {
    let mut random = Random(3);
    for (depth, degrees) in [(0.35, 45.0), (0.42, 35.0), (0.5, 30.0), (0.6, 30.0)] {
        for yaw in [-degrees, degrees, 50.0] {
            let heads = share(80, 2.0, || score(&head(depth), yaw, &mut random));
            assert!(heads > 0.9, "depth {depth}, {yaw} degrees: {heads}");
        }
    }
}

#[test]
fn a_picture_is_no_head_however_it_is_tilted() {
    let mut random = Random(4);
    for yaw in [-50.0, -30.0, 20.0, 40.0, 60.0] {
        let heads = share(200, 2.0, || score(&head(0.0), yaw, &mut random));
        assert!(heads < 0.01, "{yaw} degrees: {heads}");
    }
}

#[test]
fn a_print_bent_to_three_eye_distances_or_more_is_no_head() {
    let mut random = Random(5);
    for radius in [-3.0, 3.0, 6.0] {
        for yaw in [-50.0, 30.0, 45.0] {
            let heads = share(80, 2.0, || score(&bent(radius), yaw, &mut random));
            assert!(heads < 0.02, "radius {radius}, {yaw} degrees: {heads}");
        }
    }
}

#[test]
fn more_frames_of_one_turn_are_worth_three_at_most() {
    let mut random = Random(6);
    let straight = seen(&head(0.4), Stand::straight(), 0.0, &mut random).landmarks;
    let view = View::between(&straight, &seen(&head(0.4), Stand::turned(30.0), 0.0, &mut random)).unwrap();
    let after = |frames| {
        let mut evidence = Evidence::default();
        (0..frames).for_each(|_| evidence.add(&view));
        evidence.score().0
    };
    assert!(after(1) < after(2) && after(1000) > after(10));
    assert!(after(1000) < 2.5 * after(1), "{} of one frame, {} of a thousand", after(1), after(1000));
}

#[test]
fn absurd_views_leave_the_score_finite() {
    let mut evidence = Evidence::default();
    for (x, breadth) in [(1e30, 1e30), (-1e30, 1e-30), (0.0, 1e-30), (1e300, 1.0)] {
        evidence.add(&View { parallax: Parallax { x, y: 0.0 }, breadth });
        assert!(evidence.score().0.is_finite());
    }
}
