//! Rendered scenes.

use proptest::prelude::*;

use super::*;
use crate::camera::Frame;
use crate::clock::BootTime;

/// One pixel a cell. Places in the scene are those of a picture of 160x120.
const WIDTH: u32 = 48;
const HEIGHT: u32 = 36;

/// A room with a wall, a door frame, a table and a window, and what is in it.
#[derive(Clone)]
struct Scene {
    /// Exposure.
    gain: f32,
    /// A lamp to the right, and how bright it is.
    lamp: f32,
    /// Noise of one pixel, a standard deviation.
    noise: f32,
    /// Middle of a head, and its half width.
    person: Option<(f32, f32, f32)>,
    /// Something left on the floor.
    bag: bool,
    /// Light of each leaf of a tree in a corner.
    tree: Option<u64>,
    random: Random,
}

#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    /// Roughly normal, with a standard deviation of 1.
    fn normal(&mut self) -> f32 {
        ((0..4).map(|_| self.next()).sum::<f32>() - 2.0) * 3_f32.sqrt()
    }
}

fn room() -> Scene {
    Scene { gain: 1.0, lamp: 0.0, noise: 3.0, person: None, bag: false, tree: None, random: Random(7) }
}

impl Scene {
    fn light(&self, x: f32, y: f32) -> f32 {
        let wall = 90.0 + 40.0 * (x / 160.0);
        let mut light = match () {
            () if (20.0..50.0).contains(&x) && (10.0..50.0).contains(&y) => 200.0, // window
            () if (70.0..73.0).contains(&x) => 30.0,                               // door frame
            () if y > 95.0 => 55.0,                                                // floor
            () => wall,
        };
        if self.tree.is_some() && x > 130.0 && y < 40.0 {
            let leaf = self.tree.unwrap_or(0) ^ (((x as u64 / 4) << 8) | (y as u64 / 4));
            light = if Random(leaf.wrapping_mul(0x9E37_79B9_7F4A_7C15)).next() < 0.5 { 60.0 } else { 180.0 };
        }
        if self.bag && (100.0..125.0).contains(&x) && y > 90.0 {
            light = 150.0;
        }
        if let Some((head_x, head_y, size)) = self.person {
            let (across, down) = ((x - head_x) / size, (y - head_y) / size);
            if across * across + down * down / 1.7 < 1.0 {
                light = 150.0 - 25.0 * across;
            } else if down > 1.0 && across.abs() < 2.2 {
                light = 40.0; // a coat
            }
        }
        let away = ((x - 150.0).powi(2) + (y - 30.0).powi(2)).sqrt() / 60.0;
        self.gain * (light + self.lamp / (1.0 + away * away))
    }

    fn grey(&mut self) -> Grey {
        let mut rgb = Vec::new();
        for at in 0..WIDTH * HEIGHT {
            let scale = 160.0 / WIDTH as f32;
            let (x, y) = ((at % WIDTH) as f32 * scale, (at / WIDTH) as f32 * scale);
            let light = self.light(x, y) + self.noise / 2.0 * self.random.normal();
            rgb.extend([light.clamp(0.0, 255.0) as u8; 3]);
        }
        Grey::of(&Frame::new(WIDTH, HEIGHT, rgb, BootTime::default()).expect("a frame"), 80)
    }

    /// How many of so many pictures show motion.
    fn moves(&mut self, motion: &mut Motion, pictures: usize) -> usize {
        (0..pictures).filter(|_| motion.see(&self.grey()).is_motion()).count()
    }

    /// The same with something else in each picture.
    fn film(
        &mut self,
        motion: &mut Motion,
        pictures: usize,
        mut change: impl FnMut(&mut Self, usize),
    ) -> usize {
        let mut moves = 0;
        for picture in 0..pictures {
            change(self, picture);
            moves += self.moves(motion, 1);
        }
        moves
    }
}

/// A room that is known, and what knows it.
fn known(mut room: Scene) -> (Scene, Motion) {
    let mut motion = Motion::default();
    assert_eq!(room.moves(&mut motion, 60), 0, "an empty room");
    (room, motion)
}

/// Somebody comes in from the left and stands in the middle.
fn come_in(scene: &mut Scene, picture: usize) {
    scene.person = Some(((picture as f32 * 10.0 - 10.0).min(90.0), 50.0, 12.0));
}

#[test]
fn noise_is_no_motion_in_the_light_and_in_the_dark() {
    for (gain, noise) in [(1.0, 0.0), (1.0, 3.0), (1.0, 12.0), (0.15, 6.0), (2.0, 4.0)] {
        for seed in 1..3 {
            let mut scene = Scene { gain, noise, random: Random(seed), ..room() };
            let mut motion = Motion::default();
            assert_eq!(scene.moves(&mut motion, 60), 0, "exposure {gain}, noise {noise}, seed {seed}");
        }
    }
}

#[test]
fn somebody_who_comes_in_is_noticed_at_once() {
    for (gain, noise) in [(1.0, 0.0), (1.0, 3.0), (1.0, 10.0), (0.3, 4.0), (1.6, 4.0)] {
        let (mut scene, mut motion) = known(Scene { gain, noise, ..room() });
        let moves = scene.film(&mut motion, 12, come_in);
        assert!(moves >= 11, "exposure {gain}, noise {noise}: {moves} of 12");
    }
}

