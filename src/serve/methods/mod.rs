//! One [`Handle`] for each method of the interface.

mod attempts;
mod backup;
mod doors;
mod events;
mod explain;
mod introspection;
mod maintenance;
mod people;
mod pins;
mod rules;
mod status;
mod watch;

use std::future::Future;

use facelatch_wire::{Fault, Method};

use super::connection::{Disconnected, Replies};
use super::engine::Job;
use super::fault::{bad_parameter, panicked, stopping};
use super::job::{JobReporter, JobUpdate};
use super::job_limit::JobPermit;
use super::session::{ServerState, Session};
use crate::people::UserName;
use crate::pipeline::Progress;

/// A method as the daemon does it.
pub(super) trait Handle: Method + Sized {
    /// Does what was asked; `replies` takes what is sent before the last reply, which is returned.
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Self::Reply, CallError>;
}

/// Why a call has no last reply.
pub(super) enum CallError {
    /// It is answered with an error.
    Fault(Fault),
    /// The connection is over, so nothing is sent.
    Disconnected,
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Disconnected> for CallError {
    fn from(_: Disconnected) -> Self {
        Self::Disconnected
    }
}

/// Has a job done: waits for its turn, passes on what it reports until the engine is done with it, then waits for its
/// result. A daemon that stops cancels it, unless only a latch is waited for.
async fn run<T, M: Method>(
    session: &Session,
    permit: Option<JobPermit>,
    replies: &mut Replies<'_, '_, M>,
    job: impl FnOnce(JobReporter<T>) -> Job,
    reply: impl Fn(Progress) -> M::Reply,
) -> Result<T, CallError> {
    let state = &session.state;
    let done = unless_stopping(state, async {
        let mut job = state.engine.submit(permit, job)?;
        job.started(state.queue_timeout).await?;
        while let Some(update) = job.updates.recv().await {
            if let JobUpdate::Progress(progress) = update {
                replies.send(&reply(progress)).await?;
            }
        }
        Ok(job.end)
    });
    done.await?.await.map_err(|_| stopping().into())
}

/// Does this unless the daemon is asked to stop before it is done.
async fn unless_stopping<T>(
    state: &ServerState,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        done = work => done,
        () = state.asked_to_stop() => Err(stopping().into()),
    }
}

/// Runs what waits for the disk on a thread of the pool. `fault` says what the caller gets if it fails.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    fault: fn(E) -> Fault,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| panicked())?.map_err(fault)
}

/// What to say of somebody who was enrolled under the name of no account.
fn without_account(user: &impl std::fmt::Display) -> String {
    format!("no account here is named {user}: enrolled for the door only, and no login accepts this face")
}

fn user_name(user: &str) -> Result<UserName, Fault> {
    UserName::new(user).map_err(|error| bad_parameter("user", &error))
}
