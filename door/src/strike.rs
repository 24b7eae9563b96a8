//! A thread for each strike. It does nothing but end pulses, so that nothing else can make one longer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;
use crate::line::{LineError, Output};

/// An order that waited for longer opens nothing.
const STALE: Duration = Duration::from_millis(500);

/// How often a line at rest is looked at, and a lost one is taken again.
const LOOK: Duration = Duration::from_secs(2);

/// What a strike is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Begin a pulse, said at this moment.
    Open(Moment),
    /// End the pulse.
    Lock,
}

/// What the thread hears.
pub(crate) enum Heard {
    Order(Order),
    /// The time is up.
    Nothing,
    /// There will be no more orders.
    End,
}

/// What a strike needs of the world.
pub(crate) trait World {
    fn now(&self) -> Moment;

    /// The next order before this moment.
    fn hear(&mut self, until: Moment) -> Heard;

    /// Takes the line; the door is locked.
    fn take(&mut self) -> Result<Box<dyn Output>, LineError>;

    /// The line can be used, or why not.
    fn tell(&mut self, lost: Option<&LineError>);

    /// For whoever watches over this thread.
    fn limit(&self) -> &Limit;
}

/// When the line must be inactive again: the main thread looks at it, and ends the program when it is not.
#[derive(Debug, Default)]
pub(crate) struct Limit(AtomicU64);

impl Limit {
    fn set(&self, pulse: Option<Moment>) {
        let ms = pulse.map_or(0, |until| u64::try_from(until.0.as_millis()).unwrap_or(u64::MAX).max(1));
        self.0.store(ms, Ordering::SeqCst);
    }

    /// The moment, while there is a pulse.
    pub(crate) fn get(&self) -> Option<Moment> {
        let ms = self.0.load(Ordering::SeqCst);
        (ms > 0).then(|| Moment(Duration::from_millis(ms)))
    }
}

/// When the line is active.
#[derive(Debug)]
pub(crate) struct Pulse {
    length: Duration,
    until: Option<Moment>,
}

impl Pulse {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, until: None }
    }

    /// What to set the line to now, in this order. A pulse is never made longer.
    pub(crate) fn step(&mut self, order: Option<Order>, now: Moment) -> [Option<bool>; 2] {
        let ends = self.until.is_some_and(|until| until <= now);
        if ends {
            self.until = None;
        }
        let ordered = match order {
            Some(Order::Open(at)) if self.until.is_none() && now.since(at) <= STALE => {
                self.until = Some(now.after(self.length));
                Some(true)
            }
            Some(Order::Lock) if self.until.take().is_some() => Some(false),
            _ => None,
        };
        [ends.then_some(false), ordered]
    }

    pub(crate) fn until(&self) -> Option<Moment> {
        self.until
    }
}

/// Carries out orders until there are no more.
pub(crate) fn run(length: Duration, world: &mut impl World) {
    let mut told = None;
    loop {
        let lost = match world.take() {
            Ok(line) => {
                told = None;
                world.tell(None);
                // The line is given back before anything else is done about an error.
                serve(line, length, world)
            }
            Err(error) => Err(error),
        };
        world.limit().set(None);
        let Err(lost) = lost else { return };
        let text = lost.to_string();
        if told.as_ref() != Some(&text) {
            world.tell(Some(&lost));
            told = Some(text);
        }
        let retry = world.now().after(LOOK);
        while world.now() < retry {
            if let Heard::End = world.hear(retry) {
                return;
            }
        }
    }
}

fn serve(mut line: Box<dyn Output>, length: Duration, world: &mut impl World) -> Result<(), LineError> {
    let mut pulse = Pulse::new(length);
    loop {
        let until = pulse.until().unwrap_or_else(|| world.now().after(LOOK));
        let order = match world.hear(until) {
            Heard::Order(order) => Some(order),
            Heard::Nothing => None,
            Heard::End => return line.set(false),
        };
        let levels = pulse.step(order, world.now());
        // Before the line is active, and until it is not.
        world.limit().set(pulse.until().or(world.limit().get()));
        for level in levels.into_iter().flatten() {
            line.set(level)?;
        }
        world.limit().set(pulse.until());
        if order.is_none() && pulse.until().is_none() {
            line.check()?;
        }
    }
}

#[cfg(test)]
mod tests;
