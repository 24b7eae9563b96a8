use super::*;
use facelatch::detect::Bbox;
use image::Rgb;

/// Not one pixel like its neighbour, in middle tones.
fn picture() -> RgbImage {
    RgbImage::from_fn(120, 120, |x, y| Rgb([(60 + (x * 37 + y * 91) % 100) as u8, 120, (150 - y) as u8]))
}

fn face() -> Face {
    let p = |x, y| Point { x, y };
    Face {
        bbox: Bbox { x: 30.0, y: 20.0, w: 60.0, h: 80.0 },
        landmarks: [p(45.0, 50.0), p(75.0, 50.0), p(60.0, 65.0), p(48.0, 82.0), p(72.0, 82.0)],
        confidence: 0.9,
    }
}

fn spoilt(kind: &Kind, strength: f32, seed: u64) -> Vec<u8> {
    let random = &mut SplitMix64(seed);
    match kind.fault {
        Fault::Picture(spoil) => spoil(&picture(), &face(), strength, random).into_raw(),
        Fault::Landmarks(spoil) => {
            spoil(&face(), strength, random).landmarks.map(|p| p.x.to_bits().to_le_bytes()).concat()
        }
    }
}

fn kind(name: &str) -> &'static Kind {
    named(&[name.to_owned()]).expect("known")[0]
}

/// What stands at a place after a fault.
fn at(name: &str, strength: f32, x: usize, y: usize) -> [u8; 3] {
    let rgb = spoilt(kind(name), strength, 1);
    let at = (y * 120 + x) * 3;
    [rgb[at], rgb[at + 1], rgb[at + 2]]
}

#[test]
fn every_fault_changes_the_picture_differently_in_each_strength_and_the_same_each_time() {
    for kind in &KINDS {
        let all: Vec<_> = kind.strengths.iter().map(|strength| spoilt(kind, *strength, 1)).collect();
        for (strength, one) in kind.strengths.iter().zip(&all) {
            assert_ne!(one, picture().as_raw(), "{} {strength}", kind.name);
            assert_eq!(*one, spoilt(kind, *strength, 1), "{} {strength}", kind.name);
            assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "{} {strength}", kind.name);
        }
    }
}

#[test]
fn at_least_twelve_kinds_have_names_of_their_own() {
    let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == KINDS.len() && names.len() >= 12);
    let refused = named(&["dog".to_owned()]).err().expect("no such kind").to_string();
    assert!(refused.contains("dog") && refused.contains("dark glasses"), "{refused}");
    assert_eq!(named(&[]).map(|all| all.len()).ok(), Some(KINDS.len()));
}

#[test]
fn a_mask_covers_the_mouth_glasses_the_eyes_and_neither_the_other() {
    let as_it_is = |x, y| picture().get_pixel(x, y).0;
    assert_ne!(at("mask", 0.4, 60, 82), as_it_is(60, 82));
    assert_eq!(at("mask", 0.4, 45, 50), as_it_is(45, 50));
    assert_eq!(at("dark glasses", 0.3, 45, 50), [18, 18, 20]);
    assert_eq!(at("dark glasses", 0.3, 60, 82), as_it_is(60, 82));
    let (mouth, eye) = (at("mask and glasses", 0.4, 60, 82), at("mask and glasses", 0.4, 75, 50));
    assert!(mouth != as_it_is(60, 82) && eye == [18, 18, 20]);
}

#[test]
fn light_is_what_the_strength_says() {
    assert!(at("dark", 0.12, 60, 20)[1].abs_diff(14) < 10);
    assert_eq!(at("overexposed", 3.0, 60, 20)[1], 255);
    assert_eq!(at("negative", 1.0, 60, 20)[1], 135);
    let (left, right) = (at("half in shadow", 0.1, 40, 60)[1], at("half in shadow", 0.1, 80, 60)[1]);
    assert_eq!((left.min(right), left.max(right)), (12, 120));
}

#[test]
fn sizes_are_what_the_strength_says() {
    let sized = |name: &str, strength| match kind(name).fault {
        Fault::Picture(spoil) => spoil(&picture(), &face(), strength, &mut SplitMix64(1)).dimensions(),
        Fault::Landmarks(_) => (0, 0),
    };
    assert_eq!(sized("stretched", 0.5), (60, 120));
    let (width, height) = sized("cut by the border", 0.5);
    assert!([(60, 120), (120, 60), (120, 59), (59, 120)].contains(&(width, height)), "{width}x{height}");
}
