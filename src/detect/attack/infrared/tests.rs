//! From rendered pairs: no camera was there.

mod render;

use super::*;
use crate::detect::Point;
use proptest::prelude::*;
use render::{HEIGHT, Scene, Shown, WIDTH};

const LIVE: Shown = Shown::Live { visible: 0.45, infrared: 0.55 };

fn ms(ms: u64) -> BootTime {
    BootTime(Duration::from_millis(ms))
}

fn scene(shown: Shown) -> Scene {
    Scene { shown, at: (80.0, 58.0), half: 22.0, sun: 0.0 }
}

/// Grey frames at 30 a second, of which the emitter lights every one, or every other one, and a colour frame after every second.
fn film(scene: Scene, strobing: bool) -> Vec<(Frame, Option<Frame>)> {
    let frames = (0..6).map(|frame| {
        let at = ms(1000 + frame * 33);
        let colour = (frame % 2 == 1).then(|| scene.colour(at.after(Duration::from_millis(9))));
        (scene.grey(at, !strobing || frame % 2 == 0), colour)
    });
    frames.collect()
}

/// What is made of a film in whose grey frames these faces are found.
fn watch(film: &[(Frame, Option<Frame>)], face: &Face, grey_faces: &[Face]) -> (f32, Species) {
    let mut infrared = Infrared::new(None);
    for (grey, colour) in film {
        infrared.add(grey.clone());
        if let Some(colour) = colour {
            infrared.see(colour, face, grey_faces);
        }
    }
    (infrared.score().expect("enough pairs").0, infrared.species())
}

fn score(scene: Scene, strobing: bool, grey_faces: &[Face]) -> f32 {
    watch(&film(scene, strobing), &scene.face(), grey_faces).0
}

/// Kinds of camera and of light.
fn settings() -> impl Iterator<Item = (bool, f32)> {
    [true, false].into_iter().flat_map(|strobing| [0.0, 0.3, 1.0].map(|sun| (strobing, sun)))
}

#[test]
fn a_live_face_is_one_in_either_kind_of_camera_with_and_without_sun() {
    for (strobing, sun) in settings() {
        for (visible, infrared, half) in [(0.08, 0.45, 22.0), (0.45, 0.55, 18.0), (0.65, 0.62, 35.0)] {
            let live = Scene { sun, half, ..scene(Shown::Live { visible, infrared }) };
            let score = score(live, strobing, &[live.face()]);
            assert!(score >= 0.5, "{strobing} sun {sun} skin {visible} half {half}: {score}");
        }
    }
}

#[test]
fn a_face_too_small_to_tell_says_nothing() {
    let far = Scene { half: 14.0, ..scene(LIVE) };
    let mut infrared = Infrared::new(None);
    for (grey, colour) in film(far, false) {
        infrared.add(grey);
        colour.into_iter().for_each(|colour| infrared.see(&colour, &far.face(), &[far.face()]));
    }
    assert_eq!(infrared.score(), None);
}

#[test]
fn a_screen_is_black_and_so_an_attack() {
    for (strobing, sun) in settings() {
        let screen = Scene { sun, ..scene(Shown::Screen) };
        let film = film(screen, strobing);
        for faces in [vec![], vec![screen.face()]] {
            let (score, species) = watch(&film, &screen.face(), &faces);
            assert!(score <= -3.0, "{strobing} sun {sun} {}: {score}", faces.len());
            assert_eq!(species, Species::Screen);
        }
    }
}

#[test]
fn a_print_in_coloured_inks_has_lost_its_contrast_and_so_is_an_attack() {
    for (strobing, sun) in settings() {
        for carbon in [0.0, 0.1] {
            let print = Scene { sun, ..scene(Shown::Print { carbon }) };
            let film = film(print, strobing);
            for faces in [vec![], vec![print.face()]] {
                let (score, species) = watch(&film, &print.face(), &faces);
                assert!(score <= -1.0, "{strobing} sun {sun} carbon {carbon} {}: {score}", faces.len());
                assert_eq!(species, Species::Print);
            }
        }
    }
}

