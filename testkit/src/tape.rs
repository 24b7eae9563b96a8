//! A latch that tests look at.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use facelatch::judge::Grant;
use facelatch::latch::{Latch, LatchError};

use crate::world::PATIENCE;

/// A latch that records whom it opened for.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<TapeState>>);

#[derive(Default)]
struct TapeState {
    opened: Vec<String>,
    jammed: bool,
    slow: Option<(Sender<()>, Receiver<()>)>,
}

impl Tape {
    /// The users it opened for, in order.
    pub fn opened_for(&self) -> Vec<String> {
        self.0.lock().expect("lock").opened.clone()
    }

    /// Makes it refuse to open from now on.
    pub fn jam(&self) {
        self.0.lock().expect("lock").jammed = true;
    }

    /// The next opening signals the receiver when it begins and lasts until the sender ends it.
    pub fn slow_down(&self) -> (Receiver<()>, Sender<()>) {
        let ((begin, begun), (end, ended)) = (channel(), channel());
        self.0.lock().expect("lock").slow = Some((begin, ended));
        (begun, end)
    }
}

impl Latch for Tape {
    fn open(&mut self, grant: Grant) -> Result<(), LatchError> {
        let slow = self.0.lock().expect("lock").slow.take();
        if let Some((begin, ended)) = slow {
            begin.send(()).expect("the test waits for it");
            ended.recv_timeout(PATIENCE).expect("the test lets it end");
        }
        let mut tape = self.0.lock().expect("lock");
        if tape.jammed {
            return Err(LatchError::Failed { command: "tape".into(), status: "jammed".into() });
        }
        tape.opened.push(grant.user().to_string());
        Ok(())
    }

    fn name(&self) -> String {
        "tape".to_owned()
    }
}
