//! When and how a person may come in, as the store keeps it. `judge::access` judges by it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::clock::{Date, LocalMinute, WallTime};

mod hours;

pub use hours::{BadHours, Hours, MAX_SPANS};

/// Most rules of one person.
pub const MAX_RULES: usize = 32;

/// Most holidays.
pub const MAX_HOLIDAYS: usize = 366;

/// Longest name of a door, in bytes.
pub const MAX_DOOR_BYTES: usize = 32;

/// Name of a door: 1 to 32 lower-case letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DoorName(String);

/// A name that no door can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("door {0:?}: use 1 to 32 lower-case letters, digits, \"-\" and \"_\"")]
pub struct BadDoorName(String);

impl DoorName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BadDoorName`].
    pub fn new(name: &str) -> Result<Self, BadDoorName> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if (1..=MAX_DOOR_BYTES).contains(&name.len()) && name.chars().all(fits) {
            return Ok(Self(name.to_owned()));
        }
        Err(BadDoorName(name.chars().take(MAX_DOOR_BYTES).collect()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DoorName {
    type Error = BadDoorName;

    fn try_from(name: String) -> Result<Self, BadDoorName> {
        Self::new(&name)
    }
}

impl From<DoorName> for String {
    fn from(name: DoorName) -> Self {
        name.0
    }
}

impl std::fmt::Display for DoorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of one person. Somebody of whom nothing is kept may come in at any time, by their face.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// By door.
    pub doors: BTreeMap<DoorName, Rule>,
    /// The rule of every door that has none of its own.
    pub elsewhere: Option<Rule>,
    /// The hash of their PIN.
    pub pin: Option<PinHash>,
    /// The hash of the PIN that they type under duress.
    pub duress: Option<PinHash>,
}

/// A hash of a PIN; equal for equal PINs of one store.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinHash(pub [u8; 32]);

impl std::fmt::Debug for PinHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinHash")
    }
}

/// What hashes of PINs hold for. Wiped on drop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct PinSecret(pub [u8; 32]);

impl std::fmt::Debug for PinSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinSecret")
    }
}

/// When a person may come in at a door, and what they have to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether they may come in at all.
    pub allowed: bool,
    /// What they have to show.
    pub factor: Factor,
    /// From when on, in local time.
    pub from: Option<LocalMinute>,
    /// Before when, in local time.
    pub until: Option<LocalMinute>,
    /// Weekly hours; at any time if empty.
    pub hours: Vec<Hours>,
}

/// What a person has to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Factor {
    /// Their face.
    #[default]
    Face,
    /// Their face, and their PIN.
    FaceAndPin,
    /// Their PIN alone.
    Pin,
}

/// What holds for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Premises {
    /// Whether faces let anybody in.
    pub face: bool,
    /// The holidays.
    pub holidays: BTreeSet<Date>,
    /// When rules, PINs or these were last set: the time is no earlier.
    pub set_at: WallTime,
    /// Of the store that the PINs came from, with a backup; absent if they were set here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_secret: Option<PinSecret>,
}

/// A rule, or a list of them, that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum BadRule {
    /// It ends before it begins.
    #[error("until {until}: that is not after {from}, when it begins")]
    Backwards { from: LocalMinute, until: LocalMinute },
    /// The hours make no sense.
    #[error(transparent)]
    Hours(#[from] BadHours),
    /// Too many rules of one person.
    #[error("{0} rules for one person; at most {MAX_RULES}")]
    Rules(usize),
    /// Too many spans of hours of one person.
    #[error("{0} spans of hours for one person; at most {MAX_SPANS}")]
    Spans(usize),
    /// Too many holidays.
    #[error("{0} holidays; at most {MAX_HOLIDAYS}: remove those that are over")]
    Holidays(usize),
}

impl Default for Rule {
    /// The rule that holds where there is none: at any time, by their face.
    fn default() -> Self {
        Self { allowed: true, factor: Factor::Face, from: None, until: None, hours: Vec::new() }
    }
}

impl Rule {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadRule`].
    pub fn check(&self) -> Result<(), BadRule> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Err(BadRule::Backwards { from, until });
        }
        Ok(hours::check(&self.hours)?)
    }

    /// Whether it cannot be judged without the time.
    pub fn needs_time(&self) -> bool {
        self.allowed && (self.from.is_some() || self.until.is_some() || !self.hours.is_empty())
    }
}

impl Access {
    /// The rule that holds at a door, or where there is no door.
    pub fn rule_at(&self, door: Option<&DoorName>) -> Option<&Rule> {
        door.and_then(|door| self.doors.get(door)).or(self.elsewhere.as_ref())
    }

    /// Sets the rule of a door, or of all others for `None`. `None` as a rule takes it away; so does one that says nothing.
    pub fn set(&mut self, door: Option<DoorName>, rule: Option<Rule>) {
        match (door, rule) {
            (Some(door), Some(rule)) => drop(self.doors.insert(door, rule)),
            (Some(door), None) => drop(self.doors.remove(&door)),
            (None, rule) => self.elsewhere = rule.filter(|rule| *rule != Rule::default()),
        }
    }

