//! A machine and a person that do as a test says.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use facelatch_setup::ask::{Answers, Person, Stop};
use facelatch_setup::people::People;
use facelatch_wire::Outcome;
use facelatch_wire::reply::{Camera, CameraState, Status, Template};

use super::super::KEYS;
use super::super::file::Relay;
use super::super::world::{Tried, UNIT, World};
use crate::config::InputSettings;
use crate::gpio::Listed;
use crate::line::{Input, LineError};

/// A machine with a relay board that switches on at a low level, a contact, and an exit button.
pub(super) struct Bench {
    pub(super) camera: CameraState,
    pub(super) cameras: &'static [&'static str],
    pub(super) lines: Vec<Listed>,
    pub(super) relay_is_on_when_low: bool,
    /// How often the relay clicked.
    pub(super) clicks: Rc<Cell<usize>>,
    /// What is at each line: its level, then its changes.
    pub(super) switches: BTreeMap<String, Vec<bool>>,
    pub(super) enrolled: Vec<Template>,
    pub(super) enabled: bool,
    pub(super) active: bool,
    pub(super) unlocks: bool,
    /// How many enrolments fail.
    pub(super) failing: usize,
    pub(super) daemon_is_away: bool,
    pub(super) fuse: Fuse,
}

/// Calls left until the setup is killed.
#[derive(Clone, Default)]
pub(super) struct Fuse(pub(super) Rc<Cell<Option<usize>>>);

impl Fuse {
    fn burn(&self) {
        match self.0.get() {
            // No message: this is the test's own.
            Some(0) => resume_unwind(Box::new("killed")),
            left => self.0.set(left.map(|left| left - 1)),
        }
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        let line = |(number, name): (usize, &&str)| Listed {
            chip: "pinctrl-bcm2711".into(),
            number: u32::try_from(number).expect("few"),
            name: (*name).into(),
            user: (*name == "GPIO4").then(|| "onewire".to_owned()),
        };
        let names = ["GPIO4", "GPIO17", "GPIO22", "GPIO23", "GPIO27", ""];
        let switches = [
            ("GPIO27", vec![false, true, false]),
            ("GPIO22", vec![true, false]),
            ("GPIO23", vec![false, true]),
        ];
        Self {
            camera: CameraState::Ready,
            cameras: &[],
            lines: names.iter().enumerate().map(line).collect(),
            relay_is_on_when_low: false,
            clicks: Rc::default(),
            switches: switches.map(|(name, levels)| (name.to_owned(), levels)).into(),
            enrolled: Vec::new(),
            enabled: false,
            active: false,
            unlocks: true,
            failing: 0,
            daemon_is_away: false,
            fuse: Fuse::default(),
        }
    }

    pub(super) fn enrolls(&mut self, user: &str, at: u64) {
        let id = format!("{user}-{}", self.enrolled.len());
        self.enrolled.push(Template { id, user: user.into(), created_at: at, ..Template::default() });
    }
}

impl People for Bench {
    fn now(&self) -> u64 {
        1000
    }

    fn templates(&mut self, user: &str) -> Result<Vec<Template>, Stop> {
        self.fuse.burn();
        if self.daemon_is_away {
            return Err(Stop("the daemon does not answer".to_owned()));
        }
        Ok(self.enrolled.iter().filter(|template| template.user == user).cloned().collect())
    }

    fn enroll(&mut self, user: &str) -> Result<(), Stop> {
        self.fuse.burn();
        if self.failing > 0 {
            self.failing -= 1;
            return Err(Stop("`facelatch enroll` ended with exit status: 1".to_owned()));
        }
        self.enrolls(user, 1001);
        self.fuse.burn();
        Ok(())
    }

    fn remove(&mut self, user: &str) -> Result<(), Stop> {
        self.enrolled.retain(|template| template.user != user);
        Ok(())
    }
}

