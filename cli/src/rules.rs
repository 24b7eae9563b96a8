//! `facelatch allow`, `deny`, `guest`, `hours`, `holiday` and `face`: who may come in when.
//!
//! A command changes one thing about what holds for somebody at a door. A door that had no rule of its own begins with the
//! rule of all others, so that nobody gains anything by it.

use anyhow::Result;
use facelatch_wire::call::{RuleList, Rules, SetPremises, SetRule, Status};
use facelatch_wire::reply::{Factor, Rule};

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
    change(to, about, |rule| match clear {
        true => Rule { factor, ..none },
        false => Rule { allowed: Some(true), factor: factor.or(rule.factor), ..rule },
    })
}

/// Keeps somebody out.
pub(crate) fn deny(to: &Daemon, about: &About) -> Result<Exit> {
    change(to, about, |rule| Rule { allowed: Some(false), ..rule })
}

/// Lets somebody in between two dates, or without dates.
pub(crate) fn guest(to: &Daemon, about: &About, from: Option<String>, until: Option<String>) -> Result<Exit> {
    change(to, about, |rule| Rule { allowed: Some(true), from, until, ..rule })
}

/// Sets the weekly hours of somebody.
pub(crate) fn hours(to: &Daemon, about: &About, spans: &[String]) -> Result<Exit> {
    let hours = in_pairs(spans);
    change(to, about, |rule| Rule { allowed: Some(true), hours, ..rule })
}

/// Days and times, whether or not somebody wrote quotes around the two.
fn in_pairs(spans: &[String]) -> Vec<String> {
    let words: Vec<&str> = spans.iter().flat_map(|span| span.split_whitespace()).collect();
    words.chunks(2).map(|pair| pair.join(" ")).collect()
}

/// Changes the rule that holds for somebody at a door, and says what holds now.
fn change(to: &Daemon, about: &About, how: impl FnOnce(Rule) -> Rule) -> Result<Exit> {
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
    let attached = client.call(&Status {})?.doors;
    let unknown = door.as_ref().filter(|door| attached.iter().all(|one| one.name != **door));
    if let Some(door) = unknown {
        let names: Vec<&str> = attached.iter().map(|door| door.name.as_str()).collect();
        let there = if names.is_empty() { "none is".to_owned() } else { format!("{} are", names.join(", ")) };
        say::line(format!(
            "no door named {door} is attached now, {there}; if that is a slip, say --clear for it"
        ))?;
    }
    Ok(Exit::Done)
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
    let wants_pin = theirs.iter().any(|rule| {
        rule.allowed != Some(false) && matches!(rule.factor, Some(Factor::FaceAndPin | Factor::Pin))
    });
    if wants_pin && !list.pins.iter().any(|one| one == user) {
        lines.push(format!("{user} has no PIN yet; run `facelatch pin {user}`"));
    }
    lines.extend(premises(list));
    lines
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
                anyhow::bail!("holiday {unknown}: is none; `facelatch holiday list` shows them");
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

/// Switches face unlock on or off.
pub(crate) fn face(to: &Daemon, on: bool) -> Result<Exit> {
    let done = to.ask(say::SOON)?.call(&SetPremises { face: Some(on), holidays: None })?;
    if to.json {
        say::json(&done)?;
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
    }
}
