//! The daemon on its socket: who calls, what they may ask, and the one engine that looks.
//!
//! Three threads, and a small pool that waits for the disk and the name service. This one serves all connections with
//! tokio, one small task each, and never waits for a camera or a disk. The `engine` runs attempts one after another, with
//! the help of one or two more threads during each, and hands grants to the latch's own thread. `listener` accepts clients, `connections` says for how many there is room, and
//! `connection` bounds what one of them can send and leave unread.
//!
//! Start at [`run`], then `connection`, then `methods`, which has one handler for each method of the interface.

mod accounts;
mod bucket;
mod camera_status;
mod change_limit;
mod clock_note;
mod connection;
mod connections;
mod daemon;
mod doors;
mod engine;
mod engine_status;
pub mod enrolled;
mod fault;
mod job;
mod job_limit;
mod journal;
mod listener;
mod logging;
mod machine;
mod methods;
mod notify;
pub mod peer;
mod pins;
mod recorder;
mod repeats;
mod reports;
mod session;
mod show;
pub mod socket;
mod to_wire;
mod unjudged;
mod volatile;
mod watching;

use std::future::Future;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;

use crate::camera::beside::Beside;
use crate::clock::KnownTime;
use crate::config::{AttackLevel, Config, LatchKind};
use crate::pipeline::{CHALLENGE_LIMIT, Camera, Networks, Pipeline, Rules};
use crate::seam::Seams;
use crate::store::audit::Audit;

use accounts::AccountLookup;
use connections::Connections;
use doors::Doors;
use engine::{Engine, EngineParts};
use enrolled::EnrolledFile;
use listener::Listener;
use peer::Peers;
use pins::Pins;
use recorder::Recorder;
use session::ServerState;

pub use daemon::{DaemonArgs, main};
pub use show::show;

/// Threads that wait for the disk or the name service on behalf of connections.
const BLOCKING_THREADS: usize = 6;

/// How many of them may ask the name service who calls, and as many which accounts there are: the store keeps the others.
const LOOKUPS: usize = 2;

/// How long callers may wait for their answer when the daemon stops, beyond a latch that is opening.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How often to check whether all of them have gone.
const DRAIN_CHECK: Duration = Duration::from_millis(10);

/// Events that a slow client may fall behind.
const EVENTS: usize = 256;

/// Everything the daemon is made of.
pub struct Parts {
    /// The checked configuration.
    pub config: Config,
    /// Detector, embedder and head, loaded.
    pub networks: Networks,
    /// Camera, clock, store and latch.
    pub seams: Seams,
    /// Who is calling.
    pub peers: Arc<dyn Peers>,
    /// The audit log, if there is one.
    pub audit: Option<Arc<Audit>>,
    /// What a person should know about this setup, a sentence each; for `Status`.
    pub notes: Vec<String>,
    /// Where to say which accounts have a face, if anywhere.
    pub enrolled: Option<EnrolledFile>,
}

/// Why the daemon cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system refuses a thread or the event loop.
    #[error("daemon: cannot start its threads; check the limits on processes and open files")]
    Start(#[source] std::io::Error),
}

/// Serves these listeners until `shutdown` is done, and reports to systemd if it started us.
///
/// # Errors
/// [`ServeError`], before anything is served.
pub fn run(
    listeners: Vec<UnixListener>,
    parts: Parts,
    shutdown: impl Future<Output = ()> + 'static,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(ServeError::Start)?;
    let (serve, peers) = (parts.config.serve.clone(), parts.peers.clone());
    let enrolled = parts.enrolled.clone();
    let limit = parts.config.latch.hook_deadline_ms.duration() + DRAIN_TIMEOUT;
    let (state, thread) = assemble(parts)?;
    let status = state.engine.status.clone();
    let state = Rc::new(state);
    let clients = Rc::new(Listener::new(&serve, peers, state.clone()));
    let connections = clients.connections();
    let tasks = tokio::task::LocalSet::new();
    let served = tasks.block_on(&runtime, async move {
        let listen = |listener: UnixListener| {
            listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener))
        };
        let listeners = listeners.into_iter().map(listen).collect::<std::io::Result<Vec<_>>>();
        let mut accepting = JoinSet::new();
        for listener in listeners.map_err(ServeError::Start)? {
            accepting.spawn_local(clients.clone().serve(listener));
        }
        tokio::task::spawn_local(notify::watch(status, clients.heartbeat()));
        if let Some(file) = enrolled {
            tokio::task::spawn_local(enrolled::keep(file, state.clone()));
        }
        shutdown.await;
        drop(accepting);
        notify::stopping();
        drain(&state, &connections, limit).await;
        Ok(())
    });
    // Connections go first: that cancels what jobs are left, so the engine soon ends and closes the camera.
    drop(tasks);
    drop(runtime);
    if thread.join().is_err() {
        tracing::error!("the engine's thread panicked; please report it");
    }
    served
}

