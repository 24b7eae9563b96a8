//! The socket in the file system: from systemd, which may hand over several, or made here with 0660 and the group that may
//! manage. Which socket a caller came by says nothing: their user id does.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, chown};

/// Why there is no socket. Each text names it and the fix.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum SocketError {
    /// Somebody answers there.
    #[error("socket {}: another daemon listens there; stop it (`systemctl stop facelatchd`) or use --socket", .path.display())]
    Taken { path: PathBuf },
    /// Something else has that name.
    #[error("socket {}: the file exists and is no socket; move it away or use --socket", .path.display())]
    NoSocket { path: PathBuf },
    /// It cannot be made.
    #[error("socket {}: cannot be made; check that its folder exists and may be written, or use --socket", .path.display())]
    Bind {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// What systemd handed over is no listening Unix socket.
    #[error(
        "socket from systemd: not a listening Unix stream socket; check ListenStream= in facelatchd.socket"
    )]
    Inherited(#[source] std::io::Error),
}

/// A socket that was bound, and its file, which is removed on drop if it was made here.
#[derive(Debug)]
pub struct BoundSocket {
    /// Where clients arrive.
    pub listener: UnixListener,
    file: Option<PathBuf>,
}

impl BoundSocket {
    /// The sockets that systemd has opened for us, if it has.
    ///
    /// # Errors
    /// [`SocketError::Inherited`].
    pub fn inherited() -> Result<Vec<Self>, SocketError> {
        let mut handed_over = listenfd::ListenFd::from_env();
        let mut listener = |index| {
            let listener =
                handed_over.take_unix_listener(index).map_err(SocketError::Inherited).transpose()?;
            Some(listener.map(|listener| Self { listener, file: None }))
        };
        (0..).map_while(&mut listener).collect()
    }

    /// A new socket at `path`, mode 0660, of `group` if there is such a group. A socket that nobody listens
    /// on any more is replaced.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn new(path: &Path, group: &str) -> Result<Self, SocketError> {
        check_path_is_free(path)?;
        let failed = |source| SocketError::Bind { path: path.to_owned(), source };
        // Made under another name and moved when its mode is right: nobody can connect too early, and the
        // process's umask, which all threads share, stays as it is.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let staging = tempfile::Builder::new().prefix(".facelatch-").tempdir_in(folder).map_err(failed)?;
        let early = staging.path().join("s");
        let listener = UnixListener::bind(&early).map_err(failed)?;
        std::fs::set_permissions(&early, PermissionsExt::from_mode(0o660)).map_err(failed)?;
        if let Ok(Some(group)) = Group::from_name(group)
            && let Err(error) = chown(&early, None, Some(group.gid))
        {
            tracing::warn!("socket {}: stays out of group {}: {error}", path.display(), group.name);
        }
        std::fs::rename(&early, path).map_err(failed)?;
        Ok(Self { listener, file: Some(path.to_owned()) })
    }

    /// Whether every user may connect.
    pub(super) fn is_for_all(&self) -> bool {
        let address = self.listener.local_addr().ok();
        let path =
            self.file.as_deref().or_else(|| address.as_ref().and_then(|address| address.as_pathname()));
        let mode = path.and_then(|path| path.metadata().ok()).map(|about| about.permissions().mode());
        mode.is_some_and(|mode| mode & 0o006 == 0o006)
    }

    /// Where clients find it.
    pub(super) fn address(&self) -> String {
        // Not the listener's own address where it was made here: that is the name it had before it was moved.
        if let Some(path) = &self.file {
            return path.display().to_string();
        }
        let address = self.listener.local_addr().ok();
        let path = address.as_ref().and_then(|address| address.as_pathname());
        path.map_or_else(|| "a socket".to_owned(), |path| path.display().to_string()) + " (from systemd)"
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            // Gone already is as good.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Refuses a path where anything but a dead socket is.
fn check_path_is_free(path: &Path) -> Result<(), SocketError> {
    let failed = |source| SocketError::Bind { path: path.to_owned(), source };
    let kind = match std::fs::symlink_metadata(path) {
        Ok(about) => about.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !kind.is_socket() {
        return Err(SocketError::NoSocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(_) => Err(SocketError::Taken { path: path.to_owned() }),
    }
}
