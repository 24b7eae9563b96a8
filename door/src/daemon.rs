//! The conversations with the daemon. Each has a thread, which may wait for as long as it likes.

use std::path::Path;
use std::time::Duration;

use facelatch_wire::call::{Attach, Events, Look, Report, Secret, Status as StatusCall, VerifyPin, Watch};
use facelatch_wire::reply::{DoorPlace, Event, EventKind, Judging, Seen, Status};
use facelatch_wire::{Client, ClientError, Deadline, Method, Outcome};

/// How long the daemon may take to answer what needs no camera.
const SOON: Duration = Duration::from_secs(10);

/// The same where a person waits, who can do without the answer.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How long it may take to judge a face: others may be ahead of us.
const ATTEMPT: Duration = Duration::from_secs(90);

/// The same for a PIN.
const PIN: Duration = Duration::from_secs(30);

/// Says which doors there are, and passes events on, from one that says that none is missed, until the connection ends or
/// nobody listens. The doors are known to the daemon meanwhile.
pub(crate) fn follow(
    socket: &Path,
    doors: &[DoorPlace],
    tell: impl FnMut(Event) -> bool,
) -> Result<(), ClientError> {
    let mut client = Client::connect(socket, Deadline::within(SOON))?;
    client.call(&Attach { doors: doors.to_vec() })?;
    stream(client, &Events {}, |event: &Event| event.kind == EventKind::Listening, tell)
}

/// Passes on what is seen while the camera of a door is watched, until the connection ends or nobody listens.
pub(crate) fn watch(
    socket: &Path,
    door: &str,
    mut tell: impl FnMut(Seen) -> bool,
) -> Result<(), ClientError> {
    let client = Client::connect(socket, Deadline::within(SOON))?;
    let call = Watch { door: Some(door.to_owned()) };
    stream(client, &call, |sight| sight.seen == Seen::Watching, |sight| tell(sight.seen))
}

fn stream<M: Method>(
    mut client: Client,
    call: &M,
    is_first: impl Fn(&M::Reply) -> bool,
    mut tell: impl FnMut(M::Reply) -> bool,
) -> Result<(), ClientError> {
    client.start(call, true)?;
    let mut received = client.receive::<M>()?;
    if !is_first(&received.reply) {
        let why = format!("{} does not begin with its first reply", M::NAME);
        return Err(ClientError::Garbage { why });
    }
    client.set_deadline(Deadline::never());
    while tell(received.reply) {
        if !received.continues {
            return Err(ClientError::Closed);
        }
        received = client.receive::<M>()?;
    }
    Ok(())
}

/// Asks the daemon to look at a door. What opens it is the event, which comes to all who follow; this is how it went.
pub(crate) fn look(socket: &Path, door: &str) -> Result<Outcome, String> {
    judged(socket, ATTEMPT, &Look { door: Some(door.to_owned()) })
}

/// Has the daemon judge a PIN that was typed at a door. As with a look, what opens the door is the event.
pub(crate) fn verify_pin(socket: &Path, door: &str, pin: Secret) -> Result<Outcome, String> {
    judged(socket, PIN, &VerifyPin { door: Some(door.to_owned()), pin })
}

fn judged(socket: &Path, limit: Duration, call: &impl Method<Reply = Judging>) -> Result<Outcome, String> {
    let ask = || Client::connect(socket, Deadline::within(limit))?.call(call);
    let judging = ask().map_err(|error| told(&error))?;
    judging.verdict.ok_or_else(|| "the daemon gave no verdict; see its journal".to_owned())
}

/// How the daemon is, if it says so at once.
pub(crate) fn status(socket: &Path) -> Result<Status, ClientError> {
    Client::connect(socket, Deadline::within(AT_ONCE))?.call(&StatusCall {})
}

/// What went wrong, with what to do about it in this program, which has no option --socket.
pub(crate) fn told(error: &ClientError) -> String {
    match error {
        ClientError::NotRunning { socket, source } => format!(
            "socket {}: nobody listens ({source}); start the daemon (`sudo systemctl start facelatchd.socket facelatchd`), or \
             correct `socket` in door.toml",
            socket.display()
        ),
        other => other.to_string(),
    }
}

/// Delivers reports over one connection. How many were answered, and why the next was not.
pub(crate) fn report(socket: &Path, reports: &[Report]) -> (usize, Option<ClientError>) {
    let mut answered = 0;
    let mut send = || {
        let mut client = Client::connect(socket, Deadline::within(SOON))?;
        for report in reports {
            client.set_deadline(Deadline::within(SOON));
            client.call(report)?;
            answered += 1;
        }
        Ok::<(), ClientError>(())
    };
    let failed = send().err();
    (answered, failed)
}

#[cfg(test)]
mod tests;
