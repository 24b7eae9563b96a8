use super::super::set::set_of;
use super::super::trials::Trial;
use super::*;

/// So many people; the first `alike` of them all match each other, nobody else anybody.
fn group(people: u32, alike: u32) -> Compared {
    let mut compared = Compared { people: people as usize, ..Compared::default() };
    for (a, b) in (0..people).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let z = if a < alike { 4.0 } else { 1.0 };
        compared.scored.impostor.push(Trial { z, people: (a, b) });
    }
    compared
}

fn question() -> Question {
    Question {
        repeats: None,
        least: 20,
        at: vec![3.5],
        target: 1e-2,
        templates: 5,
        frames: vec![1],
        halves: 0,
    }
}

#[test]
fn the_worst_group_is_set_over_the_best_and_small_ones_over_nobody() {
    let groups = [("few", group(5, 5)), ("like", group(60, 30)), ("unlike", group(60, 0))];
    let part = part(&("kind", "pairs".to_owned()), &groups, 3.5, &question());
    let ratio = part.fmr.expect("two groups have people enough");
    assert_eq!((ratio.worst.as_str(), ratio.best.as_str()), ("like", "unlike"));
    assert_eq!((ratio.ratio, ratio.at_most), (None, None), "no error in the best");
    // 435 of 1,770 pairs match; none of 1,770 is at most 0.17 %.
    assert!((20.0..145.0).contains(&ratio.at_least), "{}", ratio.at_least);
    assert_eq!(part.rows.len(), 3);
    assert!(part.fnmr.is_none(), "no genuine trial");
    assert!(part.rows[1].fmr_lower95 < part.rows[1].rates.fmr && part.rows[1].fmr_lower95 > 0.1);
}

#[test]
fn a_group_of_people_alike_needs_a_higher_threshold() {
    let groups = [("like", group(60, 30)), ("unlike", group(60, 0)), ("few", group(20, 0))];
    let part = part(&("kind", "pairs".to_owned()), &groups, 3.5, &question());
    let of = |number: usize| (part.strict[number].seen, part.strict[number].shown);
    let near = |z: Option<f32>, wanted: f32| z.is_some_and(|z| (z - wanted).abs() < 1e-4);
    let (seen, shown) = of(0);
    assert!(near(Some(seen), 4.05) && near(shown, 4.05), "{:?}", of(0));
    let (seen, shown) = of(1);
    assert!(near(Some(seen), 1.05) && near(shown, 1.05), "{:?}", of(1));
    // Even none of 190 pairs may be 1.6 %.
    assert_eq!(of(2).1, None);
}

#[test]
fn pictures_too_much_alike_are_repeats_and_counted() {
    let set =
        set_of(&[("a", vec![vec![1.0, 0.0]]), ("b", vec![vec![1.0, 0.1]]), ("c", vec![vec![0.0, 1.0]])]);
    let table = Table::of(3, |a, b| set.cosine(a, b));
    let ask = |repeats| Question { repeats, ..question() };
    let of = |repeats| {
        let c = trials::compared(&set, &table, &[0, 1, 2], trials::Way::Pairs, &ask(repeats));
        (c.people, c.repeats, c.scored.impostor.len())
    };
    assert_eq!((of(None), of(Some(0.8))), ((3, 0, 3), (3, 1, 2)));
    assert_eq!(trials::ways(&set, &question()), [trials::Way::Pairs], "nobody has a second picture");
}

#[test]
fn decisions_take_as_many_templates_as_there_are_and_never_the_frames() {
    let looks = |n: usize| (0..n).map(|i| vec![1.0, i as f32]).collect();
    let set = set_of(&[("one", looks(1)), ("two", looks(2)), ("seven", looks(7))]);
    let table = Table::of(10, |a, b| {
        if a == b {
            f32::NAN
        } else if set.samples[a].person == set.samples[b].person {
            5.0
        } else {
            0.0
        }
    });
    let of = |frames| trials::compared(&set, &table, &[0, 1, 2], trials::Way::Frames(frames), &question());
    let one = of(1);
    let people = |trials: &[Trial]| {
        trials
            .iter()
            .map(|t| t.people)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(people(&one.scored.genuine), [(1, 1), (2, 2)]);
    assert_eq!(one.scored.impostor.len(), 6);
    let three = of(3);
    assert_eq!(people(&three.scored.genuine), [(2, 2)]);
    assert_eq!(people(&three.scored.impostor), [(0, 2), (1, 2)]);
    for (compared, trials, pairs) in [(&one, 6, 3), (&three, 2, 2)] {
        let (short, long) = (compared.matches(-9.0), Tally::of(&compared.scored.impostor, |_| true));
        assert_eq!((short.trials(), short.people(), &short.wrong), (trials, pairs, &long.wrong));
        assert_eq!((long.trials(), long.people()), (trials, pairs));
    }
    assert!(one.scored.genuine.iter().chain(&three.scored.genuine).all(|t| t.z == 5.0));
}

#[test]
fn a_threshold_of_one_half_of_a_group_is_judged_on_the_other() {
    let names: Vec<String> = (0..60).map(|p| format!("p{p}")).collect();
    let people: Vec<_> = names.iter().map(|name| (name.as_str(), vec![vec![1.0, 0.0]])).collect();
    let set = set_of(&people);
    // The first three match each other: whoever is halved, one half has a pair of them or more.
    let table = Table::of(60, |a, b| if a.max(b) < 3 { 4.0 } else { 1.0 });
    let members: Vec<usize> = (0..60).collect();
    let asked = Question { halves: 4, at: vec![3.5, 9.0], target: 1e-3, ..question() };
    let found = halved::halved(&set, &table, ("all", &members), trials::Way::Pairs, &asked);
    let of = |chosen| found.iter().filter(move |h| h.chosen == chosen).collect::<Vec<_>>();
    let seen = of(halved::Chosen::Seen)[0];
    assert_eq!((seen.halves, seen.fmr.trials), (8, 8 * 435));
    // None of 435 pairs does not show 1e-3, so nothing can be chosen so.
    assert!(of(halved::Chosen::Shown).is_empty());
    let given = of(halved::Chosen::Given);
    assert_eq!(given.iter().map(|h| h.z).collect::<Vec<_>>(), [[3.5; 3], [9.0; 3]]);
    assert!(given[0].over >= 4 && given[0].fmr.errors >= 4 && given[1].fmr.errors == 0, "{given:?}");
    assert!(seen.fmr.errors < given[0].fmr.errors || seen.z[0] < 3.5, "{seen:?}");
    let none = Question { halves: 0, ..asked };
    assert!(halved::halved(&set, &table, ("all", &members), trials::Way::Pairs, &none).is_empty());
}
