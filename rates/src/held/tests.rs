use super::super::set::set_of;
use super::*;
use facelatch::head::project::SplitMix64;

/// Six people with three pictures each.
fn six() -> Set {
    let names: Vec<String> = (0..6).map(|p| format!("p{p}")).collect();
    let looks = |p: usize| (0..3).map(|i| vec![1.0, (10 * p + i) as f32]).collect();
    set_of(&names.iter().enumerate().map(|(p, name)| (name.as_str(), looks(p))).collect::<Vec<_>>())
}

/// Scores around -6 for two people, around `genuine` for one.
fn table(set: &Set, genuine: f32) -> Table {
    let random = std::cell::RefCell::new(SplitMix64(7));
    Table::of(set.samples.len(), |a, b| {
        let noise = random.borrow_mut().uniform() as f32;
        noise + if set.samples[a].person == set.samples[b].person { genuine } else { -6.0 }
    })
}

const SHAPE: Shape = Shape { templates: 2, frames: 1 };

fn named<'a>(name: &str, set: &'a Set, table: &'a Table) -> Named<'a> {
    Named { name: name.to_owned(), set, table }
}

#[test]
fn a_threshold_is_judged_on_people_whom_it_was_not_chosen_on() {
    let set = six();
    let (far, near) = (table(&set, 3.0), table(&set, -5.5));
    let sets = [named("far", &set, &far), named("near", &set, &near)];
    let held = measure(&sets, SHAPE, 1.0, 0.05).expect("enough people");
    assert_eq!(held.over_thresholds.len(), 2 * 16);
    let given = &held.over_thresholds[0];
    assert_eq!((given.z, given.rates.fnmr, given.rates.fmr), ((1.0, 1.0), 0.0, 0.0));
    let across: Vec<_> = held.across.iter().map(|j| (j.chosen_on.as_deref(), j.judged_on.as_str())).collect();
    assert_eq!(across, [(Some("far"), "near"), (Some("near"), "far")]);
    // Impostors of both sets lie between -6 and -5: a threshold for one holds for the other.
    assert!(held.across.iter().all(|judged| judged.rates.fmr <= 0.05 && judged.z.0 < -5.0));
    let near = held.halves.iter().find(|judged| judged.judged_on == "near").expect("judged");
    assert!(near.z.0 < near.z.1, "each half gives another threshold");
    assert!(near.rates.fmr > 0.0 && near.rates.fmr <= 0.06, "{:?}", near.rates.fmr_bounds);
    assert!(near.rates.fnmr > 0.05, "the two kinds overlap: {}", near.rates.fnmr);
}

#[test]
fn a_set_with_too_few_pictures_is_named_and_left_out() {
    let (set, one) = (six(), set_of(&[("a", vec![vec![1.0]; 3]), ("b", vec![vec![2.0]; 2])]));
    let (scores, of_one) = (table(&set, 3.0), table(&one, 3.0));
    let sets = [named("many", &set, &scores), named("few", &one, &of_one)];
    let held = measure(&sets, SHAPE, 1.0, 0.05).expect("one set has enough");
    assert_eq!(held.left_out, ["few"]);
    let text = super::held(&held);
    assert!(
        text.contains("Too few pictures for them: few.") && text.contains("| given | many | 1.000 |"),
        "{text}"
    );
    let text = measure(&sets[1..], SHAPE, 1.0, 0.05).expect_err("refused").to_string();
    assert!(text.contains("2 + 1 pictures"), "{text}");
}