    /// All rules: that of all other doors first.
    pub fn rules(&self) -> impl Iterator<Item = (Option<&DoorName>, &Rule)> {
        let elsewhere = self.elsewhere.iter().map(|rule| (None, rule));
        elsewhere.chain(self.doors.iter().map(|(door, rule)| (Some(door), rule)))
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadRule`].
    pub fn check(&self) -> Result<(), BadRule> {
        let count = self.rules().count();
        if count > MAX_RULES {
            return Err(BadRule::Rules(count));
        }
        let spans = self.rules().map(|(_, rule)| rule.hours.len()).sum();
        if spans > MAX_SPANS {
            return Err(BadRule::Spans(spans));
        }
        self.rules().try_for_each(|(_, rule)| rule.check())
    }

    /// Whether any rule cannot be judged without the time.
    pub fn needs_time(&self) -> bool {
        self.rules().any(|(_, rule)| rule.needs_time())
    }
}

impl Default for Premises {
    fn default() -> Self {
        Self { face: true, holidays: BTreeSet::new(), set_at: WallTime(0), pin_secret: None }
    }
}

impl Premises {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadRule`].
    pub fn check(&self) -> Result<(), BadRule> {
        let count = self.holidays.len();
        if count > MAX_HOLIDAYS { Err(BadRule::Holidays(count)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_has_a_short_plain_name() {
        for good in ["front", "garage-2", "a"] {
            assert_eq!(DoorName::new(good).map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "Front", "a b", "tür", &"x".repeat(33)] {
            assert!(DoorName::new(bad).is_err(), "{bad}");
        }
    }

    fn guest(from: &str, until: &str) -> Rule {
        let minute = |text: &str| Some(text.parse().expect("a minute"));
        Rule { from: minute(from), until: minute(until), ..Rule::default() }
    }

    #[test]
    fn a_guest_leaves_after_they_came() {
        assert_eq!(guest("2026-12-24T10:00", "2026-12-24T10:01").check(), Ok(()));
        for until in ["2026-12-24T10:00", "2026-12-23T23:00"] {
            let error = guest("2026-12-24T10:00", until).check().expect_err("backwards").to_string();
            assert!(error.contains(until) && error.contains("2026-12-24T10:00"), "{error}");
        }
    }

    #[test]
    fn a_door_without_a_rule_of_its_own_has_that_of_all_others() {
        let (front, denied) =
            (DoorName::new("front").expect("valid"), Rule { allowed: false, ..Rule::default() });
        let mut access = Access::default();
        access.set(None, Some(denied.clone()));
        assert_eq!((access.rule_at(Some(&front)), access.rule_at(None)), (Some(&denied), Some(&denied)));
        access.set(Some(front.clone()), Some(Rule::default()));
        assert_eq!(access.rule_at(Some(&front)), Some(&Rule::default()), "even one that says nothing else");
        access.set(Some(front), None);
        access.set(None, Some(Rule::default()));
        assert_eq!(access, Access::default());
    }

    #[test]
    fn there_is_room_for_so_many_rules_and_holidays() {
        let mut access = Access::default();
        for n in 0..=MAX_RULES {
            assert_eq!(access.check(), Ok(()), "{n}");
            access.set(Some(DoorName::new(&format!("door{n}")).expect("valid")), Some(Rule::default()));
        }
        assert_eq!(access.check(), Err(BadRule::Rules(MAX_RULES + 1)));
        let day: Date = "2026-01-01".parse().expect("a day");
        let days = std::iter::successors(Some(day), |day| Some(day.next()));
        let mut premises =
            Premises { holidays: days.clone().take(MAX_HOLIDAYS).collect(), ..Premises::default() };
        assert_eq!(premises.check(), Ok(()));
        premises.holidays = days.take(MAX_HOLIDAYS + 1).collect();
        assert_eq!(premises.check(), Err(BadRule::Holidays(MAX_HOLIDAYS + 1)));
    }

    #[test]
    fn what_is_kept_reads_as_it_was_written() {
        let mut access = Access { pin: Some(PinHash([7; 32])), ..Access::default() };
        let hours = vec!["mon-fri 08:00-18:00".parse().expect("hours")];
        access.set(None, Some(Rule { hours, ..guest("2026-12-24T10:00", "2027-01-01T00:00") }));
        let text = serde_json::to_string(&access).expect("serialises");
        assert!(text.contains("mon-fri 08:00-18:00") && text.contains("2026-12-24T10:00"), "{text}");
        assert_eq!(serde_json::from_str::<Access>(&text).expect("reads"), access);
        assert!(serde_json::from_str::<Access>(&text.replace("08:00", "19:00")).is_err());
        assert_eq!(serde_json::from_str::<Access>("{}").expect("reads"), Access::default());
    }
}
