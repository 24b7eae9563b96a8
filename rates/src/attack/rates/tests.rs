use super::*;
use facelatch::head::project::SplitMix64;

/// A try with a score, that matched or did not.
fn judged(score: f32, matched: bool) -> Try {
    scored(vec![score; 8], Some(matched))
}

fn scored(scores: Vec<f32>, matched: Option<bool>) -> Try {
    Try { scores, first: 3, last: None, cut: false, matched, outcome: String::new(), frames: (0, 0) }
}

fn silent() -> Try {
    Try { outcome: "NoFace".to_owned(), ..scored(Vec::new(), None) }
}

fn person(name: &str, enrolled: Option<Vec<f32>>, shown: Vec<(&str, Vec<Try>)>) -> Person {
    let presentations = shown
        .into_iter()
        .map(|(species, tries)| Presentation { species: species.to_owned(), clip: "c".to_owned(), tries })
        .collect();
    Person { name: name.to_owned(), source: name.to_owned(), enrolled, presentations }
}

fn two_people() -> [Person; 2] {
    let ann = person(
        "ann",
        Some(vec![4.0, 5.0, 6.0]),
        vec![
            (LIVE, vec![judged(5.0, true), judged(-1.0, true), judged(3.0, false), silent()]),
            ("phone", vec![judged(-3.0, true), judged(2.0, true), judged(1.0, false), silent()]),
        ],
    );
    let bob =
        person("bob", None, vec![("print", vec![judged(-3.0, false), judged(f32::NEG_INFINITY, false)])]);
    [ann, bob]
}

const AT_ZERO: Threshold = Threshold { score: 0.0, margin: 0.0, live_median: None };

fn counts(rate: &Rate) -> (usize, usize) {
    (rate.bounds.errors, rate.bounds.trials)
}

#[test]
fn each_rate_counts_the_tries_that_the_standard_says() {
    let people = two_people();
    let summary = Summary::of(&people.each_ref(), AT_ZERO);
    let live = &summary.live;
    assert_eq!([&live.bpcer, &live.bpnrr, &live.frr].map(counts), [(1, 3), (1, 4), (3, 4)]);
    let [phone, print] = summary.species.as_slice() else { panic!("two species") };
    assert_eq!(
        [&phone.apcer, &phone.apnrr, &phone.iapar, &phone.iapar_off].map(counts),
        [(2, 3), (1, 4), (1, 4), (2, 4)]
    );
    assert_eq!([&print.apcer, &print.apnrr, &print.iapar].map(counts), [(0, 2), (0, 2), (0, 0)]);
    assert_eq!(summary.worst().map(|species| species.name.as_str()), Some("phone"));
}

#[test]
fn a_second_try_helps_a_live_person_and_an_attacker() {
    let people = two_people();
    let summary = Summary::of(&people.each_ref(), AT_ZERO);
    assert_eq!(counts(&summary.live.bpcer_two), (0, 3), "5 and -1, -1 and 3, 3 and silence");
    assert_eq!(counts(&summary.species[0].apcer_two), (3, 3), "-3 and 2, 2 and 1, 1 and silence");
}

#[test]
fn without_an_error_the_bound_counts_people() {
    let people = two_people();
    let summary = Summary::of(&people.each_ref(), AT_ZERO);
    let bounds = summary.species[1].apcer.bounds;
    assert_eq!((bounds.people, bounds.upper95()), (1, bounds.worst_case));
    assert!(bounds.upper95() > 0.94, "one person shows next to nothing");
}

#[test]
fn the_owner_s_own_frames_move_the_threshold_within_limits() {
    let [ann, bob] = two_people();
    let at = |live_median| Threshold { live_median: Some(live_median), ..AT_ZERO };
    assert_eq!((at(4.5).offset(&ann), at(4.5).offset(&bob)), (0.5, 0.0));
    assert_eq!((at(-90.0).offset(&ann), at(90.0).offset(&ann)), (MAX_OFFSET, -MAX_OFFSET));
    assert!(at(4.5).accepts(&ann, &judged(0.6, true)) && !at(4.5).accepts(&ann, &judged(0.4, true)));
    assert!(!at(f32::NAN).accepts(&ann, &judged(-0.1, true)), "what is no number moves nothing");
}

#[test]
fn scores_near_the_threshold_wait_for_more_frames() {
    let [ann, _] = two_people();
    let judged =
        |scores: &[f32]| Threshold { margin: 1.0, ..AT_ZERO }.judge(&ann, &scored(scores.to_vec(), None));
    assert_eq!(judged(&[1.0]), Some((true, 3)));
    assert_eq!(judged(&[0.9, -0.9, -1.1, 9.0]), Some((false, 5)));
    assert_eq!((judged(&[0.9; 7]), judged(&[-0.1])), (Some((true, 9)), Some((false, 3))), "at the deadline");
    assert_eq!(judged(&[[0.9; 7].as_slice(), &[0.1]].concat()), Some((true, 10)));
    assert_eq!(judged(&[[0.9; 7].as_slice(), &[-0.1]].concat()), Some((false, 10)));
}

#[test]
fn the_highest_threshold_is_the_last_under_which_a_try_is_live() {
    let [ann, _] = two_people();
    let mut random = SplitMix64(7);
    for n in 0..200 {
        let scores: Vec<f32> = (0..1 + n % 8).map(|_| (4.0 * random.uniform() - 2.0) as f32).collect();
        let one = scored(scores, None);
        let highest = one.highest(0.5).expect("not cut off");
        for (score, is_live) in [(highest - 1e-3, true), (highest + 1e-3, false)] {
            let at = Threshold { score, margin: 0.5, ..AT_ZERO };
            assert_eq!(at.accepts(&ann, &one), is_live, "{score}: {one:?}");
        }
    }
    let cut = Try { cut: true, ..scored(vec![1.0; 7], None) };
    assert_eq!(cut.highest(0.5), None, "its clip ended");
}

#[test]
fn what_its_clip_cut_off_counts_if_it_was_clear_and_else_does_not() {
    let cut = |score| Try { cut: true, ..scored(vec![score], None) };
    let people = [person("ann", Some(vec![5.0; 3]), vec![("phone", vec![cut(1.5), cut(0.5), cut(-1.5)])])];
    let summary = Summary::of(&people.each_ref(), Threshold { margin: 1.0, ..AT_ZERO });
    let phone = &summary.species[0];
    assert_eq!([&phone.apcer, &phone.apnrr, &phone.iapar].map(counts), [(1, 2), (0, 2), (1, 2)]);
}

#[test]
fn an_answer_must_be_live_too() {
    let [ann, _] = two_people();
    let ends = |last| AT_ZERO.accepts(&ann, &Try { last: Some(last), ..judged(5.0, true) });
    assert_eq!((ends(0.1), ends(-0.1), ends(f32::NEG_INFINITY)), (true, false, false));
}
