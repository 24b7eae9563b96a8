//! The thread of a keypad, in the world.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread::park_timeout;
use std::time::Duration;

use facelatch_wire::call::{Secret, VerifyPin};
use facelatch_wire::{Client, Deadline, Outcome};

use super::{DeviceError, Keys, News, Pin, World, open};
use crate::clock::{Clock, Moment};
use crate::config::Door;
use crate::controller::Message;
use crate::run::PAUSE;

/// How long the daemon may take to judge a PIN: others may be ahead of us.
const ATTEMPT: Duration = Duration::from_secs(30);

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
        let request = VerifyPin { door: Some(self.name.clone()), pin: Secret(pin.into_text()) };
        let ask = || Client::connect(&self.socket, Deadline::within(ATTEMPT))?.call(&request);
        match ask() {
            Ok(judging) => {
                judging.verdict.ok_or_else(|| "the daemon gave no verdict; see its journal".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn tell(&mut self, news: News) -> bool {
        self.messages.send(Message::Keypad { door: self.door, news }).is_ok()
    }

    fn pause(&mut self) {
        park_timeout(PAUSE);
    }
}
