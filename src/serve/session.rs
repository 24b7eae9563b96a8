//! What all connections share, and what belongs to one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use facelatch_wire::Fault;

use super::engine::Engine;
use super::job::no_permit;
use super::job_limit::{JobOwner, JobPermit};
use super::peer::{Caller, Role};
use super::recorder::Recorder;
use crate::clock::{BootTime, Clock};
use crate::store::TemplateStore;
use crate::store::audit::Audit;

/// How often to check for a free permit.
const PERMIT_CHECK: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct ServerState {
    pub(super) engine: Engine,
    pub(super) store: Arc<dyn TemplateStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: BootTime,
    /// How long a job may wait in the queue.
    pub(super) queue_patience: Duration,
    /// Templates in an enrolment that names no number.
    pub(super) templates: usize,
    /// The audit log.
    pub(super) audit: Option<Arc<Audit>>,
    pub(super) recorder: Recorder,
    /// Alive while somebody uploads a file: one at a time, since each takes memory.
    pub(super) uploading: RefCell<Weak<()>>,
    /// The recipient of exports that name none; empty if there is none.
    pub(super) export_recipient: String,
}

/// One connection.
pub(super) struct Session {
    pub(super) state: Rc<ServerState>,
    pub(super) caller: Caller,
    /// What this client has uploaded for an import.
    pub(super) upload: Option<Upload>,
}

/// Part of a file, and the right to upload one.
pub(super) struct Upload {
    pub(super) bytes: Vec<u8>,
    pub(super) permit: Arc<()>,
}

impl Session {
    /// For a new connection.
    pub(super) fn new(state: Rc<ServerState>, caller: Caller) -> Self {
        Self { state, caller, upload: None }
    }

    /// Waits until this client may submit a job; the owner always may. A cancelled attempt needs a moment to end.
    pub(super) async fn job_permit(&self) -> Result<Option<JobPermit>, Fault> {
        if self.caller.role == Role::Owner {
            return Ok(None);
        }
        let free = async {
            loop {
                if let Some(permit) = self.state.engine.limit.take(JobOwner::User(self.caller.uid)) {
                    return permit;
                }
                tokio::time::sleep(PERMIT_CHECK).await;
            }
        };
        let permit = tokio::time::timeout(self.state.queue_patience, free).await;
        permit.map(Some).map_err(|_| no_permit())
    }

    /// The recorder, and the user id to record. They move to the thread that does what this client asked: it may hang up
    /// before that is done.
    pub(super) fn recorder(&self) -> (Recorder, u32) {
        (self.state.recorder.clone(), self.caller.uid)
    }
}
