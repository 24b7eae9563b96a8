use std::time::Duration;

use super::*;
use crate::detect::{Bbox, Point};

/// The brightness of a frame, as its score.
struct Light;

impl FrameScore for Light {
    fn id(&self) -> &str {
        "light"
    }

    fn score(&self, frame: &Frame, _: &Face) -> Result<Score, ModelError> {
        Ok(Score(f32::from(frame.rgb()[0]) - 100.0))
    }
}

fn frame(light: u8, ms: u64) -> Frame {
    Frame::new(64, 64, vec![light; 64 * 64 * 3], BootTime(Duration::from_millis(ms))).expect("a frame")
}

/// The nose so far from the middle of the eyes.
fn face(yaw: f32) -> Face {
    let p = |x, y| Point { x, y };
    Face {
        bbox: Bbox { x: 10.0, y: 10.0, w: 40.0, h: 40.0 },
        landmarks: [p(20.0, 20.0), p(40.0, 20.0), p(30.0 + 20.0 * yaw, 30.0), p(22.0, 40.0), p(38.0, 40.0)],
        confidence: 0.9,
    }
}

fn passive(threshold: f32) -> Passive {
    Passive::new(Arc::new(Light), Bar { threshold, margin: 0.0 })
}

/// What comes of frames of this light.
fn judged(mut passive: Passive, lights: &[u8]) -> Presentation {
    for (at, light) in (1..).zip(lights) {
        passive.see(&frame(*light, at * 100), &face(0.0)).expect("scores");
    }
    passive.judge(&[])
}

#[test]
fn the_mean_of_several_frames_decides() {
    assert_eq!(judged(passive(2.0), &[101, 102]), Presentation::MoreNeeded(Need::Frames));
    assert_eq!(judged(passive(2.0), &[90, 110, 106]), Presentation::Live(Score(2.0)));
    assert_eq!(judged(passive(2.0), &[110, 90, 105]), Presentation::Attack(Species::Flat));
}

#[test]
fn what_is_close_takes_more_frames_and_ten_decide() {
    let close = || Passive::new(Arc::new(Light), Bar { threshold: 2.0, margin: 5.0 });
    assert_eq!(judged(close(), &[107; 3]), Presentation::Live(Score(7.0)));
    assert_eq!(judged(close(), &[96; 3]), Presentation::Attack(Species::Flat));
    assert_eq!(judged(close(), &[97; 3]), Presentation::MoreNeeded(Need::Frames));
    assert_eq!(judged(close(), &[106; 9]), Presentation::MoreNeeded(Need::Frames));
    assert_eq!(judged(close(), &[103; MAX_FRAMES]), Presentation::Live(Score(3.0)));
    assert_eq!(judged(close(), &[101; MAX_FRAMES]), Presentation::Attack(Species::Flat));
}

#[test]
fn what_is_close_is_decided_by_frames_of_one_second() {
    for (ms, presentation) in
        [(499, Presentation::MoreNeeded(Need::Frames)), (500, Presentation::Live(Score(3.0)))]
    {
        let mut close = Passive::new(Arc::new(Light), Bar { threshold: 2.0, margin: 5.0 });
        close.see(&frame(90, 1), &face(0.3)).expect("turned away, which starts no clock");
        for at in 0..3 {
            close.see(&frame(103, 700 + at * ms), &face(0.0)).expect("scores");
        }
        assert_eq!(close.judge(&[]), presentation);
    }
}

#[test]
fn where_no_more_frames_come_nothing_is_too_close_to_tell() {
    for (light, presentation) in
        [(102, Presentation::Live(Score(2.0))), (101, Presentation::Attack(Species::Flat))]
    {
        let mut close = Passive::new(Arc::new(Light), Bar { threshold: 2.0, margin: 5.0 });
        for at in 1..=2 {
            close.see(&frame(light, at), &face(0.0)).expect("scores");
        }
        assert_eq!(close.judge_at_end(&[]), Presentation::MoreNeeded(Need::Frames), "two are too few");
        close.see(&frame(light, 3), &face(0.0)).expect("scores");
        close.see(&frame(light, 4), &face(0.3)).expect("turned away, and no evidence");
        assert_eq!(close.judge(&[]), Presentation::MoreNeeded(Need::LookStraight));
        assert_eq!(close.judge_at_end(&[]), presentation);
    }
}

