//! The store behind a lock: [`TemplateStore`] over the one [`State`] of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use nix::fcntl::{Flock, FlockArg};

use super::files::{Disk, Folder};
use super::key::KeySource;
use super::keyring::MIRRORS;
use super::machine::{self, Machine, Moved};
use super::seal::Key;
use super::table::TableFolder;
use super::{Health, Outline, PinHasher, StoreError, Template, TemplateStore, layout};
use crate::clock::WallTime;
use crate::embed::TemplateKeySpec;
use crate::people::access::{Access, Premises};
use crate::people::{Misses, UserName};

mod state;

use state::State;

/// The folder of the table.
const TABLE: &str = "records";

const LOCK: &str = "lock";

/// What a store is opened with.
#[derive(Clone)]
pub struct VaultOptions<'a> {
    /// Its folder, made with mode 0700 if it is missing.
    pub folder: &'a Path,
    /// Where the store key is.
    pub keys: KeySource,
    /// SHA-256 of the embedder's file, lower-case hex.
    pub embedder_sha256: &'a str,
    /// The template key that suits head and embedder.
    pub template_key: TemplateKeySpec,
    /// For the name of a damaged table that is moved aside.
    pub now: WallTime,
}

/// Sealed templates and misses in a folder.
pub struct Vault {
    state: Mutex<State>,
    revision: AtomicU64,
    /// When the newest template of a revision was enrolled.
    newest: Mutex<Option<(u64, WallTime)>>,
    source: KeySource,
    pin_hasher: RwLock<Arc<PinHasher>>,
    disk: Arc<Folder>,
    /// The machine that it is on, and how it differs from the one that was noted.
    machine: Mutex<(Machine, Option<Moved>)>,
    /// There was no store before.
    new: bool,
    /// Held as long as the store is open: a store has one daemon.
    _lock: Flock<std::fs::File>,
}

