//! `facelatch allow`, `deny`, `guest`, `hours`, `holiday` and `face`: who may come in when.
//!
//! A command changes one thing about what holds for somebody at a door. A door that had no rule of its own begins with the
//! rule of all others, so that nobody gains anything by it.

use anyhow::Result;
use facelatch_wire::call::{RuleList, Rules, SetPremises, SetRule, Status};
use facelatch_wire::reply::{DoorState, Factor, Rule};
use facelatch_wire::{ClientError, Fault};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Whom a command is about, and where.
pub(crate) struct About {
    pub(crate) user: String,
    pub(crate) door: Option<String>,
}

/// Lets somebody in, with the dates and hours that they had.
pub(crate) fn allow(to: &Daemon, about: &About, factor: Option<Factor>, clear: bool) -> Result<Exit> {
    let none = Rule { user: about.user.clone(), door: about.door.clone(), ..Rule::default() };
    change(to, about, clear, |rule| match clear {
        true => Rule { factor, ..none },
        false => Rule { allowed: Some(true), factor: factor.or(rule.factor), ..rule },
    })
}

/// Keeps somebody out.
pub(crate) fn deny(to: &Daemon, about: &About) -> Result<Exit> {
    change(to, about, false, |rule| Rule { allowed: Some(false), ..rule })
}

/// Lets somebody in between two dates, or without dates.
pub(crate) fn guest(to: &Daemon, about: &About, from: Option<String>, until: Option<String>) -> Result<Exit> {
    let clear = until.is_none();
    change(to, about, clear, |rule| Rule { allowed: Some(true), from, until, ..rule })
}

/// Sets the weekly hours of somebody.
pub(crate) fn hours(to: &Daemon, about: &About, spans: &[String]) -> Result<Exit> {
    let hours = in_pairs(spans);
    change(to, about, spans.is_empty(), |rule| Rule { allowed: Some(true), hours, ..rule })
}

/// Days and times, whether or not somebody wrote quotes around the two.
fn in_pairs(spans: &[String]) -> Vec<String> {
    let words: Vec<&str> = spans.iter().flat_map(|span| span.split_whitespace()).collect();
    words.chunks(2).map(|pair| pair.join(" ")).collect()
}

/// Changes the rule that holds for somebody at a door, and says what holds now.
fn change(to: &Daemon, about: &About, clear: bool, how: impl FnOnce(Rule) -> Rule) -> Result<Exit> {
    let About { user, door } = about;
    let mut client = to.ask(say::SOON)?;
    let before = client.call(&Rules { user: Some(user.clone()) })?.rules;
    let own = before.iter().find(|rule| rule.door == *door);
    let holds = own.or_else(|| before.iter().find(|rule| rule.door.is_none())).cloned().unwrap_or_default();
    let rule = how(Rule { user: user.clone(), door: door.clone(), ..holds });
    client.call(&SetRule { rule })?;
    let now = client.call(&Rules { user: Some(user.clone()) })?;
    if to.json {
        say::json(&now)?;
        return Ok(Exit::Done);
    }
    of_person(user, &now).iter().try_for_each(say::line)?;
    if !clear && let Some(door) = door {
        not_attached(user, door, &client.call(&Status {})?.doors).map_or(Ok(()), say::line)?;
    }
    Ok(Exit::Done)
}

/// That there is no door of that name now.
fn not_attached(user: &str, door: &str, attached: &[DoorState]) -> Option<String> {
    let names: Vec<&str> = attached.iter().map(|door| door.name.as_str()).collect();
    let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    (!names.contains(&door)).then(|| {
        format!(
            "no door named {door} is attached (attached: {there}); if that was a typo: \
             facelatch allow {user} --door {door} --clear"
        )
    })
}

/// What holds for somebody, a line each: everywhere, then at each door with a rule of its own, then what is in the way.
pub(crate) fn of_person(user: &str, list: &RuleList) -> Vec<String> {
    let theirs: Vec<&Rule> = list.rules.iter().filter(|rule| rule.user == user).collect();
    let everywhere = theirs
        .iter()
        .find(|rule| rule.door.is_none())
        .map_or_else(|| Rule::default().text(), |rule| rule.text());
    let mut lines = vec![format!("{user}: {everywhere}")];
    let doors = theirs.iter().filter_map(|rule| Some((rule.door.as_ref()?, rule.text())));
    lines.extend(doors.map(|(door, text)| format!("{user} at {door}: {text}")));
    if wants_pin(user, list) && !list.pins.iter().any(|one| one == user) {
        lines.push(format!("{user} has no PIN yet; run `facelatch pin {user}`"));
    }
    lines.extend(premises(list));
    lines
}

/// Whether somebody comes in by a PIN at any door.
pub(crate) fn wants_pin(user: &str, list: &RuleList) -> bool {
    let by_pin = |rule: &Rule| matches!(rule.factor, Some(Factor::FaceAndPin | Factor::Pin));
    list.rules.iter().any(|rule| rule.user == user && rule.allowed != Some(false) && by_pin(rule))
}

/// PINs that no rule asks for, a line each.
pub(crate) fn idle_pins(list: &RuleList) -> impl Iterator<Item = String> {
    list.pins.iter().filter(|user| !wants_pin(user, list)).map(|user| {
        let has_rule = list.rules.iter().any(|rule| rule.user == *user);
        format!("{user}: PIN, {}", if has_rule { "and no rule asks for it" } else { "no rule" })
    })
}

