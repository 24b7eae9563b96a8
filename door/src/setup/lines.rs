//! The lines of a door: which, and at which level each does what it is for.

use std::time::Duration;

use facelatch_setup::ask::{Stop, yes};

use super::Setup;
use super::file::{Chosen, Relay, Switch};
use crate::config::{Bias, Config, Door, InputSettings, LineId, Place};
use crate::door::Role;
use crate::gpio::Listed;
use crate::line::{Input, LineError};

/// How long a person may take to do something at the door.
const PATIENCE_S: u32 = 60;
const SECOND: Duration = Duration::from_secs(1);

/// Changes of a line that are shorter are not seen.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// The word for a line that there is not.
const NONE: &str = "none";

/// The lines of this machine, and those that have a task already.
struct Lines {
    all: Vec<Listed>,
    taken: Vec<Place>,
}

/// A line that is asked for.
struct Wanted {
    key: &'static str,
    question: &'static str,
    suggested: Option<Place>,
    /// There may be none.
    optional: bool,
}

impl Setup<'_> {
    /// Asks for all lines of a door, and tries each. Suggests what the file says now.
    pub(super) fn lines(&mut self, now: Option<&Config>) -> Result<Chosen, Stop> {
        let all = self.world.lines()?;
        if all.is_empty() {
            return Err(Stop("this machine has no GPIO lines; `gpioinfo` lists them".to_owned()));
        }
        self.person.say(&overview(&all));
        let mut lines = Lines { all, taken: Vec::new() };
        let first = now.and_then(|config| config.door.first());
        let suggested = first.map_or("front", |door| door.name.as_str());
        let name = self.name(suggested)?;
        let doors = now.map_or(&[][..], |config| config.door.as_slice());
        let door = doors.iter().find(|door| door.name == name);
        let others = doors.iter().filter(|other| other.name != name);
        lines.taken.extend(others.flat_map(Door::lines).map(|(_, place)| place));
        let camera = self.which_camera(door)?;
        let inputs = door.map(Door::inputs).unwrap_or_default();
        let before = |wanted: Role| {
            let found = inputs.iter().find(|(role, _)| *role == wanted);
            found.map(|(_, input)| input.place.clone())
        };
        let (strike, hold) = self.strike(door, &mut lines)?;
        let contact = self.contact(before(Role::Contact), &mut lines)?;
        let exit = self.exit(before(Role::Exit), &mut lines)?;
        let motion =
            yes(self.person, "motion", "Look by itself when something moves in front of the camera?", true)?;
        let trigger = self.trigger(before(Role::Trigger), &mut lines)?;
        Ok(Chosen { name, camera, strike, hold, contact, exit, trigger, motion })
    }

    fn name(&mut self, suggested: &str) -> Result<String, Stop> {
        loop {
            let name = self.person.answer("name", "What is the door called?", Some(suggested))?;
            match Door::check_name(&name) {
                Ok(()) => return Ok(name),
                Err(refused) => self.person.wrong("name", &refused.to_string())?,
            }
        }
    }

    /// The camera that looks at the door, if there are several.
    fn which_camera(&mut self, door: Option<&Door>) -> Result<Option<String>, Stop> {
        let before = door.map(|door| door.camera.as_str()).filter(|camera| !camera.is_empty());
        let Some(suggested) = before.or(self.cameras.first().map(String::as_str)).map(str::to_owned) else {
            return Ok(None);
        };
        loop {
            let question = format!("Which camera looks at it: {}?", self.cameras.join(", "));
            let camera = self.person.answer("camera.name", &question, Some(&suggested))?;
            if self.cameras.is_empty() || self.cameras.contains(&camera) {
                return Ok(Some(camera));
            }
            self.person.wrong("camera.name", &format!("{camera}: the daemon has no camera of that name"))?;
        }
    }

    /// The relay, and whether it keeps the door shut.
    fn strike(&mut self, door: Option<&Door>, lines: &mut Lines) -> Result<(Relay, bool), Stop> {
        let before = door.map(|door| door.strike.place());
        let relay = loop {
            let suggested = before.clone().or_else(|| lines.free("GPIO17"));
            let question = "Line of the relay";
            let wanted = Wanted { key: "strike.line", question, suggested, optional: false };
            let Some(place) = self.choose(&wanted, lines)? else { continue };
            if let Some(relay) = self.relay(place, door.is_some_and(|door| door.strike.active_low))? {
                break relay;
            }
        };
        lines.taken.push(relay.place.clone());
        let question = "Is the door shut while the relay is on, as with a magnet on its NO contact?";
        let hold = yes(self.person, "strike.hold", question, door.is_some_and(|door| door.strike.hold))?;
        Ok((relay, hold))
    }

    /// Clicks the relay, and finds the level that switches it on; `None` if it did not click.
    fn relay(&mut self, place: Place, active_low: bool) -> Result<Option<Relay>, Stop> {
        let question = "May the relay be switched on for half a second, twice at most?";
        if !yes(self.person, "strike.click", question, true)? {
            let question = "Is it on while the line is low?";
            let active_low = yes(self.person, "strike.active_low", question, active_low)?;
            return Ok(Some(Relay { place, active_low }));
        }
        for (key, active_low) in [("strike.clicked", active_low), ("strike.clicked_other", !active_low)] {
            let relay = Relay { place: place.clone(), active_low };
            self.world.click(&relay)?;
            let level = if active_low { "low" } else { "high" };
            let question =
                format!("The line was {level} for half a second. Did the relay click on, then off?");
            if yes(self.person, key, &question, true)? {
                return Ok(Some(relay));
            }
        }
        self.person.wrong("strike.line", "no click: look at the wires of the relay, or name another line")?;
        Ok(None)
    }

    /// The contact: finds the level of a closed door by watching it open and close.
    fn contact(&mut self, before: Option<Place>, lines: &mut Lines) -> Result<Option<Switch>, Stop> {
        let suggested = before.or_else(|| lines.free("GPIO27"));
        let question = "Line of the door contact, or none";
        let wanted = Wanted { key: "contact.line", question, suggested, optional: true };
        loop {
            let Some(place) = self.choose(&wanted, lines)? else { return Ok(None) };
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
                    lines.taken.push(place.clone());
                    return Ok(Some(Switch { place, active_high, drives: false }));
                }
                Ok(None) => self.person.wrong(wanted.key, "the line did not change and change back")?,
                Err(error) => self.person.wrong(wanted.key, &error.to_string())?,
            }
        }
    }

    fn exit(&mut self, before: Option<Place>, lines: &mut Lines) -> Result<Option<Switch>, Stop> {
        let suggested = before.or_else(|| lines.free("GPIO22"));
        let question = "Line of the exit button inside, or none";
        let wanted = Wanted { key: "exit.line", question, suggested, optional: true };
        self.button(&wanted, "Press the exit button.", Bias::PullUp, lines)
    }

    fn trigger(&mut self, before: Option<Place>, lines: &mut Lines) -> Result<Option<Switch>, Stop> {
        let question = "Line of a button or motion sensor outside, or none";
        let wanted = Wanted { key: "trigger.line", question, suggested: before, optional: true };
        let Some(place) = self.choose(&wanted, lines)? else { return Ok(None) };
        let sensor = "Is it a sensor that drives the line by itself?";
        let bias = if yes(self.person, "trigger.sensor", sensor, false)? { Bias::None } else { Bias::PullUp };
        let wanted = Wanted { suggested: Some(place), ..wanted };
        self.button(&wanted, "Press the button, or walk past the sensor.", bias, lines)
    }

    /// A button: finds its level by having it pressed.
    fn button(
        &mut self,
        wanted: &Wanted,
        what: &str,
        bias: Bias,
        lines: &mut Lines,
    ) -> Result<Option<Switch>, Stop> {
        loop {
            let Some(place) = self.choose(wanted, lines)? else { return Ok(None) };
            let seen = self.watch(&place, bias, |setup, line| {
                let rest = line.level()?;
                setup.person.say(what);
                Ok(comes(line, !rest)?.then_some(!rest))
            });
            match seen {
                Ok(Some(active_high)) => {
                    self.person.say("It works.");
                    lines.taken.push(place.clone());
                    return Ok(Some(Switch { place, active_high, drives: bias == Bias::None }));
                }
                Ok(None) => self.person.wrong(wanted.key, "the line did not change")?,
                Err(error) => self.person.wrong(wanted.key, &error.to_string())?,
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
    fn choose(&mut self, wanted: &Wanted, lines: &Lines) -> Result<Option<Place>, Stop> {
        let default = wanted.suggested.as_ref().map(word);
        let default = default.or_else(|| wanted.optional.then(|| NONE.to_owned()));
        loop {
            let answer = self.person.answer(wanted.key, wanted.question, default.as_deref())?;
            if wanted.optional && answer == NONE {
                return Ok(None);
            }
            match lines.usable(&answer) {
                Ok(place) => return Ok(Some(place)),
                Err(why) => self.person.wrong(wanted.key, &why)?,
            }
        }
    }
}

impl Lines {
    /// The line that this word names: its name, or chip, colon and name or number.
    fn usable(&self, word: &str) -> Result<Place, String> {
        let (chip, line) = word.split_once(':').unwrap_or(("", word));
        let line = line.parse().map_or_else(|_| LineId::Name(line.to_owned()), LineId::Number);
        let place = Place { chip: chip.to_owned(), line };
        if matches!(place.line, LineId::Number(_)) && chip.is_empty() {
            return Err(format!("{word} is a number: name its chip as well, as in CHIP:{word}"));
        }
        let found: Vec<&Listed> = self.all.iter().filter(|listed| is(listed, &place)).collect();
        match found.as_slice() {
            [] => Err(format!("{word}: there is no such line; `gpioinfo` lists them")),
            [Listed { user: Some(user), .. }] => {
                Err(format!("{word}: {user:?} uses it; stop that program, or choose another line"))
            }
            [line] if self.taken.iter().any(|place| is(line, place)) => {
                Err(format!("{word}: it has another task already"))
            }
            [_] => Ok(place),
            _ => Err(format!("{word}: several chips have it; use CHIP:{word}")),
        }
    }

    /// The line of this name, if it can be suggested.
    fn free(&self, name: &str) -> Option<Place> {
        self.usable(name).ok()
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

fn is(line: &Listed, place: &Place) -> bool {
    let is_it = match &place.line {
        LineId::Number(number) => line.number == *number,
        LineId::Name(name) => !name.is_empty() && line.name == *name,
    };
    is_it && (place.chip.is_empty() || place.chip == line.chip)
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