impl World for Bench {
    fn lock(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn status(&mut self) -> Result<Status, Stop> {
        self.fuse.burn();
        let camera = |name: &str| Camera { name: name.into(), state: self.camera, ..Camera::default() };
        let cameras = self.cameras.iter().map(|name| camera(name)).collect();
        Ok(Status {
            camera: camera("cam"),
            cameras,
            users: u64::from(!self.enrolled.is_empty()),
            ..Status::default()
        })
    }

    fn lines(&mut self) -> Result<Vec<Listed>, Stop> {
        self.fuse.burn();
        Ok(self.lines.clone())
    }

    fn click(&mut self, relay: &Relay) -> Result<(), Stop> {
        self.fuse.burn();
        assert!(!self.active, "facelatch-door holds the line");
        self.clicks.set(self.clicks.get() + usize::from(relay.active_low == self.relay_is_on_when_low));
        Ok(())
    }

    fn input(&mut self, settings: &InputSettings) -> Result<Box<dyn Input>, LineError> {
        self.fuse.burn();
        let place = settings.place.clone();
        let levels = self.switches.get(&place.line.to_string()).cloned();
        let levels = levels.ok_or(LineError::NotFound { place })?;
        Ok(Box::new(Levels(levels.into())))
    }

    fn unit_is(&mut self, state: &str) -> bool {
        if state == "enabled" { self.enabled } else { self.active }
    }

    fn pause_unit(&mut self) -> Result<(), Stop> {
        self.systemctl(&["stop", UNIT])
    }

    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop> {
        self.fuse.burn();
        match words {
            ["enable", UNIT] => self.enabled = true,
            ["stop", UNIT] => self.active = false,
            ["start" | "restart", UNIT] => self.active = true,
            ["disable", UNIT] => self.enabled = false,
            words => panic!("{words:?}"),
        }
        self.fuse.burn();
        Ok(())
    }

    fn check(&mut self, _: &Path) -> Result<(), Stop> {
        self.fuse.burn();
        Ok(())
    }

    fn look(&mut self, door: &str) -> Result<Tried, Stop> {
        self.fuse.burn();
        assert!(self.active && door == "front");
        Ok(Tried { verdict: Outcome::Match, unlocked: self.unlocks })
    }
}

/// The level of a line, then its changes.
struct Levels(VecDeque<bool>);

impl Input for Levels {
    fn level(&mut self) -> Result<bool, LineError> {
        Ok(*self.0.front().expect("a level"))
    }

    fn wait(&mut self, _: Duration) -> Result<Option<bool>, LineError> {
        if self.0.len() == 1 {
            return Ok(None);
        }
        self.0.pop_front();
        Ok(self.0.front().copied())
    }
}

/// A file of answers, and somebody who hears what is said. "Did it click?" is answered truly.
pub(super) struct Script {
    answers: Answers,
    clicks: Rc<Cell<usize>>,
    clicked: usize,
    pub(super) said: Vec<String>,
    fuse: Fuse,
}

impl Script {
    pub(super) fn new(answers: Answers, bench: &Bench) -> Self {
        let (clicks, fuse) = (bench.clicks.clone(), bench.fuse.clone());
        Self { answers, clicked: clicks.get(), clicks, said: Vec::new(), fuse }
    }
}

impl Person for Script {
    fn say(&mut self, text: &str) {
        self.fuse.burn();
        self.said.push(text.to_owned());
    }

    fn answer(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String, Stop> {
        self.fuse.burn();
        assert!(KEYS.contains(&key), "{key}");
        if key.starts_with("strike.clicked") {
            let before = std::mem::replace(&mut self.clicked, self.clicks.get());
            return Ok(if self.clicked > before { "yes" } else { "no" }.to_owned());
        }
        self.answers.answer(key, question, default)
    }

    fn wrong(&mut self, key: &str, why: &str) -> Result<(), Stop> {
        self.answers.wrong(key, why)
    }

    fn wait(&mut self, _: &str) -> Result<(), Stop> {
        self.fuse.burn();
        Ok(())
    }
}
