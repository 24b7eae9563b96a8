//! Enrolled templates and the misses of each user, kept across restarts.
//!
//! Sealing at rest and renewal get files of their own beside `sled.rs`.

mod record;
pub mod sled;

use std::path::PathBuf;

use crate::clock::WallTime;
use crate::embed::Embedding;
use crate::judge::{Attempts, UserName};

/// Most templates a user can have.
pub const MAX_TEMPLATES: usize = 32;

/// Longest label of a template in bytes.
pub const MAX_LABEL_BYTES: usize = 64;

/// One enrolled look of one person. Without `Debug` on purpose: it holds an embedding.
#[derive(Clone)]
pub struct Template {
    /// Random, 32 lower-case hex digits; given by the store.
    pub id: String,
    /// Whose face it is.
    pub user: UserName,
    /// What the user called it, such as "with glasses". May be empty.
    pub label: String,
    /// When it was enrolled.
    pub created_at: WallTime,
    /// SHA-256 of the embedder's file, lower-case hex.
    pub embedder_sha256: String,
    /// The face.
    pub embedding: Embedding,
}

/// Where templates and misses are kept. Each change is on the disk before the call returns.
pub trait TemplateStore: Send + Sync {
    /// Adds templates, all or none.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Full`] when a user would have more than [`MAX_TEMPLATES`].
    fn add(&self, templates: &[Template]) -> Result<(), StoreError>;

    /// The templates of one user, or of all, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when a record cannot be read: a damaged one is never left out in silence.
    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError>;

    /// Removes one template of a user, or all of them with his misses, and says how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError>;

    /// Misses of `user`; of nobody in particular (identification) for `None`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn attempts(&self, user: Option<&UserName>) -> Result<Attempts, StoreError>;

    /// Keeps the misses of `user`, or of identification.
    ///
    /// # Errors
    /// [`StoreError`].
    fn set_attempts(&self, user: Option<&UserName>, attempts: Attempts) -> Result<(), StoreError>;

    /// Grows with each change of the templates, so that copies in memory know when they are stale.
    fn revision(&self) -> u64;
}

/// Why the store could not do it. Each text says which store and what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum StoreError {
    /// Cannot be opened.
    #[error("store {}: cannot be opened: {why}; check that the folder exists, belongs to the daemon and is held by no other daemon", .path.display())]
    Open { path: PathBuf, why: String },
    /// A read or write failed.
    #[error("store {}: {why}; check the disk (full? read-only?)", .path.display())]
    Io { path: PathBuf, why: String },
    /// A record is not what was written.
    #[error("store {}: record {record} is damaged: {why}; restore a backup, or remove the user and enrol again", .path.display())]
    Damaged { path: PathBuf, record: String, why: String },
    /// Written for another embedder.
    #[error(
        "store {}: made for the embedder with sha256 {made_for}, but {loaded} is loaded; configure that embedder \
         again, or move the store away and enrol everybody again",
        .path.display()
    )]
    OtherEmbedder { path: PathBuf, made_for: String, loaded: String },
    /// Too many templates.
    #[error(
        "user {user}: would have {wanted} templates, at most {MAX_TEMPLATES} are kept; remove some first"
    )]
    Full { user: UserName, wanted: usize },
}
