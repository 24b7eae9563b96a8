//! The conversation with the daemon: connect in time, check who listens, ask, believe only what fits.

use std::fs::symlink_metadata;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use facelatch_wire::call::{Adapt, Verify};
use facelatch_wire::codec::read_strictly;
use facelatch_wire::{CHALLENGE_LIMIT, Client, ClientError, Deadline, Kind, Outcome};
use nix::errno::Errno;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket};
use nix::unistd::User;

use crate::code::Trouble;
use crate::keyboard::{Away, Keyboard, Watch};

/// The user the daemon runs as, where it is not root.
const SERVICE_USER: &str = "facelatch";

/// What the person is to know while the daemon looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The camera looks.
    Looking,
    /// They are asked to do this.
    Prompt(Outcome),
}

/// Is `user` before the camera? `say` is called when the camera starts to look, and whenever the person is asked to do
/// something.
/// A key ends the wait, and so does `away`, which says why no face can be meant any more: the daemon is hung up on, which ends
/// the attempt there.
///
/// The verdict opens no door: the daemon is told to leave its latch alone.
///
/// # Errors
/// [`Trouble`], at the latest at `deadline`, or [`CHALLENGE_LIMIT`] later if the person is asked to do something.
pub fn ask(
    path: &Path,
    user: &str,
    deadline: Deadline,
    keyboard: &Keyboard,
    away: Away<'_>,
    say: &mut dyn FnMut(Said),
) -> Result<Outcome, Trouble> {
    check_file(path)?;
    let stream = connect_in_time(path, deadline)?;
    check_peer(&stream)?;
    converse(Client::over(stream, deadline), user, deadline, keyboard, away, say)
}

/// Tells the daemon that this user has just shown a second factor.
///
/// # Errors
/// [`Trouble`], at the latest at `deadline`.
pub fn tell(path: &Path, user: &str, deadline: Deadline) -> Result<(), Trouble> {
    check_file(path)?;
    let stream = connect_in_time(path, deadline)?;
    check_peer(&stream)?;
    Client::over(stream, deadline).call(&Adapt { user: user.to_owned() })?;
    Ok(())
}

fn converse(
    mut client: Client,
    user: &str,
    mut deadline: Deadline,
    keyboard: &Keyboard,
    away: Away<'_>,
    say: &mut dyn FnMut(Said),
) -> Result<Outcome, Trouble> {
    client.start(&Verify { user: Some(user.to_owned()), latch: Some(false), camera: None }, true)?;
    let watch = keyboard.watch();
    let (mut guidance, mut told, mut prompt) = (None, false, None);
    loop {
        let message = next_message(&mut client, &watch, deadline, away).map_err(|trouble| match trouble {
            Trouble::Late { .. } => Trouble::Late { guidance },
            other => other,
        })?;
        let received = read_strictly::<Verify>(&message)?;
        match (received.continues, received.reply.verdict) {
            (true, None) => {
                guidance = received.reply.guidance;
                if !std::mem::replace(&mut told, true) {
                    say(Said::Looking);
                }
                let asked = guidance.filter(|word| word.kind() == Kind::Prompt && prompt != Some(*word));
                if let Some(word) = asked {
                    if prompt.replace(word).is_none() {
                        deadline = deadline.extended(CHALLENGE_LIMIT);
                        client.set_deadline(deadline);
                    }
                    say(Said::Prompt(word));
                }
            }
            (false, Some(Outcome::Match)) if received.reply.user.as_deref() != Some(user) => {
                return Err(Trouble::Untrusted { why: "it recognised another user than asked".to_owned() });
            }
            (false, Some(Outcome::Match)) => {
                return away().map_or(Ok(Outcome::Match), |why| Err(Trouble::Away { why }));
            }
            (false, Some(word)) => return Ok(word),
            _ => {
                let why = "a verdict in the middle or none at the end".to_owned();
                return Err(Trouble::Failed(ClientError::Garbage { why }));
            }
        }
    }
}

fn next_message(
    client: &mut Client,
    watch: &Watch,
    deadline: Deadline,
    away: Away<'_>,
) -> Result<Vec<u8>, Trouble> {
    loop {
        if let Some(message) = client.take_message()? {
            return Ok(message);
        }
        watch.wait(client.stream(), deadline, away)?;
        client.read_some()?;
    }
}

/// Refuses a socket that somebody else has put there.
fn check_file(path: &Path) -> Result<(), Trouble> {
    let file = symlink_metadata(path).map_err(|error| refusal(path, error))?;
    if !file.file_type().is_socket() {
        return Err(Trouble::Untrusted { why: format!("{} is not a socket", path.display()) });
    }
    check_owner(file.uid(), "the socket belongs to")
}

/// Refuses a listener that is somebody else. The kernel remembers who began to listen: systemd, if it made the socket.
fn check_peer(stream: &UnixStream) -> Result<(), Trouble> {
    let peer = getsockopt(stream, PeerCredentials).map_err(|errno| ClientError::Io(errno.into()))?;
    check_owner(peer.uid(), "it is run by")
}

fn check_owner(uid: u32, what: &str) -> Result<(), Trouble> {
    if uid == 0 || matches!(User::from_name(SERVICE_USER), Ok(Some(user)) if user.uid.as_raw() == uid) {
        return Ok(());
    }
    Err(Trouble::Untrusted { why: format!("{what} user id {uid}, neither root nor {SERVICE_USER}") })
}

/// Connects, but waits for a daemon with a full queue no longer than `deadline`: connecting a Unix socket honours the send
/// timeout (socket(7)), and std has no connect with a timeout.
fn connect_in_time(path: &Path, deadline: Deadline) -> Result<UnixStream, Trouble> {
    let failed = |errno: Errno| ClientError::Io(errno.into());
    let address = UnixAddr::new(path).map_err(failed)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).map_err(failed)?;
    let stream = UnixStream::from(fd);
    loop {
        stream.set_write_timeout(deadline.left()?).map_err(ClientError::Io)?;
        match connect(stream.as_raw_fd(), &address) {
            Ok(()) => return Ok(stream),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(ClientError::Timeout.into()),
            Err(errno) => return Err(refusal(path, errno.into())),
        }
    }
}

fn refusal(path: &Path, source: io::Error) -> Trouble {
    let socket = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning { socket, source },
        ErrorKind::PermissionDenied => ClientError::Forbidden { socket },
        _ => ClientError::Io(source),
    }
    .into()
}

#[cfg(test)]
mod tests;
