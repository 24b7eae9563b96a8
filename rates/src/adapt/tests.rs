use super::*;
use std::path::Path;

fn head() -> Head {
    // Identical faces score 10, and each degree apart costs about 0.35 at first; the threshold is 3.5.
    let p = LogOdds(3.5).probability().value();
    Head::new(Path::new("test"), 10.0, vec![-14.0, -14.0], p).expect("works")
}

fn at(degrees: f32) -> Vec<f32> {
    let (y, x) = degrees.to_radians().sin_cos();
    vec![x, y]
}

/// An impostor at 80 degrees who steps there from 0; where their own face stands afterwards.
fn drifted(rule: Rule) -> (usize, bool) {
    let (head, enrolled, faces) = (head(), [0.0, 1.0, 2.0, 3.0].map(at), (1..=80).map(|d| at(d as f32)));
    let faces: Vec<Vec<f32>> = faces.collect();
    let mut bank = Bank::new(enrolled.iter().map(Vec::as_slice).collect());
    let taken = faces.iter().filter(|face| bank.offer(&head, rule, face, || None)).count();
    let own = bank.decide(&head, rule, &[&at(80.0)]);
    (taken, own.0 >= head.threshold().log_odds().0)
}

#[test]
fn a_bank_that_updates_itself_becomes_the_impostors_and_the_daemons_does_not() {
    let reach = Reach::SHIPPED;
    let (taken, matches) = drifted(Rule::SelfUpdating(reach));
    assert!(taken > 60 && matches, "{taken}");
    let (taken, matches) = drifted(Rule::Limited(reach));
    assert!((1..20).contains(&taken) && !matches, "{taken}");
}

#[test]
fn the_limit_holds_whatever_is_in_the_bank() {
    let (head, own, enrolled) = (head(), at(80.0), at(0.0));
    let mut bank = Bank::new(vec![&enrolled]);
    bank.give([own.as_slice(), &own]);
    let threshold = head.threshold().log_odds().0;
    let z = |rule| bank.decide(&head, rule, &[&own]).0;
    assert!(z(Rule::Unlimited(Reach::SHIPPED)) >= threshold);
    assert!(z(Rule::Limited(Reach::SHIPPED)) < threshold);
    assert!(z(Rule::Limited(Reach::SHIPPED)) <= bank.enrolled_only(&head, &[&own]).0 + Reach::SHIPPED.0);
}

#[test]
fn a_face_that_is_near_somebody_else_too_is_not_taken() {
    let (head, enrolled) = (head(), at(0.0));
    let mut bank = Bank::new(vec![&enrolled]);
    let rule = Rule::Limited(Reach::SHIPPED);
    let threshold = head.threshold().log_odds().0;
    let face = (0..90).map(|d| at(d as f32)).find(|face| {
        let z = bank.enrolled_only(&head, &[face]).0;
        (z - threshold).abs() < 0.5
    });
    let face = face.expect("one at the threshold");
    assert!(!bank.offer(&head, rule, &face, || Some(LogOdds(threshold))));
    assert!(bank.offer(&head, rule, &face, || Some(LogOdds(-20.0))));
    assert_eq!(bank.adapted(), 1);
}
