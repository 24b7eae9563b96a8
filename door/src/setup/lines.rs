//! The lines of a door: which, and at which level each does what it is for.

use std::time::Duration;

use super::Setup;
use super::ask::{Stop, yes};
use super::file::{Chosen, Relay, Switch};
use crate::config::{Bias, Config, Door, InputSettings, LineId, Place};
use crate::gpio::Listed;
use crate::line::{Input, LineError};

/// How long a person may take to do something at the door.
const PATIENCE_S: u32 = 60;
const SECOND: Duration = Duration::from_secs(1);

/// Changes of a line that are shorter are not seen.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// The word for a line that there is not.
const NONE: &str = "none";

impl Setup<'_> {
    /// Asks for all lines of a door, and tries each. Suggests what the file says now.
    pub(super) fn lines(&mut self, now: Option<&Config>) -> Result<Chosen, Stop> {
        let lines = self.world.lines()?;
        if lines.is_empty() {
            return Err(Stop("this machine has no GPIO lines; `gpioinfo` lists them".to_owned()));
        }
        self.person.say(&overview(&lines));
        let first = now.and_then(|config| config.door.first());
        let suggested = first.map_or("front", |door| door.name.as_str());
        let name = self.person.answer("name", "What is the door called?", Some(suggested))?;
        let door = now.and_then(|config| config.door.iter().find(|door| door.name == name));
        let mut taken = Vec::new();
        let (strike, hold) = self.strike(&lines, door, &mut taken)?;
        let contact = door.and_then(|door| door.contact.as_ref()).map(InputSettings::from);
        let contact = self.contact(&lines, contact.map(|input| input.place), &mut taken)?;
        let exit = door.and_then(|door| door.exit.as_ref()).map(InputSettings::from);
        let exit = self.exit(&lines, exit.map(|input| input.place), &mut taken)?;
        let motion =
            yes(self.person, "motion", "Look by itself when something moves before the camera?", true)?;
        let trigger = door.and_then(|door| door.trigger.as_ref()).map(InputSettings::from);
        let trigger = self.trigger(&lines, trigger.map(|input| input.place), &mut taken)?;
        Ok(Chosen { name, strike, hold, contact, exit, trigger, motion })
    }

    /// The relay: clicks it, and finds the level that switches it on.
    fn strike(
        &mut self,
        lines: &[Listed],
        door: Option<&Door>,
        taken: &mut Vec<Place>,
    ) -> Result<(Relay, bool), Stop> {
        let before = door.map(|door| door.strike.place());
        let mut active_low = door.is_some_and(|door| door.strike.active_low);
        loop {
            let suggested = before.clone().or_else(|| free(lines, "GPIO17", taken));
            let place = self.choose("strike.line", "Line of the relay", lines, suggested, taken, false)?;
            let Some(place) = place else { continue };
            let question = "May the relay be switched on for half a second, twice at most?";
            if !yes(self.person, "strike.click", question, true)? {
                taken.push(place.clone());
                active_low =
                    yes(self.person, "strike.active_low", "Is it on while the line is low?", active_low)?;
                let hold = self.hold(door)?;
                return Ok((Relay { place, active_low }, hold));
            }
            for (key, active_low) in [("strike.clicked", active_low), ("strike.clicked_other", !active_low)] {
                let relay = Relay { place: place.clone(), active_low };
                self.world.click(&relay)?;
                let level = if active_low { "low" } else { "high" };
                let question =
                    format!("The line was {level} for half a second. Did the relay click on, then off?");
                if yes(self.person, key, &question, true)? {
                    taken.push(place);
                    let hold = self.hold(door)?;
                    return Ok((relay, hold));
                }
            }
            self.person
                .wrong("strike.line", "no click: look at the wires of the relay, or name another line")?;
        }
    }

    fn hold(&mut self, door: Option<&Door>) -> Result<bool, Stop> {
        let before = door.is_some_and(|door| door.strike.hold);
        let question = "Is the door shut while the relay is on, as with a magnet on its NO contact?";
        yes(self.person, "strike.hold", question, before)
    }

    /// The contact: finds the level of a closed door by watching it open and close.
    fn contact(
        &mut self,
        lines: &[Listed],
        before: Option<Place>,
        taken: &mut Vec<Place>,
    ) -> Result<Option<Switch>, Stop> {
        loop {
            let suggested = before.clone().or_else(|| free(lines, "GPIO27", taken));
            let question = "Line of the door contact, or none";
            let Some(place) = self.choose("contact.line", question, lines, suggested, taken, true)? else {
                return Ok(None);
            };
            self.person.wait("Close the door")?;
            let seen = self.watch(&place, Bias::PullUp, |setup, line| {
                let closed = line.level()?;
                setup.person.say("Now open it.");
                if !comes(line, !closed)? {
                    return Ok(None);
                }
                setup.person.say("Close it again.");
                Ok(comes(line, closed)?.then_some(closed))
            });
            match seen {
                Ok(Some(active_high)) => {
                    self.person.say("The contact works.");
                    taken.push(place.clone());
                    return Ok(Some(Switch { place, active_high, drives: false }));
                }
                Ok(None) => self.person.wrong("contact.line", "the line did not change and change back")?,
                Err(error) => self.person.wrong("contact.line", &error.to_string())?,
            }
        }
    }

    fn exit(
        &mut self,
        lines: &[Listed],
        before: Option<Place>,
        taken: &mut Vec<Place>,
    ) -> Result<Option<Switch>, Stop> {
        let suggested = before.or_else(|| free(lines, "GPIO22", taken));
        let question = "Line of the exit button inside, or none";
        self.button("exit.line", question, "Press the exit button.", lines, suggested, taken, Bias::PullUp)
    }

    fn trigger(
        &mut self,
        lines: &[Listed],
        before: Option<Place>,
        taken: &mut Vec<Place>,
    ) -> Result<Option<Switch>, Stop> {
        let question = "Line of a button or motion sensor outside, or none";
        let place = self.choose("trigger.line", question, lines, before, taken, true)?;
        let Some(place) = place else { return Ok(None) };
        let drives =
            yes(self.person, "trigger.sensor", "Is it a sensor that drives the line by itself?", false)?;
        let bias = if drives { Bias::None } else { Bias::PullUp };
        let what = "Press the button, or walk past the sensor.";
        self.button("trigger.line", question, what, lines, Some(place), taken, bias)
    }

    /// A button: finds its level by having it pressed.
    #[expect(clippy::too_many_arguments, reason = "two buttons differ in all of them")]
    fn button(
        &mut self,
        key: &str,
        question: &str,
        what: &str,
        lines: &[Listed],
        suggested: Option<Place>,
        taken: &mut Vec<Place>,
        bias: Bias,
    ) -> Result<Option<Switch>, Stop> {
        loop {
            let Some(place) = self.choose(key, question, lines, suggested.clone(), taken, true)? else {
                return Ok(None);
            };
            let seen = self.watch(&place, bias, |setup, line| {
                let rest = line.level()?;
                setup.person.say(what);
                Ok(comes(line, !rest)?.then_some(!rest))
            });
            match seen {
                Ok(Some(active_high)) => {
                    self.person.say("It works.");
                    taken.push(place.clone());
                    return Ok(Some(Switch { place, active_high, drives: bias == Bias::None }));
                }
                Ok(None) => self.person.wrong(key, "the line did not change")?,
                Err(error) => self.person.wrong(key, &error.to_string())?,
            }
        }
    }

    /// Takes a line for as long as `look` needs it. Its level is the one on the wire.
    fn watch<T>(
        &mut self,
        place: &Place,
        bias: Bias,
        look: impl FnOnce(&mut Self, &mut dyn Input) -> Result<T, LineError>,
    ) -> Result<T, LineError> {
        let settings = InputSettings { place: place.clone(), active_low: false, bias, debounce: DEBOUNCE };
        let mut line = self.world.input(&settings)?;
        look(self, &mut *line)
    }

    /// Asks for a line that is there, and that nobody else uses.
    fn choose(
        &mut self,
        key: &str,
        question: &str,
        lines: &[Listed],
        suggested: Option<Place>,
        taken: &[Place],
        optional: bool,
    ) -> Result<Option<Place>, Stop> {
        let default = suggested.map(|place| word(&place)).or_else(|| optional.then(|| NONE.to_owned()));
        loop {
            let answer = self.person.answer(key, question, default.as_deref())?;
            if optional && answer == NONE {
                return Ok(None);
            }
            match usable(&answer, lines, taken) {
                Ok(place) => return Ok(Some(place)),
                Err(why) => self.person.wrong(key, &why)?,
            }
        }
    }
}

