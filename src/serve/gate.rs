//! What stands between a client and zlink: whole messages of bounded length, each a well-formed call.
//!
//! zlink takes up to 100 MB and closes the connection without a word when a message is not as it expects.
//! So a [`Pump`] reads from the socket, and zlink gets calls in one canonical form from the [`Inbox`]. A message
//! that is none becomes a call of the method "" that carries the fault; no client can make that call.
//! The pump also notices that a client has gone while a call of his is still running.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use facelatch_wire::{Fault, MAX_MESSAGE_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zlink::connection::PassedCredentials;
use zlink::connection::socket::{ReadHalf, ReadResult, Socket, WriteHalf};

use super::message;

/// Calls that may wait behind the one that runs; a client that sends more is not read meanwhile.
const CALLS_AHEAD: usize = 2;

/// Bytes taken from the socket at a time.
const READ_BYTES: usize = 4096;

/// The socket as zlink sees it.
#[derive(Debug)]
pub(super) struct Gate {
    inbox: Inbox,
    outbox: Outbox,
}

/// Reads from the client.
pub(super) struct Pump {
    socket: OwnedReadHalf,
    calls: mpsc::Sender<Vec<u8>>,
    patience: Duration,
    /// A message has begun and is not whole yet.
    arriving: Arc<AtomicBool>,
    /// Read and not yet used: at most a message and one read.
    pending: Vec<u8>,
}

/// Canonical calls, each ended by NUL.
#[derive(Debug)]
pub(super) struct Inbox {
    calls: mpsc::Receiver<Vec<u8>>,
    patience: Duration,
    arriving: Arc<AtomicBool>,
    current: Vec<u8>,
}

/// Replies to the client.
#[derive(Debug)]
pub(super) struct Outbox {
    socket: OwnedWriteHalf,
    patience: Duration,
}

/// Splits a connection. `patience` is how long half a message, silence between calls, or a reply that
/// nobody reads is borne.
pub(super) fn gate(stream: UnixStream, patience: Duration) -> (Gate, Pump) {
    let (read, write) = stream.into_split();
    let (sender, receiver) = mpsc::channel(CALLS_AHEAD);
    let arriving = Arc::new(AtomicBool::new(false));
    let inbox = Inbox { calls: receiver, patience, arriving: arriving.clone(), current: Vec::new() };
    let outbox = Outbox { socket: write, patience };
    (Gate { inbox, outbox }, Pump { socket: read, calls: sender, patience, arriving, pending: Vec::new() })
}

/// The method of a call that stands for a bad message; its parameters are the fault.
pub(super) const FAULTY: &str = "";

impl Pump {
    /// Ends when the client has gone. Calls that were made are still answered after a half-close.
    pub(super) async fn run(mut self) {
        if self.read_calls().await.is_err() {
            return;
        }
        // A client that has only finished writing still wants his replies.
        let ready = self.socket.ready(Interest::READABLE | Interest::WRITABLE).await;
        if ready.is_ok_and(|ready| !ready.is_write_closed()) {
            drop(self.calls);
            std::future::pending::<()>().await;
        }
    }

    /// Until the client stops writing (`Ok`) or has gone (`Err`).
    async fn read_calls(&mut self) -> Result<(), std::io::Error> {
        loop {
            // Silence between messages is measured by the inbox, which knows whether a call is running.
            if self.pending.is_empty() && !self.read().await? {
                return Ok(());
            }
            self.arriving.store(true, Ordering::Relaxed);
            match timeout(self.patience, self.message()).await {
                Ok(Ok(Some(message))) => {
                    let call = canonical(&message).unwrap_or_else(|fault| faulty(&fault));
                    self.pass_on(call).await?;
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(Trouble::Io(error))) => return Err(error),
                Ok(Err(Trouble::TooLong)) => {
                    self.pass_on(faulty(&too_long())).await?;
                    match timeout(self.patience, self.skip()).await {
                        Ok(skipped) => skipped?,
                        Err(_) => return Ok(()),
                    }
                }
                Err(_) => return self.pass_on(faulty(&half_a_message(self.patience))).await,
            }
            self.arriving.store(false, Ordering::Relaxed);
        }
    }

