//! One connection: reads a message, runs the call, writes the replies. Varlink over a Unix socket: JSON objects, each ended
//! by a NUL byte.
//!
//! A client that is slow, silent or hostile holds up nobody else. Limits: message length, time per message, idle time, time
//! per write. When a client hangs up, the call that still runs is dropped, and so cancelled; a client that has only finished
//! writing gets its replies.

use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::time::Duration;

use facelatch_wire::message::Envelope;
use facelatch_wire::{Fault, MAX_MESSAGE_BYTES, Method, dispatch};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::connections::ConnectionPermit;
use super::fault::{not_whole, too_long};
use super::methods::{CallError, Handle};
use super::session::Session;

/// Bytes taken from the socket at a time.
const READ_BYTES: u64 = 4096;

/// How often to check whether a client that is not read from has hung up.
const HANG_UP_CHECK: Duration = Duration::from_millis(100);

/// Serves one client until it leaves. `client_timeout` limits a message that is not whole, silence between calls, and a
/// reply that nobody reads.
pub(super) async fn serve(
    mut stream: UnixStream,
    mut session: Session,
    permit: &ConnectionPermit,
    client_timeout: Duration,
) {
    let state = session.state.clone();
    let (read, write) = stream.split();
    let mut reader =
        Reader { socket: read, timeout: client_timeout, received: Vec::new(), ended: false, skipping: false };
    let mut writer = Writer { socket: write, timeout: client_timeout };
    loop {
        let message = tokio::select! {
            message = reader.message() => message,
            () = state.asked_to_stop() => return,
        };
        let Some(message) = message else { return };
        permit.call_begins();
        let answered = tokio::select! {
            answered = answer(message, &mut session, &mut writer) => answered,
            () = reader.hung_up() => return,
        };
        permit.call_ends();
        if answered.is_err() {
            return;
        }
    }
}

/// Answers one message.
async fn answer(
    message: Result<Vec<u8>, Fault>,
    session: &mut Session,
    writer: &mut Writer<'_>,
) -> Result<(), Disconnected> {
    // It may hold a secret.
    let envelope = match message.map(Zeroizing::new).and_then(|bytes| Envelope::parse(&bytes)) {
        Ok(envelope) => envelope,
        Err(fault) => return writer.write(&fault).await,
    };
    let (more, oneway) = (envelope.more, envelope.oneway);
    match envelope.call() {
        Ok(call) => dispatch!(call, request => run(request, session, writer, more, oneway).await),
        Err(_) if oneway => Ok(()),
        Err(fault) => writer.write(&fault).await,
    }
}

async fn run<M: Handle>(
    request: M,
    session: &mut Session,
    writer: &mut Writer<'_>,
    more: bool,
    oneway: bool,
) -> Result<(), Disconnected> {
    let mut replies = Replies { writer, more, method: PhantomData };
    match request.handle(session, &mut replies).await {
        Err(CallError::Disconnected) => Err(Disconnected),
        _ if oneway => Ok(()),
        Ok(parameters) => {
            writer.write(&Reply { parameters: &parameters, continues: more.then_some(false) }).await
        }
        Err(CallError::Fault(fault)) => writer.write(&fault).await,
    }
}

/// The connection is over: the client has gone or does not read, or a reply could not be serialised.
#[derive(Debug)]
pub(super) struct Disconnected;

/// Where a method sends replies before its last one.
pub(super) struct Replies<'c, 's, M> {
    writer: &'c mut Writer<'s>,
    more: bool,
    method: PhantomData<M>,
}

impl<M: Method> Replies<'_, '_, M> {
    /// Sends a reply that others follow. Does nothing if the caller wants one reply only.
    pub(super) async fn send(&mut self, parameters: &M::Reply) -> Result<(), Disconnected> {
        if !self.more {
            return Ok(());
        }
        self.writer.write(&Reply { parameters, continues: Some(true) }).await
    }
}

