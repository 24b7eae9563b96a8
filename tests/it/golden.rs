//! Compares each stage with frozen values from an independent runtime (`models/build/golden.py`): a difference names
//! the stage it occurred in. Tolerances and their reasons are in `tests/data/golden/README.md`.

use std::path::{Path, PathBuf};

use facelatch::camera::Frame;
use facelatch::camera::decode::decode_picture;
use facelatch::clock::BootTime;
use facelatch::detect::attack::network::AttackNetwork;
use facelatch::detect::{Bbox, Detector, Face, Point};
use facelatch::embed::{Chip, Embedder, Embedding, align};
use facelatch::head::file::Wanted;
use facelatch::head::project::RawProjection;
use facelatch::head::{Head, LogOdds};
use facelatch::model::Manifest;
use serde_json::Value;

/// Side of the detector input used for the golden values, in pixels.
const SIDE_PX: usize = 320;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str) -> PathBuf {
    root().join("tests/data/golden").join(name)
}

fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(golden(name)).expect("golden file");
    serde_json::from_str(&text).expect("JSON")
}

fn picture(path: &Path) -> Frame {
    let bytes = std::fs::read(path).expect("picture");
    let (width, height, rgb) = decode_picture(&bytes).expect("decodes");
    Frame::new(width, height, rgb, BootTime::default()).expect("a frame")
}

fn manifest() -> Manifest {
    Manifest::load(&root().join("models")).expect("models")
}

fn detector() -> Detector {
    Detector::new(manifest().detector("yunet", SIDE_PX).expect("loads"), 0.6).expect("YuNet")
}

fn embedder(name: &str) -> Embedder {
    Embedder::new(manifest().embedder(name).expect("loads"))
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().expect("array").iter().map(|v| v.as_f64().expect("number") as f32).collect()
}

fn face(value: &Value) -> Face {
    let bbox = numbers(&value["box"]);
    let points: Vec<Point> = value["points"]
        .as_array()
        .expect("points")
        .iter()
        .map(numbers)
        .map(|p| Point { x: p[0], y: p[1] })
        .collect();
    Face {
        bbox: Bbox { x: bbox[0], y: bbox[1], w: bbox[2], h: bbox[3] },
        landmarks: points.try_into().expect("five points"),
        confidence: value["score"].as_f64().expect("score") as f32,
    }
}

fn wanted_faces(file: &Value) -> Vec<Face> {
    let mut faces: Vec<Face> = file["faces"].as_array().expect("faces").iter().map(face).collect();
    faces.sort_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
    faces
}

/// Asserts that no coordinate of a face is off by more than `most_px`, and the mean by at most half of it.
fn assert_same_faces(name: &str, got: &[Face], wanted: &[Face], most_px: f32) {
    assert_eq!(got.len(), wanted.len(), "{name}: number of faces");
    for (got, wanted) in got.iter().zip(wanted) {
        let corners = |f: &Face| [f.bbox.x, f.bbox.y, f.bbox.x + f.bbox.w, f.bbox.y + f.bbox.h];
        let points = |f: &Face| f.landmarks.map(|p| [p.x, p.y]).concat();
        let (a, b) =
            ([&corners(got)[..], &points(got)].concat(), [&corners(wanted)[..], &points(wanted)].concat());
        let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
        let (most, mean) = (off.clone().fold(0.0, f32::max), off.sum::<f32>() / a.len() as f32);
        assert!(most <= most_px, "{name}: box or landmarks are off by {most} pixels");
        assert!(mean <= most_px / 2.0, "{name}: box and landmarks are off by {mean} pixels on average");
    }
}

fn cosine(a: &Embedding, wanted: &Value) -> f32 {
    let wanted = Embedding::new(numbers(wanted)).expect("embedding");
    a.values().iter().zip(wanted.values()).map(|(a, b)| a * b).sum()
}

#[test]
fn network_and_decoding_find_the_faces_of_a_lossless_input() {
    let detector = detector();
    for name in ["obama-1", "two-faces", "far"] {
        let frame = picture(&golden(&format!("{name}.letterbox.png")));
        let wanted = wanted_faces(&json(&format!("{name}.letterbox.json")));
        // Two correct programs may round a value between two int8 levels differently, and one level of the heads moves
        // a point by a third of a pixel (README of the golden files).
        assert_same_faces(name, &detector.detect(&frame).expect("runs"), &wanted, 1.0);
    }
}

