//! Why the store could not do it. Each text says which store and what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{MAX_TEMPLATES, Template};
use crate::embed::OtherKey;
use crate::people::UserName;

/// Everything that may go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum StoreError {
    /// Cannot be opened.
    #[error("store {}: cannot be opened: {why}; check that the folder exists, belongs to the daemon and is held by no other daemon", .path.display())]
    Open { path: PathBuf, why: String },
    /// A read or write failed.
    #[error("store {}: {why}; check the disk (full? read-only?)", .path.display())]
    Io { path: PathBuf, why: String },
    /// A miss could not be recorded.
    #[error(
        "store {}: no face is judged, because a miss could not be recorded ({why}); make room on that disk, or check that it \
         can be written; until then use the password",
        .path.display()
    )]
    NoRoomForMiss { path: PathBuf, why: String },
    /// A record is not what was written.
    #[error("store {}: record {record} is damaged: {why}; import an export, or remove the user and enrol again", .path.display())]
    Damaged { path: PathBuf, record: String, why: String },
    /// Written by a newer program.
    #[error(
        "store {}: a newer facelatch wrote it (layout {layout}; this one reads up to {reads}), and nothing was touched; install \
         that version again, or move the store away and enrol everybody again",
        .path.display()
    )]
    Newer { path: PathBuf, layout: u32, reads: u32 },
    /// Written for another embedder.
    #[error(
        "store {}: made for the embedder with sha256 {made_for}, but {loaded} is loaded; configure that embedder \
         again, or move the store away and enrol everybody again (no pictures are kept to do it from)",
        .path.display()
    )]
    OtherEmbedder { path: PathBuf, made_for: String, loaded: String },
    /// Too many templates.
    #[error(
        "user {user}: would have {wanted} templates, at most {MAX_TEMPLATES} are kept, and there are {there}; take \
         fewer with --templates, enrol one of these labels again, or remove some"
    )]
    Full { user: UserName, wanted: usize, there: String },
    /// A template of that id is there already.
    #[error("template {id}: exists already; remove it first")]
    Taken { id: String },
    /// Another template key than the store's.
    #[error("the templates were renewed in the meantime, so these do not fit any more; try again")]
    Renewed,
    /// No store key, but a store.
    #[error(
        "store key {}: missing, but the store beside it was sealed with one; put it back (or the credential \
         `store-key`), or move the store away and enrol everybody again",
        .path.display()
    )]
    KeyMissing { path: PathBuf },
    /// Not a store key.
    #[error(
        "store key {}: {why}; it must hold 32 random bytes or 64 hex digits: put the right one back",
        .path.display()
    )]
    Key { path: PathBuf, why: String },
    /// The store key of something else.
    #[error(
        "store {}: was sealed with another key than {keys}; put the right one back, or move the store away and \
         enrol everybody again",
        .path.display()
    )]
    WrongKey { path: PathBuf, keys: String },
    /// The key is given from outside.
    #[error(
        "store key {}: is a credential, which only an administrator can change: put the present key into the \
         key file, the new one into the credential, and restart the daemon",
        .path.display()
    )]
    KeyIsCredential { path: PathBuf },
    /// Both copies of the keyring are gone.
    #[error(
        "store {}: both copies of the keyring are damaged or missing, so nothing in it can be opened; put \
         `keyring.a` back from a copy of the folder, or move the store away, enrol everybody again or import an export",
        .path.display()
    )]
    KeyringLost { path: PathBuf },
    /// Table and change logs are gone.
    #[error(
        "store {}: the table and both change logs are damaged or missing; move the store away, then import an \
         export or enrol everybody again",
        .path.display()
    )]
    Lost { path: PathBuf },
}

impl StoreError {
    /// Too many templates; `kept` would stay.
    pub(crate) fn full(user: &UserName, wanted: usize, kept: &[Template]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for template in kept {
            *counts.entry(&template.label).or_default() += 1;
        }
        let named = |(label, count): (&str, usize)| match label {
            "" => format!("{count} without a label"),
            label => format!("{count} labelled {label:?}"),
        };
        let there: Vec<String> = counts.into_iter().map(named).collect();
        let there = if there.is_empty() { "none yet".to_owned() } else { there.join(", ") };
        Self::Full { user: user.clone(), wanted, there }
    }

    /// A read or write that failed.
    pub(super) fn io(path: &Path, why: impl ToString) -> Self {
        Self::Io { path: path.to_owned(), why: why.to_string() }
    }
}

impl From<OtherKey> for StoreError {
    fn from(_: OtherKey) -> Self {
        Self::Renewed
    }
}
