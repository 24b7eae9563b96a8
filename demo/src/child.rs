//! The real daemon as a child process, and the wait until it is ready.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use facelatch::config::Config;

/// How long the daemon may take to load its models on a slow board.
const START: Duration = Duration::from_secs(60);

/// How often to check whether the child ended before it was ready.
const GLANCE: Duration = Duration::from_millis(200);

/// A running daemon; stopped when dropped.
pub(crate) struct Daemon {
    child: Child,
    /// Kept open, because the daemon keeps sending status messages.
    ready: UnixDatagram,
}

impl Daemon {
    /// Starts this program as a daemon and waits for its readiness message, as systemd would
    /// (sd_notify(3)).
    pub(crate) fn start(room: &Path, config: &Config) -> Result<Self> {
        let (file, notify) = (room.join("facelatch.toml"), room.join("notify.sock"));
        std::fs::write(&file, toml::to_string(config)?)?;
        let ready = UnixDatagram::bind(&notify).context("cannot create the notify socket")?;
        ready.set_read_timeout(Some(GLANCE))?;
        let child = Command::new(std::env::current_exe()?)
            .args(["daemon", "--config"])
            .arg(&file)
            .env("NOTIFY_SOCKET", &notify)
            .env_remove("WATCHDOG_USEC")
            .env("RUST_LOG", std::env::var_os("RUST_LOG").unwrap_or_else(|| "warn".into()))
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the daemon")?;
        let mut daemon = Self { child, ready };
        daemon.wait()?;
        Ok(daemon)
    }

    fn wait(&mut self) -> Result<()> {
        let mut message = [0; 4096];
        for _ in 0..START.as_millis() / GLANCE.as_millis() {
            if let Ok(length) = self.ready.recv(&mut message) {
                if message[..length].split(|b| *b == b'\n').any(|line| line == b"READY=1") {
                    return Ok(());
                }
            } else if let Some(status) = self.child.try_wait()? {
                bail!("the daemon exited before it was ready ({status}); its error is above");
            }
        }
        bail!("the daemon was not ready after {} s", START.as_secs())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        // It may have exited already, which is fine.
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.child.wait();
    }
}
