use std::path::Path;

use super::*;
use crate::clock::BootTime;
use crate::detect::Point;
use crate::model::Manifest;

fn network() -> AttackNetwork {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let list = Manifest::load(&models).expect("models");
    AttackNetwork::new(list.attack("attack").expect("loads")).expect("runs")
}

fn bbox(x: f32, y: f32, w: f32, h: f32) -> Bbox {
    Bbox { x, y, w, h }
}

fn frame(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Frame {
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| [value(x, y); 3]);
    Frame::new(width, height, rgb.collect(), BootTime::default()).expect("a frame")
}

fn at(bbox: Bbox) -> Face {
    Face { bbox, landmarks: [Point::default(); 5], confidence: 1.0 }
}

#[test]
fn the_square_is_moved_inside_the_frame_and_never_larger() {
    let square = |face| Square::around(&face, 640, 480);
    assert_eq!(square(bbox(270.0, 180.0, 80.0, 100.0)), Square { x: 175, y: 95, side: 270 });
    assert_eq!(square(bbox(0.0, 0.0, 80.0, 100.0)), Square { x: 0, y: 0, side: 270 });
    assert_eq!(square(bbox(600.0, 400.0, 80.0, 100.0)), Square { x: 370, y: 210, side: 270 });
    assert_eq!(square(bbox(100.0, 50.0, 300.0, 400.0)), Square { x: 10, y: 0, side: 480 });
}

#[test]
fn a_box_that_makes_no_sense_still_gives_a_square_inside() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e9, 1e9, 0.0] {
        for face in
            [bbox(value, 10.0, 50.0, 50.0), bbox(10.0, 10.0, value, value), bbox(value, value, value, value)]
        {
            let Square { x, y, side } = Square::around(&face, 64, 48);
            assert!(side >= 1 && x + side <= 64 && y + side <= 48, "{value}: {x} {y} {side}");
        }
    }
}

#[test]
fn a_score_is_the_log_odds_of_the_probabilities() {
    let score = |logits: &[f32], live| log_odds(logits, live).map(|score| score.0);
    assert!(score(&[2.0, 0.0, 0.0], 0).is_some_and(|score| (score - (2.0 - 2.0_f32.ln())).abs() < 1e-6));
    assert_eq!(score(&[-500.0, 500.0, 400.0], 0), Some(-1000.0));
    assert_eq!(score(&[1.0, 4.0], 1), Some(3.0), "the live one may stand elsewhere");
    assert_eq!((score(&[1.0], 0), score(&[1.0, 2.0], 2), score(&[], 0)), (None, None, None));
}

#[test]
fn only_what_is_near_the_face_counts() {
    let (network, face) = (network(), at(bbox(200.0, 200.0, 40.0, 50.0)));
    let near = |x: u32, y: u32| (150..290).contains(&x) && (155..295).contains(&y);
    let ramp = |x: u32, y: u32| ((x * 3 + y * 5) % 251) as u8;
    let score = |frame: &Frame| network.score(frame, &face).expect("runs").0;
    let plain = score(&frame(480, 480, ramp));
    let elsewhere = score(&frame(480, 480, |x, y| if near(x, y) { ramp(x, y) } else { 0 }));
    let changed = score(&frame(480, 480, |x, y| if near(x, y) { ramp(y, x) / 2 } else { ramp(x, y) }));
    assert_eq!(plain, elsewhere);
    assert_ne!(plain, changed);
}

#[test]
fn the_smallest_frame_can_be_judged() {
    let small = frame(32, 32, |x, y| (x * y % 256) as u8);
    assert!(network().score(&small, &at(bbox(0.0, 0.0, 32.0, 32.0))).expect("runs").0.is_finite());
}

#[test]
fn another_kind_of_network_is_refused() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let list = Manifest::load(&models).expect("models");
    assert!(list.attack("sface").map(|_| ()).expect_err("an embedder").to_string().contains("attack"));
    let why = AttackNetwork::new(list.embedder("sface").expect("loads"))
        .map(|_| ())
        .expect_err("128 numbers")
        .to_string();
    assert!(why.contains("128 logits"), "{why}");
}

#[test]
fn an_input_that_is_no_square_is_refused() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::copy(models.join("yunet.onnx"), folder.path().join("yunet.onnx")).expect("copied");
    let list = std::fs::read_to_string(models.join("MODELS.toml")).expect("a list");
    let entry = &list[list.find("[yunet]").expect("there")..list.find("[mobilefacenet]").expect("there")];
    // Any size suits this network, as it does one that ends with a mean over the picture.
    let entry = entry
        .replace(r#"kind = "detector""#, r#"kind = "attack""#)
        .replace(r#"[1, 3, "height", "width"]"#, "[1, 3, 64, 128]");
    std::fs::write(folder.path().join("MODELS.toml"), entry).expect("written");
    let network = Manifest::load(folder.path()).and_then(|list| list.attack("yunet")).expect("loads");
    let why = AttackNetwork::new(network).map(|_| ()).expect_err("refused").to_string();
    assert!(why.contains("128x64 pixels, not a square"), "{why}");
}

#[test]
fn a_face_without_colour_cannot_be_judged() {
    let box_ = bbox(10.0, 10.0, 40.0, 40.0);
    let of = |pixel: [u8; 3]| {
        let rgb = pixel.repeat(64 * 64);
        colour(&Frame::new(64, 64, rgb, BootTime::default()).expect("a frame"), &box_)
    };
    assert!(of([120; 3]) < MIN_COLOUR && of([121, 120, 119]) < MIN_COLOUR, "grey, and what JPEG makes of it");
    assert!(of([150, 120, 100]) >= MIN_COLOUR, "skin");
    let grey = frame(64, 64, |_, _| 90);
    for far in
        [bbox(f32::NAN, 0.0, 9.0, 9.0), bbox(900.0, 900.0, 9.0, 9.0), bbox(0.0, 0.0, -9.0, f32::INFINITY)]
    {
        assert!(colour(&grey, &far) < MIN_COLOUR);
    }
    assert!(!network().can_judge(&grey, &at(box_)));
}
