use super::*;
use crate::detect::attack::rig::{Random, Stand, head, seen};

fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

#[test]
fn a_homography_carries_the_four_points_and_all_others_of_the_plane() {
    let from = [point(10.0, 20.0), point(90.0, 15.0), point(20.0, 110.0), point(80.0, 120.0)];
    let known = Homography([[1.1, 0.2, 5.0], [-0.1, 0.9, 3.0], [0.001, -0.0005, 1.0]]);
    let carried = |p: Point| known.apply(p).map(|(x, y)| point(x as f32, y as f32)).unwrap();
    let found = Homography::between(&from, &from.map(carried)).unwrap();
    for p in from.into_iter().chain([point(50.0, 60.0), point(0.0, 0.0), point(200.0, 40.0)]) {
        let ((x, y), wanted) = (found.apply(p).unwrap(), carried(p));
        assert!(
            (x - f64::from(wanted.x)).hypot(y - f64::from(wanted.y)) < 1e-3,
            "{p:?} is carried to {x}, {y}"
        );
    }
}

#[test]
fn points_on_a_line_have_no_homography() {
    let square = [point(0.0, 0.0), point(1.0, 0.0), point(0.0, 1.0), point(1.0, 1.0)];
    let cases = [
        [point(0.0, 0.0); 4],
        [point(0.0, 0.0), point(1.0, 0.0), point(2.0, 0.0), point(3.0, 0.0)],
        [point(f32::NAN, 0.0), point(1.0, 0.0), point(0.0, 1.0), point(1.0, 1.0)],
    ];
    for line in cases {
        assert!(
            Homography::between(&line, &square).is_none() && Homography::between(&square, &line).is_none()
        );
    }
}

#[test]
fn a_plane_has_no_parallax_however_it_is_seen() {
    let mut random = Random(1);
    let picture = head(0.0);
    let straight = seen(&picture, Stand::straight(), 0.0, &mut random);
    for _ in 0..500 {
        let stand = Stand {
            yaw: random.within(-60.0, 60.0),
            pitch: random.within(-50.0, 50.0),
            roll: random.within(-40.0, 40.0),
            distance: random.within(4.0, 20.0),
        };
        let face = seen(&picture, stand, 0.0, &mut random);
        let parallax = Parallax::between(&straight.landmarks, &face).unwrap();
        assert!(parallax.x.hypot(parallax.y) < 1e-4, "{parallax:?}");
    }
}

#[test]
fn a_nose_moves_by_its_depth_and_to_the_side_of_the_turn() {
    let mut random = Random(2);
    let far = |yaw| Stand { distance: 1e6, ..Stand::turned(yaw) };
    let straight = seen(&head(0.4), far(0.0), 0.0, &mut random);
    for yaw in [-50.0_f64, -20.0, -5.0, 0.0, 5.0, 30.0, 60.0] {
        let parallax =
            Parallax::between(&straight.landmarks, &seen(&head(0.4), far(yaw), 0.0, &mut random)).unwrap();
        let wanted = 0.4 * yaw.to_radians().tan();
        assert!((parallax.x - wanted).abs() < 1e-3 && parallax.y.abs() < 1e-3, "{yaw} degrees: {parallax:?}");
    }
}
