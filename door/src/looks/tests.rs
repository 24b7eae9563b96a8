use super::*;

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// When it looks, with a trigger that is active for that long from 0 on and looks that take no time.
fn times(active_ms: u64, until_ms: u64, outcome: impl Fn(u64) -> Option<Outcome>) -> Vec<u64> {
    let mut looks = Looks::default();
    let mut times = Vec::new();
    looks.trigger(true, at(0));
    for ms in (0..=until_ms).step_by(100) {
        if ms == active_ms {
            looks.trigger(false, at(ms));
        }
        if looks.begin(at(ms)) {
            assert!(!looks.begin(at(ms)), "one at a time");
            times.push(ms);
            looks.ended(outcome(ms), at(ms));
        }
    }
    times
}

#[test]
fn a_press_of_the_button_is_one_look_where_nobody_stands() {
    assert_eq!(times(200, 100_000, |_| Some(Outcome::NoFace)), [0]);
    assert_eq!(times(200, 100_000, |_| Some(Outcome::Match)), [0]);
    assert_eq!(times(200, 100_000, |_| None), [0]);
    assert_eq!(times(200, 100_000, |_| Some(Outcome::CameraUnavailable)), [0]);
}

#[test]
fn it_looks_on_while_a_face_is_seen_and_stops_when_it_is_gone_or_after_a_minute() {
    let comes_closer = |ms| Some(if ms < 1000 { Outcome::TooFar } else { Outcome::Match });
    let each_100_ms = |last: u64| (0..=last).step_by(100).collect::<Vec<_>>();
    assert_eq!(times(200, 100_000, comes_closer), each_100_ms(1000));
    let goes = |ms| Some(if ms < 1000 { Outcome::TurnedAway } else { Outcome::NoFace });
    assert_eq!(times(200, 100_000, goes), each_100_ms(1000));
    let last = times(200, 300_000, |_| Some(Outcome::TooFar)).last().copied();
    assert_eq!(last, Some(60_100));
}

