use super::super::set::set_of;
use super::super::trials::Trial;
use super::*;

fn measured(groups: &[(&str, &str)]) -> Measured {
    let looks = |x: f32| (0..4).map(|i| vec![1.0, x + i as f32 / 100.0]).collect();
    let set =
        set_of(&[("anna", looks(0.0)), ("bert", looks(1.0)), ("carl", looks(-1.0)), ("dora", looks(1.2))]);
    let head = Head::new(Path::new("h"), 4.0, vec![-12.0, -12.0], 0.5).expect("works");
    let groups = groups.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let shape = Some(Shape { templates: 2, frames: 1 });
    measure(&set, &head, &Question { shape, pairs: None, groups }, &mut |_, _| {}).expect("measures")
}

#[test]
fn two_people_who_look_alike_are_counted_as_false_matches() {
    let m = measured(&[("bert", "old"), ("dora", "old"), ("anna", "young")]);
    assert_eq!((m.genuine, m.impostor, m.people, m.acquired), (24, 96, 4, 16));
    assert_eq!((m.pair.fnmr, m.pair.fmr), (0.0, 16.0 / 96.0));
    let bounds = m.pair.fmr_bounds;
    assert!(bounds.by_people > Some(bounds.as_if_independent), "one pair of people has all the errors");
    assert_eq!((bounds.people_with_error, bounds.people), (1, 6));
    assert_eq!((m.by_group[0].name.as_str(), m.by_group[0].fmr), ("old", Some(1.0)));
    assert_eq!((m.by_group[1].impostor, m.by_group[1].fmr), (0, None));
    let searched = m.identify.expect("enough");
    assert_eq!(searched.enrolled, 3);
    let odds = |p: f64| p / (1.0 - p);
    assert!((odds(searched.threshold) - 3.0_f64.sqrt()).abs() < 1e-3, "a stranger meets the odds of three");
    assert!((odds(searched.threshold_user) - 2.0).abs() < 1e-3, "a user is enrolled too");
}

#[test]
fn json_has_the_promised_keys() {
    let json = serde_json::to_value(measured(&[])).expect("json");
    for key in [
        "people",
        "pictures",
        "acquired",
        "genuine",
        "impostor",
        "eer",
        "tar",
        "threshold",
        "fmr",
        "fmr_upper95",
        "fnmr",
        "fnmr_upper95",
        "decision",
    ] {
        assert!(!json[key].is_null(), "{key}");
    }
    for key in ["1e-2", "1e-3", "1e-4"] {
        assert!(json["tar"][key].is_number(), "{key}");
    }
    for key in ["templates", "frames", "genuine", "impostor", "fmr", "fmr_upper95", "fnmr", "fnmr_upper95"] {
        assert!(json["decision"][key].is_number(), "{key}");
    }
}

/// 25 people with one to nine pictures each, many of whom look alike.
fn crowd() -> Set {
    let mut random = facelatch::head::project::SplitMix64(11);
    let names: Vec<String> = (0..25).map(|p| format!("p{p}")).collect();
    let mut near = |centre: &[f32], scale: f64| -> Vec<f32> {
        centre.iter().map(|c| c + ((random.uniform() - 0.5) * scale) as f32).collect()
    };
    let mut people = Vec::new();
    for (p, name) in names.iter().enumerate() {
        let centre = near(&[0.0; 5], 2.0);
        people.push((name.as_str(), (0..p % 9 + 1).map(|_| near(&centre, 0.9)).collect()));
    }
    set_of(&people)
}

#[test]
fn all_pairs_in_one_sweep_give_the_rates_of_a_list_of_them() {
    let set = crowd();
    let head = Head::new(Path::new("h"), 3.0, vec![-2.0; 5], 0.7).expect("works");
    let groups: BTreeMap<_, _> = set.people.iter().map(|p| (p.clone(), p[..2].to_owned())).collect();
    let question = Question { groups: groups.clone(), ..Default::default() };
    let m = measure(&set, &head, &question, &mut |_, _| {}).expect("measures");
    let z = |a: usize, b: usize| head.log_odds(&set.samples[a].embedding, &set.samples[b].embedding).0;
    let pairs = Pairs::all(&set, |_| true);
    let (scored, level) = (pairs.score(&set, &z), head.threshold().log_odds().0);
    assert_eq!((m.genuine, m.impostor), (scored.genuine.len(), scored.impostor.len()));
    let wanted = Rates::at(&scored, level);
    assert_eq!((m.pair.fmr_bounds, m.pair.fnmr_bounds), (wanted.fmr_bounds, wanted.fnmr_bounds));
    assert!(wanted.fmr_bounds.errors > 50 && wanted.fnmr_bounds.errors > 5, "{wanted:?}");
    let curve = Curve::new(&scored);
    assert_eq!((m.eer, m.tar, m.log_loss), (curve.eer(), tar(&curve), curve.log_loss()));
    let counts = Counts::of_pairs(&set, &pairs, &z, (level, &groups));
    let numbers = |groups: &[Group]| {
        groups.iter().map(|g| (g.name.clone(), g.genuine, g.impostor, g.fmr, g.fnmr)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&m.by_group), numbers(&counts.by_group));
    assert_eq!(m.by_quality[0].genuine, m.genuine);
}

#[test]
fn a_users_threshold_counts_the_user_too() {
    let trial = |z| Trial { z, people: (0, 0) };
    // Between half of ln 3 and half of ln 4: enough with three people enrolled, too little with four.
    let found = Searches { enrolled: 3, strangers: vec![trial(0.6)], users: vec![trial(0.6)] };
    let searched = identify(found, Probability::new(0.5).expect("one half"));
    assert_eq!((searched.fpir, searched.fnir), (1.0, 1.0));
}
