use super::*;

fn bbox(x: f32, y: f32, w: f32, h: f32) -> Bbox {
    Bbox { x, y, w, h }
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
