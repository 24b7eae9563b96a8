//! The daemon on its socket: who calls, what he may ask, and the one engine that looks and opens.
//!
//! Two threads. This one serves all connections with tokio, one small task each, and never waits for a camera
//! or a disk. The `engine` runs attempts one after another. A client that is slow, silent or hostile holds up
//! nobody but himself: his messages are bounded in size and time, his replies in time, and there is a limit
//! to how many connections there are, in all and of one user.
//!
//! Start at [`run`]; `methods` has one function per method of the interface.

mod connection;
mod daemon;
mod engine;
mod gate;
mod line;
mod logging;
pub mod message;
mod methods;
mod notify;
pub mod peer;
mod replies;
mod service;
pub mod socket;
mod streams;
mod turns;
mod unjudged;
mod upkeep;

use std::future::Future;
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{Config, LatchKind};
use crate::pipeline::{Networks, Pipeline, Rules};
use crate::seam::Seams;
use crate::store::audit::Audit;

use connection::Doorman;
use engine::{Engine, Works};
use methods::Hall;
use peer::Peers;

pub use daemon::{DaemonArgs, main};

/// Threads that wait for the disk or the name service on behalf of connections.
const BLOCKING_THREADS: usize = 4;

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
    /// Where it is put on record what happened, if anywhere.
    pub audit: Option<Arc<Audit>>,
}

/// Why the daemon cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system refuses a thread or the event loop.
    #[error("daemon: cannot start its threads; check the limits on processes and open files")]
    Start(#[source] std::io::Error),
}

/// Serves `listener` until `shutdown` is done; says so to systemd, if that started us.
///
/// # Errors
/// [`ServeError`], before anything is served.
pub fn run(
    listener: UnixListener,
    parts: Parts,
    shutdown: impl Future<Output = ()> + 'static,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(ServeError::Start)?;
    let Parts { config, networks, seams, peers, audit } = parts;
    let Seams { frames, clock, store, latch } = seams;
    let pipeline = Pipeline::new(networks, Rules::of(&config), frames, clock.clone(), store.clone());
    let works = Works {
        pipeline,
        latch: (config.latch.kind != LatchKind::None).then_some(latch),
        opens_on: config.latch.opens_on,
        clock: clock.clone(),
        idle_close: config.camera.idle_close_ms.duration(),
        audit: audit.clone(),
    };
    let (engine, thread) = Engine::start(works).map_err(ServeError::Start)?;
    let hall = Hall {
        engine,
        store,
        started: clock.now(),
        clock,
        queue_patience: config.decision.deadline_ms.duration(),
        templates: config.decision.templates as usize,
        audit,
        uploading: Default::default(),
        export_recipient: config.store.export_recipient.clone(),
    };
    let doorman = Doorman::new(&config.serve, peers, Rc::new(hall));
    let tasks = tokio::task::LocalSet::new();
    let served = tasks.block_on(&runtime, async move {
        let listener =
            listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
        let listener = listener.map_err(ServeError::Start)?;
        tokio::task::spawn_local(notify::watch(doorman.shared(), doorman.round()));
        tokio::select! {
            () = doorman.serve(listener) => {}
            () = shutdown => {}
        }
        notify::stopping();
        Ok(())
    });
    // Connections go first: their jobs are given up, so the engine ends soon and lets go of the camera.
    drop(tasks);
    drop(runtime);
    if thread.join().is_err() {
        tracing::error!("the engine's thread panicked; please report it");
    }
    served
}
