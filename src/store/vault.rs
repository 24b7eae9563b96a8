//! The store itself: what is asked of a [`TemplateStore`] to changes of sealed entries.
//!
//! Entries are read once, at start (`open`), and held in memory sealed as they are; `commit` puts each change on the
//! disk before it counts. So a damaged table is noticed at start, not at the door.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::Flock;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::backup::Backup;
use super::files::Disk;
use super::key::KeySource;
use super::keyring::{KeyId, Keyring, TurnKey};
use super::manifest::{Entries, Manifest};
use super::memory::Pinned;
use super::record::{self, Envelope, Place};
use super::seal::Key;
use super::table::{Table, Tables};
use super::{Condition, Health, MAX_TEMPLATES, Snapshot, StoreError, Template, TemplateStore};
use crate::clock::WallTime;
use crate::embed::{Turn, TurnKind};
use crate::people::{Attempts, UserName};

mod commit;
mod misses;
mod open;
mod renew;
mod salvage;
mod settle;

/// What a store is opened with.
#[derive(Clone)]
pub struct Opening<'a> {
    /// Its folder, made with mode 0700 if it is missing.
    pub folder: &'a Path,
    /// Where the store key is.
    pub keys: KeySource,
    /// SHA-256 of the embedder's file, lower-case hex.
    pub embedder_sha256: &'a str,
    /// The kind of turn that suits the head, and the length of embeddings.
    pub turn: (TurnKind, usize),
    /// For the name of what has to be moved out of the way.
    pub now: WallTime,
}

/// Sealed templates and misses in a folder.
pub struct Vault {
    inner: Mutex<Inner>,
    revision: AtomicU64,
    source: KeySource,
    /// It was made just now.
    new: bool,
    /// Held as long as the store is open: there is one daemon to a store.
    _lock: Option<Flock<std::fs::File>>,
}

/// Keys that are derived from the keyring's root.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Keys {
    manifest: Key,
    entries: Key,
    backup: Key,
    names: Key,
    misses: Key,
}

struct Inner {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    tables: Box<dyn Tables>,
    /// `None` while it could not be written and has to be made up from `entries`.
    table: Option<Box<dyn Table>>,
    keyring: Keyring,
    keys: Pinned<Keys>,
    backup: Backup,
    entries: Entries,
    manifest: Manifest,
    turn: Arc<Turn>,
    /// Ids of each user's templates.
    people: BTreeMap<UserName, BTreeSet<String>>,
    condition: Condition,
    notes: Vec<String>,
}

impl Keys {
    fn derive(root: &Key) -> Pinned<Self> {
        let mut keys = Pinned::<Self>::default();
        root.derive_into("manifest", &mut keys.manifest);
        root.derive_into("entries", &mut keys.entries);
        root.derive_into("backup", &mut keys.backup);
        root.derive_into("names", &mut keys.names);
        root.derive_into("misses", &mut keys.misses);
        keys
    }
}

impl Vault {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Changes are put into memory in one go after they are on the disk.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Whether there was no store before this one was opened, or nothing ever happened in it.
    pub(super) fn is_new(&self) -> bool {
        self.new || self.lock().manifest.revision == 0
    }

    /// The key of the audit log.
    pub(super) fn audit_key(&self) -> Key {
        self.lock().keyring.header().root.derive("audit")
    }
}

impl TemplateStore for Vault {
    fn add(&self, templates: &[Template], turn: &Turn) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if turn.id() != inner.turn.id() {
            return Err(StoreError::Renewed);
        }
        inner.add(templates)?;
        self.changed();
        Ok(())
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        self.lock().templates(user)
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let inner = self.lock();
        let revision = self.revision();
        Ok(Snapshot { revision, turn: inner.turn.clone(), templates: inner.templates(None)? })
    }

    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let removed = self.lock().remove(user, id);
        self.changed();
        removed
    }

    fn attempts(&self, user: Option<&UserName>) -> Result<Attempts, StoreError> {
        self.lock().attempts(user)
    }

    fn set_attempts(&self, user: Option<&UserName>, attempts: Attempts) -> Result<(), StoreError> {
        self.lock().set_attempts(user, attempts)
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    fn renew(&self) -> Result<usize, StoreError> {
        let mut inner = self.lock();
        let (kind, length) = inner.turn_key()?;
        let renewed = inner.renew((kind, length));
        self.changed();
        renewed
    }

    fn renew_key(&self) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let disk = inner.disk.clone();
        // A renewal that failed may have left the key in use in the new file, or mirrors under two keys.
        inner.keyring.steady(&*disk)?;
        self.source.settle_on(inner.keyring.wrap())?;
        let next = self.source.next()?;
        inner.keyring.rewrap(&*disk, &next.key)?;
        self.source.settle(&next.path)
    }

    fn health(&self) -> Health {
        let inner = self.lock();
        let mut notes = inner.notes.clone();
        let aside = inner.tables.set_aside_earlier();
        notes.extend(
            aside
                .iter()
                .map(|path| format!("store: a damaged copy lies in {path}; remove it when it is of no use")),
        );
        let templates = inner.people.values().map(BTreeSet::len).sum();
        let behind = if inner.table.is_none() { Condition::Behind } else { Condition::Whole };
        Health { users: inner.people.len(), templates, condition: inner.condition.max(behind), notes }
    }
}

impl Inner {
    fn io(&self, why: impl ToString) -> StoreError {
        StoreError::Io { path: self.path.clone(), why: why.to_string() }
    }

    fn place<'a>(&'a self, turn: &'a [u8; 8]) -> Place<'a> {
        Place { embedder_sha256: &self.manifest.embedder_sha256, device: &self.keyring.header().device, turn }
    }

