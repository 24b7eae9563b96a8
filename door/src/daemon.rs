//! The two conversations with the daemon: events, and looks. Each has a thread, which may wait for as long as it likes.

use std::path::Path;
use std::time::Duration;

use facelatch_wire::call::{Events, Identify};
use facelatch_wire::reply::{Event, EventKind};
use facelatch_wire::{Client, ClientError, Deadline, Outcome};

/// How long the daemon may take to begin with its events.
const SOON: Duration = Duration::from_secs(10);

/// How long it may take to judge a face: others may be ahead of us.
const ATTEMPT: Duration = Duration::from_secs(90);

/// Passes events on, from one that says that none is missed, until the connection ends or nobody listens.
pub(crate) fn follow(socket: &Path, mut tell: impl FnMut(Event) -> bool) -> Result<(), ClientError> {
    let mut client = Client::connect(socket, Deadline::within(SOON))?;
    client.start(&Events {}, true)?;
    let mut received = client.receive::<Events>()?;
    if received.reply.kind != EventKind::Listening {
        return Err(ClientError::Garbage { why: "the first event is not `listening`".to_owned() });
    }
    client.set_deadline(Deadline::never());
    while tell(received.reply) {
        if !received.continues {
            return Err(ClientError::Closed);
        }
        received = client.receive::<Events>()?;
    }
    Ok(())
}

/// Asks the daemon to look. What opens a door is the event, which comes to all who follow; this is how it went.
pub(crate) fn look(socket: &Path) -> Result<Outcome, String> {
    let ask = || Client::connect(socket, Deadline::within(ATTEMPT))?.call(&Identify::default());
    match ask() {
        Ok(judging) => {
            judging.verdict.ok_or_else(|| "the daemon gave no verdict; see its journal".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
