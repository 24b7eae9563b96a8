//! One [`Handle`] for each method of the interface.

mod attempts;
mod backup;
mod people;
mod status;

use facelatch_wire::{Fault, Method};

use super::connection::{Gone, Replies};
use super::job::{JobHandle, JobUpdate, stopping};
use super::session::Session;
use super::to_wire::{bad_parameter, store_fault};
use crate::people::UserName;
use crate::pipeline::Progress;
use crate::store::StoreError;

/// A method as the daemon does it.
pub(super) trait Handle: Method + Sized {
    /// Does what was asked; `replies` takes what is sent before the last reply, which is returned.
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Self::Reply, Unanswered>;
}

/// Why a call has no last reply.
pub(super) enum Unanswered {
    /// It is answered with an error.
    Fault(Fault),
    /// Nobody is there to be answered.
    Gone,
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Gone> for Unanswered {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Passes on what a job reports until the engine is done with it, then waits for its result.
async fn follow<T, M: Method>(
    mut job: JobHandle<T>,
    replies: &mut Replies<'_, '_, M>,
    reply: impl Fn(Progress) -> M::Reply,
) -> Result<T, Unanswered> {
    while let Some(update) = job.updates.recv().await {
        if let JobUpdate::Progress(progress) = update {
            replies.send(&reply(progress)).await?;
        }
    }
    job.end.await.map_err(|_| stopping().into())
}

/// The store waits for the disk, so it runs on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| Fault::StoreFailed {
        message: "store: panicked; restart the daemon, then check the disk".to_owned(),
    })?;
    done.map_err(|error| store_fault(&error))
}

fn user_name(user: &str) -> Result<UserName, Fault> {
    UserName::new(user).map_err(|error| bad_parameter("user", &error))
}
