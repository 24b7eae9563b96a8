//! Types of settings, and what the rest of the program needs to know about a line.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::settings::{
    Bias, Buzzer, Contact, Exit, LampGranted, LampLeft, LampRefused, LampRight, Level, Tamper, Trigger,
};

/// Which line of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(untagged, expecting = "expected the name of a line, or its number")]
pub(crate) enum LineId {
    /// By its number on the chip.
    Number(u32),
    /// By its name; empty if the file names none.
    Name(String),
}

impl Default for LineId {
    fn default() -> Self {
        Self::Name(String::new())
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Label or name of the chip; empty for any.
    pub(crate) chip: String,
    pub(crate) line: LineId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chip.as_str() {
            "" => write!(f, "line {}", self.line),
            chip => write!(f, "line {} of {chip}", self.line),
        }
    }
}

/// An input as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputSettings {
    pub(crate) place: Place,
    pub(crate) active_low: bool,
    pub(crate) bias: Bias,
    pub(crate) debounce: Duration,
}

macro_rules! inputs {
    ($($Section:ident)+) => {
        $(impl From<&$Section> for InputSettings {
            fn from(input: &$Section) -> Self {
                Self {
                    place: Place { chip: input.chip.clone(), line: input.line.clone() },
                    active_low: input.active == Level::Low,
                    bias: input.bias,
                    debounce: Duration::from_millis(input.debounce_ms.into()),
                }
            }
        })+
    };
}

inputs!(Contact Exit Trigger Tamper);

/// A lamp or buzzer as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    pub(crate) place: Place,
    pub(crate) active_low: bool,
}

macro_rules! outputs {
    ($($Section:ident)+) => {
        $(impl From<&$Section> for OutputSettings {
            fn from(output: &$Section) -> Self {
                let place = Place { chip: output.chip.clone(), line: output.line.clone() };
                Self { place, active_low: output.active_low }
            }
        })+
    };
}

outputs!(LampLeft LampRight LampGranted LampRefused Buzzer);

/// A number that has a range in the table.
pub(super) trait Number: Copy + PartialOrd + fmt::Debug {}
impl Number for f64 {}
impl Number for u32 {}
