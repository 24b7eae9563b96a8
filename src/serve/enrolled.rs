//! Which accounts have a face, in a file that `facelatch enrolled` reads while the daemon is down or closed to the caller: a lock
//! screen must know whether to show a face. User ids only; no face for the door is among them.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use facelatch_wire::ENROLLED_FILE;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::session::ServerState;
use crate::people::Account;

/// How often to look whether the store has changed.
const LOOK: Duration = Duration::from_millis(500);

/// How long to wait after a failure, unless the store changes.
const RETRY: Duration = Duration::from_secs(60);

/// Where the file is, and who may read it.
#[derive(Debug, Clone)]
pub struct EnrolledFile {
    /// The folder, which is the daemon's.
    pub folder: PathBuf,
    /// Everybody may, as everybody may ask the daemon about themselves; else its group alone.
    pub for_all: bool,
}

impl EnrolledFile {
    /// In the folder that systemd made for it, if it did.
    pub(super) fn from_systemd(for_all: bool) -> Option<Self> {
        let folder = std::env::var_os("RUNTIME_DIRECTORY").filter(|path| !path.is_empty())?;
        Some(Self { folder: folder.into(), for_all })
    }

    /// Whole, or not at all. Nothing is synced: the folder does not outlive this boot.
    fn write(&self, uids: &[u32]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let text: String = uids.iter().map(|uid| format!("{uid}\n")).collect();
        file.write_all(text.as_bytes())?;
        let mode = if self.for_all { 0o644 } else { 0o640 };
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.persist(self.folder.join(ENROLLED_FILE))?;
        Ok(())
    }
}

/// Writes the file now and after each change of the store.
pub(super) async fn keep(file: EnrolledFile, state: Rc<ServerState>) {
    let (mut written, mut failed) = (None, None::<(u64, Instant)>);
    loop {
        let revision = state.store.revision();
        let has_failed = failed.is_some_and(|(failed, _)| failed == revision);
        let waits = has_failed && failed.is_some_and(|(_, at)| Instant::now() < at + RETRY);
        if written != Some(revision) && !waits {
            let (accounts, to) = (state.accounts.clone(), file.clone());
            let done = spawn_blocking(move || {
                let accounts = accounts.enrolled().map_err(|error| error.to_string())?;
                let mut uids: Vec<u32> = accounts.into_values().filter_map(uid).collect();
                uids.sort_unstable();
                uids.dedup();
                to.write(&uids).map_err(|error| error.to_string())
            });
            match done.await {
                Ok(Ok(())) => written = Some(revision),
                failure => {
                    if let (Ok(Err(error)), false) = (failure, has_failed) {
                        tracing::warn!(
                            "{}: cannot be written ({error}); lock screens do not know who is enrolled",
                            file.folder.display()
                        );
                    }
                    failed = Some((revision, Instant::now()));
                }
            }
        }
        sleep(LOOK).await;
    }
}

fn uid(account: Account) -> Option<u32> {
    match account {
        Account::Uid(uid) => Some(uid),
        Account::Door | Account::Unrecorded => None,
    }
}