#[test]
fn it_confirms_a_live_face_refuses_others_and_without_a_word_nobody_is_live() {
    let live = Presentation::Live(Score(1.0));
    let pairs = |scene: Scene, pairs: usize| {
        let mut infrared = Infrared::new(None);
        for (grey, colour) in film(scene, false).into_iter().take(2 * pairs) {
            infrared.add(grey);
            colour.into_iter().for_each(|colour| infrared.see(&colour, &scene.face(), &[scene.face()]));
        }
        infrared
    };
    let of = |scene: Scene| pairs(scene, MIN_FRAMES);
    assert_eq!((of(scene(LIVE)).confirm(live), of(scene(LIVE)).cue().score), (live, Some(Score(0.0))));
    assert!(of(scene(Shown::Screen)).cue().score.is_some_and(|score| score.0 <= -3.0));
    assert_eq!(of(scene(Shown::Screen)).confirm(live), Presentation::Attack(Species::Screen));
    let close = Presentation::MoreNeeded(Need::Frames);
    assert_eq!(of(scene(Shown::Screen)).confirm(close), Presentation::Attack(Species::Screen), "clear");
    assert_eq!(
        pairs(scene(Shown::Screen), 2).confirm(close),
        close,
        "two pairs may be followed by better ones"
    );
    let print = of(scene(Shown::Print { carbon: 0.0 }));
    assert_eq!(print.confirm(live), Presentation::Attack(Species::Print));
    let silent = Infrared::new(None);
    assert_eq!(silent.confirm(live), Presentation::MoreNeeded(Need::Infrared));
    for other in [Presentation::Attack(Species::Flat), Presentation::MoreNeeded(Need::Frames)] {
        assert_eq!((of(scene(LIVE)).confirm(other), silent.confirm(other)), (other, other));
    }
}

#[test]
fn a_print_in_black_ink_is_not_told_from_a_face_as_the_documents_say() {
    let print = scene(Shown::Print { carbon: 1.0 });
    assert!(score(print, false, &[print.face()]) > 0.0);
}

#[test]
fn the_persons_own_face_beside_a_screen_does_not_stand_for_it() {
    let screen = scene(Shown::Screen);
    let own = Scene { at: (80.0, 6.0), half: 15.0, ..screen };
    assert!(score(screen, true, &[own.face()]) <= -3.0);
    // At the right place, with the head turned otherwise.
    let mut turned = screen.face();
    turned.landmarks[2].x += 15.0;
    assert!(score(scene(LIVE), true, &[turned]) < score(scene(LIVE), true, &[scene(LIVE).face()]));
}

#[test]
fn the_frame_with_the_emitters_light_is_taken() {
    let live = scene(LIVE);
    let mut infrared = Infrared::new(None);
    assert!(infrared.lit(ms(1000)).is_none());
    for (at, lit) in [(1000, true), (1033, false), (1066, true), (1100, false)] {
        infrared.add(live.grey(ms(at), lit));
    }
    let lit = |at| infrared.lit(ms(at)).map(|frame| frame.taken_at());
    assert_eq!(lit(1000), Some(ms(1000)));
    assert_eq!(lit(1034), Some(ms(1066)));
    assert_eq!(lit(1120), Some(ms(1066)));
    assert_eq!(lit(1300), None);
}

#[test]
fn dark_late_doubled_and_coloured_frames_say_nothing() {
    let live = scene(LIVE);
    let see = |infrared: &mut Infrared, at| infrared.see(&live.colour(ms(at)), &live.face(), &[live.face()]);

    let mut dark = Infrared::new(None);
    let mut late = Infrared::new(None);
    let mut coloured = Infrared::new(None);
    for at in (0..10).map(|frame| 1000 + frame * 33) {
        dark.add(live.grey(ms(at), false));
        see(&mut dark, at);
        late.add(live.grey(ms(at), true));
        see(&mut late, at + 400);
        coloured.add(live.colour(ms(at)));
        see(&mut coloured, at);
    }
    assert_eq!((dark.score(), late.score(), coloured.score()), (None, None, None));

    let mut doubled = Infrared::new(None);
    for _ in 0..5 {
        doubled.add(live.grey(ms(1000), true));
        see(&mut doubled, 1000);
    }
    doubled.add(live.grey(ms(900), true));
    see(&mut doubled, 900);
    assert_eq!(doubled.score(), None);
    doubled.add(live.grey(ms(1033), true));
    see(&mut doubled, 1033);
    assert!(doubled.score().is_some());
}

