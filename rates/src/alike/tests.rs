use super::super::set::set_of;
use super::*;

#[test]
fn a_moment_later_a_picture_is_another_and_yet_much_the_same() {
    let picture = RgbImage::from_fn(60, 60, |x, y| image::Rgb([(x * 4) as u8, (y * 4) as u8, 90]));
    assert_eq!(moment(picture.clone(), 0, 7), picture, "the picture itself");
    let (first, second) = (moment(picture.clone(), 1, 7), moment(picture.clone(), 2, 7));
    assert_eq!(first, moment(picture.clone(), 1, 7), "the same each time");
    assert!(first != second && first != picture && first != moment(picture.clone(), 1, 8));
    let off = |a: &RgbImage| -> f32 {
        let differ = a.as_raw().iter().zip(picture.as_raw()).map(|(a, b)| f32::from(a.abs_diff(*b)));
        differ.sum::<f32>() / a.as_raw().len() as f32
    };
    assert!((1.0..30.0).contains(&off(&first)), "{}", off(&first));
}

/// Three people with two pictures of a direction each; a moment later each is nearer to the next person.
fn sets() -> (Set, Set) {
    let all = |turn: f32| {
        let looks = |p: usize| {
            (0..2).map(|i| vec![(p as f32 + turn + i as f32 / 10.0).cos(), (p as f32 + turn).sin()]).collect()
        };
        set_of(&[("anna", looks(0)), ("bert", looks(1)), ("carl", looks(2))])
    };
    (all(0.0), all(0.3))
}

fn head() -> Head {
    Head::new(std::path::Path::new("test"), 4.0, vec![-3.0; 2], 0.9).expect("works")
}

#[test]
fn a_decision_is_the_vote_over_the_frames_of_one_picture() {
    let (mut set, later) = sets();
    let templates = Features::of_head(&set, &head());
    let h = Features::of_head(&later, &head());
    let alike = Alike::new(&mut set, std::slice::from_ref(&later), &templates, &head(), &mut |_, _| ());
    let z = |a: &[f32], template: usize| head().formula().log_odds(a, templates.of(template));
    let wanted = vote::combine(2, 1, |frame, _| z(if frame == 0 { templates.of(4) } else { h.of(4) }, 1))
        .expect("two");
    assert_eq!(alike.decide(&[1], 4), Some(wanted.0));
    assert!(alike.decide(&[], 4).is_none());
    assert!(alike.deviation(&set) > 0.0);
    let still = Alike::new(&mut set, &[sets().0], &templates, &head(), &mut |_, _| ());
    assert_eq!(still.deviation(&set), 0.0, "frames that are one picture");
}

#[test]
fn a_picture_whose_frames_are_not_all_judged_takes_no_part() {
    let (mut set, mut later) = sets();
    later.samples[0].believed = false;
    later.samples.remove(3);
    set.samples[5].believed = false;
    let templates = Features::of_head(&set, &head());
    let alike = Alike::new(&mut set, &[later], &templates, &head(), &mut |_, _| ());
    let believed: Vec<bool> = set.samples.iter().map(|s| s.believed).collect();
    assert_eq!(believed, [false, true, true, false, true, false]);
    let decided: Vec<bool> = (0..6).map(|picture| alike.decide(&[1], picture).is_some()).collect();
    assert_eq!(decided, believed);
}
