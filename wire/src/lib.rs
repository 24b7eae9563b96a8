//! The socket protocol of facelatch: what a client may ask, what it gets, and a blocking client.
//!
//! The wire is Varlink: one JSON object a message, ended by a NUL byte, over a Unix socket. The interface
//! is in `facelatch.varlink` ([`IDL`]); `varlinkctl introspect` shows the same text. Nothing but serde is
//! needed here, so that a PAM module can use it inside other people's processes: no threads, no runtime.
//!
//! Both ends use these types. Start at [`codec::Client`] to ask, at [`call`] for what can be asked, at [`Outcome`] for how
//! an attempt ends, at [`Fault`] for what may go wrong, at [`message::Envelope`] to read a call. [`services`] and
//! [`shadow`] are no messages, but shared as well: the login module and `facelatch doctor` go by them. [`journal`] has the ids
//! of what the daemon and facelatch-door put into the journal.
#![forbid(unsafe_code)]

pub mod call;
pub mod codec;
mod fault;
#[cfg(test)]
mod idl;
pub mod journal;
pub mod message;
mod methods;
mod outcome;
pub mod reply;
mod rule;
mod secret;
pub mod services;
pub mod shadow;
mod words;

pub use call::{Call, Method};
pub use codec::{Client, ClientError, Deadline};
pub use fault::Fault;
pub use outcome::{Kind, Outcome, RetryReason};

use std::path::PathBuf;
use std::time::Duration;

/// Name of the interface.
pub const INTERFACE: &str = "io.facelatch.v1";

/// The interface in Varlink's own language; the daemon answers introspection with exactly this. Written by a test of this
/// crate from the types.
pub const IDL: &str = include_str!("facelatch.varlink");

/// Longest message in bytes, without the NUL that ends it. More is refused on both sides.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// How much longer an attempt may take once it asks the person to turn their head: reading, and two answers.
pub const CHALLENGE_LIMIT: Duration = Duration::from_secs(12);

/// Where the daemon listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/facelatch/facelatch.sock";

/// Where it listens for facelatch-door, whose user may open this socket and not [`DEFAULT_SOCKET`].
pub const DOOR_SOCKET: &str = "/run/facelatch/door.sock";

/// Where the daemon says which accounts have a face: a user id a line, in [`ENROLLED_FILE`].
pub const ENROLLED_FOLDER: &str = "/run/facelatch/enrolled";

/// The file in [`ENROLLED_FOLDER`].
pub const ENROLLED_FILE: &str = "accounts";

/// Environment variable that names another socket.
pub const SOCKET_ENV: &str = "FACELATCH_SOCKET";

/// The socket to use: what was asked for, else [`SOCKET_ENV`], else [`DEFAULT_SOCKET`].
///
/// A PAM module must pass its own fixed path: the environment belongs to the person who wants in.
pub fn socket_path(asked_for: Option<PathBuf>) -> PathBuf {
    let from_env = || std::env::var_os(SOCKET_ENV).filter(|path| !path.is_empty()).map(PathBuf::from);
    asked_for.or_else(from_env).unwrap_or_else(|| PathBuf::from(DEFAULT_SOCKET))
}
