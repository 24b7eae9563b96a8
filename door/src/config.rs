//! The configuration file to a checked [`Config`]. Start at `config/settings.rs`: the table of all settings.

#[cfg(test)]
mod document;
mod malformed;
mod settings;
mod table;
mod value;

use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::door::Role;
use crate::signal::Signal;
use value::Number;

pub(crate) use settings::{Bias, Config, Door, Keypad, Strike};
pub(crate) use value::{InputSettings, LineId, OutputSettings, Place};

/// The file that is read if no other is named.
pub(crate) const DEFAULT_PATH: &str = "/etc/facelatch/door.toml";

/// A longer file is not a configuration.
const MAX_FILE_BYTES: u64 = 1 << 18;

/// More doors than this are not on one board.
const MAX_DOORS: usize = 16;

/// Longest name of a door, in bytes.
const MAX_NAME: usize = 32;

/// What is wrong with a configuration. Each text names the file, the key and the fix.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration {}: cannot be read ({source}); check the path and its permissions", .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("configuration {}: {why}", .path.display())]
    Malformed { path: PathBuf, why: String },
    #[error("configuration {}: {refused}", .path.display())]
    Value { path: PathBuf, refused: Refused },
}

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{key} = {got} is not allowed; use {allowed}")]
    Value { key: String, got: String, allowed: String },
    #[error(
        "no door is set up; run `sudo facelatch setup door`, or write a section [[door]] with a name and a [door.strike]"
    )]
    NoDoor,
    #[error("{key} is not allowed where face = false: it asks for a look; leave it out, or set face = true")]
    NeedsFace { key: String },
}

/// The text of a configuration file.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.into(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let why = format!("longer than {MAX_FILE_BYTES} bytes; is this the right file?");
        return Err(ConfigError::Malformed { path: path.into(), why });
    }
    Ok(text)
}

impl Config {
    /// Parses and checks the text of a configuration file; `path` appears only in errors.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let malformed =
            |error| ConfigError::Malformed { path: path.into(), why: malformed::why(text, &error) };
        let config: Self = toml::from_str(text).map_err(malformed)?;
        config.check().map_err(|refused| ConfigError::Value { path: path.into(), refused })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Refused> {
        let doors = &self.door;
        if doors.is_empty() {
            return Err(Refused::NoDoor);
        }
        holds(doors.len() <= MAX_DOORS, "doors", doors.len(), "at most 16 sections [[door]]")?;
        holds(
            !self.socket.as_os_str().is_empty(),
            "socket",
            &self.socket,
            "the path of facelatchd's socket",
        )?;
        for (index, door) in doors.iter().enumerate() {
            Door::check_name(&door.name)?;
            let is_new = doors[..index].iter().all(|other| other.name != door.name);
            holds(is_new, "door.name", &door.name, "another name: each door needs its own")?;
            door.check_lines()?;
            for (key, asks) in [("trigger", door.trigger.is_some()), ("motion", door.motion)] {
                if asks && !door.face {
                    return Err(Refused::NeedsFace { key: format!("door {:?}: {key}", door.name) });
                }
            }
        }
        self.check_keypads()?;
        self.check_all_ranges()?;
        self.check_lines_differ()
    }

    /// The doors that have a keypad.
    pub(crate) fn keypads(&self) -> impl Iterator<Item = (&Door, &Keypad)> {
        self.door.iter().filter_map(|door| Some((door, door.keypad.as_ref()?)))
    }

    /// A keypad is a device of its own.
    fn check_keypads(&self) -> Result<(), Refused> {
        for (index, (door, keypad)) in self.keypads().enumerate() {
            let (key, device) = (format!("door {:?}: keypad.device", door.name), &keypad.device);
            holds(device.is_absolute(), &key, device, "the path of an input device, /dev/input/by-id/...")?;
            let is_new = self.keypads().take(index).all(|(_, other)| other.device != *device);
            holds(is_new, &key, device, "another device: another door has it")?;
        }
        Ok(())
    }

    /// No line may have two tasks.
    fn check_lines_differ(&self) -> Result<(), Refused> {
        let mut known: Vec<(String, Place)> = Vec::new();
        for (key, place) in self.door.iter().flat_map(Door::lines) {
            if let Some((other, _)) = known.iter().find(|(_, taken)| *taken == place) {
                let got = match place.chip.as_str() {
                    "" => format!("{:?}", place.line.to_string()),
                    chip => format!("{} of {chip:?}", place.line),
                };
                return Err(Refused::Value { key, got, allowed: format!("another line: {other} has it") });
            }
            known.push((key, place));
        }
        Ok(())
    }
}

