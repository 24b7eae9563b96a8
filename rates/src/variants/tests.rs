use super::super::set::drawn_people;
use super::super::trials::Shape;
use super::faces::Face;
use super::way::{Again, Fusion, View};
use super::*;
use facelatch::head::Head;
use std::path::Path;

/// Five people of six pictures each.
fn people(shift: f32) -> Set {
    drawn_people(5, 6, shift)
}

fn head() -> Head {
    Head::new(Path::new("test"), 6.0, vec![-3.0; 8], 0.9).expect("works")
}

fn faces(plain: &Set, mirrored: &Set) -> Faces {
    Faces::new(plain, mirrored, &head()).expect("the same pictures")
}

#[test]
fn the_first_row_is_the_daemons_decision() {
    let (plain, head) = (people(0.0), head());
    let faces = faces(&plain, &people(0.1));
    let z = |t: usize, f: usize| head.log_odds(&plain.samples[t].embedding, &plain.samples[f].embedding).0;
    for (templates, frames) in [(vec![0, 1, 2], vec![3, 4]), (vec![0, 1, 2], vec![9]), (vec![7], vec![8, 29])]
    {
        let got = Way::SHIPPED.decide(&faces, (head.formula(), 2.0), &templates, &frames);
        let wanted = super::super::trials::decide(&templates, &frames, &z);
        assert!(wanted.is_some() && got == wanted, "{got:?} {wanted:?}");
    }
    assert_eq!(Way::SHIPPED.decide(&faces, (head.formula(), 2.0), &[], &[1]), None);
}

#[test]
fn a_mean_of_embeddings_has_unit_length_and_its_own_h() {
    let plain = people(0.0);
    let faces = faces(&plain, &people(0.1));
    let mean = faces.mean(View::Plain, &[0, 1, 2], &|_| 1.0);
    let length = mean.iter().map(|v| v * v).sum::<f32>().sqrt();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    let weighted = faces.mean(View::Plain, &[0, 1], &|sample| if sample == 0 { 1.0 } else { 0.0 });
    assert!(weighted.iter().zip(faces.h(Face(View::Plain, 0))).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn frames_are_embedded_again_only_where_the_first_answer_calls_for_it() {
    let (near, unsure) = (Again::NearMiss(3.0), Again::Unsure(3.0));
    for (z, is_near, is_unsure) in
        [(-1.1, false, false), (-0.9, true, true), (2.0, false, true), (5.1, false, false)]
    {
        assert_eq!((near.wanted(z, 2.0), unsure.wanted(z, 2.0)), (is_near, is_unsure), "{z}");
    }
    let (plain, head) = (people(0.0), head());
    let faces = faces(&plain, &people(0.4));
    let decide = |way: Way, threshold| way.decide(&faces, (head.formula(), threshold), &[0, 1], &[2]);
    let first = decide(Way::SHIPPED, 0.0).expect("evidence");
    let again = Way { again: Some(near), ..Way::SHIPPED };
    let mirrored = Way { frames: View::Both, ..Way::SHIPPED };
    assert_eq!(decide(again, first), Some(first), "a match stands");
    assert_eq!(decide(again, first + 1.0), decide(mirrored, 0.0), "a near miss is judged again");
    assert_ne!(decide(mirrored, 0.0), Some(first));
}

#[test]
fn one_template_and_one_frame_score_alike_under_every_fusion_of_them() {
    let (plain, head) = (people(0.0), head());
    let faces = faces(&plain, &people(0.1));
    let score = |fusion| Way { fusion, ..Way::SHIPPED }.decide(&faces, (head.formula(), 0.0), &[0], &[1]);
    let shipped = score(Fusion::Best(2)).expect("evidence");
    for fusion in [
        Fusion::Best(1),
        Fusion::Best(usize::MAX),
        Fusion::MeanTemplate,
        Fusion::WeightedTemplate,
        Fusion::OneMore,
        Fusion::MeanFrame,
        Fusion::MeanFrameOneMore,
        Fusion::Means,
        Fusion::WeightedFrames,
        Fusion::BestFrame,
    ] {
        let got = score(fusion).expect("evidence");
        assert!((got - shipped).abs() < 1e-4, "{fusion:?}: {got} {shipped}");
    }
}

#[test]
fn every_variant_is_measured_on_the_same_decisions() {
    let (plain, mirrored, others, head) = (people(0.0), people(0.05), people(0.3), head());
    let shape = Shape { templates: 2, frames: 1 };
    let material =
        Material { plain: &plain, mirrored: &mirrored, background: Some(&others), head: &head, shape };
    let rows = variants(&material, &mut |_| {}).expect("enough people");
    let whole = rows.iter().filter(|row| !row.variant.contains("half") && !row.variant.contains("halves"));
    assert!(whole.clone().all(|row| (row.genuine, row.impostor) == (rows[0].genuine, rows[0].impostor)));
    assert!(whole.count() > 20 && rows.len() > 20);
    assert!(rows.iter().all(|row| row.other_half.is_none()), "five people cannot be halved");
    let shipped = rows[0].shipped.expect("the daemon's threshold");
    let unsure = rows.iter().find(|row| row.variant.contains("within 3")).expect("there");
    assert!(unsure.eer.is_none() && unsure.cost.genuine_runs <= 1.0 && unsure.cost.template_runs == 0.0);
    assert!((rows[0].fnmr_at_shipped_fmr.expect("free") - shipped.fnmr).abs() < 0.2);
    let text = markdown(&rows);
    assert_eq!(text.lines().filter(|line| line.starts_with('|')).count(), rows.len() + 2, "{text}");
}

#[test]
fn a_threshold_is_never_applied_to_the_people_it_was_chosen_on() {
    // Half 0 scores impostors at 5, half 1 at 0: thresholds from the other half let half 0's in and keep half 1's out.
    let halves: Vec<usize> = (0..40).map(|person| person / 2 % 2).collect();
    let trial = |z, a, b| Trial { z, people: (a, b) };
    let scored = Scored {
        genuine: vec![trial(7.0, 0, 0), trial(3.0, 2, 2)],
        impostor: vec![trial(5.0, 0, 1), trial(0.0, 2, 3), trial(9.0, 0, 2)],
    };
    let rates = across(&scored, &halves).expect("both halves");
    assert_eq!((rates.fmr, rates.fnmr), (0.5, 0.5));
    assert_eq!(
        (rates.fmr_bounds.trials, rates.fnmr_bounds.trials),
        (2, 2),
        "across halves nothing is judged"
    );
}

#[test]
fn pictures_that_the_daemon_would_not_judge_take_no_part() {
    let mut set = people(0.0);
    let all = set.samples.len();
    let marked: Vec<bool> = (0..all).map(|n| n % 3 != 0).collect();
    set.keep(&marked);
    assert_eq!(set.samples.len(), marked.iter().filter(|kept| **kept).count());
}