#[test]
fn a_face_that_is_turned_is_no_evidence() {
    let mut passive = passive(0.0);
    for ms in 1..10 {
        assert_eq!(passive.see(&frame(200, ms), &face(0.3)).expect("scores"), None);
    }
    assert_eq!(passive.judge(&[]), Presentation::MoreNeeded(Need::LookStraight));
}

#[test]
fn frames_that_are_doubled_or_out_of_order_are_left_out() {
    let mut passive = passive(0.0);
    for ms in [100, 100, 90, 100, 200, 150, 200] {
        passive.see(&frame(200, ms), &face(0.0)).expect("scores");
    }
    assert_eq!(passive.judge(&[]), Presentation::MoreNeeded(Need::Frames), "two of them are new");
}

#[test]
fn cues_add_to_the_score_and_the_worst_one_names_the_attack() {
    let mut passive = passive(2.0);
    for at in 1..=3 {
        passive.see(&frame(101, at), &face(0.0)).expect("scores");
    }
    let with = |screen: Option<f32>, print: Option<f32>| {
        let cue = |score: Option<f32>, species| CueScore { score: score.map(Score), species };
        passive.judge(&[cue(screen, Species::Screen), cue(print, Species::Print)])
    };
    assert_eq!(with(None, None), Presentation::Attack(Species::Flat));
    assert_eq!(with(Some(2.0), None), Presentation::Live(Score(3.0)));
    assert_eq!(with(Some(0.5), Some(-0.5)), Presentation::Attack(Species::Print));
    assert_eq!(with(Some(f32::NAN), Some(9.0)), Presentation::Attack(Species::Flat));
}

fn points() -> OperatingPoints {
    OperatingPoints { bpcer: vec![0.01, 0.05], threshold: vec![-1.0, 1.0], live_median: 4.0, margin: 2.0 }
}

#[test]
fn the_owners_frames_move_the_threshold_within_limits() {
    let detector = PassiveDetector::new(Arc::new(Light), &points(), 0.05).expect("has a threshold");
    let threshold = |median: Option<f32>| detector.decision(median.map(Score)).bar.threshold;
    assert_eq!(threshold(None), 1.0);
    assert_eq!(threshold(Some(4.5)), 1.5);
    assert_eq!(threshold(Some(90.0)), 1.0 + MAX_OFFSET);
    assert_eq!(threshold(Some(-90.0)), 1.0 - MAX_OFFSET);
    assert_eq!(threshold(Some(f32::NAN)), 1.0);
    assert_eq!(detector.decision(None).bar.margin, 2.0);
    let generous = Bar { threshold: -1.0, margin: 0.0 };
    assert_eq!(detector.enrolment().bar, generous, "generous, and without an offset");
}

#[test]
fn a_share_that_the_network_has_no_threshold_for_is_refused() {
    for bpcer in [0.001, 0.06, f32::NAN] {
        assert!(PassiveDetector::new(Arc::new(Light), &points(), bpcer).is_none(), "{bpcer}");
    }
}

#[test]
fn the_median_of_a_few_frames_calibrates_and_fewer_say_nothing() {
    assert_eq!(calibration(vec![1.0, 9.0]), None);
    assert_eq!(calibration(vec![5.0, -70.0, 3.0]), Some(Score(3.0)));
}

#[test]
fn frames_that_the_network_was_not_made_for_are_no_evidence() {
    struct Never;
    impl FrameScore for Never {
        fn id(&self) -> &str {
            "never"
        }

        fn score(&self, _: &Frame, _: &Face) -> Result<Score, ModelError> {
            Ok(Score(9.0))
        }

        fn can_judge(&self, _: &Frame, _: &Face) -> bool {
            false
        }
    }
    let judged =
        judged(Passive::new(Arc::new(Never), Bar { threshold: 0.0, margin: 0.0 }), &[200, 200, 200, 200]);
    assert_eq!(judged, Presentation::MoreNeeded(Need::Colour));
}
