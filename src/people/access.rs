//! When and how a person may come in, as the store keeps it. `judge::access` judges by it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

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

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Date {
    /// 2000 to 2999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A minute as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LocalMinute {
    /// The day.
    pub date: Date,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

/// Hours of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Bit 0 is Monday, bit 6 Sunday, bit 7 a holiday. On a holiday only bit 7 counts.
    pub days: u8,
    /// First minute of the day, 0 to 1439.
    pub from: u16,
    /// The minute after the last one, 1 to 1440, later than `from`.
    pub until: u16,
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
}

impl Default for Premises {
    fn default() -> Self {
        Self { face: true, holidays: BTreeSet::new(), set_at: WallTime(0) }
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
}
