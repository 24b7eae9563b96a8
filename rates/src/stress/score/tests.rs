use super::*;
use crate::bound::clopper_pearson_upper;
use crate::rate::CONFIDENCE;
use crate::stress::fault::KINDS;
use crate::stress::table;
use crate::stress::{Plan, Stress};
use facelatch::detect::quality::RetryReason;
use facelatch::embed::Embedding;
use std::path::Path;

/// Faces on a circle; those within about 50 degrees match.
fn at(degrees: f32) -> Taken {
    let (y, x) = degrees.to_radians().sin_cos();
    Ok(Embedding::new(vec![x, y]).expect("unit"))
}

fn head() -> Head {
    Head::new(Path::new("test"), 4.0, vec![-5.0, -5.0], 0.5).expect("works")
}

/// Four people who look nothing alike. Under the first fault all are alike; under the second only the first person's frames
/// are judged; under the third, none.
fn people() -> Vec<Shots> {
    let kinds = 5;
    let person = |number: usize| {
        let look = 90.0 * number as f32;
        let rows = |frames: usize| -> Vec<Vec<Taken>> {
            let mut rows = vec![vec![]; 1 + kinds];
            for _ in 0..frames {
                rows[0].push(at(look));
                rows[1].push(at(10.0));
                rows[2].push(if number == 0 { at(look) } else { Err(RetryReason::TooDark) });
                rows[3].push(Err(RetryReason::NoFace));
                rows[4].push(at(look + 1.0));
                rows[5].push(at(look));
            }
            rows
        };
        Shots { templates: rows(2), probes: rows(1) }
    };
    (0..4).map(person).collect()
}

fn measured() -> Vec<Row> {
    rows(&head(), &people(), &[&KINDS[0]])
}

fn triple(attempts: Attempts) -> (usize, usize, usize) {
    (attempts.attempts, attempts.decisions, attempts.matches)
}

#[test]
fn the_first_row_has_no_fault_and_every_strength_one_row() {
    let rows = measured();
    assert_eq!((rows.len(), rows[0].kind, rows[1].strength), (6, "none", KINDS[0].strengths[0]));
    let none = rows[0].both;
    assert_eq!((triple(none.impostor), triple(none.genuine)), ((12, 12, 0), (4, 4, 4)));
    assert_eq!(none.fmr_upper95, clopper_pearson_upper(0, 6, CONFIDENCE), "by pairs of people");
    assert_eq!((rows[0].frames, rows[0].judged), (12, 12));
}

#[test]
fn faces_that_fall_together_match_when_both_have_the_fault() {
    let row = &measured()[1];
    assert_eq!(triple(row.both.impostor), (12, 12, 12));
    assert_eq!(row.both.fmr_upper95, 1.0);
    // A probe at 10 degrees is alike to the first person alone.
    assert_eq!(triple(row.probe.impostor), (12, 12, 3));
    assert_eq!(triple(row.template.impostor), (12, 12, 3));
    assert!(row.probe.fmr_upper95 >= clopper_pearson_upper(3, 12, CONFIDENCE));
}

#[test]
fn refused_frames_make_no_decision_and_count_as_attempts() {
    let row = &measured()[2];
    assert_eq!((row.frames, row.judged, row.refused.get("too-dark")), (12, 3, Some(&9)));
    assert_eq!(triple(row.both.impostor), (12, 0, 0));
    assert_eq!(triple(row.probe.impostor), (12, 3, 0));
    assert_eq!(triple(row.both.genuine), (4, 1, 1));
    assert_eq!(row.probe.fmr_upper95, clopper_pearson_upper(0, 3, CONFIDENCE));
    assert_eq!(row.probe.attempts_upper95, clopper_pearson_upper(0, 6, CONFIDENCE));
    let nothing = &measured()[3];
    assert_eq!((nothing.judged, triple(nothing.both.impostor)), (0, (12, 0, 0)));
    assert_eq!(nothing.both.fmr_upper95, 1.0, "no decision shows nothing");
}

#[test]
fn the_table_has_a_line_for_each_row_and_says_what_was_counted() {
    let plan = Plan { people: 4, skip: 0, templates: 2, frames: 1, seed: 5 };
    let stress =
        Stress { embedder: "test".into(), embedder_sha256: String::new(), people: 4, plan, rows: measured() };
    let text = table::markdown(&stress);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("| tilted")).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[0].contains("| 100 % |  | 3 of 12 | 3 of 12 | 12 of 12 |"), "{}", lines[0]);
    assert!(lines[1].contains("| 25 % | too-dark | 0 of 3 | 0 of 3 | 0 of 0 |"), "{}", lines[1]);
}
