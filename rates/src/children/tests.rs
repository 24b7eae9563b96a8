use super::*;
use crate::set::set_of;

fn people(ages: &[u8]) -> Vec<Aged> {
    let aged = |(sample, age): (usize, &u8)| Aged { age: *age, group: "all".to_owned(), sample };
    ages.iter().enumerate().map(aged).collect()
}

#[test]
fn an_age_is_the_number_that_a_name_begins_with() {
    assert_eq!(age_in("10_0_0_20170110.jpg"), Some(10));
    assert_eq!(["3-9", "70+", "0"].map(age_in), [Some(3), Some(70), Some(0)]);
    assert_eq!(["x_1.jpg", "", "999_0"].map(age_in), [None; 3]);
}

#[test]
fn the_direction_leads_from_the_mean_adult_to_the_mean_child() {
    let looks = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![0.6, 0.8], vec![-0.8, -0.6]];
    let set = set_of(&[("all", looks)]);
    let learnt = Learnt::from(&set, &people(&[2, 30, 15, 40])).expect("both kinds");
    assert_eq!(learnt.pictures, (1, 2), "nobody between the ages");
    let direction = Direction { values: learnt.direction(), min_cosine: 0.5 };
    let wanted = [1.4_f32, -0.2].map(|v| v / 2.0_f32.sqrt());
    assert!(direction.values.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(direction.toml().starts_with("direction = [\n    0.9899, -0.1414,"), "{}", direction.toml());
    assert!(Learnt::from(&set, &people(&[2, 3, 4, 5])).is_none(), "no adult");
}

#[test]
fn the_threshold_refuses_no_more_adults_than_allowed() {
    let ages: Vec<u8> = (0..400).map(|n| if n % 2 == 0 { 30 } else { 3 }).collect();
    let values: Vec<f32> = (0..400).map(|n| n as f32).collect();
    let people = people(&ages);
    let threshold = threshold(&values, &people);
    let refused = values.iter().zip(&people).filter(|(v, p)| **v >= threshold && p.age >= 18).count();
    assert_eq!(refused, 2, "1 % of 200, from {threshold} on");
}

#[test]
fn pairs_are_counted_by_age_with_and_without_those_who_are_caught() {
    // Two small children who match, one at the other end, and an adult.
    let looks = vec![vec![1.0, 0.0, 0.0], vec![0.7, 0.714, 0.0], vec![0.0, 0.0, 1.0], vec![-1.0, 0.0, 0.0]];
    let set = set_of(&[("all", looks)]);
    let pairs = Pairs { set: &set, table: Table::of(4, |a, b| set.cosine(a, b)), level: 0.5 };
    let people = people(&[1, 2, 2, 30]);
    let seen = row("test", &[0.9, 0.1, 0.1, 0.1], 0.5, &people, &pairs);
    let band = &seen.bands[0];
    assert_eq!((band.caught, band.alike), (Share { some: 1, of: 3 }, Share { some: 1, of: 3 }));
    assert_eq!(band.left, Share { some: 0, of: 3 });
    assert_eq!(band.across, Share { some: 1, of: 6 }, "who was not caught matches who was");
    assert_eq!((seen.refused(), seen.adults.len()), (Share { some: 0, of: 1 }, 1));
    let text = markdown(&[], &seen);
    assert!(
        text.contains("| 0 to 2 | 3 | 33 % | 1 of 3, 33.3 % | 0 of 3, 0.0 % | 1 of 6, 16.7 % |"),
        "{text}"
    );
}
