//! The thread of a keypad, in the world.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread::park_timeout;

use facelatch_wire::Outcome;
use facelatch_wire::call::Secret;

use super::{DeviceError, Keys, News, Pin, World, open};
use crate::clock::{Clock, Moment};
use crate::config::Door;
use crate::controller::Message;
use crate::daemon;
use crate::run::PAUSE;

/// The keypad of a door.
pub(crate) struct KeypadThread {
    door: usize,
    name: String,
    device: PathBuf,
    socket: PathBuf,
    clock: Clock,
    messages: Sender<Message>,
}

impl KeypadThread {
    /// For the door with this number, if it has a keypad.
    pub(crate) fn new(
        number: usize,
        door: &Door,
        socket: &Path,
        clock: Clock,
        messages: &Sender<Message>,
    ) -> Option<Self> {
        Some(Self {
            door: number,
            name: door.name.clone(),
            device: door.keypad.as_ref()?.device.clone(),
            socket: socket.to_owned(),
            clock,
            messages: messages.clone(),
        })
    }
}

impl World for KeypadThread {
    fn take(&mut self) -> Result<Box<dyn Keys>, DeviceError> {
        Ok(Box::new(open(&self.device)?))
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn judge(&mut self, pin: Pin) -> Result<Outcome, String> {
        daemon::verify_pin(&self.socket, &self.name, Secret(pin.into_text()))
    }

    fn tell(&mut self, news: News) -> bool {
        self.messages.send(Message::Keypad { door: self.door, news }).is_ok()
    }

    fn pause(&mut self) {
        park_timeout(PAUSE);
    }
}
