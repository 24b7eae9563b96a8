use super::*;
use crate::detect::attack::rig::lit;

/// Light of a place with marks everywhere.
fn marks(x: f32, y: f32) -> f32 {
    120.0 + 50.0 * (x / 7.0 + (y / 19.0).sin()).sin() + 50.0 * (y / 9.0 + x / 31.0).cos()
}

/// Frame number `number`, ten a second.
fn frame(number: u64, light: impl Fn(f32, f32) -> f32) -> Frame {
    lit(BootTime(Duration::from_millis(100 * number)), light)
}

/// A face 50 wide and 60 high whose middle is at `x`, `y`.
fn face(x: f32, y: f32) -> Face {
    let bbox = Bbox { x: (x - 25.0) / 2.0, y: (y - 30.0) / 2.0, w: 25.0, h: 30.0 };
    Face { bbox, landmarks: [Point { x: x / 2.0, y: y / 2.0 }; 5], confidence: 0.9 }
}

fn is_person(x: f32, y: f32, (at_x, at_y): (f32, f32)) -> bool {
    let (across, down) = ((x - at_x) / 50.0, (y - at_y) / 60.0);
    across.abs() < 0.6 && down > -0.8 || across.abs() < 1.3 && down > 0.8
}

/// Where the face of a frame is: it goes to and fro.
fn path(number: u64) -> (f32, f32) {
    let step = (number as f32 / 3.0).sin();
    (160.0 + 8.0 * step, 120.0 + 3.0 * step)
}

/// What is seen of 16 frames whose light at a place depends on where the face is.
fn seen(light: impl Fn(f32, f32, (f32, f32)) -> f32) -> Surroundings {
    let mut surroundings = Surroundings::default();
    for number in 0..16 {
        let at = path(number);
        surroundings.see(&frame(number, |x, y| light(x, y, at)), Some(&face(at.0, at.1)));
    }
    surroundings
}

fn live(x: f32, y: f32, at: (f32, f32)) -> f32 {
    if is_person(x, y, at) { 50.0 + 30.0 * ((x - at.0) / 6.0).sin() } else { marks(x, y) }
}

/// A picture with its own background, 3.4 face widths wide, that moves with the face.
fn held(x: f32, y: f32, at: (f32, f32)) -> f32 {
    let (across, down) = (x - at.0, y - at.1);
    let is_picture = across.abs() < 85.0 && down.abs() < 100.0;
    match () {
        () if is_picture && is_person(x, y, at) => 50.0,
        () if is_picture => marks(2.0 * across + 400.0, 1.5 * down + 90.0),
        () => marks(x, y),
    }
}

#[test]
fn a_room_does_not_move_with_a_live_head() {
    let surroundings = seen(live);
    assert!(surroundings.share().expect("told").abs() < 0.05, "{:?}", surroundings.share());
    assert!(surroundings.score() > Some(Score(0.3)), "{:?}", surroundings.score());
}

#[test]
fn what_is_around_the_face_in_a_picture_moves_with_it() {
    let surroundings = seen(held);
    assert!(surroundings.share() > Some(0.8), "{:?}", surroundings.share());
    assert_eq!(surroundings.score(), Some(Score(LIMITS.0)));
}

#[test]
fn light_that_changes_is_no_movement() {
    let mut level = 0.0;
    let mut surroundings = Surroundings::default();
    for number in 0..16 {
        let at = path(number);
        level += 2.0;
        surroundings.see(&frame(number, |x, y| live(x, y, at) + level), Some(&face(at.0, at.1)));
    }
    assert!(surroundings.share().expect("told").abs() < 0.1, "{:?}", surroundings.share());
}

#[test]
fn long_hair_that_moves_with_the_head_is_no_picture() {
    let surroundings = seen(|x, y, at| {
        let hair = (x - at.0).abs() < 70.0 && (-50.0..60.0).contains(&(y - at.1));
        if hair { marks(3.0 * (x - at.0), y - at.1) } else { live(x, y, at) }
    });
    assert!(surroundings.share().expect("told") < 0.1, "{:?}", surroundings.share());
}

#[test]
fn nothing_is_told_of_what_cannot_be_seen() {
    let blank = seen(|x, y, at| if is_person(x, y, at) { 50.0 } else { 128.0 });
    assert_eq!(blank.score(), None, "a wall without marks");
    let camera_moves = seen(|x, y, at| marks(x - at.0, y - at.1));
    assert_eq!(camera_moves.score(), None, "the camera moves, and the face with all else");
    let mut still = Surroundings::default();
    for number in 0..16 {
        still.see(&frame(number, |x, y| live(x, y, (160.0, 120.0))), Some(&face(160.0, 120.0)));
    }
    assert_eq!(still.score(), None, "nobody moves");
}

#[test]
fn a_few_frames_or_frames_far_apart_tell_nothing() {
    let mut surroundings = Surroundings::default();
    for number in 0..MIN_PAIRS as u64 {
        let at = path(number);
        surroundings.see(&frame(number, |x, y| held(x, y, at)), Some(&face(at.0, at.1)));
    }
    assert_eq!(surroundings.score(), None);
    let mut surroundings = Surroundings::default();
    for number in 0..16 {
        let at = path(number);
        surroundings.see(&frame(13 * number, |x, y| held(x, y, at)), Some(&face(at.0, at.1)));
    }
    assert_eq!(surroundings.score(), None);
}

#[test]
fn frames_of_another_size_and_boxes_that_are_none_tell_nothing() {
    let mut surroundings = seen(|_, _, _| 128.0);
    let small = Frame::new(32, 32, vec![90; 32 * 32 * 3], BootTime(Duration::from_secs(2))).expect("valid");
    surroundings.see(&small, Some(&face(16.0, 16.0)));
    for (x, w) in [(0.0, 0.0), (f32::NAN, 1.0), (1e9, 1e9)] {
        let face =
            Face { bbox: Bbox { x, y: x, w, h: w }, landmarks: [Point { x, y: x }; 5], confidence: 0.9 };
        surroundings.see(&frame(21, marks), Some(&face));
    }
    assert_eq!(surroundings.score(), None);
}
