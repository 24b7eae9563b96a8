use std::time::Duration;

use super::*;
use crate::detect::Point;

fn at(ms: u64) -> BootTime {
    BootTime(Duration::from_millis(ms))
}

/// A frame whose pixels differ from those of all other moments.
fn frame(ms: u64) -> Frame {
    frame_of(ms, ms)
}

fn frame_of(ms: u64, picture: u64) -> Frame {
    let rgb = (0..32 * 32 * 3).map(|i: u64| (i.wrapping_mul(picture + 7) >> 3) as u8).collect();
    Frame::new(32, 32, rgb, at(ms)).unwrap()
}

fn face(x: f32, side: f32) -> Face {
    Face {
        bbox: Bbox { x, y: 50.0, w: side, h: side },
        landmarks: [Point { x, y: 60.0 }; 5],
        confidence: 0.9,
    }
}

/// What becomes of a first face when these are found afterwards.
fn then(faces: &[(u64, &[Face])]) -> Vec<Seen> {
    let mut track = Track::default();
    assert_eq!(track.see(&frame(0), &[face(100.0, 100.0)]), Seen::Face(face(100.0, 100.0)));
    faces.iter().map(|(ms, faces)| track.see(&frame(*ms), faces)).collect()
}

#[test]
fn a_face_is_followed_as_it_moves_and_grows() {
    let moves = [(100, 110.0, 100.0), (200, 125.0, 105.0), (300, 140.0, 112.0), (400, 160.0, 120.0)];
    let mut track = Track::default();
    for (ms, x, side) in moves {
        let behind = face(400.0, 40.0);
        assert_eq!(track.see(&frame(ms), &[face(x, side), behind]), Seen::Face(face(x, side)));
    }
}

#[test]
fn of_two_faces_the_nearer_continues() {
    let (near, smaller) = (face(102.0, 100.0), face(300.0, 60.0));
    assert_eq!(then(&[(100, &[smaller, near])]), [Seen::Face(near)]);
}

#[test]
fn a_second_face_as_large_ends_the_track() {
    assert_eq!(then(&[(100, &[face(100.0, 100.0), face(300.0, 80.0)])]), [Seen::Lost(Loss::Several)]);
    assert_eq!(
        Track::default().see(&frame(0), &[face(100.0, 100.0), face(300.0, 80.0)]),
        Seen::Lost(Loss::Several)
    );
}

#[test]
fn a_missed_frame_or_two_are_bridged_and_a_long_gap_is_not() {
    let same = face(101.0, 100.0);
    assert_eq!(
        then(&[(100, &[]), (200, &[]), (300, &[same])]),
        [Seen::Nothing, Seen::Nothing, Seen::Face(same)]
    );
    assert_eq!(then(&[(300, &[]), (601, &[])]), [Seen::Nothing, Seen::Lost(Loss::Gone)]);
    // It stood still for a second: who stands there now is not known.
    assert_eq!(then(&[(1000, &[same])]), [Seen::Lost(Loss::Jumped)]);
}

#[test]
fn a_jump_in_place_or_size_is_another_face() {
    for other in [face(300.0, 100.0), face(100.0, 220.0), face(100.0, 40.0)] {
        let seen = then(&[(100, &[other]), (400, &[other]), (700, &[other]), (800, &[other])]);
        let wanted = [Seen::Nothing, Seen::Nothing, Seen::Lost(Loss::Jumped), Seen::Face(other)];
        assert_eq!(seen, wanted);
    }
}

#[test]
fn frames_doubled_or_out_of_order_are_no_evidence() {
    let mut track = Track::default();
    let found = [face(100.0, 100.0)];
    assert_eq!(track.see(&frame_of(100, 1), &found), Seen::Face(found[0]));
    for (ms, picture) in [(100, 2), (90, 3), (200, 1)] {
        assert_eq!(track.see(&frame_of(ms, picture), &found), Seen::Nothing, "picture {picture} at {ms} ms");
    }
    assert_eq!(track.see(&frame_of(300, 4), &found), Seen::Face(found[0]));
}

#[test]
fn a_picture_that_stands_still_loses_its_face() {
    let mut track = Track::default();
    let found = [face(100.0, 100.0)];
    track.see(&frame_of(0, 1), &found);
    for ms in (100..3000).step_by(100) {
        assert_eq!(track.see(&frame_of(ms, 1), &found), Seen::Nothing);
    }
    assert_eq!(track.see(&frame_of(3000, 2), &found), Seen::Lost(Loss::Jumped));
}
