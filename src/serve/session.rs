//! What all connections share, and what belongs to one.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use facelatch_wire::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::accounts::AccountLookup;
use super::change_limit::ChangeLimit;
use super::doors::{Attachment, Doors};
use super::engine::Engine;
use super::fault::no_permit;
use super::job_limit::{JobPermit, PermitHolder};
use super::peer::{Caller, Peers};
use super::pins::Pins;
use super::recorder::Recorder;
use crate::clock::{BootTime, Clock, KnownTime};
use crate::store::TemplateStore;
use crate::store::audit::Audit;

/// How often to check for a free permit.
const PERMIT_CHECK: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct ServerState {
    pub(super) engine: Engine,
    pub(super) store: Arc<dyn TemplateStore>,
    pub(super) peers: Arc<dyn Peers>,
    pub(super) accounts: Arc<AccountLookup>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: BootTime,
    pub(super) known_time: KnownTime,
    /// How long a job may wait in the queue.
    pub(super) queue_timeout: Duration,
    /// Templates in an enrolment that names no number.
    pub(super) templates: usize,
    /// The audit log.
    pub(super) audit: Option<Arc<Audit>>,
    pub(super) recorder: Recorder,
    /// The doors that are attached.
    pub(super) doors: Doors,
    /// Judges and sets PINs.
    pub(super) pins: Arc<Pins>,
    /// What a person should know about this setup.
    pub(super) notes: Vec<String>,
    /// How many changes managers may make.
    pub(super) changes: Arc<ChangeLimit>,
    /// One permit: one upload at a time, since each takes memory.
    pub(super) uploads: Arc<Semaphore>,
    /// Whether the daemon was asked to stop.
    pub(super) stopping: watch::Sender<bool>,
    /// The recipient of exports that name none; empty if there is none.
    pub(super) export_recipient: String,
}

/// One connection.
pub(super) struct Session {
    pub(super) state: Rc<ServerState>,
    pub(super) caller: Caller,
    /// What this client has uploaded for an import.
    pub(super) upload: Option<Upload>,
    /// The doors that this client has attached.
    pub(super) attached: Attachment,
}

/// Part of a file, and the right to upload one.
pub(super) struct Upload {
    pub(super) bytes: Vec<u8>,
    pub(super) permit: OwnedSemaphorePermit,
}

impl ServerState {
    /// Returns when the daemon was asked to stop.
    pub(super) async fn asked_to_stop(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.stopping.subscribe().wait_for(|asked| *asked).await;
    }
}

impl Session {
    /// For a new connection.
    pub(super) fn new(state: Rc<ServerState>, caller: Caller) -> Self {
        let attached = state.doors.attachment();
        Self { state, caller, upload: None, attached }
    }

    /// Counts a change, unless the caller is no manager or the managers have made too many.
    ///
    /// # Errors
    /// [`Fault::PermissionDenied`], [`Fault::Busy`].
    pub(super) fn begin_change(&self, what: &str) -> Result<(), Fault> {
        self.caller.may_manage(what)?;
        if self.caller.is_owner() {
            return Ok(());
        }
        self.state.changes.take(what, self.state.clock.now())
    }

    /// Counts further lines of a change that was begun.
    pub(super) fn add_to_change(&self, lines: usize) {
        if !self.caller.is_owner() {
            self.state.changes.add(lines, self.state.clock.now());
        }
    }

    /// Takes a permit to submit a job; the owner needs none. Waits, because a cancelled job keeps its permit until the
    /// engine notices.
    pub(super) async fn job_permit(&self) -> Result<Option<JobPermit>, Fault> {
        if self.caller.is_owner() {
            return Ok(None);
        }
        let free = async {
            loop {
                if let Some(permit) = self.state.engine.limit.take(PermitHolder::User(self.caller.uid)) {
                    return permit;
                }
                tokio::time::sleep(PERMIT_CHECK).await;
            }
        };
        let permit = tokio::time::timeout(self.state.queue_timeout, free).await;
        permit.map(Some).map_err(|_| no_permit())
    }

    /// The recorder, and the user id to record. They move to the thread that does what this client asked: it may hang up
    /// before that is done.
    pub(super) fn recorder(&self) -> (Recorder, u32) {
        (self.state.recorder.clone(), self.caller.uid)
    }
}
