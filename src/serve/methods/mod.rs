//! One [`Handle`] for each method of the interface.

mod attempts;
mod backup;
mod events;
mod introspection;
mod maintenance;
mod people;
mod status;

use facelatch_wire::{Fault, Method};

use super::connection::{Disconnected, Replies};
use super::fault::{bad_parameter, panicked, stopping};
use super::job::{JobHandle, JobUpdate};
use super::session::Session;
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

/// Passes on what a job reports until the engine is done with it, then waits for its result.
async fn follow<T, M: Method>(
    mut job: JobHandle<T>,
    replies: &mut Replies<'_, '_, M>,
    reply: impl Fn(Progress) -> M::Reply,
) -> Result<T, CallError> {
    while let Some(update) = job.updates.recv().await {
        if let JobUpdate::Progress(progress) = update {
            replies.send(&reply(progress)).await?;
        }
    }
    job.end.await.map_err(|_| stopping().into())
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