// Clients would hang up in the middle of a challenge that takes longer than they wait.
const _: () = assert!(CHALLENGE_LIMIT.as_secs() == facelatch_wire::CHALLENGE_LIMIT.as_secs());

/// Starts the engine. Gives what all connections share, and the engine's thread.
fn assemble(parts: Parts) -> Result<(ServerState, JoinHandle<()>), ServeError> {
    let Parts { config, networks, seams, peers, audit, notes, enrolled: _ } = parts;
    // Whoever is ahead may have to answer a challenge.
    let answer_time = match config.attack.level {
        AttackLevel::Challenge => CHALLENGE_LIMIT,
        AttackLevel::Off | AttackLevel::Passive => Duration::ZERO,
    };
    let Seams { frames, other_frames, infrared, clock, random, store, latch } = seams;
    let mut camera = Camera::new(&config.camera, frames);
    if let Some(source) = infrared {
        camera = camera.with_infrared(Beside::new(source, clock.clone()).map_err(ServeError::Start)?);
    }
    let others = config.other_cameras.iter().zip(other_frames);
    let shown = Arc::default();
    let pipeline = Pipeline::new(networks, Rules::of(&config), camera, clock.clone(), store.clone(), random)
        .with_pins(Arc::clone(&shown))
        .with_cameras(others.map(|(settings, frames)| Camera::new(settings, frames)));
    let recorder = Recorder {
        clock: clock.clone(),
        audit: audit.clone(),
        events: broadcast::Sender::new(EVENTS),
        repeats: Arc::default(),
        reports: Arc::default(),
    };
    let engine = EngineParts {
        pipeline,
        latch: (config.latch.kind != LatchKind::None).then_some(latch),
        opens_on: config.latch.opens_on,
        clock: clock.clone(),
        recorder: recorder.clone(),
    };
    let (engine, thread) = Engine::start(engine).map_err(ServeError::Start)?;
    let known_time = KnownTime::new(clock.clone(), config.access.trusts_clock());
    let timing = (clock.clone(), known_time.clone());
    let pins = Arc::new(Pins::new(config.lockout.clone(), store.clone(), timing, shown));
    let state = ServerState {
        engine,
        accounts: Arc::new(AccountLookup::new(peers.clone(), store.clone())),
        peers,
        store,
        started: clock.now(),
        clock,
        known_time,
        queue_timeout: config.decision.deadline_ms.duration() + answer_time,
        templates: config.decision.templates as usize,
        audit,
        notes,
        recorder,
        doors: Doors::default(),
        pins,
        changes: Arc::default(),
        uploads: Arc::new(Semaphore::new(1)),
        stopping: watch::Sender::new(false),
        export_recipient: config.store.export_recipient.clone(),
    };
    Ok((state, thread))
}

/// Cancels jobs and waits until all clients have their answer: whoever waits for a latch learns whether it opened.
async fn drain(state: &ServerState, connections: &Connections, limit: Duration) {
    state.stopping.send_replace(true);
    let gone = async {
        while !connections.is_empty() {
            tokio::time::sleep(DRAIN_CHECK).await;
        }
    };
    if tokio::time::timeout(limit, gone).await.is_err() {
        tracing::warn!("some clients were disconnected before they were answered");
    }
}
