//! How the daemon is, what happens at the door, and what Varlink itself asks.

use std::time::Duration;

use facelatch_wire::call::{
    Description, Events, GetInfo, GetInterfaceDescription, Info, Status as StatusCall,
};
use facelatch_wire::message::printable;
use facelatch_wire::reply::{Camera, CameraState, Event, EventKind, State, Status, Store, StoreState};
use facelatch_wire::{Fault, INTERFACE};
use tokio::sync::broadcast::error::RecvError;

use super::{Handle, Unanswered, blocking};
use crate::serve::connection::Replies;
use crate::serve::engine::Job;
use crate::serve::job::stopping;
use crate::serve::job_limit::JobOwner;
use crate::serve::session::{ServerState, Session};
use crate::store::{Condition, Health};

/// How long a status waits for a fresh look at the camera.
const PROBE_PATIENCE: Duration = Duration::from_millis(500);

/// Varlink's own interface, which every service answers.
const VARLINK: &str = "org.varlink.service";

impl Handle for StatusCall {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Status, Unanswered> {
        let state = &*session.state;
        probe(state).await;
        let (store, audit) = (state.store.clone(), state.audit.clone());
        // The store may be writing at present.
        let looked = move || Ok((store.health(), audit.and_then(|audit| audit.trouble())));
        let (health, audit) = blocking(looked).await?;
        let shared = &state.engine.shared;
        let (camera, about) = (shared.camera(), &shared.about);
        let score = |p: crate::head::Probability| session.caller.sees_scores().then_some(p.value());
        let (state_now, camera_state) = match camera.trouble {
            None => (State::Ready, CameraState::Ready),
            Some(_) => (State::Degraded, CameraState::Unavailable),
        };
        Ok(Status {
            state: state_now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: state.clock.now().since(state.started).as_secs(),
            camera: Camera { name: camera.name, state: camera_state, message: camera.trouble },
            embedder: about.embedder.clone(),
            embedder_sha256: about.embedder_sha256.clone(),
            detector: about.detector.clone(),
            users: health.users as u64,
            templates: health.templates as u64,
            store: stored(health, audit),
            busy: shared.busy(),
            latch: shared.latch.clone(),
            notes: about.notes.clone(),
            threshold: score(about.threshold),
            identical_pair_p: score(about.identical_pair),
        })
    }
}

/// Has the camera checked, unless it is in use or somebody else asks at present: then what was last seen has to do.
async fn probe(state: &ServerState) {
    let engine = &state.engine;
    if !engine.shared.busy()
        && let Some(permit) = engine.limit.take(JobOwner::Probe)
        && let Ok(probe) = engine.submit(Some(permit), Job::Probe)
    {
        let _ = tokio::time::timeout(PROBE_PATIENCE, probe.end).await;
    }
}

/// How the store is, and the audit log beside it.
fn stored(health: Health, audit: Option<String>) -> Store {
    let state = match health.condition {
        Condition::Whole => StoreState::Whole,
        Condition::Restored => StoreState::Restored,
        Condition::Behind => StoreState::Behind,
        Condition::Lossy => StoreState::Lossy,
    };
    Store { state, notes: health.notes.into_iter().chain(audit).collect() }
}

impl Handle for Events {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Event, Unanswered> {
        session.caller.may_manage("events")?;
        let recorder = &session.state.recorder;
        let mut events = recorder.events.subscribe();
        replies.send(&recorder.event(EventKind::Listening, None)).await?;
        let mut lost = None;
        loop {
            match events.recv().await {
                Ok(event) => replies.send(&Event { lost: lost.take(), ..event }).await?,
                Err(RecvError::Lagged(count)) => lost = Some(count),
                Err(RecvError::Closed) => return Err(stopping().into()),
            }
        }
    }
}

impl Handle for GetInfo {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Info, Unanswered> {
        Ok(Info {
            vendor: "facelatch".to_owned(),
            product: "facelatchd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: env!("CARGO_PKG_REPOSITORY").to_owned(),
            interfaces: vec![VARLINK.to_owned(), INTERFACE.to_owned()],
        })
    }
}

impl Handle for GetInterfaceDescription {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Description, Unanswered> {
        let description = match self.interface.as_str() {
            INTERFACE => facelatch_wire::IDL,
            VARLINK => include_str!("../service.varlink"),
            other => return Err(Fault::InterfaceNotFound { interface: printable(other) }.into()),
        };
        Ok(Description { description: description.to_owned() })
    }
}
