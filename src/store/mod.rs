//! Enrolled templates, misses and rules of each user: sealed, renewable, and safe against power cuts and damage.
//!
//! The change log (`log`) is authoritative: a change counts once it is appended and synced there. The table (`mirror`,
//! sled) holds the same entries and follows. In memory there is an `index` of them. Both are verified against a
//! `manifest` at start, each is rebuilt from the other, and the checkpoint (`ledger::checkpoint`) tells when both are
//! older than the newest change. Together they are the `ledger` of sealed entries; `people` has the keys that open
//! them. [`Vault`] is the two behind a lock. docs/store.md has the layout on the disk and what it withstands.
//!
//! Top down: vault > layout, machine, people, ledger > mirror, log, index > record, table, keyring > key, files, seal.

pub mod audit;
mod error;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod key;
mod keyring;
mod layout;
mod ledger;
mod log;
mod machine;
mod manifest;
mod mirror;
mod misses;
mod people;
mod pins;
pub mod portable;
mod record;
mod rules;
mod seal;
mod sled;
mod table;
mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::WallTime;
use crate::embed::{Embedding, KeyedEmbedding, TemplateKey};
use crate::people::access::{Access, Premises};
use crate::people::{Account, Misses, UserName};

pub use error::StoreError;
pub use key::{CREDENTIAL, KeySource};
pub use machine::Machine;
pub use pins::PinHasher;
pub use vault::{Vault, VaultOptions};

/// Most templates a user can have.
pub const MAX_TEMPLATES: usize = 32;

/// Longest label of a template, in bytes of UTF-8.
pub const MAX_LABEL_BYTES: usize = 64;

/// One enrolled face of one person, keyed in a store and raw in an export. Without `Debug` on purpose: it holds an
/// embedding.
#[derive(Clone)]
pub struct Template<E = KeyedEmbedding> {
    /// Random, 32 lower-case hex digits.
    pub id: String,
    /// Whose face it is.
    pub user: UserName,
    /// The user's name for it, such as "with glasses". May be empty.
    pub label: String,
    /// When it was enrolled.
    pub created_at: WallTime,
    /// Whom it is for.
    pub account: Account,
    /// Faces that look like a small child's are compared with it as well: an owner has allowed that.
    pub allow_child: bool,
    /// SHA-256 of the embedder's file, lower-case hex.
    pub embedder_sha256: String,
    /// How live its frame looked, for the calibration of the camera; `None` if nobody looked. Not exported.
    pub live: Option<LiveScore>,
    /// Nobody enrolled it: it was taken after a second factor (`judge/adapt.rs`).
    pub adapted: bool,
    /// The face.
    pub embedding: E,
}

/// What a network said of the frame of a template: log-odds that it showed a live face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveScore {
    /// Finite.
    pub score: f32,
    /// Which network and camera it came from: scores of others are not to be compared with it.
    pub source: u64,
}

impl Template<Embedding> {
    /// The same in this key.
    fn keyed(self, key: &TemplateKey) -> Template {
        let embedding = key.apply(&self.embedding);
        let Self {
            id, user, label, created_at, account, allow_child, embedder_sha256, live, adapted, ..
        } = self;
        Template {
            id,
            user,
            label,
            created_at,
            account,
            allow_child,
            embedder_sha256,
            live,
            adapted,
            embedding,
        }
    }
}

/// Everybody's templates at one moment, and their template key.
pub struct Snapshot {
    /// [`TemplateStore::revision`] at that moment.
    pub revision: u64,
    /// The key that a probe needs before it is compared with a template.
    pub template_key: Arc<TemplateKey>,
    /// Oldest first, by user.
    pub templates: Vec<Template>,
}

/// What is known of everybody's templates before they are read.
#[derive(Clone)]
pub struct Outline {
    /// [`TemplateStore::revision`] at that moment.
    pub revision: u64,
    /// The key that a probe needs before it is compared with a template.
    pub template_key: Arc<TemplateKey>,
    /// How many there are.
    pub templates: usize,
}

/// How a store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// People with a template.
    pub users: usize,
    /// Templates of all of them.
    pub templates: usize,
    /// What was found and done, worst first.
    pub condition: Condition,
    /// The same as text, a sentence each.
    pub notes: Vec<String>,
}

impl Health {
    /// What a start has to put on record: what is lost or was restored. `None` if everything was whole.
    pub fn remark(&self) -> Option<String> {
        let word = match self.condition {
            Condition::Lossy => "lossy",
            Condition::Restored => "restored",
            Condition::Whole | Condition::Behind => return None,
        };
        Some(format!("{word}: {}", self.notes.join("; ")))
    }
}

/// How much of a store is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// All of it.
    #[default]
    Whole,
    /// All of it, but something was damaged and was rebuilt.
    Restored,
    /// All of it, but a copy cannot be written at present.
    Behind,
    /// Something is lost; the notes say what.
    Lossy,
}

/// Where templates, misses and rules are kept. Each change is on the disk before the call returns.
pub trait TemplateStore: Send + Sync {
    /// Adds templates, all or none.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Full`] when a user would have more than [`MAX_TEMPLATES`],
    /// [`StoreError::Renewed`] when they are in another template key than the store's.
    fn add(&self, templates: &[Template]) -> Result<(), StoreError> {
        self.replace(&BTreeSet::new(), templates)
    }

