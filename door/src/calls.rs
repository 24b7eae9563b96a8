//! The threads that talk with the daemon: events, looks, and the watch over each camera. They call again when it is gone.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::park_timeout;
use std::time::Duration;

use facelatch_wire::ClientError;
use facelatch_wire::reply::{DoorPlace, EventKind, Seen};

use crate::controller::Message;
use crate::daemon;

/// The first wait before the daemon is called again, doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// Follows the daemon's events, with these doors attached.
pub(crate) fn follow(socket: &Path, doors: &[DoorPlace], messages: &Sender<Message>) {
    let talk = |heard: &mut bool| {
        daemon::follow(socket, doors, |event| {
            *heard = true;
            let is_first = event.kind == EventKind::Listening;
            let message = if is_first { Message::Daemon { lost: None } } else { Message::Event(event) };
            messages.send(message).is_ok()
        })
    };
    again_and_again(talk, |lost| messages.send(Message::Daemon { lost: Some(lost) }).is_ok());
}

/// Has the camera of a door watched.
pub(crate) fn watch(socket: &Path, door: usize, name: &str, messages: &Sender<Message>) {
    let talk = |heard: &mut bool| {
        daemon::watch(socket, name, |seen| {
            *heard = true;
            let message = match seen {
                Seen::Watching => Message::Watch { door, lost: None },
                Seen::Face => Message::Sight { door },
                Seen::Unknown => return true,
            };
            messages.send(message).is_ok()
        })
    };
    again_and_again(talk, |lost| messages.send(Message::Watch { door, lost: Some(lost) }).is_ok());
}

/// Looks at the doors that it is told, one after another.
pub(crate) fn look(socket: &Path, names: &[String], asked: &Receiver<usize>, messages: &Sender<Message>) {
    for door in asked {
        let Some(name) = names.get(door) else { return };
        let ended = daemon::look(socket, name);
        if messages.send(Message::Looked { door, ended }).is_err() {
            return;
        }
    }
}

/// Talks with the daemon until nobody listens. `talk` notes when the daemon said something; `tell` passes on why it ended.
fn again_and_again(
    mut talk: impl FnMut(&mut bool) -> Result<(), ClientError>,
    mut tell: impl FnMut(String) -> bool,
) {
    let mut retry = FIRST_RETRY;
    loop {
        let mut heard = false;
        let Err(error) = talk(&mut heard) else { return };
        if !tell(daemon::told(&error)) {
            return;
        }
        retry = next_retry(retry, heard, &error);
        park_timeout(retry);
    }
}

/// What the daemon refused, it will refuse again until somebody has changed a file.
fn next_retry(last: Duration, heard: bool, error: &ClientError) -> Duration {
    match error {
        _ if heard => FIRST_RETRY,
        ClientError::Refused(_) => LAST_RETRY,
        _ => (last * 2).min(LAST_RETRY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch_wire::Fault;

    #[test]
    fn the_daemon_is_called_less_and_less_often_until_it_answers() {
        let next = |last, heard, error: &ClientError| {
            next_retry(Duration::from_millis(last), heard, error).as_millis()
        };
        assert_eq!(next(500, false, &ClientError::Closed), 1000);
        assert_eq!(next(8000, false, &ClientError::Timeout), 10_000);
        assert_eq!(next(8000, true, &ClientError::Closed), 500);
        let refused = ClientError::Refused(Fault::NotFound { message: "no such camera".into() });
        assert_eq!(next(500, false, &refused), 10_000);
        assert_eq!(next(500, true, &refused), 500, "a daemon that stops");
    }
}
