use super::*;
use crate::clock::BootTime;
use crate::detect::Point;
use crate::detect::attack::rig::lit;

/// Light of a room with marks everywhere, `40..=200`.
fn room(x: f32, y: f32) -> f32 {
    120.0 + 40.0 * (x / 17.0).sin() + 40.0 * (y / 13.0 + x / 40.0).cos()
}

/// Light of another picture.
fn picture(x: f32, y: f32) -> f32 {
    110.0 + 50.0 * (x / 9.0 + y / 21.0).sin() + 40.0 * (y / 8.0).sin()
}

/// Seen once what was learned at first is settled.
fn frame(light: impl Fn(f32, f32) -> f32) -> Frame {
    lit(BootTime(SETTLED), light)
}

/// A face 50 wide and 60 high, the middle of its box at 160, 110.
fn face() -> Face {
    let bbox = Bbox { x: 67.5, y: 40.0, w: 25.0, h: 30.0 };
    Face { bbox, landmarks: [Point { x: 80.0, y: 55.0 }; 5], confidence: 0.9 }
}

/// A round head with hair, a neck and shoulders to the lower border, before what is behind.
fn person(behind: impl Fn(f32, f32) -> f32) -> impl Fn(f32, f32) -> f32 {
    move |x, y| {
        let (across, down) = ((x - 160.0) / 50.0, (y - 110.0) / 60.0);
        let head = (across / 0.66).powi(2) + (down / 0.85).powi(2) < 1.0;
        let body = across.abs() < 0.3 && down > 0.0 || across.abs() < 1.3 && down > 0.8;
        if head || body { 60.0 + 10.0 * (x / 5.0).sin() } else { behind(x, y) }
    }
}

/// The same person in a picture of `half` face widths to each side, held before the room.
fn shown(half: f32) -> impl Fn(f32, f32) -> f32 {
    let person = person(picture);
    move |x, y| {
        let (across, down) = ((x - 160.0) / 50.0, (y - 110.0) / 60.0);
        if across.abs() < half && down.abs() < 1.6 { person(x, y) } else { room(x, y) }
    }
}

/// A scene that has seen the empty room, minutes ago.
fn learned() -> Scene {
    let mut scene = Scene::default();
    for _ in 0..=MIN_LEARNED {
        scene.see(&lit(BootTime::default(), room), None);
    }
    scene
}

fn share(light: impl Fn(f32, f32) -> f32) -> Option<f32> {
    let mut scene = learned();
    scene.see(&frame(light), Some(&face()));
    scene.share()
}

fn score(light: impl Fn(f32, f32) -> f32) -> Option<f32> {
    let mut scene = learned();
    scene.see(&frame(light), Some(&face()));
    scene.score().map(|Score(score)| score)
}

#[test]
fn beside_a_live_head_the_background_is_seen() {
    assert!(share(person(room)) > Some(0.95), "{:?}", share(person(room)));
    assert_eq!(score(person(room)), Some(LIMITS.1));
}

#[test]
fn a_picture_that_is_carried_in_hides_the_background() {
    for half in [1.0, 1.5] {
        let told = score(shown(half)).expect("told");
        assert!(told < -1.0, "a picture of {half} face widths to each side scores {told}");
    }
}

#[test]
fn nothing_is_told_before_the_background_is_known() {
    let mut scene = Scene::default();
    // The first frame has none before it that would show that nothing moves.
    for _ in 0..MIN_LEARNED {
        scene.see(&frame(room), None);
    }
    scene.see(&frame(person(room)), Some(&face()));
    assert_eq!(scene.share(), None);
    scene.see(&frame(room), None);
    scene.see(&frame(person(room)), Some(&face()));
    assert!(scene.share().is_some());
}

#[test]
fn more_or_less_light_is_the_same_background() {
    for gain in [0.5, 0.8, 1.2] {
        let live = person(room);
        let told = share(move |x, y| gain * live(x, y));
        assert!(told > Some(0.9), "{gain} of the light: {told:?}");
        let held = shown(1.5);
        assert!(score(move |x, y| gain * held(x, y)) < Some(-1.0), "{gain} of the light");
    }
}

