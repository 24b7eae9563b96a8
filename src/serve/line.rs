//! The line between a connection and the engine: news of a job, and how it ended.

use std::time::Duration;

use facelatch_wire::Fault;
use tokio::sync::{mpsc, oneshot};

use super::turns::Turn;
use crate::pipeline::Progress;

/// Words on progress that may wait for a slow client; more are dropped, since only the newest helps.
const NEWS: usize = 16;

/// News of a job.
#[derive(Debug)]
pub(super) enum News {
    /// It left the queue.
    Started,
    /// How it gets on.
    Progress(Progress),
}

/// The engine's end of a conversation.
pub(super) struct Line<T> {
    pub(super) news: mpsc::Sender<News>,
    pub(super) end: oneshot::Sender<T>,
    /// The caller's turn, where he has one only.
    pub(super) turn: Option<Turn>,
}

/// The caller's end.
#[derive(Debug)]
pub(super) struct Ongoing<T> {
    /// What happens meanwhile.
    pub(super) news: mpsc::Receiver<News>,
    /// How it ended; broken off if the engine fell over.
    pub(super) end: oneshot::Receiver<T>,
}

/// Both ends.
pub(super) fn pair<T>(turn: Option<Turn>) -> (Line<T>, Ongoing<T>) {
    let (news, receiver) = mpsc::channel(NEWS);
    let (end, ending) = oneshot::channel();
    (Line { news, end, turn }, Ongoing { news: receiver, end: ending })
}

/// The camera is taken.
pub(super) fn busy() -> Fault {
    Fault::Busy { message: "camera: busy with somebody else; try again in a moment".to_owned() }
}

/// The caller has taken his turn already, or too many others have.
pub(super) fn not_his_turn() -> Fault {
    let message =
        "camera: another attempt of yours, or too many of others, wait or run; try again when it has ended";
    Fault::Busy { message: message.to_owned() }
}

/// The engine has gone.
pub(super) fn stopping() -> Fault {
    Fault::Stopping { message: "daemon: stopping; try again when it runs anew".to_owned() }
}

impl<T> Ongoing<T> {
    /// Waits until the job leaves the queue.
    ///
    /// # Errors
    /// [`Fault::Busy`] after `patience`; [`Fault::Stopping`].
    pub(super) async fn started(&mut self, patience: Duration) -> Result<(), Fault> {
        match tokio::time::timeout(patience, self.news.recv()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(stopping()),
            Err(_) => Err(busy()),
        }
    }
}