    fn add(&mut self, templates: &[Template]) -> Result<(), StoreError> {
        self.check(templates)?;
        let (disk, users) = (self.disk.clone(), templates.iter().map(|t| &t.user).collect::<BTreeSet<_>>());
        // A key that could not be destroyed with the last template of its user seals no new one.
        let strangers = users.iter().filter(|user| !self.people.contains_key(**user));
        strangers.into_iter().try_for_each(|user| self.keyring.erase(&*disk, user))?;
        self.keyring.add(&*disk, &users)?;
        let turn = self.turn.id();
        let sealed = templates.iter().map(|t| Ok((record_key(&t.id), Some(self.seal(t, &turn)?))));
        let change = sealed.collect::<Result<_, StoreError>>()?;
        if let Err(error) = self.commit(change) {
            // Nobody is left with a key and no template; else the next start does it.
            let _ = self.erase_keys_without_records();
            return Err(error);
        }
        for template in templates {
            self.people.entry(template.user.clone()).or_default().insert(template.id.clone());
        }
        Ok(())
    }

    fn check(&self, templates: &[Template]) -> Result<(), StoreError> {
        let mut wanted: BTreeMap<&UserName, usize> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for template in templates {
            let there = || self.people.get(&template.user).map_or(0, BTreeSet::len);
            *wanted.entry(&template.user).or_insert_with(there) += 1;
            if !ids.insert(&template.id) || self.entries.contains_key(&record_key(&template.id)) {
                return Err(StoreError::Taken { id: template.id.clone() });
            }
        }
        if let Some((user, wanted)) = wanted.into_iter().find(|(_, wanted)| *wanted > MAX_TEMPLATES) {
            return Err(StoreError::Full { user: user.clone(), wanted });
        }
        Ok(())
    }

    fn seal(&self, template: &Template, turn: &[u8; 8]) -> Result<Vec<u8>, StoreError> {
        let id = self.keyring.id_of(&template.user);
        let found = id.and_then(|id| Some((id, self.keyring.key(&id)?)));
        let (id, key) = found.ok_or_else(|| self.damaged(&template.id, "its user has no key"))?;
        Ok(record::seal(template, &key, id, self.place(turn)))
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        let everybody = self.people.iter().filter(|(name, _)| user.is_none_or(|user| user == *name));
        let mut found = Vec::new();
        for (user, ids) in everybody {
            let mut last = None;
            for id in ids {
                found.push(self.opened(user, id, &mut last).map_err(|why| self.damaged(id, &why))?);
            }
        }
        found.sort_by(|a, b| (&a.user, a.created_at, &a.id).cmp(&(&b.user, b.created_at, &b.id)));
        Ok(found)
    }

    /// A template, with the key that its record names; `last` saves unwrapping it again.
    fn opened(&self, user: &UserName, id: &str, last: &mut Option<(KeyId, Key)>) -> Result<Template, String> {
        let sealed = self.entries.get(&record_key(id)).ok_or("it is missing")?;
        let envelope = Envelope::parse(sealed)?;
        let known = last.take().filter(|(id, _)| *id == envelope.key);
        let known = known.or_else(|| Some((envelope.key, self.keyring.key(&envelope.key)?)));
        let (_, key) = last.insert(known.ok_or("its user has no key")?);
        envelope.open(key, id, user, self.place(&self.manifest.turn))
    }

    fn damaged(&self, id: &str, why: &str) -> StoreError {
        let record = id.escape_debug().to_string();
        StoreError::Damaged { path: self.path.clone(), record, why: why.to_owned() }
    }

    fn remove(&mut self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let Some(ids) = self.people.get(user) else {
            if id.is_none() {
                self.set_attempts(Some(user), Attempts::default())?;
            }
            // Left over from a removal whose end failed.
            self.keyring.erase(&*self.disk.clone(), user)?;
            return Ok(0);
        };
        let gone: BTreeSet<String> =
            ids.iter().filter(|one| id.is_none_or(|id| id == *one)).cloned().collect();
        let mut change: Vec<_> = gone.iter().map(|id| (record_key(id), None)).collect();
        let misses = self.misses_key(Some(user));
        if id.is_none() && self.entries.contains_key(&misses) {
            change.push((misses, None));
        }
        if change.is_empty() {
            return Ok(0);
        }
        self.commit(change)?;
        let left: BTreeSet<String> = ids_left(self.people.remove(user), &gone);
        if left.is_empty() {
            let disk = self.disk.clone();
            self.keyring.erase(&*disk, user)?;
        } else {
            self.people.insert(user.clone(), left);
        }
        Ok(gone.len())
    }

    /// Who has no template has no key.
    fn erase_keys_without_records(&mut self) -> Result<(), StoreError> {
        let disk = self.disk.clone();
        let mut users = self.keyring.users();
        users.retain(|user| !self.people.contains_key(user));
        users.iter().try_for_each(|user| self.keyring.erase(&*disk, user))
    }
}

fn ids_left(ids: Option<BTreeSet<String>>, gone: &BTreeSet<String>) -> BTreeSet<String> {
    ids.unwrap_or_default().difference(gone).cloned().collect()
}

/// First byte of the key of a template's record, and of misses; the manifest's whole key.
const RECORD: u8 = b'r';
const MISSES: u8 = b'a';
const MANIFEST: &[u8] = b"m";

fn record_key(id: &str) -> Vec<u8> {
    [&[RECORD], id.as_bytes()].concat()
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod mend_tests;
#[cfg(test)]
mod tests;
