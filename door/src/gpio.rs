//! Real lines: the kernel's GPIO character devices, second version of their interface (Linux 5.10).

use std::path::{Path, PathBuf};
use std::time::Duration;

use gpiocdev::chip::Chip;
use gpiocdev::line::{EdgeDetection, EdgeKind, Info, Offset, Value};
use gpiocdev::{Request, request};

use crate::config::{Bias, InputSettings, LineId, OutputSettings, Place, Strike};
use crate::line::{Input, LineError, Output};

/// What `gpioinfo` shows as the user of our lines.
const CONSUMER: &str = "facelatch-door";

/// A line that was found.
pub(crate) struct Found {
    pub(crate) chip: PathBuf,
    pub(crate) offset: Offset,
}

/// The character devices of all chips. Links to them, as Raspberry Pi OS has for old programs, are no further chips.
fn chips() -> std::io::Result<Vec<PathBuf>> {
    let mut chips = Vec::new();
    for entry in std::fs::read_dir("/dev")? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b"gpiochip") && !entry.file_type()?.is_symlink() {
            chips.push(entry.path());
        }
    }
    chips.sort();
    Ok(chips)
}

/// A line of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Label of its chip.
    pub(crate) chip: String,
    pub(crate) number: Offset,
    /// May be empty.
    pub(crate) name: String,
    /// Who uses it.
    pub(crate) user: Option<String>,
}

/// All lines of all chips that may be opened.
pub(crate) fn all() -> std::io::Result<Vec<Listed>> {
    let mut all = Vec::new();
    for path in chips()? {
        let Ok(chip) = Chip::from_path(&path) else { continue };
        let (Ok(about), Ok(lines)) = (chip.info(), chip.line_info_iter()) else { continue };
        all.extend(lines.flatten().map(|line| Listed {
            chip: about.label.clone(),
            number: line.offset,
            name: line.name,
            user: line.used.then_some(line.consumer),
        }));
    }
    Ok(all)
}

/// Looks a line up on all chips that are there now.
pub(crate) fn find(place: &Place) -> Result<Found, LineError> {
    let failed = |error: std::io::Error| LineError::Failed { place: place.clone(), why: error.to_string() };
    let mut found: Option<Found> = None;
    let mut denied = None;
    for path in chips().map_err(failed)? {
        let offset = match Chip::from_path(&path).and_then(|chip| offset_on(&chip, place)) {
            Ok(Some(offset)) => offset,
            Ok(None) => continue,
            Err(error) => {
                denied = Some(error.to_string());
                continue;
            }
        };
        if let Some(first) = found {
            let name = |path: &Path| path.display().to_string();
            let (first, second) = (name(&first.chip), name(&path));
            return Err(LineError::Ambiguous { place: place.clone(), first, second });
        }
        found = Some(Found { chip: path, offset });
    }
    let missing = || match denied {
        Some(why) => LineError::Denied { place: place.clone(), why },
        None => LineError::NotFound { place: place.clone() },
    };
    found.ok_or_else(missing)
}

/// The same for a line that nobody else uses.
pub(crate) fn usable(place: &Place) -> Result<Found, LineError> {
    let found = find(place)?;
    // What cannot be told is found out when it is taken.
    let line = info(&found).unwrap_or_default();
    not_ours(place, line).map_or(Ok(found), Err)
}

fn not_ours(place: &Place, line: Info) -> Option<LineError> {
    if line.consumer == CONSUMER { None } else { busy(place, line) }
}

fn info(found: &Found) -> gpiocdev::Result<Info> {
    Chip::from_path(&found.chip)?.line_info(found.offset)
}

/// Who uses a line, if somebody does. A driver need not give its name.
fn busy(place: &Place, line: Info) -> Option<LineError> {
    let consumer = if line.consumer.is_empty() { "kernel".to_owned() } else { line.consumer };
    line.used.then(|| LineError::Busy { place: place.clone(), consumer })
}

/// Its number on this chip, if the chip is meant and has it.
fn offset_on(chip: &Chip, place: &Place) -> gpiocdev::Result<Option<Offset>> {
    let info = chip.info()?;
    let wanted = place.chip.as_str();
    if !wanted.is_empty() && wanted != info.label && wanted != info.name {
        return Ok(None);
    }
    match &place.line {
        LineId::Number(number) => Ok((*number < info.num_lines).then_some(*number)),
        LineId::Name(name) => Ok(chip.find_line_info(name).map(|line| line.offset)),
    }
}