    async fn pass_on(&mut self, call: Vec<u8>) -> Result<(), std::io::Error> {
        self.calls.send(call).await.map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    /// The next message without its NUL; `None` when the client ends before it.
    async fn message(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.pending[searched..].iter().position(|byte| *byte == 0) {
                if searched + at > MAX_MESSAGE_BYTES {
                    return Err(Trouble::TooLong);
                }
                let rest = self.pending.split_off(searched + at + 1);
                let mut message = std::mem::replace(&mut self.pending, rest);
                message.pop();
                return Ok(Some(message));
            }
            searched = self.pending.len();
            if searched > MAX_MESSAGE_BYTES {
                return Err(Trouble::TooLong);
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Throws the rest of a message away as it comes.
    async fn skip(&mut self) -> Result<(), std::io::Error> {
        loop {
            if let Some(at) = self.pending.iter().position(|byte| *byte == 0) {
                self.pending.drain(..=at);
                return Ok(());
            }
            self.pending.clear();
            if !self.read().await? {
                return Ok(());
            }
        }
    }

    /// Some more bytes; `false` when the client has stopped writing.
    async fn read(&mut self) -> Result<bool, std::io::Error> {
        let mut chunk = [0; READ_BYTES];
        let n = self.socket.read(&mut chunk).await?;
        self.pending.extend_from_slice(&chunk[..n]);
        Ok(n > 0)
    }
}

enum Trouble {
    TooLong,
    Io(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The message as zlink gets it.
fn canonical(message: &[u8]) -> Result<Vec<u8>, Fault> {
    let call = message::envelope(message)?;
    let unwritable = |e: serde_json::Error| Fault::BadMessage { message: format!("message: {e}") };
    let mut bytes = serde_json::to_vec(&call).map_err(unwritable)?;
    bytes.push(0);
    Ok(bytes)
}

fn faulty(fault: &Fault) -> Vec<u8> {
    let mut bytes = serde_json::json!({ "method": FAULTY, "parameters": fault }).to_string().into_bytes();
    bytes.push(0);
    bytes
}

fn too_long() -> Fault {
    let message = format!("message: longer than {MAX_MESSAGE_BYTES} bytes; ask for less at once");
    Fault::TooLong { limit_bytes: MAX_MESSAGE_BYTES as u64, message }
}

fn half_a_message(patience: Duration) -> Fault {
    let ms = patience.as_millis();
    Fault::BadMessage { message: format!("message: not whole within {ms} ms; end it with a NUL byte") }
}

impl Socket for Gate {
    type ReadHalf = Inbox;
    type WriteHalf = Outbox;

    fn split(self) -> (Inbox, Outbox) {
        (self.inbox, self.outbox)
    }
}

impl Inbox {
    /// `None` when no more calls come: the client has stopped writing, or is silent for too long.
    async fn next_call(&mut self) -> Option<Vec<u8>> {
        loop {
            // Asked for only while no call is running, so silence here is silence.
            match timeout(self.patience, self.calls.recv()).await {
                Ok(call) => return call,
                // The pump has its own patience with it, and tells the client so.
                Err(_) if self.arriving.load(Ordering::Relaxed) => {}
                Err(_) => return None,
            }
        }
    }
}

impl ReadHalf for Inbox {
    async fn read(&mut self, buf: &mut [u8]) -> zlink::Result<ReadResult> {
        if self.current.is_empty() {
            self.current = self.next_call().await.unwrap_or_default();
        }
        let n = buf.len().min(self.current.len());
        buf[..n].copy_from_slice(&self.current[..n]);
        self.current.drain(..n);
        Ok(ReadResult::new(n))
    }
}

impl WriteHalf for Outbox {
    async fn write(
        &mut self,
        buf: &[u8],
        _fds: &[impl AsFd],
        _credentials: Option<&PassedCredentials>,
    ) -> zlink::Result<()> {
        let written = timeout(self.patience, self.socket.write_all(buf)).await;
        Ok(written.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??)
    }
}
