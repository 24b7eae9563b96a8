//! How the daemon is.

use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::call::Status as StatusCall;
use facelatch_wire::reply::{Camera, CameraState, State, Status, Store, StoreState};

use super::{CallError, Handle, blocking};
use crate::serve::clock_note;
use crate::serve::connection::Replies;
use crate::serve::engine::Job;
use crate::serve::fault::store_fault;
use crate::serve::job_limit::PermitHolder;
use crate::serve::session::{ServerState, Session};
use crate::store::{Condition, Health};

/// How long `Status` waits for a check of the camera.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

impl Handle for StatusCall {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Status, CallError> {
        let state = &*session.state;
        check_camera(state).await;
        let (store, audit) = (state.store.clone(), state.audit.clone());
        // The store may be writing at present.
        let (clock, trusts_clock) = (state.clock.clone(), state.trusts_clock);
        let looked = move || {
            // A store that cannot be read says so itself.
            let face = store.premises().ok().map(|premises| premises.face);
            let time = clock_note::clock_note(&*store, &*clock, trusts_clock).ok().flatten();
            Ok((store.health(), audit.and_then(|audit| audit.problem()), face, time))
        };
        let (health, audit, face, time) = blocking(store_fault, looked).await?;
        let engine = &state.engine.status;
        let (camera, networks) = (engine.camera(), &engine.networks);
        let score = |p: crate::head::Probability| session.caller.sees_scores().then_some(p.value());
        let camera_state =
            if camera.problem.is_none() { CameraState::Ready } else { CameraState::Unavailable };
        let second = engine.infrared();
        let problems = [&camera].into_iter().chain(&second).any(|camera| camera.problem.is_some());
        let infrared = second.map(|camera| match camera.problem {
            None => format!("infrared camera {} is ready", camera.name),
            Some(problem) => format!("infrared {problem}"),
        });
        let turned = camera
            .turned
            .map(|reason| format!("camera {}: {}", camera.name, Outcome::from(reason).message()));
        let attacks = Some(engine.attacks()).filter(|attacks| *attacks > 0).map(|attacks| {
            format!("attacks: {attacks} refused since the daemon started; the audit log has when")
        });
        Ok(Status {
            cameras: Vec::new(),
            doors: Vec::new(),
            face,
            state: if problems { State::Degraded } else { State::Ready },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: state.clock.now().since(state.started).as_secs(),
            camera: Camera { name: camera.name, state: camera_state, message: camera.problem },
            embedder: networks.embedder.clone(),
            embedder_sha256: networks.embedder_sha256.clone(),
            detector: networks.detector.clone(),
            users: health.users as u64,
            templates: health.templates as u64,
            store: stored(health, audit),
            busy: engine.busy(),
            latch: engine.latch.clone(),
            notes: [
                &state.notes[..],
                &networks.notes,
                turned.as_slice(),
                infrared.as_slice(),
                attacks.as_slice(),
                time.as_slice(),
            ]
            .concat(),
            threshold: score(networks.threshold),
            identical_pair_p: score(networks.identical_pair),
        })
    }
}

/// Has the camera checked, unless it is in use or somebody else asks at present: then what was last seen has to do.
async fn check_camera(state: &ServerState) {
    let engine = &state.engine;
    if !engine.status.busy()
        && let Some(permit) = engine.limit.take(PermitHolder::CameraCheck)
        && let Ok(check) = engine.submit(Some(permit), Job::CheckCamera)
    {
        let _ = tokio::time::timeout(CHECK_TIMEOUT, check.end).await;
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