/// A line that we hold.
struct Held {
    request: Request,
    place: Place,
}

impl Held {
    fn ask(place: &Place, set: impl FnOnce(&mut request::Builder)) -> Result<Self, LineError> {
        let found = find(place)?;
        let mut builder = Request::builder();
        builder.on_chip(&found.chip).with_consumer(CONSUMER).with_line(found.offset);
        set(&mut builder);
        let request = builder.request().map_err(|error| refused(place, &found, &error))?;
        Ok(Self { request, place: place.clone() })
    }

    fn failed(&self, error: gpiocdev::Error) -> LineError {
        LineError::Failed { place: self.place.clone(), why: format!("{error}; was the chip unplugged?") }
    }

    fn value(&self) -> Result<bool, LineError> {
        self.request.lone_value().map(|value| value == Value::Active).map_err(|error| self.failed(error))
    }
}

fn refused(place: &Place, found: &Found, error: &gpiocdev::Error) -> LineError {
    let failed = || LineError::Failed { place: place.clone(), why: error.to_string() };
    info(found).ok().and_then(|line| busy(place, line)).unwrap_or_else(failed)
}

/// The line of a strike, from now on without letting the door open.
pub(crate) fn strike(strike: &Strike) -> Result<Box<dyn Output>, LineError> {
    // Active is "open" for the rest of the program. A lock that holds by current is open without it.
    let active_low = strike.active_low != strike.hold;
    Ok(Box::new(output(&strike.place(), active_low)?))
}

/// The line of a lamp or buzzer, off from now on.
pub(crate) fn signal(settings: &OutputSettings) -> Result<Box<dyn Output>, LineError> {
    Ok(Box::new(output(&settings.place, settings.active_low)?))
}

/// Takes the line with its relay off, and gives it back: where the kernel keeps the level of a line that nobody holds, the
/// relay then stays off.
pub(crate) fn switch_off(strike: &Strike) -> Result<(), LineError> {
    output(&strike.place(), strike.active_low).map(drop)
}

fn output(place: &Place, active_low: bool) -> Result<Held, LineError> {
    Held::ask(place, |builder| {
        builder.as_output(Value::Inactive);
        if active_low {
            builder.as_active_low();
        }
    })
}

impl Output for Held {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let value = if active { Value::Active } else { Value::Inactive };
        self.request.set_lone_value(value).map_err(|error| self.failed(error))
    }

    fn check(&mut self) -> Result<(), LineError> {
        self.value().map(drop)
    }
}

/// The line of a switch.
pub(crate) fn input(settings: &InputSettings) -> Result<Box<dyn Input>, LineError> {
    let held = Held::ask(&settings.place, |builder| {
        builder.as_input().with_edge_detection(EdgeDetection::BothEdges);
        if settings.active_low {
            builder.as_active_low();
        }
        match settings.bias {
            Bias::PullUp => builder.with_bias(gpiocdev::line::Bias::PullUp),
            Bias::PullDown => builder.with_bias(gpiocdev::line::Bias::PullDown),
            Bias::None => builder.with_bias(gpiocdev::line::Bias::Disabled),
            Bias::AsIs => builder,
        };
        if !settings.debounce.is_zero() {
            builder.with_debounce_period(settings.debounce);
        }
    })?;
    Ok(Box::new(held))
}

impl Input for Held {
    fn level(&mut self) -> Result<bool, LineError> {
        self.value()
    }

    fn wait(&mut self, at_most: Duration) -> Result<Option<bool>, LineError> {
        if !self.request.wait_edge_event(at_most).map_err(|error| self.failed(error))? {
            return Ok(None);
        }
        let edge = self.request.read_edge_event().map_err(|error| self.failed(error))?;
        Ok(Some(edge.kind == EdgeKind::Rising))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_program_or_a_driver_uses_is_not_ours() {
        let place = Place { chip: String::new(), line: LineId::Name("GPIO4".into()) };
        let used_by = |consumer: &str| Info { used: true, consumer: consumer.into(), ..Info::default() };
        for (consumer, told) in [("onewire@0", "\"onewire@0\" uses it"), ("", "\"kernel\" uses it")] {
            let why = not_ours(&place, used_by(consumer)).expect("not ours").to_string();
            assert!(why.contains(told), "{why}");
        }
        assert!(not_ours(&place, used_by(CONSUMER)).is_none() && not_ours(&place, Info::default()).is_none());
    }
}
