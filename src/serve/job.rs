//! A job between a connection and the engine: how it goes, and how it ended.

use std::time::Duration;

use facelatch_wire::Fault;
use tokio::sync::{mpsc, oneshot};

use super::fault::{busy, stopping};
use super::job_limit::JobPermit;
use crate::pipeline::Progress;

/// Updates that may wait for a slow client; more are dropped, since only the newest helps.
const UPDATES: usize = 16;

/// What a running job reports.
#[derive(Debug)]
pub(super) enum JobUpdate {
    /// It left the queue.
    Started,
    /// How far it is.
    Progress(Progress),
}

/// The engine's end.
pub(super) struct JobReporter<T> {
    pub(super) updates: mpsc::Sender<JobUpdate>,
    pub(super) end: oneshot::Sender<T>,
    /// The caller's permit, if they need one.
    pub(super) permit: Option<JobPermit>,
}

/// The caller's end. Dropping it cancels the job.
#[derive(Debug)]
pub(super) struct JobHandle<T> {
    /// Ends when the engine is done.
    pub(super) updates: mpsc::Receiver<JobUpdate>,
    /// The result; broken off if the engine panicked.
    pub(super) end: oneshot::Receiver<T>,
}

/// Both ends.
pub(super) fn pair<T>(permit: Option<JobPermit>) -> (JobReporter<T>, JobHandle<T>) {
    let (updates, receiver) = mpsc::channel(UPDATES);
    let (end, ending) = oneshot::channel();
    (JobReporter { updates, end, permit }, JobHandle { updates: receiver, end: ending })
}

impl<T> JobHandle<T> {
    /// Waits until the job leaves the queue.
    ///
    /// # Errors
    /// [`Fault::Busy`] after `timeout`; [`Fault::Stopping`].
    pub(super) async fn started(&mut self, timeout: Duration) -> Result<(), Fault> {
        match tokio::time::timeout(timeout, self.updates.recv()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(stopping()),
            Err(_) => Err(busy()),
        }
    }
}