#[derive(Serialize)]
struct Reply<'a, P> {
    parameters: &'a P,
    #[serde(skip_serializing_if = "Option::is_none")]
    continues: Option<bool>,
}

struct Writer<'s> {
    socket: WriteHalf<'s>,
    timeout: Duration,
}

impl Writer<'_> {
    async fn write(&mut self, message: &impl Serialize) -> Result<(), Disconnected> {
        let mut bytes = serde_json::to_vec(message).map_err(|error| {
            tracing::error!("a reply could not be serialised ({error}); please report it");
            Disconnected
        })?;
        bytes.push(0);
        let written = timeout(self.timeout, self.socket.write_all(&bytes)).await;
        written.map_err(|_| Disconnected)?.map_err(|_| Disconnected)
    }
}

struct Reader<'s> {
    socket: ReadHalf<'s>,
    timeout: Duration,
    /// Bytes not yet used: at most a message and one read.
    received: Vec<u8>,
    /// Nothing more comes.
    ended: bool,
    /// The rest of a message that was too long is still to come.
    skipping: bool,
}

impl Reader<'_> {
    /// The next message without its NUL, or what is wrong with it. `None` when the client is silent for too long or has
    /// finished writing.
    async fn message(&mut self) -> Option<Result<Vec<u8>, Fault>> {
        while self.skipping {
            timeout(self.timeout, self.skip()).await.ok().filter(|goes_on| *goes_on)?;
        }
        if self.received.is_empty() && !timeout(self.timeout, self.read()).await.unwrap_or(false) {
            return None;
        }
        match timeout(self.timeout, self.whole()).await {
            Ok(Some(message)) => Some(Ok(message)),
            Ok(None) if self.received.len() > MAX_MESSAGE_BYTES => {
                self.skipping = true;
                Some(Err(too_long()))
            }
            Ok(None) => None,
            Err(_) => {
                // Its rest could not be told from the next message.
                self.ended = true;
                self.received.clear();
                Some(Err(not_whole(self.timeout)))
            }
        }
    }

    /// The bytes up to the next NUL; `None` if there are too many, or if the client ends before.
    async fn whole(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            let end = self.received[searched..].iter().position(|byte| *byte == 0).map(|at| searched + at);
            if let Some(end) = end.filter(|end| *end <= MAX_MESSAGE_BYTES) {
                let rest = self.received.split_off(end + 1);
                let mut message = std::mem::replace(&mut self.received, rest);
                message.pop();
                return Some(message);
            }
            searched = self.received.len();
            if searched > MAX_MESSAGE_BYTES || !self.read().await {
                return None;
            }
        }
    }

    /// Throws some more of a message away; `false` if the client ends before.
    async fn skip(&mut self) -> bool {
        if let Some(end) = self.received.iter().position(|byte| *byte == 0) {
            self.received.drain(..=end);
            self.skipping = false;
            return true;
        }
        self.received.clear();
        self.read().await
    }

    /// Some more bytes; `false` when the client has finished writing. Loses nothing if it is dropped halfway.
    async fn read(&mut self) -> bool {
        if !self.ended {
            let read = (&mut self.socket).take(READ_BYTES).read_buf(&mut self.received).await;
            self.ended = !read.is_ok_and(|count| count > 0);
        }
        !self.ended
    }

    /// Returns when the client has hung up. Reads ahead meanwhile, as far as one message.
    async fn hung_up(&mut self) {
        while self.received.len() <= MAX_MESSAGE_BYTES && self.read().await {}
        while !has_hung_up(self.socket.as_ref()) {
            sleep(HANG_UP_CHECK).await;
        }
    }
}

/// Whether the other end is closed for reading as well: whoever has only finished writing still wants replies.
fn has_hung_up(socket: &UnixStream) -> bool {
    let mut ends = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let looked = poll(&mut ends, PollTimeout::ZERO);
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
    looked.is_ok() && ends[0].revents().is_some_and(|events| events.intersects(gone))
}