#[test]
fn exposure_is_no_motion_and_hides_none() {
    let (mut scene, mut motion) = known(room());
    for gain in [1.15, 0.8, 1.25, 0.6, 1.0] {
        scene.gain = gain;
        assert_eq!(scene.moves(&mut motion, 10), 0, "{gain}");
    }
    let drift = |scene: &mut Scene, picture: usize| scene.gain = 1.0 - 0.6 * picture as f32 / 200.0;
    assert_eq!(scene.film(&mut motion, 200, drift), 0, "dusk");
    let moves = scene.film(&mut motion, 12, |scene, picture| {
        come_in(scene, picture);
        scene.gain = if picture % 2 == 0 { 0.4 } else { 0.5 };
    });
    assert!(moves >= 10, "{moves}");
}

#[test]
fn a_lamp_that_is_switched_is_over_in_seconds() {
    let (mut scene, mut motion) = known(room());
    for lamp in [150.0, 0.0, 80.0, 0.0] {
        scene.lamp = lamp;
        let moves = scene.moves(&mut motion, 20);
        assert!(moves <= 16, "lamp {lamp}: {moves} of 20");
        assert_eq!(scene.moves(&mut motion, 40), 0, "lamp {lamp}");
    }
    scene.lamp = 150.0;
    scene.moves(&mut motion, 20);
    assert!(scene.film(&mut motion, 12, come_in) >= 10, "and somebody is noticed in its light");
}

#[test]
fn what_is_left_becomes_background_and_leaves_no_ghost() {
    let (mut scene, mut motion) = known(room());
    scene.bag = true;
    assert!(scene.moves(&mut motion, 3) == 3);
    scene.moves(&mut motion, 17);
    assert_eq!(scene.moves(&mut motion, 40), 0, "it lies there");
    scene.film(&mut motion, 60, come_in);
    scene.person = None;
    scene.moves(&mut motion, 20);
    assert_eq!(scene.moves(&mut motion, 40), 0, "they have left");
}

#[test]
fn somebody_who_stands_there_and_moves_is_noticed_on_and_on() {
    let (mut scene, mut motion) = known(room());
    scene.film(&mut motion, 20, come_in);
    // A head that sways by a third of its width every two seconds.
    let moves = scene.film(&mut motion, 80, |scene, picture| {
        scene.person = Some((90.0 + 4.0 * (picture as f32 * 0.8).sin(), 50.0, 12.0));
    });
    assert!(moves >= 60, "{moves} of 80");
}

#[test]
fn a_tree_in_a_corner_is_learned_and_somebody_is_not() {
    let (mut scene, mut motion) = known(room());
    let wind = |scene: &mut Scene, picture: usize| scene.tree = Some(picture as u64);
    let first = scene.film(&mut motion, 40, wind);
    assert!(first > 20, "at first it is motion: {first}");
    scene.film(&mut motion, 600, wind);
    assert_eq!(scene.film(&mut motion, 100, wind), 0, "after minutes it is not");
    let moves = scene.film(&mut motion, 12, |scene, picture| {
        wind(scene, picture);
        come_in(scene, picture);
    });
    assert!(moves >= 10, "{moves}");
    // The wind is over, and the corner is watched again.
    scene.person = None;
    scene.moves(&mut motion, 400);
    let moves = scene.film(&mut motion, 12, |scene, picture| {
        scene.person = Some((140.0, 60.0 - 4.0 * picture as f32, 10.0));
    });
    assert!(moves >= 8, "{moves}");
}

#[test]
fn a_door_that_is_used_all_day_goes_blind_nowhere() {
    let (mut scene, mut motion) = known(room());
    for visit in 0..6 {
        let moves = scene.film(&mut motion, 12, come_in);
        assert!(moves >= 10, "visit {visit}: {moves}");
        // They stand there for ten seconds and move a little.
        scene.film(&mut motion, 40, |scene, picture| {
            scene.person = Some((90.0 + 3.0 * (picture as f32 * 0.9).sin(), 50.0, 12.0));
        });
        scene.person = None;
        scene.moves(&mut motion, 60);
    }
}

#[test]
fn another_scene_is_learned_at_once_and_another_size_begins_anew() {
    let (mut scene, mut motion) = known(room());
    let white = Frame::new(
        WIDTH,
        HEIGHT,
        (0..WIDTH * HEIGHT).flat_map(|at| [(at * 89 % 256) as u8; 3]).collect(),
        BootTime::default(),
    );
    let other = Grey::of(&white.expect("a frame"), 80);
    assert!(motion.see(&other).0 > OTHER_SCENE);
    assert!((0..10).all(|_| !motion.see(&other).is_motion()));
    let small = Frame::new(64, 48, vec![9; 64 * 48 * 3], BootTime::default()).expect("a frame");
    let small = Grey::of(&small, 80);
    assert!((0..10).all(|_| motion.see(&small).0 == 0.0));
    assert!(!motion.see(&scene.grey()).is_motion(), "and back");
}

proptest! {
    #[test]
    fn whatever_it_sees_the_share_is_one(pictures in prop::collection::vec(prop::collection::vec(any::<u8>(), 36 * 32), 1..12)) {
        let mut motion = Motion::default();
        for levels in pictures {
            let rgb = levels.iter().flat_map(|level| [*level; 3]).collect();
            let frame = Frame::new(36, 32, rgb, BootTime::default()).expect("a frame");
            let change = motion.see(&Grey::of(&frame, 80));
            prop_assert!((0.0..=1.0).contains(&change.0));
        }
    }
}
