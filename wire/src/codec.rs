//! A blocking client: one call at a time over a std `UnixStream`, every read bounded in size and time.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{Fault, MAX_MESSAGE_BYTES, Method};

/// Bytes asked for in one read.
const READ_BYTES: usize = 4096;

/// When to stop waiting: one moment for a whole conversation, so that a slow drip cannot stretch it.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// This long from now.
    pub fn within(time: Duration) -> Self {
        Self(now().checked_add(time))
    }

    /// Waits for ever: for streams that end when the user says so.
    pub fn never() -> Self {
        Self(None)
    }

    /// So much later.
    #[must_use]
    pub fn extended(self, time: Duration) -> Self {
        Self(self.0.and_then(|at| at.checked_add(time)))
    }

    /// What is left, never zero (a zero socket timeout would mean for ever); `None` is for ever.
    ///
    /// # Errors
    /// [`ClientError::Timeout`], when nothing is left.
    pub fn left(self) -> Result<Option<Duration>, ClientError> {
        let left = |at: Instant| at.checked_duration_since(now()).filter(|left| !left.is_zero());
        self.0.map(|at| left(at).ok_or(ClientError::Timeout)).transpose()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate runs in other people's processes, which pass no clock in; a socket timeout restarts with each byte"
)]
fn now() -> Instant {
    Instant::now()
}

/// Why a call got no good reply. Each text is one line that says what to do.
#[derive(Debug)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum ClientError {
    /// Nobody listens there.
    NotRunning { socket: PathBuf, source: io::Error },
    /// The socket may not be opened.
    Forbidden { socket: PathBuf },
    /// No reply in time.
    Timeout,
    /// A message over [`MAX_MESSAGE_BYTES`].
    TooLong,
    /// A reply that cannot be read.
    Garbage { why: String },
    /// The connection ended without a reply.
    Closed,
    /// The daemon replied with an error.
    Refused(Fault),
    /// The socket failed.
    Io(io::Error),
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRunning { socket, source } => write!(
                f,
                "socket {}: nobody listens ({source}); start the daemon (`sudo systemctl start facelatchd.socket \
                 facelatchd`) or name its socket with --socket",
                socket.display()
            ),
            Self::Forbidden { socket } => write!(
                f,
                "socket {}: permission denied; use sudo; everybody.conf in /usr/share/doc/facelatch/examples opens it to \
                 every user",
                socket.display()
            ),
            Self::Timeout => f.write_str("daemon: no reply in time; see `journalctl -u facelatchd`"),
            Self::TooLong => {
                write!(f, "message: longer than {MAX_MESSAGE_BYTES} bytes; ask for less at once")
            }
            Self::Garbage { why } => {
                write!(f, "reply: not understood ({why}); use client and daemon of one version")
            }
            Self::Closed => {
                f.write_str("daemon: closed the connection without a reply; see `journalctl -u facelatchd`")
            }
            Self::Refused(fault) => fault.fmt(f),
            Self::Io(source) => write!(f, "socket: {source}; see `journalctl -u facelatchd`"),
        }
    }
}

// Each text holds its cause already, so there is no source to print after it.
impl std::error::Error for ClientError {}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    deadline: Deadline,
    /// Bytes received and not yet returned; never more than a message and one read.
    received: Vec<u8>,
    /// How many of them were looked through and hold no end of a message.
    searched: usize,
}

/// One reply and whether more follow.
#[derive(Debug)]
pub struct Received<R> {
    /// What it says.
    pub reply: R,
    /// The stream goes on.
    pub continues: bool,
}

#[derive(Serialize)]
struct Request<'a, P> {
    method: &'a str,
    parameters: &'a P,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

#[derive(Deserialize)]
struct Reply<P> {
    error: Option<String>,
    parameters: Option<P>,
    #[serde(default)]
    continues: bool,
}

/// As [`Reply`], with every key that Varlink knows and no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct WholeReply<P> {
    error: Option<String>,
    parameters: Option<P>,
    continues: Option<bool>,
}

