use super::*;

/// A clip of one picture: grey, with a white square in the middle and a red one at the upper left.
fn clip() -> [Picture; 1] {
    let colour = |x: usize, y: usize| match (x, y) {
        (140..180, 100..140) => [255; 3],
        (0..40, 0..40) => [220, 20, 20],
        _ => [120; 3],
    };
    let rgb = (0..320 * 240).flat_map(|i| colour(i % 320, i / 320)).collect();
    [Picture::new(320, 240, rgb).expect("a picture")]
}

/// A small one, for speed.
fn shot(clip: &[Picture], species: Species, seed: u64) -> Shot<'_> {
    Shot { size: (320, 240), ..Shot::new(clip, species, seed) }
}

fn mean(picture: &Picture, middle: [f32; 2], reach: i32) -> [f32; 3] {
    let mut sum = [0.0; 3];
    let mut count = 0.0;
    for (dx, dy) in (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy))) {
        let (x, y) = (middle[0] as i32 + dx, middle[1] as i32 + dy);
        assert!((0..picture.width() as i32).contains(&x) && (0..picture.height() as i32).contains(&y));
        let at = 3 * (y as usize * picture.width() as usize + x as usize);
        for (sum, value) in sum.iter_mut().zip(&picture.rgb()[at..at + 3]) {
            *sum += f32::from(*value);
        }
        count += 1.0;
    }
    sum.map(|sum| sum / count)
}

#[test]
fn what_is_true_is_what_is_seen_of_every_species() {
    let clip = clip();
    for (name, species) in Species::ALL {
        let eyes = Some([[60.0, 200.0], [90.0, 200.0]]);
        for seed in 0..3 {
            let shot = Shot { eyes, ..shot(&clip, species, seed) };
            let rendering = Rendering::new(&shot).expect("renders");
            let frame = rendering.frame(3).expect("a frame");
            let [white, grey] =
                [[160.0, 120.0], [160.0, 180.0]].map(|at| mean(&frame, rendering.place(3, at), 4));
            assert!(white[1] > grey[1] + 20.0, "{name} {seed}: {white:?} {grey:?}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_frames_and_another_seed_others() {
    let clip = clip();
    let seven = shot(&clip, Species::Phone, 7);
    let [one, same] = [0, 1].map(|_| render(&seven, 2).expect("frames"));
    assert!(one.iter().zip(&same).all(|(a, b)| a.rgb() == b.rgb()));
    let other = render(&Shot { seed: 8, ..seven }, 1).expect("a frame");
    assert!(one[0].rgb() != other[0].rgb());
}

#[test]
fn a_flat_object_keeps_four_points_on_a_line_of_the_frame_in_line() {
    let clip = clip();
    let off = |species, motion| {
        let shot = Shot { motion, ..shot(&clip, species, 3) };
        let rendering = Rendering::new(&shot).expect("renders");
        let worst = (0..45).map(|index| {
            let [a, b, c] = [60.0, 160.0, 260.0].map(|x| rendering.place(index, [x, 120.0]));
            let (dx, dy) = (c[0] - a[0], c[1] - a[1]);
            ((b[0] - a[0]) * dy - (b[1] - a[1]) * dx).abs() / dx.hypot(dy)
        });
        worst.fold(0.0, f32::max)
    };
    assert!(off(Species::Phone, Motion::Tilting) < 0.01);
    assert!(off(Species::BentPrint, Motion::Still) > 0.5);
}

#[test]
fn a_film_goes_on_and_a_still_does_not() {
    let dark = Picture::new(320, 240, vec![30; 320 * 240 * 3]).expect("a picture");
    let [bright] = clip();
    let clip = [bright, dark];
    let light = |film, species| {
        let shot = Shot { film, ..shot(&clip, species, 1) };
        let rendering = Rendering::new(&shot).expect("renders");
        mean(&rendering.frame(1).expect("a frame"), rendering.place(1, [160.0, 120.0]), 6)[1]
    };
    assert!(light(false, Species::Tablet) > light(true, Species::Tablet) + 40.0);
    assert!(light(true, Species::Print) > 90.0, "paper does not move");
}

#[test]
fn what_cannot_be_rendered_is_refused() {
    let clip = clip();
    let good = shot(&clip, Species::Print, 1);
    let small = Picture::new(4, 4, vec![0; 48]).expect("a picture");
    let mixed = [clip[0].clone(), small];
    let why = |shot: Shot<'_>| render(&shot, 1).err().unwrap_or_default();
    assert!(why(Shot { clip: &[], ..good.clone() }).contains("no frame"));
    assert!(why(Shot { clip: &mixed, ..good.clone() }).contains("4x4"));
    assert!(why(Shot { size: (641, 480), ..good.clone() }).contains("641"));
    assert!(why(Shot { fps: 0.0, ..good.clone() }).contains("frames a second"));
    assert!(why(Shot { clip_fps: f32::NAN, ..good.clone() }).contains("frames a second"));
    assert!(why(Shot { species: Species::CutPrint, ..good.clone() }).contains("eyes"));
    assert_eq!(why(good), "");
    assert!(Picture::new(2, 2, vec![0; 11]).is_err() && Picture::new(0, 2, Vec::new()).is_err());
}

#[test]
fn the_median_of_a_clip_is_its_background() {
    let frame = |value: u8| Picture::new(2, 2, vec![value; 12]).expect("a picture");
    let clip = [frame(10), frame(11), frame(240)];
    assert_eq!(learned(&clip).expect("a picture").rgb(), [11; 12]);
    assert!(learned(&[]).is_none());
}

#[test]
fn a_room_is_drawn_and_the_same_for_a_seed() {
    let room = |seed| room((320, 240), seed).expect("a room");
    let (one, again, other) = (room(1), room(1), room(2));
    assert!(one.rgb() == again.rgb() && one.rgb() != other.rgb());
    assert_eq!((one.width(), one.height()), (320, 240));
    assert!(crate::room((321, 240), 1).is_err_and(|why| why.contains("321")));
}
