use super::super::set::set_of;
use super::super::table::Table;
use super::super::trials::decide;
use super::*;

const ONE: std::ops::RangeInclusive<usize> = 1..=usize::MAX;

fn draw(enrolled: usize, of_first: usize, frames: usize) -> Draw {
    Draw { enrolled, of_first, templates: (1, 3), frames, alike: 1, galleries: 8, seed: 3 }
}

/// Person p has p + 1 pictures.
fn crowd(people: usize) -> Set {
    let names: Vec<String> = (0..people).map(|p| format!("p{p}")).collect();
    let looks = |p: usize| (0..=p).map(|i| vec![1.0, (10 * p + i) as f32]).collect();
    set_of(&names.iter().enumerate().map(|(p, name)| (name.as_str(), looks(p))).collect::<Vec<_>>())
}

/// 9 for two pictures of one person, 1 for pictures of the people who are `alike`, else -9.
fn table(set: &Set, alike: (usize, usize), z: f32) -> Table {
    let person = |sample: usize| set.samples[sample].person;
    Table::of(set.samples.len(), |a, b| match (person(a).min(person(b)), person(a).max(person(b))) {
        (a, b) if a == b => 9.0,
        pair if pair == alike => z,
        _ => -9.0,
    })
}

/// The daemon's rule on a table.
fn by(table: &Table) -> impl Fn(&[usize], &[usize]) -> Option<f32> + Sync {
    |templates, frames| decide(templates, frames, &|a, b| table.at(a, b))
}

fn even() -> Probability {
    LogOdds(0.0).probability()
}

#[test]
fn no_picture_is_template_and_frame_and_no_stranger_is_enrolled() {
    let set = crowd(8);
    let mut people: Vec<(u32, Vec<usize>)> = (0..).zip(set.by_person()).collect();
    let mut random = SplitMix64(1);
    for _ in 0..50 {
        let Gallery { templates, probes } = gallery(&mut people, &draw(3, 6, 2), &mut random);
        assert_eq!(templates.len(), 3);
        assert!(templates.iter().all(|(user, samples)| *user < 6 && (1..=3).contains(&samples.len())));
        for (person, own, frames) in &probes {
            assert_eq!(frames.len(), 2);
            assert!(frames.iter().all(|frame| set.samples[*frame].person == *person as usize));
            let enrolled = templates.iter().find(|(user, _)| user == person).map(|(_, samples)| samples);
            assert_eq!(*own, enrolled.map_or(0, Vec::len), "a stranger has none");
            assert!(frames.iter().all(|frame| enrolled.is_none_or(|templates| !templates.contains(frame))));
        }
        // Two pictures are too few for a template and two frames.
        assert!(probes.iter().all(|(person, own, _)| *person > 1 || *own == 0));
    }
}

#[test]
fn a_stranger_who_looks_like_a_user_counts_once_as_a_pair_and_each_time_as_a_search() {
    let set = crowd(8);
    let found = searches(&set, &by(&table(&set, (6, 7), 1.0)), &draw(4, 7, 1)).expect("enough people");
    assert_eq!((found.enrolled, found.most_templates()), (4, 3));
    let policy = Policy::verify(even());
    let outcome = found.judge(policy, ONE);
    assert!(outcome.fpir.errors > 1, "{outcome:?}");
    // 7 is never enrolled, 6 is now and then: each may be let in for the other only that way round.
    assert_eq!((outcome.pairs_matched, outcome.fpir.people_with_error), (1, 1));
    assert_eq!((outcome.fnir.errors, outcome.missed), (0, [0, 0, 0]));
    assert!(outcome.fpir_by_pairs(4) > 4.0 / outcome.pairs as f64 && outcome.fpir_by_pairs(1000) == 1.0);
    let stricter = found.judge(Policy::identify(even(), 400), ONE);
    assert_eq!(stricter.fpir.errors, 0, "odds of 400 people");
    assert_eq!(stricter.fpir.trials, outcome.fpir.trials);
}

#[test]
fn users_who_look_alike_are_ambiguous_and_not_taken_for_each_other() {
    let set = crowd(8);
    let found = searches(&set, &by(&table(&set, (6, 7), 1.0)), &draw(8, 8, 1)).expect("enough people");
    let outcome = found.judge(Policy::verify(even()), ONE);
    assert_eq!(outcome.missed, [0, 16, 0], "two people in eight galleries");
    assert_eq!((outcome.fnir.errors, outcome.fnir.people_with_error, outcome.fpir.trials), (16, 2, 0));
    let few = found.judge(Policy::verify(even()), 1..=2);
    assert!(few.fnir.errors == 0 && few.fnir.trials < outcome.fnir.trials);
    let search =
        |z| Search { person: 3, templates: 1, ranked: Ranked { best: 4, z: LogOdds(z), second: None } };
    let found = Searches { enrolled: 2, pairs: 0, searches: vec![search(2.0), search(-2.0)] };
    assert_eq!(found.judge(Policy::verify(even()), ONE).missed, [1, 0, 1], "somebody else, and nobody");
}

#[test]
fn pictures_that_are_not_believed_take_no_part() {
    let mut set = crowd(6);
    let table = table(&set, (0, 1), -9.0);
    set.samples.iter_mut().filter(|s| s.person == 5).for_each(|sample| sample.believed = false);
    let found = searches(&set, &by(&table), &draw(3, 6, 1)).expect("enough people");
    assert!(found.searches.iter().all(|search| search.person != 5));
    set.samples.iter_mut().for_each(|sample| sample.believed = false);
    let text = searches(&set, &by(&table), &draw(3, 6, 1)).err().expect("refused").to_string();
    assert!(text.contains("fewer than two people"), "{text}");
    set.samples.iter_mut().for_each(|sample| sample.believed = true);
    let text = searches(&set, &by(&table), &draw(3, 6, 9)).err().expect("refused").to_string();
    assert!(text.contains("fewer --frames"), "{text}");
}

#[test]
fn tables_have_a_row_for_each_threshold_and_each_growth_of_the_odds() {
    let set = crowd(8);
    let measured =
        measure(&set, &by(&table(&set, (6, 7), 1.0)), even(), &draw(4, 8, 1), 1000).expect("enough people");
    let errors: Vec<usize> = measured.by_growth.iter().map(|(_, o)| o.fpir.errors).collect();
    assert!(
        errors[0] > 0 && errors[1..] == [0; 5] && measured.shipped.fpir.errors == 0,
        "z = 1 is too little for a thousand people"
    );
    let false_matches: Vec<usize> = measured.by_threshold.iter().map(|(_, o)| o.fpir.errors).collect();
    assert!(false_matches.is_sorted_by(|a, b| a >= b), "a stricter threshold lets in fewer");
    let text = report::searched(&[measured]);
    assert!(
        text.contains("4 people enrolled with 1 to 3 templates")
            && text.contains("judged as 1000 people: z >= "),
        "{text}"
    );
    assert!(text.contains("\n| 1, 3 |") && !text.contains("NaN"), "{text}");
}
