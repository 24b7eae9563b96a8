use facelatch_wire::MAX_MESSAGE_BYTES;

use super::*;
use crate::clock::WallTime;
use crate::head::Probability;
use crate::pipeline::explain::{Comparison, FrameNote, LiveNote, TemplateNote};
use crate::pipeline::{Trace, Verdict};

fn measured(decisions: u64, false_matches: u64, fmr_at_most: f64) -> head::Measured {
    let set = "a set of 200 people".to_owned();
    head::Measured { set, frames: 3, templates: 5, decisions, false_matches, fmr_at_most }
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

/// People with so many templates, seen in so many frames.
fn comparison(people: &[&str], templates: usize, frames: usize) -> Comparison {
    let note = |at: usize| TemplateNote {
        id: format!("{at:032x}"),
        label: "ü".repeat(32),
        created_at: WallTime(1_764_000_000),
        adapted: at >= 5,
    };
    let template =
        |at| explain::ComparedTemplate { note: note(at), frames: vec![LogOdds(-12.345_678); frames] };
    let person = |name: &&str| explain::ComparedPerson {
        user: user(name),
        z: LogOdds(-12.345_678),
        frames: vec![LogOdds(-12.345_678); frames],
        templates: (0..templates).map(template).collect(),
    };
    Comparison {
        compared: people.len(),
        bias: LogOdds(40.684_383),
        threshold: LogOdds(3.5).probability(),
        least_margin: 3.5,
        measured: Some(measured(399_000, 11, 9.2e-5)),
        people: people.iter().map(person).collect(),
    }
}

#[test]
fn the_terms_of_the_formula_add_up() {
    let told = decision(&comparison(&["alice"], 5, 3)).expect("somebody was compared");
    assert!((told.bias + told.sum - told.z).abs() < 2e-4, "{told:?}");
    assert!((told.p - 1.0 / (1.0 + (-told.z).exp())).abs() < 1e-6, "{told:?}");
    assert!((told.least_z - 3.5).abs() < 1e-4 && told.margin.is_none(), "{told:?}");
    assert!(decision(&comparison(&[], 5, 3)).is_none());
}

#[test]
fn the_threshold_is_told_in_words_with_its_bound_and_its_set() {
    let mut noted = comparison(&["alice"], 5, 3);
    let text = meaning(&noted, 3, 5);
    for wanted in [
        "one stranger in 36,300",
        "11 of 399,000",
        "95 % confidence at most one in 10,800",
        "a set of 200 people",
        "3 frames and 5 templates",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
    }
    assert!(!text.contains("more may pass") && !text.contains("search"), "{text}");
    noted.measured = Some(measured(74_496, 0, 5.3e-5));
    noted.compared = 12;
    let text = meaning(&noted, 1, 5);
    for wanted in
        ["of 74,496 decisions about strangers none passed", "at most one in 18,800", "(1 and 5)", "3.5 times"]
    {
        assert!(text.contains(wanted), "{wanted} is not in: {text}");
    }
    noted.measured = None;
    assert!(meaning(&noted, 3, 5).contains("does not say"));
}

#[test]
fn what_is_no_number_is_left_out() {
    let part = |value| explain::Measure { name: "network", value, least: None };
    let told = live(&LiveNote {
        log_odds: Some(f32::NAN),
        least: -0.786,
        parts: vec![part(f32::NAN), part(f32::INFINITY), part(0.123_456)],
    });
    assert_eq!((told.log_odds, told.parts.len(), told.parts[0].value), (None, 1, 0.1235));
}

#[test]
fn the_largest_explanation_fits_one_message() {
    let measures =
        vec![explain::Measure { name: "confidence", value: -12.345_678, least: Some(0.891_234) }; 8];
    let frame = |number| FrameNote {
        number,
        picture: Some("ü".repeat(127)),
        used: Used::Refused(crate::detect::quality::RetryReason::SeveralFaces),
        measures: measures.clone(),
        fitness: measures.clone(),
    };
    let name = "n".repeat(256);
    let mut noted = explain::Explanation::default();
    noted.frames = (0..explain::MAX_FRAMES).map(frame).collect();
    noted.comparison = Some(comparison(&[&name, &name], crate::store::MAX_TEMPLATES, 10));
    let mut trace = Trace::default();
    trace.explanation = Some(Box::new(noted));
    trace.threshold = Probability::new(0.97);
    let told = explained(&Attempt { verdict: Verdict::Matched(user(&name)), trace }, None);
    let bytes = serde_json::to_vec(&told).expect("serialises").len();
    assert!(bytes < MAX_MESSAGE_BYTES - 1024, "{bytes} bytes");
}

#[test]
fn one_in_so_many_keeps_three_digits() {
    let down = |value| first_digits(value, f64::floor);
    assert_eq!([7.9, 123.9, 18_867.9, 1_999_999.0].map(down), [7, 123, 18_800, 1_990_000]);
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
}
