use super::super::acquire::set_of;
use super::*;

fn measured(groups: &[(&str, &str)]) -> Measured {
    let looks = |x: f32| (0..4).map(|i| vec![1.0, x + i as f32 / 100.0]).collect();
    let set =
        set_of(&[("anna", looks(0.0)), ("bert", looks(1.0)), ("carl", looks(-1.0)), ("dora", looks(1.2))]);
    let head = Head::new(Path::new("h"), 4.0, vec![-12.0, -12.0], 0.5).expect("works");
    let groups = groups.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let shape = Some(Shape { templates: 2, frames: 1 });
    measure(&set, &head, &Question { shape, pairs: None, groups }).expect("measures")
}

#[test]
fn two_people_who_look_alike_are_counted_as_false_matches() {
    let m = measured(&[("bert", "old"), ("dora", "old"), ("anna", "young")]);
    assert_eq!((m.genuine, m.impostor, m.people, m.acquired), (24, 96, 4, 16));
    assert_eq!((m.pair.fnmr, m.pair.fmr), (0.0, 16.0 / 96.0));
    assert!(m.pair.fmr_upper95_people > m.pair.fmr_upper95_trials, "one pair of people has all errors");
    assert_eq!((m.by_group[0].name.as_str(), m.by_group[0].fmr), ("old", Some(1.0)));
    assert_eq!((m.by_group[1].impostor, m.by_group[1].fmr), (0, None));
    assert_eq!(m.identify.expect("enough").enrolled, 3);
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
