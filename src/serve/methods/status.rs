//! How the daemon is.

use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::call::Status as StatusCall;
use facelatch_wire::reply::{Camera, CameraState, State, Status, Store, StoreState};

use super::{CallError, Handle, blocking};
use crate::serve::camera_status::{CameraStatus, Seen};
use crate::serve::clock_note;
use crate::serve::connection::Replies;
use crate::serve::engine::Job;
use crate::serve::fault::store_fault;
use crate::serve::job_limit::PermitHolder;
use crate::serve::session::{ServerState, Session};
use crate::store::{Condition, Health};

/// How long `Status` waits for a check of the cameras.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

impl Handle for StatusCall {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Status, CallError> {
        let state = &*session.state;
        check_cameras(state).await;
        let (store, audit) = (state.store.clone(), state.audit.clone());
        // The store may be writing at present.
        let known_time = state.known_time.clone();
        let looked = move || {
            // A store that cannot be read says so itself.
            let face = store.premises().ok().map(|premises| premises.face);
            let time = clock_note::clock_note(&*store, &known_time).ok().flatten();
            let kept: Vec<String> = time.into_iter().chain(store.moved()).collect();
            Ok((store.health(), audit.and_then(|audit| audit.problem()), face, kept))
        };
        let (health, audit, face, kept) = blocking(store_fault, looked).await?;
        let engine = &state.engine.status;
        let networks = &engine.networks;
        let score = |p: crate::head::Probability| session.caller.is_owner().then_some(p.value());
        let turned = engine.cameras.iter().map(CameraStatus::seen).filter_map(turned);
        let infrared = engine.cameras.iter().filter_map(CameraStatus::infrared).map(infrared);
        let of_cameras: Vec<String> = turned.chain(infrared).collect();
        let attacks = Some(engine.attacks()).filter(|attacks| *attacks > 0).map(|attacks| {
            format!("attacks: {attacks} refused since the daemon started; `sudo facelatch log` says when")
        });
        Ok(Status {
            state: if engine.problems().next().is_some() { State::Degraded } else { State::Ready },
            cameras: engine.cameras.iter().map(listed).collect(),
            doors: state
                .doors
                .states(&engine.cameras.first().map(|camera| camera.name.clone()).unwrap_or_default()),
            face,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: state.clock.now().since(state.started).as_secs(),
            camera: engine.cameras.first().map(default).unwrap_or_default(),
            embedder: networks.embedder.clone(),
            embedder_sha256: networks.embedder_sha256.clone(),
            detector: networks.detector.clone(),
            users: health.users as u64,
            templates: health.templates as u64,
            store: stored(health, audit),
            busy: engine.busy(),
            latch: engine.latch.clone(),
            notes: [&state.notes[..], &networks.notes, &of_cameras, attacks.as_slice(), &kept].concat(),
            threshold: score(networks.threshold),
            identical_pair_p: score(networks.identical_pair),
        })
    }
}

/// The default camera, called by its device.
fn default(camera: &CameraStatus) -> Camera {
    let Seen { device, problem, .. } = camera.seen();
    Camera { name: device, ..state_of(problem) }
}

/// A camera, called by its name.
fn listed(camera: &CameraStatus) -> Camera {
    let Seen { device, problem, .. } = camera.seen();
    Camera { name: camera.name.clone(), device: Some(device), ..state_of(problem) }
}

/// How a camera is that has this problem, or none.
fn state_of(message: Option<String>) -> Camera {
    let state = if message.is_none() { CameraState::Ready } else { CameraState::Unavailable };
    Camera { state, message, ..Camera::default() }
}

/// How to turn its picture, if it must be.
fn turned(seen: Seen) -> Option<String> {
    Some(format!("camera {}: {}", seen.device, Outcome::from(seen.turned?).message()))
}

fn infrared(seen: Seen) -> String {
    match seen.problem {
        None => format!("infrared camera {} is ready", seen.device),
        Some(problem) => format!("infrared {problem}"),
    }
}

/// Has the cameras checked, unless one is in use or somebody else asks at present: then what was last seen has to do.
async fn check_cameras(state: &ServerState) {
    let engine = &state.engine;
    if !engine.status.busy()
        && let Some(permit) = engine.limit.take(PermitHolder::CameraCheck)
        && let Ok(check) = engine.submit(Some(permit), Job::CheckCameras)
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