#[test]
fn one_person_behind_another_does_not_make_an_attack() {
    let behind = |x: f32, y: f32| if (x - 235.0).abs() < 30.0 && y > 90.0 { 30.0 } else { room(x, y) };
    assert!(score(person(behind)) > Some(0.0), "{:?}", score(person(behind)));
}

#[test]
fn a_camera_that_was_moved_tells_nothing_against_a_face_and_learns_anew() {
    let elsewhere = |x: f32, y: f32| room(x + 31.0, y + 23.0);
    let mut scene = learned();
    scene.see(&frame(person(elsewhere)), Some(&face()));
    assert_eq!(scene.share(), None);
    for _ in 0..MIN_LEARNED {
        scene.see(&frame(elsewhere), None);
    }
    scene.see(&frame(person(elsewhere)), Some(&face()));
    assert_eq!(scene.share(), None, "not yet");
    scene.see(&frame(elsewhere), None);
    scene.see(&frame(person(elsewhere)), Some(&face()));
    assert!(scene.share() > Some(0.9));
}

/// Seen first without a face, then with one on it.
#[test]
fn a_board_that_is_held_up_first_does_not_speak_for_the_face_on_it() {
    // The wide one is another scene; the narrow one grows into the room that is known.
    for (half, blank) in [(2.2, 6), (2.2, 60), (1.5, 60)] {
        let board = |x: f32, y: f32| {
            let (across, down) = ((x - 160.0) / 50.0, (y - 110.0) / 60.0);
            if across.abs() < half && down.abs() < 1.6 { picture(x, y) } else { room(x, y) }
        };
        let mut scene = learned();
        (0..blank).for_each(|_| scene.see(&frame(board), None));
        scene.start();
        scene.see(&frame(shown(half)), Some(&face()));
        assert!(scene.share() > Some(0.9), "{half}: the board is learned: {:?}", scene.share());
        assert_eq!(scene.score(), Some(Score(0.0)), "{half} after {blank} frames");
        scene.start();
        scene.see(&lit(BootTime(2 * SETTLED), shown(half)), Some(&face()));
        assert_eq!(scene.score(), Some(Score(LIMITS.1)), "{half}: minutes later it is the room");
    }
}

#[test]
fn the_same_room_in_another_light_stays_settled() {
    let mut scene = learned();
    (0..40).for_each(|_| scene.see(&frame(|x, y| 1.2 * room(x, y)), None));
    scene.see(&frame(person(room)), Some(&face()));
    assert_eq!(scene.score(), Some(Score(LIMITS.1)));
}

#[test]
fn who_walks_by_without_a_face_is_not_background() {
    let mut scene = learned();
    for step in 0..40 {
        let at = step as f32 * 8.0;
        let passing = move |x: f32, y: f32| if (x - at).abs() < 40.0 { 20.0 } else { room(x, y) };
        scene.see(&frame(passing), None);
    }
    scene.see(&frame(person(room)), Some(&face()));
    assert!(scene.share() > Some(0.95), "{:?}", scene.share());
}

#[test]
fn another_presentation_begins_with_the_same_background() {
    let mut scene = learned();
    scene.see(&frame(shown(1.5)), Some(&face()));
    scene.start();
    assert_eq!(scene.score(), None);
    scene.see(&frame(person(room)), Some(&face()));
    assert_eq!(scene.score(), Some(Score(LIMITS.1)));
}

#[test]
fn frames_of_another_size_and_boxes_that_are_none_tell_nothing() {
    let small = Frame::new(64, 48, vec![90; 64 * 48 * 3], BootTime::default()).expect("valid");
    let mut scene = learned();
    scene.see(&small, Some(&face()));
    scene.see(&small, None);
    for bbox in [
        Bbox::default(),
        Bbox { x: f32::NAN, y: 0.0, w: f32::NAN, h: 1.0 },
        Bbox { x: -1e9, y: 1e9, w: 1e9, h: 1e-9 },
        Bbox { x: 0.0, y: 0.0, w: 160.0, h: 120.0 },
    ] {
        scene.see(&frame(room), Some(&Face { bbox, ..face() }));
    }
    assert_eq!(scene.share(), None);
}