#[test]
fn a_placement_is_learnt_from_faces_that_agree_and_then_holds() {
    let seen = |face: Face| (face, Frame::new(640, 480, vec![0; 640 * 480 * 3], ms(0)).expect("size"));
    let moved = |at: (f32, f32), half: f32| {
        let colour = Scene { at, half, ..scene(LIVE) };
        // The grey camera sees less around, a little to the left, with four times the pixels.
        let grey = Scene { at: (at.0 * 5.2 - 90.0, at.1 * 5.2 - 60.0), half: half * 5.2, ..colour };
        (colour, seen(grey.face()))
    };
    let all =
        [((75.0, 55.0), 20.0), ((85.0, 60.0), 17.0), ((60.0, 45.0), 25.0)].map(|(at, half)| moved(at, half));
    let frames = all.clone().map(|(colour, _)| (colour.colour(ms(0)), colour.face()));
    let pairs: Vec<_> = frames
        .iter()
        .zip(&all)
        .map(|((frame, face), (_, (other, grey)))| ((frame, face), (grey, other)))
        .collect();
    let placement = Placement::from_pairs(&pairs).expect("they agree");
    let near = |got: f32, expected: f32| (got - expected).abs() < 0.01;
    assert!(near(placement.scale, 1.3) && near(placement.x, -90.0 / 640.0), "{placement:?}");

    let (frame, face) = &frames[0];
    let (_, (grey_face, grey)) = &all[0];
    assert!(place::same(Some(placement), (frame, face), (grey, grey_face)));
    let mut aside = *grey_face;
    aside.bbox.x += 90.0;
    aside.landmarks.iter_mut().for_each(|p| p.x += 90.0);
    assert!(!place::same(Some(placement), (frame, face), (grey, &aside)));

    assert_eq!(Placement::from_pairs(&pairs[..2]), None);
    let mixed = [pairs[0], (pairs[1].0, pairs[2].1), (pairs[2].0, pairs[0].1)];
    assert_eq!(Placement::from_pairs(&mixed), None);
}

#[test]
fn grey_frames_of_another_size_and_faces_at_the_border_are_no_trouble() {
    let live = scene(LIVE);
    let small = |at| Frame::new(64, 64, vec![200; 64 * 64 * 3], at).expect("size");
    let mut infrared = Infrared::new(None);
    for frame in 0..8 {
        let at = ms(1000 + frame * 33);
        infrared.add(if frame % 2 == 0 { live.grey(at, true) } else { small(at) });
        let edge = Scene { at: (WIDTH as f32, HEIGHT as f32), ..live };
        infrared.see(&live.colour(at), &edge.face(), &[edge.face()]);
    }
    assert_eq!(infrared.score(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_faces_give_a_score_within_limits_or_none(
        numbers in prop::collection::vec(prop_oneof![-1e3_f32..1e3, any::<f32>()], 14),
        other in prop::collection::vec(prop_oneof![-1e3_f32..1e3, any::<f32>()], 14),
    ) {
        let face = |n: &[f32]| Face {
            bbox: crate::detect::Bbox { x: n[0], y: n[1], w: n[2], h: n[3] },
            landmarks: [4, 6, 8, 10, 12].map(|at| Point { x: n[at], y: n[at + 1] }),
            confidence: 0.9,
        };
        let frame = |at: u64, value: u8| Frame::new(32, 32, vec![value; 32 * 32 * 3], ms(at)).expect("size");
        let mut infrared = Infrared::new(Placement::from_pairs(&[]));
        for at in [10, 20, 30, 40] {
            infrared.add(frame(at, if at == 20 { 0 } else { 180 }));
            infrared.see(&frame(at, 100), &face(&numbers), &[face(&other), face(&numbers)]);
        }
        if let Some(Score(score)) = infrared.score() {
            prop_assert!((LIMITS.0..=LIMITS.1).contains(&score), "{}", score);
        }
    }
}