#[test]
fn a_stranger_gets_fewer_and_fewer_looks() {
    let miss = |_| Some(Outcome::NoMatch);
    assert_eq!(times(200, 300_000, miss), [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]);
    // However long the sensor sees them, at most one a minute.
    let long = times(u64::MAX, 600_000, miss);
    assert_eq!(long[..8], [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
    assert_eq!(long.len(), 15);
}

#[test]
fn a_press_does_not_shorten_the_wait_and_minutes_without_a_look_end_it() {
    let mut looks = Looks::default();
    let mut press = |ms| {
        looks.trigger(true, at(ms));
        let began = looks.begin(at(ms));
        looks.trigger(false, at(ms));
        if began {
            looks.ended(Some(Outcome::NoFace), at(ms));
        }
        began
    };
    assert_eq!(
        [press(0), press(500), press(1000), press(2000), press(3000)],
        [true, false, true, false, true]
    );
    assert_eq!([press(6999), press(7000)], [false, true]);
    assert_eq!([press(200_000), press(201_000)], [true, true]);
}

#[test]
fn an_active_sensor_looks_again_for_who_is_not_there_yet_and_once_for_who_is_let_in() {
    let arrives = |ms| Some(if ms < 3000 { Outcome::NoFace } else { Outcome::Match });
    assert_eq!(times(60_000, 100_000, arrives), [0, 1000, 3000]);
    assert_eq!(times(60_000, 65_000, |_| Some(Outcome::Wait)), [0, 10_000, 20_000, 30_000, 40_000, 50_000]);
}

/// When it looks at a watched door, by what is before the camera; a look sees that 500 ms later.
fn watched(until_ms: u64, there: impl Fn(u64) -> Option<Outcome>) -> Vec<(u64, Outcome)> {
    let mut looks = Looks::default();
    let (mut ended, mut ends) = (Vec::new(), None);
    for ms in (0..=until_ms).step_by(100) {
        if ends == Some(ms) {
            let outcome = there(ms).unwrap_or(Outcome::NoFace);
            ended.push((ms, outcome));
            looks.ended(Some(outcome), at(ms));
            ends = None;
        }
        // The daemon has one engine: it watches while it does not look.
        if ends.is_none() && there(ms).is_some() {
            looks.sight(at(ms));
        }
        if looks.begin(at(ms)) {
            ends = Some(ms + 500);
        }
    }
    ended
}

#[test]
fn somebody_in_sight_is_looked_at_at_once_and_nobody_is_not() {
    assert_eq!(watched(60_000, |_| None), []);
    let comes = |ms| (5000..8000).contains(&ms).then_some(Outcome::TooFar);
    let ended = watched(60_000, comes);
    assert_eq!(ended[0], (5500, Outcome::TooFar));
    assert_eq!(ended.last(), Some(&(8000, Outcome::NoFace)), "it ends when nobody is there");
    // A passer-by who is gone before the look costs the next one nothing.
    let passes = |ms| ((ms % 3000) < 300).then_some(Outcome::TooFar);
    assert_eq!(watched(6000, passes), [(500, Outcome::NoFace), (3500, Outcome::NoFace)]);
}

#[test]
fn who_was_let_in_is_looked_at_again_after_ten_seconds_or_when_they_come_back() {
    let stands = watched(25_000, |_| Some(Outcome::Match));
    assert_eq!(stands.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [500, 11_000, 21_500]);
    let comes_back = |ms| (!(1000..4000).contains(&ms)).then_some(Outcome::Match);
    assert_eq!(watched(6000, comes_back), [(500, Outcome::Match), (4500, Outcome::Match)]);
}

#[test]
fn the_pin_has_twenty_seconds_unless_the_person_leaves() {
    let stands = watched(25_000, |_| Some(Outcome::EnterPin));
    assert_eq!(stands.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [500, 21_000]);
    let another = |ms| match ms {
        ..1000 => Some(Outcome::EnterPin),
        1000..4500 => None,
        _ => Some(Outcome::Match),
    };
    assert_eq!(watched(6000, another), [(500, Outcome::EnterPin), (5000, Outcome::Match)]);
    // At a button: whoever presses it next, and nobody after it was let go.
    let mut looks = Looks::default();
    looks.trigger(true, at(0));
    assert!(looks.begin(at(0)));
    looks.ended(Some(Outcome::EnterPin), at(500));
    assert_eq!(looks.next(), Some(at(20_500)));
    looks.trigger(false, at(600));
    assert_eq!(looks.next(), None);
    looks.trigger(true, at(1000));
    assert!(looks.begin(at(1000)));
}

#[test]
fn a_pin_that_opened_the_door_ends_the_visit() {
    let mut looks = Looks::default();
    looks.sight(at(0));
    assert!(looks.begin(at(0)));
    looks.ended(Some(Outcome::EnterPin), at(500));
    looks.let_in(at(5000));
    assert_eq!(looks.next(), None);
    looks.sight(at(6000));
    assert_eq!(looks.next(), Some(at(15_000)));
}

#[test]
fn a_stranger_who_stands_there_is_not_looked_at_more_often_and_somebody_later_is_new() {
    for outcome in [
        Outcome::NoMatch,
        Outcome::Attack,
        Outcome::NoAnswer,
        Outcome::NotAllowed,
        Outcome::ClockUnset,
        Outcome::Ambiguous,
    ] {
        let stands = watched(70_000, |_| Some(outcome));
        let starts: Vec<u64> = stands.iter().map(|(ms, _)| ms - 500).collect();
        assert_eq!(starts, [0, 1500, 4000, 8500, 17_000, 33_500, 66_000], "{outcome}");
    }
    let another = |ms| match ms {
        ..9000 => Some(Outcome::NoMatch),
        9000..20_000 => None,
        _ => Some(Outcome::Match),
    };
    let ended = watched(25_000, another);
    assert!(ended.contains(&(20_500, Outcome::Match)), "{ended:?}");
}

#[test]
fn where_only_time_helps_nobody_in_sight_shortens_the_wait() {
    for outcome in [Outcome::Wait, Outcome::Stopped, Outcome::SwitchedOff, Outcome::CameraUnavailable] {
        let stands = watched(22_000, |_| Some(outcome));
        assert_eq!(
            stands.iter().map(|(ms, _)| ms - 500).collect::<Vec<_>>(),
            [0, 10_500, 21_000],
            "{outcome}"
        );
    }
}

#[test]
fn after_the_right_pin_nobody_waits_but_for_what_only_time_helps() {
    for (outcome, next) in
        [(Outcome::NoMatch, 1000), (Outcome::NoFace, 1000), (Outcome::Match, 1000), (Outcome::Wait, 10_500)]
    {
        let mut looks = Looks::default();
        looks.sight(at(0));
        assert!(looks.begin(at(0)));
        looks.ended(Some(outcome), at(500));
        looks.face_wanted(at(1000));
        assert_eq!(looks.next(), Some(at(next)), "{outcome}");
    }
}
