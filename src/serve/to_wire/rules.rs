//! Rules as the wire's types, and back.

use facelatch_wire::reply::{self, Event};

use crate::clock::{Date, LocalMinute};
use crate::people::UserName;
use crate::people::access::{DoorName, Factor, Hours, Rule};

/// What is told of a rule.
pub(in crate::serve) fn rule(user: &UserName, door: Option<&DoorName>, rule: &Rule) -> reply::Rule {
    let Rule { allowed, factor, from, until, hours } = rule;
    reply::Rule {
        user: user.to_string(),
        door: door.map(ToString::to_string),
        allowed: Some(*allowed),
        factor: Some(match factor {
            Factor::Face => reply::Factor::Face,
            Factor::FaceAndPin => reply::Factor::FaceAndPin,
            Factor::Pin => reply::Factor::Pin,
        }),
        from: from.map(|from| if from.minute() == 0 { from.date().to_string() } else { from.to_string() }),
        until: until.map(|until| match until.minute() {
            0 => until.date().previous().to_string(),
            _ => until.to_string(),
        }),
        hours: hours.iter().map(ToString::to_string).collect(),
    }
}

/// The rule that somebody asks for, and for which door; none if it says nothing.
///
/// # Errors
/// Text.
pub(in crate::serve) fn rule_of(asked: &reply::Rule) -> Result<(Option<DoorName>, Option<Rule>), String> {
    let door = asked.door.as_deref().map(DoorName::new).transpose().map_err(|why| why.to_string())?;
    if !asked.says_anything() {
        return Ok((door, None));
    }
    // Whoever writes a time with a space is told of the T.
    let minute = |text: &str, of_day: fn(Date) -> Date| match text.contains(['T', ' ', ':']) {
        true => text.parse::<LocalMinute>(),
        false => text.parse().map(|day| of_day(day).midnight()),
    };
    let from = asked.from.as_deref().map(|text| minute(text, |day| day)).transpose();
    // A day is meant with its evening.
    let until = asked.until.as_deref().map(|text| minute(text, Date::next)).transpose();
    let hours: Result<Vec<Hours>, _> = asked.hours.iter().map(|text| text.parse()).collect();
    let rule = Rule {
        allowed: asked.allowed.unwrap_or(true),
        factor: match asked.factor {
            None | Some(reply::Factor::Face) => Factor::Face,
            Some(reply::Factor::FaceAndPin) => Factor::FaceAndPin,
            Some(reply::Factor::Pin) => Factor::Pin,
            Some(reply::Factor::Unknown) => return Err("factor: use face, face+pin or pin".to_owned()),
        },
        from: from.map_err(|why| format!("from {why}"))?,
        until: until.map_err(|why| format!("until {why}"))?,
        hours: hours.map_err(|why| why.to_string())?,
    };
    rule.check().map_err(|why| why.to_string())?;
    Ok((door, Some(rule)))
}

/// Longest note of a rule, in characters: the log holds what was changed for days, however many hours a rule has.
const NOTE: usize = 60;

/// That this rule was set, for the record. A long one is cut short.
pub(in crate::serve) fn rule_event(event: Event, rule: &reply::Rule) -> Event {
    let text = if rule.says_anything() { rule.text() } else { "no rule".to_owned() };
    let is_long = text.chars().count() > NOTE;
    let note = if is_long { text.chars().take(NOTE - 3).chain("...".chars()).collect() } else { text };
    Event { door: rule.door.clone(), note: Some(note), ..event }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> reply::Rule {
        reply::Rule {
            user: "bob".into(),
            door: Some("front".into()),
            allowed: Some(true),
            factor: Some(reply::Factor::FaceAndPin),
            from: Some("2026-12-24".into()),
            until: Some("2026-12-26".into()),
            hours: vec!["mon-fri 08:00-18:00".into()],
        }
    }

    #[test]
    fn a_rule_is_told_as_it_was_asked_for() {
        let bob = UserName::new("bob").expect("valid");
        let exact = reply::Rule { until: Some("2026-12-26T18:30".into()), door: None, ..asked() };
        let denied = reply::Rule { allowed: Some(false), ..asked() };
        for asked in [asked(), exact, denied] {
            let (door, kept) = rule_of(&asked).expect("makes sense");
            assert_eq!(rule(&bob, door.as_ref(), &kept.expect("a rule")), asked);
        }
    }

    #[test]
    fn a_day_is_meant_with_its_evening() {
        let (_, kept) = rule_of(&asked()).expect("makes sense");
        let until = kept.and_then(|rule| rule.until).map(|until| until.to_string());
        assert_eq!(until.as_deref(), Some("2026-12-27T00:00"));
        let one_day = reply::Rule { until: Some("2026-12-24".into()), ..asked() };
        assert!(rule_of(&one_day).is_ok());
    }

    #[test]
    fn what_makes_no_sense_says_what_is_wrong() {
        let refused = |asked: reply::Rule| rule_of(&asked).expect_err("refused");
        assert!(refused(reply::Rule { door: Some("Front".into()), ..asked() }).contains("door \"Front\""));
        assert!(
            refused(reply::Rule { from: Some("2026-02-29".into()), ..asked() }).contains("from 2026-02-29")
        );
        assert!(
            refused(reply::Rule { until: Some("tomorrow".into()), ..asked() }).contains("until \"tomorrow\"")
        );
        assert!(refused(reply::Rule { until: Some("2026-12-23".into()), ..asked() }).contains("not after"));
        assert!(refused(reply::Rule { hours: vec!["mon".into()], ..asked() }).contains("hours \"mon\""));
        assert!(
            refused(reply::Rule { factor: Some(reply::Factor::Unknown), ..asked() }).contains("face+pin")
        );
        let spaced = refused(reply::Rule { until: Some("2026-12-26 18:00".into()), ..asked() });
        assert!(spaced.contains("until \"2026-12-26 18:00\": write 2026-12-26T18:00"), "{spaced}");
        let silent = reply::Rule { user: "bob".into(), ..reply::Rule::default() };
        assert_eq!(rule_of(&silent), Ok((None, None)));
    }
}
