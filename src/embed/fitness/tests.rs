use super::*;

const SIDE: usize = CHIP_SIDE_PX as usize;

fn chip(light: impl Fn(usize, usize) -> f32) -> Chip {
    let rgb = (0..SIDE * SIDE).flat_map(|at| [light(at % SIDE, at / SIDE) as u8; 3]).collect();
    Chip::from_rgb(rgb).expect("a chip")
}

/// Rough in all directions, about `mean`.
fn textured(mean: f32) -> impl Fn(usize, usize) -> f32 {
    move |x, y| mean * (0.7 + 0.6 * ((x / 2 * 7 + y / 2 * 13 + (x / 2) * (y / 2)) % 11) as f32 / 11.0)
}

fn check(light: impl Fn(usize, usize) -> f32) -> Result<(), RetryReason> {
    Role::Template.check(&chip(light))
}

fn is_in(patch: &Patch, x: usize, y: usize) -> bool {
    patch.columns.contains(&x) && patch.rows.contains(&y)
}

fn with_eyes(covered: usize, mean: f32) -> impl Fn(usize, usize) -> f32 {
    let face = textured(mean);
    move |x, y| if EYES[..covered].iter().any(|eye| is_in(eye, x, y)) { 0.1 * mean } else { face(x, y) }
}

#[test]
fn a_rough_face_may_be_kept_whatever_its_light() {
    for mean in [30.0, 60.0, 120.0, 190.0] {
        assert_eq!(check(textured(mean)), Ok(()), "mean light {mean}");
    }
}

#[test]
fn two_dark_eyes_are_covered_and_one_may_lie_in_shadow() {
    for mean in [40.0, 120.0, 180.0] {
        assert_eq!(check(with_eyes(1, mean)), Ok(()), "mean light {mean}");
        assert_eq!(check(with_eyes(2, mean)), Err(RetryReason::EyesCovered), "mean light {mean}");
    }
}

#[test]
fn a_smooth_mouth_is_covered() {
    let face = textured(120.0);
    let masked = |x, y| if y > MOUTH.rows.start - 3 { 150.0 } else { face(x, y) };
    assert_eq!(check(masked), Err(RetryReason::MouthCovered));
}

#[test]
fn a_face_that_is_smooth_along_one_direction_or_all_is_blurred() {
    assert_eq!(check(|x, y| 60.0 + (x + y) as f32 / 2.0), Err(RetryReason::TooBlurred));
    assert_eq!(check(|_, _| 100.0), Err(RetryReason::TooBlurred), "blank");
    let face = textured(120.0);
    let moved = |x: usize, y: usize| (0..16).map(|by| face(x + by, y)).sum::<f32>() / 16.0;
    assert_eq!(check(moved), Err(RetryReason::TooBlurred));
}

#[test]
fn a_probe_may_be_anything_that_can_be_judged() {
    for spoilt in [chip(|_, _| 100.0), chip(with_eyes(2, 120.0))] {
        assert_eq!(Role::Probe.check(&spoilt), Ok(()));
    }
}