/// What is in everybody's way.
pub(crate) fn premises(list: &RuleList) -> Option<String> {
    (!list.face).then(|| "face unlock is switched off for everybody; run `facelatch face on`".to_owned())
}

/// What is done with holidays.
pub(crate) enum Holidays {
    Add(Vec<String>),
    Remove(Vec<String>),
    List,
}

/// Changes the holidays, and lists them.
pub(crate) fn holidays(to: &Daemon, what: Holidays) -> Result<Exit> {
    let mut client = to.ask(say::SOON)?;
    let mut days = client.call(&Rules::default())?.holidays;
    let changed = match what {
        Holidays::List => false,
        Holidays::Add(new) => {
            days.extend(new);
            true
        }
        Holidays::Remove(gone) => {
            if let Some(unknown) = gone.iter().find(|day| !days.contains(day)) {
                let message = format!("holiday {unknown}: is none; `facelatch holiday list` shows them");
                return Err(ClientError::Refused(Fault::NotFound { message }).into());
            }
            days.retain(|day| !gone.contains(day));
            true
        }
    };
    if changed {
        client.call(&SetPremises { face: None, holidays: Some(days) })?;
        days = client.call(&Rules::default())?.holidays;
    }
    if to.json {
        say::json(&days)?;
    } else if days.is_empty() {
        say::line("no holidays")?;
    } else {
        days.iter().try_for_each(say::line)?;
    }
    Ok(Exit::Done)
}

/// Switches face unlock on or off; or says which it is.
pub(crate) fn face(to: &Daemon, switch: Option<bool>) -> Result<Exit> {
    let mut client = to.ask(say::SOON)?;
    if let Some(on) = switch {
        let done = client.call(&SetPremises { face: Some(on), holidays: None })?;
        if to.json {
            say::json(&done)?;
            return Ok(Exit::Done);
        }
    }
    let on = match switch {
        Some(on) => on,
        None => client.call(&Rules::default())?.face,
    };
    if to.json {
        say::json(&serde_json::json!({ "face": on }))?;
    } else if on {
        say::line("face unlock is on")?;
    } else {
        say::line(
            "face unlock is off: no face lets anybody in, at doors and at logins, until `facelatch face on`",
        )?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rules: Vec<Rule>) -> RuleList {
        RuleList { rules, face: true, ..RuleList::default() }
    }

    #[test]
    fn spans_may_be_quoted_or_not() {
        let words =
            |words: &[&str]| in_pairs(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let wanted = ["mon-fri 08:00-18:00", "sat 10:00-12:00"];
        assert_eq!(words(&["mon-fri 08:00-18:00", "sat 10:00-12:00"]), wanted);
        assert_eq!(words(&["mon-fri", "08:00-18:00", "sat", "10:00-12:00"]), wanted);
        assert_eq!(words(&["mon-fri"]), ["mon-fri"], "the daemon says what is wrong with it");
    }

    #[test]
    fn what_holds_is_told_door_by_door() {
        let rule = |door: Option<&str>, allowed| Rule {
            user: "bob".into(),
            door: door.map(str::to_owned),
            allowed: Some(allowed),
            ..Rule::default()
        };
        assert_eq!(of_person("bob", &list(Vec::new())), ["bob: at any time, by face"]);
        let two = list(vec![rule(Some("lab"), false), Rule { user: "eve".into(), ..rule(None, false) }]);
        assert_eq!(of_person("bob", &two), ["bob: at any time, by face", "bob at lab: not allowed in"]);
        let pin = Rule { factor: Some(Factor::FaceAndPin), ..rule(None, true) };
        let told = of_person("bob", &RuleList { face: false, ..list(vec![pin.clone()]) });
        assert_eq!(told[0], "bob: at any time, by face and PIN");
        assert!(told[1].contains("facelatch pin bob") && told[2].contains("facelatch face on"), "{told:?}");
        let known = RuleList { pins: vec!["bob".into()], ..list(vec![pin]) };
        assert_eq!(of_person("bob", &known).len(), 1);
        assert_eq!(idle_pins(&known).count(), 0);
    }

    #[test]
    fn a_pin_that_no_rule_asks_for_is_told() {
        let pins = ["ann", "bob"].map(str::to_owned).to_vec();
        let denied = Rule { user: "bob".into(), allowed: Some(false), ..Rule::default() };
        let told: Vec<String> = idle_pins(&RuleList { pins, ..list(vec![denied]) }).collect();
        assert_eq!(told, ["ann: PIN, no rule", "bob: PIN, and no rule asks for it"]);
    }

    #[test]
    fn a_door_that_is_not_attached_is_told_with_those_that_are() {
        let doors = ["front", "lab"].map(|name| DoorState { name: name.into(), ..DoorState::default() });
        assert_eq!(not_attached("bob", "lab", &doors), None);
        let told = not_attached("bob", "lob", &doors).expect("not there");
        assert_eq!(
            told,
            "no door named lob is attached (attached: front, lab); if that was a typo: facelatch allow bob --door lob --clear"
        );
        assert!(not_attached("bob", "lob", &[]).is_some_and(|told| told.contains("(attached: none)")));
    }
}
