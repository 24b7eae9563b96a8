//! Whether somebody who was recognised may come in here and now, and what they have to show. Pure.

use crate::clock::LocalMinute;
use crate::people::access::{Access, DoorName, Factor, Premises, Rule};

/// What a person's rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// They may come in, and have to show this.
    Allowed(Factor),
    /// They may not come in here, or not now.
    NotAllowed,
    /// The rule asks for a time, and the time is not known.
    ClockUnset,
}

/// Judges by the rule of this door, or by the rule of all doors without one of their own; a look without a door counts as
/// such a door. Without any rule a face is enough at any time. `now` is `None` while the time is not known: then a rule that
/// asks for it lets nobody in.
pub fn judge(
    access: &Access,
    premises: &Premises,
    door: Option<&DoorName>,
    now: Option<LocalMinute>,
) -> Admission {
    let Some(rule) = access.rule_at(door) else { return Admission::Allowed(Factor::Face) };
    if !rule.allowed {
        return Admission::NotAllowed;
    }
    if !rule.needs_time() {
        return Admission::Allowed(rule.factor);
    }
    match now {
        None => Admission::ClockUnset,
        Some(now) if is_time(rule, premises, now) => Admission::Allowed(rule.factor),
        Some(_) => Admission::NotAllowed,
    }
}

/// Whether a rule's dates and hours include this minute.
fn is_time(rule: &Rule, premises: &Premises, now: LocalMinute) -> bool {
    let in_dates = rule.from.is_none_or(|from| from <= now) && rule.until.is_none_or(|until| now < until);
    let is_holiday = premises.holidays.contains(&now.date());
    let include =
        |hours: &crate::people::access::Hours| hours.include(now.date().weekday(), is_holiday, now.minute());
    in_dates && (rule.hours.is_empty() || rule.hours.iter().any(include))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<LocalMinute> {
        Some(text.parse().expect("a minute"))
    }

    fn door(name: &str) -> DoorName {
        DoorName::new(name).expect("valid")
    }

    fn rule(hours: &[&str]) -> Rule {
        Rule { hours: hours.iter().map(|text| text.parse().expect("hours")).collect(), ..Rule::default() }
    }

    fn with(name: Option<&str>, rule: Rule) -> Access {
        let mut access = Access::default();
        access.set(name.map(door), Some(rule));
        access
    }

    fn premises(holidays: &[&str]) -> Premises {
        let holidays = holidays.iter().map(|day| day.parse().expect("a day")).collect();
        Premises { holidays, ..Premises::default() }
    }

    const FACE: Admission = Admission::Allowed(Factor::Face);
    const NO: Admission = Admission::NotAllowed;

    #[test]
    fn without_a_rule_a_face_is_enough_at_any_time() {
        let judged = |door| judge(&Access::default(), &Premises::default(), door, None);
        assert_eq!((judged(None), judged(Some(&door("front")))), (FACE, FACE));
    }

    #[test]
    fn hours_of_a_week_and_of_holidays() {
        // 2026-12-24 is a Thursday.
        let access = with(None, rule(&["mon-fri 08:00-18:00", "holiday 10:00-12:00"]));
        let days = premises(&["2026-12-25"]);
        for (time, wanted) in [
            ("2026-12-24T07:59", NO),
            ("2026-12-24T08:00", FACE),
            ("2026-12-24T17:59", FACE),
            ("2026-12-24T18:00", NO),
            ("2026-12-25T09:00", NO),
            ("2026-12-25T10:00", FACE),
            ("2026-12-25T12:00", NO),
            ("2026-12-26T10:00", NO),
            ("2026-12-28T10:00", FACE),
        ] {
            assert_eq!(judge(&access, &days, None, at(time)), wanted, "{time}");
        }
        assert_eq!(judge(&access, &premises(&[]), None, at("2026-12-25T09:00")), FACE);
    }

    #[test]
    fn a_guest_comes_and_goes_by_the_minute() {
        let access = with(
            None,
            Rule { from: at("2026-12-24T10:00"), until: at("2026-12-26T00:00"), ..Rule::default() },
        );
        for (time, wanted) in [
            ("2026-12-24T09:59", NO),
            ("2026-12-24T10:00", FACE),
            ("2026-12-25T23:59", FACE),
            ("2026-12-26T00:00", NO),
        ] {
            assert_eq!(judge(&access, &premises(&[]), None, at(time)), wanted, "{time}");
        }
        let both = Rule { from: at("2026-12-24T10:00"), ..rule(&["daily 08:00-12:00"]) };
        assert_eq!(judge(&with(None, both.clone()), &premises(&[]), None, at("2026-12-24T12:00")), NO);
        assert_eq!(judge(&with(None, both), &premises(&[]), None, at("2026-12-24T11:00")), FACE);
    }

    #[test]
    fn each_door_has_its_own_rule_or_that_of_all_others() {
        let denied = Rule { allowed: false, ..Rule::default() };
        let mut access = with(Some("lab"), denied.clone());
        let judged = |access: &Access, name: Option<&str>| {
            judge(access, &Premises::default(), name.map(door).as_ref(), at("2026-12-24T10:00"))
        };
        assert_eq!(judged(&access, Some("lab")), NO);
        assert_eq!((judged(&access, Some("front")), judged(&access, None)), (FACE, FACE));
        access.set(None, Some(denied));
        access.set(Some(door("front")), Some(Rule { factor: Factor::FaceAndPin, ..Rule::default() }));
        assert_eq!(judged(&access, Some("front")), Admission::Allowed(Factor::FaceAndPin));
        assert_eq!((judged(&access, Some("back")), judged(&access, None)), (NO, NO));
    }

    #[test]
    fn a_rule_that_asks_for_an_unknown_time_lets_nobody_in() {
        let judged = |rule| judge(&with(None, rule), &Premises::default(), None, None);
        assert_eq!(judged(rule(&["daily 00:00-24:00"])), Admission::ClockUnset);
        assert_eq!(judged(Rule { until: at("2999-01-01T00:00"), ..Rule::default() }), Admission::ClockUnset);
        assert_eq!(judged(Rule { from: at("2000-01-01T00:00"), ..Rule::default() }), Admission::ClockUnset);
        // These ask for none.
        assert_eq!(judged(Rule { allowed: false, ..rule(&["daily 00:00-24:00"]) }), NO);
        assert_eq!(judged(Rule { factor: Factor::Pin, ..Rule::default() }), Admission::Allowed(Factor::Pin));
    }
}
