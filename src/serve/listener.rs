//! Accepts connections, as far as there is room for them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use facelatch_wire::Fault;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::timeout;

use super::LOOKUPS;
use super::connection;
use super::connections::Connections;
use super::peer::{Caller, Peers, Role};
use super::session::{ServerState, Session};
use crate::config;

/// Back-off after accept fails (e.g. EMFILE).
const BACK_OFF: Duration = Duration::from_millis(100);

/// How often the accept loop wakes while nobody connects.
const WAKE: Duration = Duration::from_millis(500);

/// Accept-loop iterations, excluding ones where accept failed.
#[derive(Debug, Default)]
pub(super) struct Heartbeat(Cell<u64>);

impl Heartbeat {
    /// The count; it wraps.
    pub(super) fn count(&self) -> u64 {
        self.0.get()
    }

    fn beat(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }
}

/// Accepts clients.
pub(super) struct Listener {
    peers: Arc<dyn Peers>,
    state: Rc<ServerState>,
    client_timeout: Duration,
    connections: Connections,
    heartbeat: Rc<Heartbeat>,
    /// Limits lookups, so that the store keeps some threads.
    lookups: Arc<Semaphore>,
}

impl Listener {
    pub(super) fn new(config: &config::Serve, peers: Arc<dyn Peers>, state: Rc<ServerState>) -> Self {
        Self {
            peers,
            state,
            client_timeout: config.client_timeout_ms.duration(),
            connections: Connections::new(config.max_connections as usize),
            heartbeat: Rc::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    /// Beats while [`Self::serve`] accepts.
    pub(super) fn heartbeat(&self) -> Rc<Heartbeat> {
        self.heartbeat.clone()
    }

    /// All connections.
    pub(super) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Accepts until it is dropped.
    pub(super) async fn serve(self: Rc<Self>, listener: UnixListener) {
        loop {
            match timeout(WAKE, listener.accept()).await {
                Ok(Ok((stream, _))) => self.admit(stream),
                Ok(Err(error)) => {
                    tracing::warn!("socket: cannot accept a client ({error}); trying again in a moment");
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
                Err(_nobody_connected) => {}
            }
            self.heartbeat.beat();
        }
    }

    fn admit(&self, stream: UnixStream) {
        let credentials = match stream.peer_cred() {
            Ok(credentials) => credentials,
            Err(error) => {
                tracing::warn!("socket: a client without credentials ({error}) was refused");
                return;
            }
        };
        let (uid, gid) = (credentials.uid(), credentials.gid());
        let known = self.peers.known(uid);
        let is_owner = known.as_ref().is_some_and(|caller| caller.is_owner());
        let permit = match self.connections.take(uid, is_owner) {
            Ok(permit) => permit,
            Err(limit) => return refuse(&stream, limit),
        };
        let (peers, state, client_timeout) = (self.peers.clone(), self.state.clone(), self.client_timeout);
        let lookups = self.lookups.clone();
        spawn_local(async move {
            let served = async {
                let caller = match known {
                    Some(owner) => Some(owner),
                    None => timeout(client_timeout, look_up(peers, lookups, uid, gid)).await.ok().flatten(),
                };
                match caller {
                    Some(caller) => {
                        tracing::debug!(uid, role = ?caller.role, "connected");
                        if caller.name.is_none() && caller.role == Role::User {
                            permit.has_no_account();
                        }
                        connection::serve(stream, Session::new(state, caller), &permit, client_timeout).await;
                        tracing::debug!(uid, "disconnected");
                    }
                    None => tracing::warn!(
                        uid,
                        "socket: a client was refused, because the name service does not answer"
                    ),
                }
            };
            tokio::select! {
                () = served => {}
                () = permit.evicted() => tracing::info!(uid, "disconnected, to make room for another user"),
            }
        });
    }
}

/// Asks the name service who that is; it may be remote.
async fn look_up(peers: Arc<dyn Peers>, lookups: Arc<Semaphore>, uid: u32, gid: u32) -> Option<Caller> {
    let permit = lookups.acquire_owned().await.ok()?;
    let ask = move || {
        // Held until the answer comes, even if nobody waits for it any more.
        let _permit = permit;
        peers.caller(uid, gid)
    };
    spawn_blocking(ask).await.ok()
}

/// Sends the reason, if that does not block.
fn refuse(stream: &UnixStream, limit: usize) {
    let message = "daemon: too many clients; close some and try again".to_owned();
    let fault = Fault::TooManyClients { limit: limit as u64, message };
    let mut bytes = serde_json::to_vec(&fault).unwrap_or_default();
    bytes.push(0);
    // A fresh socket takes a short message; if not, closing it says enough.
    let _ = stream.try_write(&bytes);
}
