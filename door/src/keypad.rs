//! A thread for each keypad: collects the digits of a PIN, has the daemon judge it, and opens the device again when it was
//! gone. What opens a door is the daemon's event; no digit reaches the journal or the controller.

mod device;
mod entry;
mod thread;

use std::time::Duration;

use facelatch_wire::Outcome;

use crate::clock::Moment;

pub(crate) use device::{DeviceError, open};
pub(crate) use thread::KeypadThread;

use entry::{Entry, Key, Pin};

/// How long to wait for a key before the device is read, which shows whether it is gone.
const KEY_WAIT: Duration = Duration::from_secs(1);

/// What a keypad needs of the world.
pub(crate) trait World {
    /// Takes the device for this program alone.
    fn take(&mut self) -> Result<Box<dyn Keys>, DeviceError>;

    fn now(&self) -> Moment;

    /// Has a PIN judged.
    fn judge(&mut self, pin: Pin) -> Result<Outcome, String>;

    /// Passes on what became of it; false if nobody listens any more.
    fn tell(&mut self, news: News) -> bool;

    /// Waits before the device is taken again.
    fn pause(&mut self);
}

/// A device that was taken.
pub(crate) trait Keys {
    /// Keys that were pressed, in order; none if there were none for `limit`.
    fn wait(&mut self, limit: Duration) -> Result<Vec<Key>, DeviceError>;
}

/// What became of a keypad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// It can be used, or why not.
    Device { lost: Option<String> },
    /// How a PIN was judged, or why it was not.
    Judged(Result<Outcome, String>),
}

/// Watches a keypad until nobody listens.
pub(crate) fn watch(world: &mut impl World) {
    let mut told = None;
    loop {
        let lost = match world.take().and_then(|mut keys| listen(&mut *keys, world, &mut told)) {
            Ok(()) => return,
            Err(error) => error.to_string(),
        };
        // Not the same line of the journal again and again.
        if told.as_ref() != Some(&lost) {
            if !world.tell(News::Device { lost: Some(lost.clone()) }) {
                return;
            }
            told = Some(lost);
        }
        world.pause();
    }
}

/// An entry ends with its device: digits from before it was gone are worth nothing after.
fn listen(keys: &mut dyn Keys, world: &mut impl World, told: &mut Option<String>) -> Result<(), DeviceError> {
    *told = None;
    if !world.tell(News::Device { lost: None }) {
        return Ok(());
    }
    let mut entry = Entry::default();
    loop {
        let pressed = keys.wait(KEY_WAIT)?;
        entry.tick(world.now());
        for key in pressed {
            let Some(pin) = entry.press(key, world.now()) else { continue };
            let judged = world.judge(pin);
            if !world.tell(News::Judged(judged)) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