#[test]
fn alignment_cuts_the_same_chip() {
    for name in ["obama-1", "two-faces", "far"] {
        let file = json(&format!("{name}.letterbox.json"));
        let frame = picture(&golden(&format!("{name}.letterbox.png")));
        let chip = align::align(&frame, &face(&file["faces"][0]));
        let wanted = picture(&golden(&format!("{name}.letterbox-chip.png")));
        let off = chip.rgb().iter().zip(wanted.rgb()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(1), "{name}: a pixel is off by {off:?} levels");
    }
}

#[test]
fn a_lossless_chip_gives_the_same_embedding() {
    for (embedder_name, least) in [("sface", 0.998), ("mobilefacenet", 0.996)] {
        let embedder = embedder(embedder_name);
        for name in ["obama-1", "obama-3", "biden", "astronaut"] {
            let chip = picture(&golden(&format!("{name}.chip.png")));
            let chip = Chip::from_rgb(chip.rgb().to_vec()).expect("112x112");
            let got = embedder.embed(&chip).expect("runs").embedding;
            let likeness = cosine(&got, &json(&format!("{name}.json"))["embeddings"][embedder_name]);
            assert!(likeness >= least, "{embedder_name}, {name}: cosine {likeness}");
        }
    }
}

#[test]
fn the_whole_pipeline_from_a_jpeg_agrees() {
    let (detector, embedder) = (detector(), embedder("sface"));
    for name in ["obama-1", "obama-3", "biden", "astronaut", "two-faces", "coffee", "rocket", "black"] {
        let file = json(&format!("{name}.json"));
        let frame = picture(&root().join("tests/data/faces").join(format!("{name}.jpg")));
        let found = detector.detect(&frame).expect("runs");
        let scale = file["scale"].as_f64().expect("scale") as f32;
        assert_same_faces(name, &found, &wanted_faces(&file), 1.0 / scale);
        if let [face] = found.as_slice() {
            let got = embedder.embed_face(&frame, face).expect("runs").embedding;
            let likeness = cosine(&got, &file["embeddings"]["sface"]);
            // Points off by half a pixel of the detector's input give a different chip (0.974 seen).
            assert!(likeness >= 0.96, "{name}: cosine {likeness}");
        }
    }
}

#[test]
fn the_attack_network_scores_a_lossless_input_alike() {
    let network = AttackNetwork::new(manifest().attack("attack").expect("loads")).expect("runs");
    for wanted in json("attack.json")["faces"].as_array().expect("faces") {
        let frame = picture(&golden(wanted["input"].as_str().expect("input")));
        let got = network.score(&frame, &face(wanted)).expect("runs").0;
        let logits = numbers(&wanted["logits"]);
        let expected = logits[0] - (logits[1].exp() + logits[2].exp()).ln();
        assert!((got - expected).abs() < 0.5, "{}: {got}, wanted {expected}", wanted["input"]);
    }
}

#[test]
fn head_scores_frozen_pairs_as_written() {
    let file = json("scores.sface.json");
    let number = |value: &Value| value.as_f64().expect("number");
    let embedder = embedder("sface");
    let wanted = Wanted::of(&embedder);
    let shipped = Head::load(&root().join("models/sface.head.toml"), wanted).expect("the shipped head works");
    assert!(shipped.identical_pair() > shipped.threshold());
    let projection: RawProjection =
        serde_json::from_value(file["projection"].clone()).expect("rotations and seed");
    let projection = projection.build(embedder.length(), Path::new("")).expect("works");
    let alpha = vec![number(&file["alpha"]) as f32; projection.rows()];
    let numbers_of_head = (number(&file["bias"]) as f32, alpha);
    let head = Head::with_projection(
        Path::new("golden"),
        numbers_of_head,
        Some(projection),
        number(&file["threshold"]),
    )
    .expect("works");
    let embedding = |name: &Value| {
        let file = json(&format!("{}.json", name.as_str().expect("name")));
        Embedding::new(numbers(&file["embeddings"]["sface"])).expect("embedding")
    };
    for pair in file["pairs"].as_array().expect("pairs") {
        let LogOdds(z) = head.log_odds(&embedding(&pair["a"]), &embedding(&pair["b"]));
        let p = head.probability(&embedding(&pair["a"]), &embedding(&pair["b"])).value();
        assert!(
            (f64::from(z) - number(&pair["z"])).abs() < 1e-3 && (p - number(&pair["p"])).abs() < 1e-4,
            "{pair}: {z}, {p}"
        );
    }
}
