//! Connections: how many, of whom, and the end of each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use facelatch_wire::Fault;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::timeout;

use super::BLOCKING_THREADS;
use super::engine::Shared;
use super::gate;
use super::methods::{Desk, Hall};
use super::peer::{Caller, Peers};
use crate::config;

/// How long accepting rests when the system has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);

/// How often the loop comes round while nobody calls.
const ROUND: Duration = Duration::from_millis(500);

/// How often the loop that lets clients in has come round. Not counted: a round in which it could not let in
/// somebody who waited.
#[derive(Debug, Default)]
pub(super) struct Round(Cell<u64>);

impl Round {
    /// The count; it wraps.
    pub(super) fn count(&self) -> u64 {
        self.0.get()
    }

    fn done(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }
}

/// Lets clients in.
pub(super) struct Doorman {
    peers: Arc<dyn Peers>,
    hall: Rc<Hall>,
    patience: Duration,
    limit: usize,
    /// Of one user, so that nobody can keep all others out.
    limit_of_one: usize,
    open: Rc<RefCell<HashMap<u32, usize>>>,
    round: Rc<Round>,
    /// Leaves threads for the store while the name service does not answer.
    inquiries: Arc<Semaphore>,
}

/// A place taken; given back when dropped.
struct Place {
    uid: u32,
    open: Rc<RefCell<HashMap<u32, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.borrow_mut();
        if let Some(count) = open.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.uid);
            }
        }
    }
}

impl Doorman {
    pub(super) fn new(config: &config::Serve, peers: Arc<dyn Peers>, hall: Rc<Hall>) -> Self {
        let limit = config.max_connections as usize;
        Self {
            peers,
            hall,
            patience: config.client_timeout_ms.duration(),
            limit,
            limit_of_one: limit.div_ceil(2),
            open: Rc::default(),
            round: Rc::default(),
            inquiries: Arc::new(Semaphore::new(BLOCKING_THREADS / 2)),
        }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.hall.engine.shared.clone()
    }

    /// How often [`Self::serve`] has come round.
    pub(super) fn round(&self) -> Rc<Round> {
        self.round.clone()
    }

    /// Accepts for ever.
    pub(super) async fn serve(self, listener: UnixListener) {
        loop {
            match timeout(ROUND, listener.accept()).await {
                Ok(Ok((stream, _))) => self.admit(stream),
                Ok(Err(error)) => {
                    tracing::warn!("socket: cannot accept a client ({error}); tried again in a moment");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
                Err(_nobody_called) => {}
            }
            self.round.done();
        }
    }

    fn admit(&self, stream: UnixStream) {
        let credentials = match stream.peer_cred() {
            Ok(credentials) => credentials,
            Err(error) => {
                tracing::warn!("socket: a client without credentials ({error}) was turned away");
                return;
            }
        };
        let (uid, gid) = (credentials.uid(), credentials.gid());
        let Some(place) = self.place(uid) else {
            turn_away(&stream, self.limit);
            return;
        };
        let (peers, hall, patience) = (self.peers.clone(), self.hall.clone(), self.patience);
        let inquiries = self.inquiries.clone();
        spawn_local(async move {
            let _place = place;
            let caller = match peers.known(uid) {
                Some(owner) => Some(owner),
                None => timeout(patience, inquire(peers, inquiries, uid, gid)).await.ok().flatten(),
            };
            match caller {
                Some(caller) => converse(stream, Desk::new(hall, caller), patience).await,
                None => tracing::warn!(
                    uid,
                    "socket: a client was turned away, since the name service does not answer"
                ),
            }
        });
    }

    fn place(&self, uid: u32) -> Option<Place> {
        let mut open = self.open.borrow_mut();
        let all: usize = open.values().sum();
        let own = open.entry(uid).or_default();
        if all >= self.limit || *own >= self.limit_of_one {
            return None;
        }
        *own += 1;
        Some(Place { uid, open: self.open.clone() })
    }
}

/// Asks the name service who that is: it may be far away.
async fn inquire(peers: Arc<dyn Peers>, inquiries: Arc<Semaphore>, uid: u32, gid: u32) -> Option<Caller> {
    let permit = inquiries.acquire_owned().await.ok()?;
    let ask = move || {
        // Held until the answer comes, whoever still waits for it.
        let _permit = permit;
        peers.caller(uid, gid)
    };
    spawn_blocking(ask).await.ok()
}

/// Serves one client until he goes, or is silent or deaf for too long.
async fn converse(stream: UnixStream, desk: Desk, patience: Duration) {
    let Caller { uid, role, .. } = desk.caller;
    tracing::debug!(uid, ?role, "connected");
    let (gate, pump) = gate::gate(stream, patience);
    let server = zlink::Server::new(zlink::ReadyListener::new(gate), desk);
    tokio::select! {
        // Whatever still runs for him is dropped here, and so given up.
        () = pump.run() => {}
        result = server.run() => {
            if let Err(error) = result {
                tracing::debug!(uid, "connection: {error}");
            }
        }
    }
    tracing::debug!(uid, "disconnected");
}

/// Says why, as far as the socket takes it at once.
fn turn_away(stream: &UnixStream, limit: usize) {
    let message = "daemon: too many clients; close some and try again".to_owned();
    let fault = Fault::TooManyClients { limit: limit as u64, message };
    let mut bytes = serde_json::to_vec(&fault).unwrap_or_default();
    bytes.push(0);
    // A fresh socket takes a short message; if not, closing it says enough.
    let _ = stream.try_write(&bytes);
}