impl Door {
    /// Whether a door may be called this.
    pub(crate) fn check_name(name: &str) -> Result<(), Refused> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let good = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits);
        holds(good, "door.name", name, "1 to 32 lower-case letters, digits, \"-\" or \"_\"")
    }

    /// How many lines it has, and keypads: those are not used where only the exit button works.
    pub(crate) fn part_count(&self, exit_only: bool) -> usize {
        self.lines().len() + usize::from(self.keypad.is_some() && !exit_only)
    }

    /// Key and place of each of its lines.
    pub(crate) fn lines(&self) -> Vec<(String, Place)> {
        let strike = ("strike", self.strike.place());
        let inputs = self.inputs().into_iter().map(|(role, input)| (role.name(), input.place));
        let outputs = self.signals().into_iter().map(|(signal, output)| (signal.name(), output.place));
        let key = |name: &str| format!("door {:?}: {name}.line", self.name);
        [strike].into_iter().chain(inputs).chain(outputs).map(|(name, place)| (key(name), place)).collect()
    }

    /// The inputs that it has.
    pub(crate) fn inputs(&self) -> Vec<(Role, InputSettings)> {
        let Self { contact, exit, trigger, tamper, .. } = self;
        let contact = contact.as_ref().map(|input| (Role::Contact, input.into()));
        let exit = exit.as_ref().map(|input| (Role::Exit, input.into()));
        let trigger = trigger.as_ref().map(|input| (Role::Trigger, input.into()));
        let tamper = tamper.as_ref().map(|input| (Role::Tamper, input.into()));
        [contact, exit, trigger, tamper].into_iter().flatten().collect()
    }

    /// The lamps and the buzzer that it has.
    pub(crate) fn signals(&self) -> Vec<(Signal, OutputSettings)> {
        let Self { lamp_left, lamp_right, lamp_granted, lamp_refused, buzzer, .. } = self;
        let left = lamp_left.as_ref().map(|output| (Signal::Left, output.into()));
        let right = lamp_right.as_ref().map(|output| (Signal::Right, output.into()));
        let granted = lamp_granted.as_ref().map(|output| (Signal::Granted, output.into()));
        let refused = lamp_refused.as_ref().map(|output| (Signal::Refused, output.into()));
        let buzzer = buzzer.as_ref().map(|output| (Signal::Buzzer, output.into()));
        [left, right, granted, refused, buzzer].into_iter().flatten().collect()
    }

    fn check_lines(&self) -> Result<(), Refused> {
        for (key, Place { chip, line }) in self.lines() {
            let allowed = "the name of a line (`gpioinfo` lists them), or a number together with `chip`";
            match line {
                LineId::Name(name) => holds(!name.is_empty(), &key, name, allowed)?,
                LineId::Number(number) => holds(!chip.is_empty(), &key, number, allowed)?,
            }
        }
        Ok(())
    }

    pub(crate) fn rearm(&self) -> Duration {
        seconds(self.rearm_s)
    }

    pub(crate) fn held_open(&self) -> Duration {
        seconds(self.held_open_s)
    }
}

impl Strike {
    pub(crate) fn place(&self) -> Place {
        Place { chip: self.chip.clone(), line: self.line.clone() }
    }

    pub(crate) fn pulse(&self) -> Duration {
        seconds(self.pulse_s)
    }
}

/// A checked number of seconds.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}

fn within<T: Number>(
    place: &str,
    key: &str,
    value: T,
    range: RangeInclusive<T>,
    allowed: &str,
) -> Result<(), Refused> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Refused::Value {
        key: format!("{place}{key}"),
        got: format!("{value:?}"),
        allowed: allowed.to_owned(),
    })
}

fn holds(test: bool, key: &str, got: impl std::fmt::Debug, allowed: &str) -> Result<(), Refused> {
    if test {
        return Ok(());
    }
    Err(Refused::Value { key: key.to_owned(), got: format!("{got:?}"), allowed: allowed.to_owned() })
}

#[cfg(test)]
mod tests;