impl Client {
    /// Connects. Blocks while the daemon's queue of new connections is full; a caller who cannot afford that connects
    /// first and uses [`Client::over`].
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] or [`ClientError::Forbidden`], naming the socket.
    pub fn connect(socket: &Path, deadline: Deadline) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket).map_err(|source| match source.kind() {
            ErrorKind::PermissionDenied => ClientError::Forbidden { socket: socket.to_owned() },
            _ => ClientError::NotRunning { socket: socket.to_owned(), source },
        })?;
        Ok(Self::over(stream, deadline))
    }

    /// A client over a connected stream.
    pub fn over(stream: UnixStream, deadline: Deadline) -> Self {
        Self { stream, deadline, received: Vec::new(), searched: 0 }
    }

    /// The socket, to look at its other end.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Replaces the deadline for what follows.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Asks and waits for the one reply.
    ///
    /// # Errors
    /// [`ClientError`]; the daemon's own errors are [`ClientError::Refused`].
    pub fn call<M: Method>(&mut self, request: &M) -> Result<M::Reply, ClientError> {
        self.start(request, false)?;
        Ok(self.receive::<M>()?.reply)
    }

    /// Asks; with `more`, several replies follow. Read them with [`Client::receive`].
    ///
    /// # Errors
    /// [`ClientError`], if the call cannot be sent.
    pub fn start<M: Method>(&mut self, request: &M, more: bool) -> Result<(), ClientError> {
        let call = Request { method: M::NAME, parameters: request, more };
        // It may hold a secret.
        let bytes = serde_json::to_vec(&call).map_err(|e| ClientError::Garbage { why: e.to_string() })?;
        let mut bytes = Zeroizing::new(bytes);
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(ClientError::TooLong);
        }
        bytes.push(0);
        self.send(&bytes)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`ClientError`], unless the daemon has closed the connection: it may have said why, so read on.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.set_write_timeout(self.deadline.left()?).map_err(ClientError::Io)?;
        match self.stream.write_all(bytes) {
            Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Ok(()),
            other => other.map_err(in_time),
        }
    }

    /// The next reply to the call of `M` that was started last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn receive<M: Method>(&mut self) -> Result<Received<M::Reply>, ClientError> {
        read::<M>(&self.receive_bytes()?)
    }

    /// The next message, without its NUL.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn receive_bytes(&mut self) -> Result<Vec<u8>, ClientError> {
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(message);
            }
            self.read_some()?;
        }
    }

    /// The next message, without its NUL, if it was read already.
    ///
    /// # Errors
    /// [`ClientError::TooLong`].
    pub fn take_message(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let end = self.received[self.searched..].iter().position(|byte| *byte == 0);
        let length = end.map_or(self.received.len(), |at| self.searched + at);
        if length > MAX_MESSAGE_BYTES {
            return Err(ClientError::TooLong);
        }
        if end.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let rest = self.received.split_off(length + 1);
        let mut message = std::mem::replace(&mut self.received, rest);
        message.pop();
        Ok(Some(message))
    }

    /// Waits for bytes and takes what is there: once, for whoever waits for other things as well.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn read_some(&mut self) -> Result<(), ClientError> {
        self.stream.set_read_timeout(self.deadline.left()?).map_err(ClientError::Io)?;
        let mut chunk = [0; READ_BYTES];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ClientError::Closed),
            Ok(n) => {
                self.received.extend_from_slice(&chunk[..n]);
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => Ok(()),
            Err(e) if e.kind() == ErrorKind::ConnectionReset => Err(ClientError::Closed),
            Err(e) => Err(in_time(e)),
        }
    }
}

/// Reads a reply to a call of `M`. What a newer daemon may have added is passed over.
///
/// # Errors
/// [`ClientError::Garbage`]; the daemon's own errors are [`ClientError::Refused`].
pub fn read<M: Method>(message: &[u8]) -> Result<Received<M::Reply>, ClientError> {
    let reply: Reply<Value> = serde_json::from_slice(message).map_err(garbage)?;
    if let Some(name) = reply.error {
        let unknown = |_| ClientError::Garbage { why: format!("unknown error {name:?}") };
        return Err(ClientError::Refused(serde_json::from_slice(message).map_err(unknown)?));
    }
    let parameters = reply.parameters.unwrap_or_else(|| serde_json::json!({}));
    Ok(Received { reply: serde_json::from_value(parameters).map_err(garbage)?, continues: reply.continues })
}

/// As [`read`], for a client of the daemon's own version: a key or word that this version does not know, and a key that
/// stands there twice, make the reply garbage.
///
/// # Errors
/// As [`read`].
pub fn read_strictly<M: Method>(message: &[u8]) -> Result<Received<M::Reply>, ClientError> {
    let received = read::<M>(message)?;
    // Our types refuse a doubled key where they are read from the text; a `Value` would keep the last.
    serde_json::from_slice::<WholeReply<M::Reply>>(message).map_err(garbage)?;
    // What was not understood is missing when the reply is written again.
    let said = serde_json::from_slice::<Reply<Value>>(message).map_err(garbage)?.parameters;
    let understood = serde_json::to_value(&received.reply).map_err(garbage)?;
    if said.is_some_and(|said| said != understood) {
        return Err(ClientError::Garbage { why: "a key or word of another version".to_owned() });
    }
    Ok(received)
}

fn garbage(error: serde_json::Error) -> ClientError {
    ClientError::Garbage { why: error.to_string() }
}

/// A socket timeout shows as `WouldBlock`.
fn in_time(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Timeout,
        _ => ClientError::Io(error),
    }
}

#[cfg(test)]
mod tests;
