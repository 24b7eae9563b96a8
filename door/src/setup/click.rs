//! One short pulse, so that the person hears the relay.
//!
//! A process of its own makes it, with the code of a strike, and this one switches the relay off after it: whichever of the two
//! is killed, the other ends the pulse.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::park_timeout;
use std::time::Duration;

use facelatch_setup::ask::Stop;

use super::file::Relay;
use crate::clock::{Clock, Moment};
use crate::config::{LineId, Place, Strike};
use crate::gpio;
use crate::line::{LineError, Output};
use crate::strike::{self, Heard, Limit, Order};

/// How long the relay is on.
const LENGTH: Duration = Duration::from_millis(500);

/// After this much more the process is killed.
const OVERDUE: u32 = 50;
const STEP: Duration = Duration::from_millis(20);

/// The line of a relay, on the command line of the process.
#[derive(Debug, clap::Args)]
pub(crate) struct ClickArgs {
    /// Label or name of its chip
    #[arg(long, default_value = "")]
    chip: String,
    /// Its name, or its number on the chip
    #[arg(long)]
    line: String,
    /// The relay is on while the line is low
    #[arg(long)]
    active_low: bool,
}

/// Has another process do it.
pub(super) fn ask(relay: &Relay) -> Result<(), Stop> {
    let failed = |error: std::io::Error| Stop(format!("facelatch-door cannot be started again: {error}"));
    let Place { chip, line } = &relay.place;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["click", "--chip", chip, "--line", &line.to_string()]).stdin(Stdio::null());
    command.args(relay.active_low.then_some("--active-low"));
    // Not of the terminal's group: Ctrl-C ends the question, not the pulse.
    let mut child = command.process_group(0).spawn().map_err(failed)?;
    let steps = u32::try_from(LENGTH.as_millis() / STEP.as_millis()).unwrap_or(0) + OVERDUE;
    let ended = (0..steps).find_map(|_| {
        park_timeout(STEP);
        child.try_wait().ok().flatten()
    });
    if ended.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let off = gpio::switch_off(&strike(relay)).map_err(|error| Stop(error.to_string()));
    match ended {
        Some(status) if status.success() => off,
        // It said why.
        Some(_) => Err(Stop("the relay could not be switched on".to_owned())),
        None => Err(Stop("the pulse did not end in time and was ended".to_owned())),
    }
}

/// Does it here, as [`ask`] wants.
///
/// # Errors
/// Why the line cannot be used.
pub(crate) fn run(args: ClickArgs) -> Result<(), String> {
    let ClickArgs { chip, line, active_low } = args;
    let line = line.parse().map_or(LineId::Name(line), LineId::Number);
    let relay = Relay { place: Place { chip, line }, active_low };
    let clock = Clock::start();
    let mut world = Once {
        now: || clock.now(),
        pause: park_timeout,
        take: || gpio::strike(&strike(&relay)),
        limit: Limit::default(),
        ordered: false,
        lost: None,
    };
    strike::run(LENGTH, &mut world);
    world.lost.map_or(Ok(()), Err)
}

/// The relay as a strike that it opens.
fn strike(relay: &Relay) -> Strike {
    let Relay { place: Place { chip, line }, active_low } = relay.clone();
    Strike { chip, line, active_low, hold: false, ..Strike::default() }
}

/// A strike's thread with one order.
struct Once<N, P, T> {
    now: N,
    pause: P,
    take: T,
    limit: Limit,
    ordered: bool,
    lost: Option<String>,
}

impl<N, P, T> strike::World for Once<N, P, T>
where
    N: Fn() -> Moment,
    P: Fn(Duration),
    T: Fn() -> Result<Box<dyn Output>, LineError>,
{
    fn now(&self) -> Moment {
        (self.now)()
    }

    fn hear(&mut self, until: Moment) -> Heard {
        if self.lost.is_some() {
            return Heard::End;
        }
        if !std::mem::replace(&mut self.ordered, true) {
            return Heard::Order(Order::Open(self.now()));
        }
        if self.limit.get().is_none() {
            return Heard::End;
        }
        while self.now() < until {
            (self.pause)(until.since(self.now()));
        }
        Heard::Nothing
    }

    fn take(&mut self) -> Result<Box<dyn Output>, LineError> {
        (self.take)()
    }

    fn tell(&mut self, lost: Option<&LineError>) {
        self.lost = lost.map(LineError::to_string);
    }

    fn limit(&self) -> &Limit {
        &self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use super::*;

    /// A line, and when it was set to what.
    #[derive(Clone, Default)]
    struct Line {
        now: Rc<Cell<Duration>>,
        levels: Rc<RefCell<Vec<(bool, Duration)>>>,
    }

    impl Output for Line {
        fn set(&mut self, active: bool) -> Result<(), LineError> {
            self.levels.borrow_mut().push((active, self.now.get()));
            Ok(())
        }

        fn check(&mut self) -> Result<(), LineError> {
            Ok(())
        }
    }

    /// Clicks with a clock that moves only while it is waited for.
    fn click(line: &Line, take: impl Fn() -> Result<Box<dyn Output>, LineError>) -> Option<String> {
        let now = || Moment(line.now.get());
        // A sleep may end early.
        let pause = |time: Duration| line.now.set(line.now.get() + time.min(Duration::from_millis(300)));
        let mut world = Once { now, pause, take, limit: Limit::default(), ordered: false, lost: None };
        strike::run(LENGTH, &mut world);
        world.lost
    }

    #[test]
    fn the_relay_is_switched_on_once_and_off_after_half_a_second() {
        let line = Line::default();
        assert_eq!(click(&line, || Ok(Box::new(line.clone()))), None);
        let half = Duration::from_millis(500);
        assert_eq!(*line.levels.borrow(), [(true, Duration::ZERO), (false, half), (false, half)]);
    }

    #[test]
    fn a_line_that_cannot_be_taken_is_told() {
        let place = Place { chip: String::new(), line: LineId::Name("X".into()) };
        let lost = click(&Line::default(), || Err(LineError::NotFound { place: place.clone() }));
        assert!(lost.is_some_and(|why| why.contains("line X: no chip has it")));
    }
}