    /// Removes these templates of a user and adds others of theirs, in one change: whatever happens, one of the two sets is
    /// there.
    ///
    /// # Errors
    /// As [`TemplateStore::add`].
    fn replace(&self, gone: &BTreeSet<String>, templates: &[Template]) -> Result<(), StoreError>;

    /// The templates of one user, or of all, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when a record cannot be read: a damaged one is never left out in silence.
    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError>;

    /// Shows all templates as of one moment, one at a time, so that they need not all be in memory: oldest first, by user.
    ///
    /// # Errors
    /// As [`TemplateStore::templates`]; some may have been shown then.
    fn each_template(&self, visit: &mut dyn FnMut(&Outline, Template)) -> Result<Outline, StoreError>;

    /// All templates and their template key, as of one moment.
    ///
    /// # Errors
    /// As [`TemplateStore::templates`].
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut templates = Vec::new();
        let Outline { revision, template_key, .. } =
            self.each_template(&mut |_, template| templates.push(template))?;
        Ok(Snapshot { revision, template_key, templates })
    }

    /// When the newest template was enrolled, or a rule, a PIN or what holds for everybody was set: the time is no earlier.
    ///
    /// # Errors
    /// As [`TemplateStore::templates`].
    fn newest(&self) -> Result<WallTime, StoreError> {
        let mut newest = self.premises()?.set_at;
        self.each_template(&mut |_, template| newest = newest.max(template.created_at))?;
        Ok(newest)
    }

    /// Removes one template of a user, or all of them with the user's misses, rules and PINs, and says how many templates there
    /// were. Adapted ones go with the last enrolled one. With the last template the user's key is destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError>;

    /// Misses of `user`, or of identification for `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn misses(&self, user: Option<&UserName>) -> Result<Misses, StoreError>;

    /// Makes sure, by writing, that [`TemplateStore::set_misses`] would work now. Asked before a face is judged, so that no
    /// attempt is judged whose miss would be lost.
    ///
    /// # Errors
    /// [`StoreError::NoRoomForMiss`].
    fn prove_room_for_miss(&self) -> Result<(), StoreError>;

    /// Keeps the misses of `user`, or of identification for `None`. A full disk does not prevent it.
    ///
    /// # Errors
    /// [`StoreError`]; they count all the same until the process ends, and are written as soon as that works.
    fn set_misses(&self, user: Option<&UserName>, misses: Misses) -> Result<(), StoreError>;

    /// Misses of PINs, whoever's. A miss of a face is none of them, and the other way round.
    ///
    /// # Errors
    /// [`StoreError`].
    fn pin_misses(&self) -> Result<Misses, StoreError>;

    /// Keeps the misses of PINs. A full disk does not prevent it.
    ///
    /// # Errors
    /// As [`TemplateStore::set_misses`].
    fn set_pin_misses(&self, misses: Misses) -> Result<(), StoreError>;

    /// Hashes PINs with the secret of this store.
    fn pin_hasher(&self) -> Arc<PinHasher>;

    /// When a person may come in, and their PINs.
    ///
    /// # Errors
    /// [`StoreError`] when the record cannot be read: that is not the same as no rule.
    fn access(&self, user: &UserName) -> Result<Access, StoreError>;

    /// The same of everybody of whom anything is kept, enrolled or not.
    ///
    /// # Errors
    /// As [`TemplateStore::access`].
    fn all_access(&self) -> Result<BTreeMap<UserName, Access>, StoreError>;

    /// Changes what is kept of a person, in one step. `at` is the time now.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    fn change_access(
        &self,
        user: &UserName,
        at: WallTime,
        change: &mut dyn FnMut(&mut Access),
    ) -> Result<(), StoreError>;

    /// What holds for everybody.
    ///
    /// # Errors
    /// As [`TemplateStore::access`].
    fn premises(&self) -> Result<Premises, StoreError>;

    /// Changes what holds for everybody, in one step. `at` is the time now.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    fn change_premises(&self, at: WallTime, change: &mut dyn FnMut(&mut Premises)) -> Result<(), StoreError>;

    /// Grows with each change of templates, rules and PINs, so that copies in memory know when they are stale.
    fn revision(&self) -> u64;

    /// Issues all templates again under a new template key, without a new picture, and says how many there are. The old ones are
    /// useless afterwards.
    ///
    /// # Errors
    /// [`StoreError`]; the store is then as it was.
    fn renew(&self) -> Result<usize, StoreError>;

    /// Draws a new store key and wraps everything with it.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::KeyIsCredential`] where the key is not ours to change.
    fn renew_key(&self) -> Result<(), StoreError>;

    /// Says so, with what to do after a semicolon, if this is not the machine that the store was on.
    fn moved(&self) -> Option<String> {
        None
    }

    /// Notes that the store belongs to the machine that it is on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn stay(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How it is. Waits for a change in progress, and so for the disk.
    fn health(&self) -> Health;
}
