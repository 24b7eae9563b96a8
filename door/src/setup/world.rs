//! What a setup needs of the machine and of the daemon.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::park_timeout;
use std::time::Duration;

use facelatch_setup::ask::Stop;
use facelatch_setup::lock::{LOCK, Lock};
use facelatch_setup::people::People;
use facelatch_wire::call::{Events, List, Look, Remove, Status as StatusCall};
use facelatch_wire::reply::{DoorChange, Event, Status, Template};
use facelatch_wire::{Client, ClientError, Deadline, Fault, Outcome};

use super::click;
use super::file::Relay;
use crate::clock::Clock;
use crate::config::InputSettings;
use crate::gpio::{self, Listed};
use crate::line::{Input, LineError};

/// The unit that works the door.
pub(super) const UNIT: &str = "facelatch-door.service";

/// How long the daemon may take to answer what needs no camera.
const SOON: Duration = Duration::from_secs(10);

/// How long it may take to judge a face.
const ATTEMPT: Duration = Duration::from_secs(90);

/// How long facelatch-door may take to attach its door, and to say that it is unlocked.
const STARTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);

/// How a try at the door ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) verdict: Outcome,
    /// facelatch-door said so.
    pub(super) unlocked: bool,
}

/// The machine, replaced in tests.
pub(super) trait World: People {
    /// Keeps other setups out until this one has ended.
    fn lock(&mut self) -> Result<(), Stop>;
    fn status(&mut self) -> Result<Status, Stop>;
    /// All lines of all chips.
    fn lines(&mut self) -> Result<Vec<Listed>, Stop>;
    /// Switches a relay on for half a second.
    fn click(&mut self, relay: &Relay) -> Result<(), Stop>;
    fn input(&mut self, settings: &InputSettings) -> Result<Box<dyn Input>, LineError>;
    /// Whether the unit is enabled, or active.
    fn unit_is(&mut self, state: &str) -> bool;
    /// Stops the unit, and sees to it that it starts again when this program has ended, however.
    fn pause_unit(&mut self) -> Result<(), Stop>;
    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop>;
    /// `facelatch-door --check`.
    fn check(&mut self, config: &Path) -> Result<(), Stop>;
    /// Has the daemon look at a door, and hears whether it was unlocked.
    fn look(&mut self, door: &str) -> Result<Tried, Stop>;
}

/// This machine.
pub(super) struct Machine {
    clock: Clock,
    /// Starts the unit when this end of its input is closed.
    waiting: Option<Child>,
    lock: Option<Lock>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { clock: Clock::start(), waiting: None, lock: None }
    }

    fn daemon(&self, time: Duration) -> Result<Client, ClientError> {
        Client::connect(&facelatch_wire::socket_path(None), Deadline::within(time))
    }
}

impl People for Machine {
    fn now(&self) -> u64 {
        self.clock.wall().as_secs()
    }

    fn templates(&mut self, user: &str) -> Result<Vec<Template>, Stop> {
        Ok(self.daemon(SOON)?.call(&List { user: Some(user.to_owned()) })?.templates)
    }

    fn enroll(&mut self, user: &str) -> Result<(), Stop> {
        done("facelatch", &["enroll", "--door", "--", user])
    }

    fn remove(&mut self, user: &str) -> Result<(), Stop> {
        self.daemon(SOON)?.call(&Remove { user: user.to_owned(), id: None, adapted: None })?;
        Ok(())
    }
}

impl World for Machine {
    fn lock(&mut self) -> Result<(), Stop> {
        self.lock = Some(Lock::take(Path::new(LOCK))?);
        Ok(())
    }

    fn status(&mut self) -> Result<Status, Stop> {
        Ok(self.daemon(SOON)?.call(&StatusCall {})?)
    }

    fn lines(&mut self) -> Result<Vec<Listed>, Stop> {
        gpio::all().map_err(|error| Stop(format!("GPIO lines: {error}")))
    }

    fn click(&mut self, relay: &Relay) -> Result<(), Stop> {
        click::ask(relay)
    }

    fn input(&mut self, settings: &InputSettings) -> Result<Box<dyn Input>, LineError> {
        gpio::input(settings)
    }

    fn unit_is(&mut self, state: &str) -> bool {
        let mut ask = Command::new("systemctl");
        ask.args([&format!("is-{state}"), "--quiet", UNIT]).stderr(Stdio::null());
        ask.status().is_ok_and(|status| status.success())
    }

    fn pause_unit(&mut self) -> Result<(), Stop> {
        let mut waiting = Command::new("sh");
        waiting.args(["-c", "cat >/dev/null; exec systemctl start \"$0\"", UNIT]).stdin(Stdio::piped());
        // Not of the terminal's group: Ctrl-C must not end it.
        let waiting = waiting.process_group(0).spawn();
        self.waiting = Some(waiting.map_err(|error| Stop(format!("sh: {error}")))?);
        self.systemctl(&["stop", UNIT])
    }

    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop> {
        done("systemctl", words)
    }

    fn check(&mut self, config: &Path) -> Result<(), Stop> {
        let path = config.to_str().ok_or_else(|| Stop("the configuration's path is no UTF-8".to_owned()))?;
        done("facelatch-door", &["--check", "--config", path])
    }

    fn look(&mut self, door: &str) -> Result<Tried, Stop> {
        let mut events = self.daemon(ATTEMPT)?;
        events.start(&Events {}, true)?;
        events.receive::<Events>()?;
        let look = Look { door: Some(door.to_owned()) };
        let mut starts = STARTS;
        let judging = loop {
            match self.daemon(ATTEMPT)?.call(&look) {
                // It is starting.
                Err(ClientError::Refused(Fault::NotFound { .. })) if starts > 0 => starts -= 1,
                judging => break judging?,
            }
            park_timeout(PAUSE);
        };
        let verdict = judging.verdict.ok_or_else(|| Stop("the daemon gave no verdict".to_owned()))?;
        events.set_deadline(Deadline::within(SOON));
        let unlocked = verdict == Outcome::Match && hears_unlocked(&mut events, door);
        Ok(Tried { verdict, unlocked })
    }
}

/// Whether facelatch-door says before the deadline that it has unlocked this door.
fn hears_unlocked(events: &mut Client, door: &str) -> bool {
    let next = || events.receive::<Events>().ok().map(|event| event.reply);
    std::iter::from_fn(next).any(|Event { door: at, change, .. }| {
        at.as_deref() == Some(door) && change == Some(DoorChange::Unlocked)
    })
}

/// Runs a program, which has the terminal.
fn done(program: &str, words: &[&str]) -> Result<(), Stop> {
    let said = format!("{program} {}", words.join(" "));
    match Command::new(program).args(words).stdin(Stdio::inherit()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop(format!("`{said}` ended with {status}"))),
        Err(error) => Err(Stop(format!("`{said}` cannot be run: {error}"))),
    }
}