/// Whether a line comes to this level while a person may be expected to bring it there.
fn comes(line: &mut dyn Input, wanted: bool) -> Result<bool, LineError> {
    for _ in 0..PATIENCE_S {
        let level = match line.wait(SECOND)? {
            Some(level) => level,
            None => line.level()?,
        };
        if level == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The line that this word names: its name, or chip, colon and name or number.
fn usable(word: &str, lines: &[Listed], taken: &[Place]) -> Result<Place, String> {
    let (chip, line) = word.split_once(':').unwrap_or(("", word));
    let line = line.parse().map_or_else(|_| LineId::Name(line.to_owned()), LineId::Number);
    let place = Place { chip: chip.to_owned(), line };
    let found: Vec<&Listed> = lines.iter().filter(|listed| is(listed, &place)).collect();
    match (found.as_slice(), &place.line) {
        (_, LineId::Number(_)) if place.chip.is_empty() => {
            Err(format!("{word} is a number: name its chip as well, as in CHIP:{word}"))
        }
        ([], _) => Err(format!("{word}: there is no such line; `gpioinfo` lists them")),
        ([_, _, ..], _) => Err(format!("{word}: several chips have it; use CHIP:{word}")),
        ([line], _) if line.user.is_some() => {
            let user = line.user.as_deref().unwrap_or_default();
            Err(format!("{word}: {user:?} uses it; stop that program, or choose another line"))
        }
        ([line], _) if taken.iter().any(|place| is(line, place)) => {
            Err(format!("{word}: this door has it already"))
        }
        _ => Ok(place),
    }
}

fn is(line: &Listed, place: &Place) -> bool {
    let is_it = match &place.line {
        LineId::Number(number) => line.number == *number,
        LineId::Name(name) => !name.is_empty() && line.name == *name,
    };
    is_it && (place.chip.is_empty() || place.chip == line.chip)
}

/// The line of this name, if it can be suggested.
fn free(lines: &[Listed], name: &str, taken: &[Place]) -> Option<Place> {
    usable(name, lines, taken).ok()
}

/// How a person names a line.
fn word(Place { chip, line }: &Place) -> String {
    if chip.is_empty() { line.to_string() } else { format!("{chip}:{line}") }
}

/// The chips, with the names of their lines that nobody uses.
fn overview(lines: &[Listed]) -> String {
    let mut chips: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        if chips.last().is_none_or(|(chip, _)| *chip != line.chip) {
            chips.push((&line.chip, Vec::new()));
        }
        if let Some((_, names)) = chips.last_mut()
            && line.user.is_none()
            && !line.name.is_empty()
        {
            names.push(&line.name);
        }
    }
    let told = chips.iter().map(|(chip, names)| format!("{chip}: {}", names.join(" ")));
    format!("Free lines by chip:\n{}", told.collect::<Vec<_>>().join("\n"))
}