impl Vault {
    /// Opens the store, or makes one; verifies all of it, and mends what can be mended.
    ///
    /// # Errors
    /// [`StoreError`], naming the fix. An existing store is never taken for an empty one.
    pub fn open(options: &VaultOptions<'_>) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Open { path: options.folder.into(), why };
        let folder = Folder::new(options.folder).map_err(|e| failed(e.to_string()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(options.folder.join(LOCK))
            .map_err(|e| failed(e.to_string()))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, e)| failed(format!("it is held by another daemon ({e})")))?;
        let new = MIRRORS.iter().all(|name| folder.length(name).is_ok_and(|length| length.is_none()));
        let tables = Box::new(TableFolder::new(options.folder.join(TABLE), super::sled::open));
        let disk = Arc::new(folder);
        layout::check(&*disk, options.folder)?;
        let state = State::open(disk.clone(), tables, options)?;
        if let Err(why) = layout::note(&*disk) {
            // The next start does it.
            tracing::warn!("store {}: its layout could not be noted ({why})", options.folder.display());
        }
        Ok(Self {
            pin_hasher: RwLock::new(Arc::new(state.pin_hasher())),
            disk,
            machine: Mutex::default(),
            state: Mutex::new(state),
            revision: AtomicU64::new(1),
            newest: Mutex::default(),
            source: options.keys.clone(),
            new,
            _lock: lock,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A change reaches memory in one step, after it is on the disk.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Compares this machine with the one that the store was on; [`TemplateStore::moved`] tells. The first one is noted.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn meet(&self, machine: Machine) -> Result<(), StoreError> {
        let key = self.lock().machine_key();
        let moved = machine::compare(&*self.disk, &key, &machine).map_err(|e| self.io(e))?;
        *self.machine() = (machine, moved);
        Ok(())
    }

    fn machine(&self) -> MutexGuard<'_, (Machine, Option<Moved>)> {
        // It is replaced as a whole.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self, why: std::io::Error) -> StoreError {
        StoreError::io(self.lock().folder(), why)
    }

    /// Whether there was no store before this one was opened, or nothing was ever changed in it.
    pub(super) fn is_new(&self) -> bool {
        self.new || self.lock().is_untouched()
    }

    /// The key of the audit log.
    pub(super) fn audit_key(&self) -> Key {
        self.lock().audit_key()
    }
}

impl TemplateStore for Vault {
    fn replace(&self, gone: &BTreeSet<String>, templates: &[Template]) -> Result<(), StoreError> {
        self.lock().replace(gone, templates)?;
        self.changed();
        Ok(())
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        self.lock().templates(user)
    }

    fn each_template(&self, visit: &mut dyn FnMut(&Outline, Template)) -> Result<Outline, StoreError> {
        let state = self.lock();
        let (revision, template_key) = (self.revision(), state.template_key().clone());
        let outline = Outline { revision, template_key, templates: state.count() };
        let mut newest = WallTime::default();
        state.each_template(None, &mut |template| {
            newest = newest.max(template.created_at);
            visit(&outline, template);
        })?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some((revision, newest));
        Ok(outline)
    }

    fn newest(&self) -> Result<WallTime, StoreError> {
        let set_at = self.premises()?.set_at;
        let known = || *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known().is_some_and(|(revision, _)| revision == self.revision());
        if !is_known {
            // Whoever compares faces has it done for them, so this is rare.
            self.each_template(&mut |_, _| {})?;
        }
        Ok(known().map_or(set_at, |(_, enrolled)| enrolled.max(set_at)))
    }

    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let removed = self.lock().remove(user, id);
        self.changed();
        removed
    }

    fn misses(&self, user: Option<&UserName>) -> Result<Misses, StoreError> {
        self.lock().misses(user)
    }

    fn prove_room_for_miss(&self) -> Result<(), StoreError> {
        self.lock().prove_room_for_miss()
    }

    fn set_misses(&self, user: Option<&UserName>, misses: Misses) -> Result<(), StoreError> {
        self.lock().set_misses(user, misses)
    }

    fn pin_misses(&self) -> Result<Misses, StoreError> {
        self.lock().pin_misses()
    }

    fn set_pin_misses(&self, misses: Misses) -> Result<(), StoreError> {
        self.lock().set_pin_misses(misses)
    }

    fn pin_hasher(&self) -> Arc<PinHasher> {
        self.pin_hasher.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn access(&self, user: &UserName) -> Result<Access, StoreError> {
        self.lock().access(user)
    }

    fn all_access(&self) -> Result<BTreeMap<UserName, Access>, StoreError> {
        self.lock().all_access()
    }

    fn change_access(
        &self,
        user: &UserName,
        at: WallTime,
        change: &mut dyn FnMut(&mut Access),
    ) -> Result<(), StoreError> {
        self.lock().change_access(user, at, change)?;
        self.changed();
        Ok(())
    }

    fn premises(&self) -> Result<Premises, StoreError> {
        self.lock().premises()
    }

    fn change_premises(&self, at: WallTime, change: &mut dyn FnMut(&mut Premises)) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.change_premises(at, change)?;
        // They may have brought another secret.
        *self.pin_hasher.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state.pin_hasher());
        drop(state);
        self.changed();
        Ok(())
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    fn renew(&self) -> Result<usize, StoreError> {
        let renewed = self.lock().renew();
        self.changed();
        renewed
    }

    fn renew_key(&self) -> Result<(), StoreError> {
        self.lock().renew_store_key(&self.source)
    }

    fn moved(&self) -> Option<String> {
        self.machine().1.map(Moved::note)
    }

    fn stay(&self) -> Result<(), StoreError> {
        let key = self.lock().machine_key();
        let mut machine = self.machine();
        machine::note(&*self.disk, &key, &machine.0).map_err(|e| self.io(e))?;
        machine.1 = None;
        Ok(())
    }

    fn health(&self) -> Health {
        self.lock().health()
    }
}

#[cfg(test)]
mod mend_tests;
#[cfg(test)]
mod tests;
