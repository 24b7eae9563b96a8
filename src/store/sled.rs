//! [`TemplateStore`] over sled 0.34.7: the only file that names sled.
//!
//! sled's own flush survives the death of the process but not of the power: it flushes neither metadata nor
//! the card's cache. So each change is followed by an fsync of its file. sled may also panic on a damaged
//! file, so it is opened where a panic is caught.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ::sled::transaction::{ConflictableTransactionError, TransactionError};

use super::record;
use super::{MAX_TEMPLATES, StoreError, Template, TemplateStore};
use crate::judge::{Attempts, UserName};

/// sled's cache in bytes. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 4 << 20;

/// The file that holds sled's log.
const LOG_FILE: &str = "db";

/// Which embedder the templates were made with; absent while there are none.
const EMBEDDER_KEY: &str = "embedder_sha256";

/// Templates and misses in a folder.
pub struct SledStore {
    path: PathBuf,
    embedder_sha256: String,
    db: ::sled::Db,
    templates: ::sled::Tree,
    attempts: ::sled::Tree,
    about: ::sled::Tree,
    revision: AtomicU64,
    /// Changes happen one after another, so that counting and adding is one step.
    changing: Mutex<()>,
}

impl SledStore {
    /// Opens the store in the folder `path`, made with mode 0700 when it is missing, for templates of one embedder.
    ///
    /// # Errors
    /// [`StoreError::Open`], also while another process holds it; [`StoreError::OtherEmbedder`].
    pub fn open(path: &Path, embedder_sha256: &str) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Open { path: path.into(), why };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| failed(e.to_string()))?;
        forget_half_snapshots(path).map_err(|e| failed(e.to_string()))?;
        let config = ::sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .mode(::sled::Mode::LowSpace)
            .flush_every_ms(None);
        let db = std::thread::spawn(move || config.open())
            .join()
            .map_err(|_| failed("the files are damaged (sled panicked)".to_owned()))?
            .map_err(|e| failed(e.to_string()))?;
        let tree = |name: &str| db.open_tree(name).map_err(|e| failed(e.to_string()));
        let (templates, attempts, about) = (tree("templates")?, tree("attempts")?, tree("about")?);
        let store = Self {
            path: path.into(),
            embedder_sha256: embedder_sha256.to_owned(),
            db,
            templates,
            attempts,
            about,
            revision: AtomicU64::new(0),
            changing: Mutex::new(()),
        };
        store.check_embedder()?;
        store.sync()?;
        sync_folder(path).map_err(|e| failed(e.to_string()))?;
        Ok(store)
    }

    fn check_embedder(&self) -> Result<(), StoreError> {
        let Some(made_for) = self.about.get(EMBEDDER_KEY).map_err(|e| self.io(e))? else {
            return Ok(());
        };
        if self.templates.is_empty() || *made_for == *self.embedder_sha256.as_bytes() {
            return Ok(());
        }
        let made_for = String::from_utf8_lossy(&made_for).into_owned();
        Err(StoreError::OtherEmbedder {
            path: self.path.clone(),
            made_for,
            loaded: self.embedder_sha256.clone(),
        })
    }

    fn io(&self, why: impl ToString) -> StoreError {
        StoreError::Io { path: self.path.clone(), why: why.to_string() }
    }

    /// Everything written so far is on the disk when this returns.
    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| self.io(e))?;
        File::open(self.path.join(LOG_FILE)).and_then(|file| file.sync_all()).map_err(|e| self.io(e))
    }

    fn changed(&self) -> Result<(), StoreError> {
        self.revision.fetch_add(1, Ordering::Release);
        self.sync()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        // The lock guards no data of its own, so a panic elsewhere leaves nothing half done behind it.
        self.changing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn check_room(&self, templates: &[Template]) -> Result<(), StoreError> {
        for template in templates {
            let new = templates.iter().filter(|t| t.user == template.user).count();
            let wanted = self.templates.scan_prefix(user_prefix(&template.user)).keys().count() + new;
            if wanted > MAX_TEMPLATES {
                return Err(StoreError::Full { user: template.user.clone(), wanted });
            }
        }
        Ok(())
    }
}

impl TemplateStore for SledStore {
    fn add(&self, templates: &[Template]) -> Result<(), StoreError> {
        let _changing = self.lock();
        self.check_room(templates)?;
        let mut batch = ::sled::Batch::default();
        for template in templates {
            batch.insert(key(&template.user, &template.id), record::encode(template));
        }
        let sha256 = self.embedder_sha256.as_bytes();
        use ::sled::Transactional;
        (&self.templates, &self.about)
            .transaction(|(templates, about)| {
                templates.apply_batch(&batch)?;
                about.insert(EMBEDDER_KEY, sha256)?;
                Ok::<(), ConflictableTransactionError<()>>(())
            })
            .map_err(|e| match e {
                TransactionError::Abort(()) => self.io("the change was given up"),
                TransactionError::Storage(e) => self.io(e),
            })?;
        self.changed()
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        let prefix = user.map(user_prefix).unwrap_or_default();
        let mut found = Vec::new();
        for entry in self.templates.scan_prefix(prefix) {
            let (key, value) = entry.map_err(|e| self.io(e))?;
            let damaged = |why: String| StoreError::Damaged {
                path: self.path.clone(),
                record: String::from_utf8_lossy(&key).escape_debug().to_string(),
                why,
            };
            let template = record::decode(&value).map_err(damaged)?;
            if *key != *self::key(&template.user, &template.id) {
                return Err(damaged("it stands under another's key".to_owned()));
            }
            found.push(template);
        }
        found.sort_by(|a, b| (&a.user, a.created_at, &a.id).cmp(&(&b.user, b.created_at, &b.id)));
        Ok(found)
    }

    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let _changing = self.lock();
        let mut batch = ::sled::Batch::default();
        let mut removed = 0;
        for found in self.templates.scan_prefix(user_prefix(user)).keys() {
            let found = found.map_err(|e| self.io(e))?;
            if id.is_none_or(|id| *found == *key(user, id)) {
                batch.remove(found);
                removed += 1;
            }
        }
        if removed > 0 {
            self.templates.apply_batch(batch).map_err(|e| self.io(e))?;
        }
        if id.is_none() {
            self.attempts.remove(attempts_key(Some(user))).map_err(|e| self.io(e))?;
        }
        self.changed()?;
        Ok(removed)
    }

    fn attempts(&self, user: Option<&UserName>) -> Result<Attempts, StoreError> {
        let key = attempts_key(user);
        let Some(bytes) = self.attempts.get(&key).map_err(|e| self.io(e))? else {
            return Ok(Attempts::default());
        };
        serde_json::from_slice(&bytes).map_err(|e| StoreError::Damaged {
            path: self.path.clone(),
            record: format!("attempts {}", String::from_utf8_lossy(&key).escape_debug()),
            why: e.to_string(),
        })
    }

    fn set_attempts(&self, user: Option<&UserName>, attempts: Attempts) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(&attempts).map_err(|e| self.io(e))?;
        let key = attempts_key(user);
        if self.attempts.get(&key).map_err(|e| self.io(e))?.is_some_and(|old| *old == *bytes) {
            return Ok(()); // Saves the card a write.
        }
        self.attempts.insert(key, bytes).map_err(|e| self.io(e))?;
        self.sync()
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }
}

/// Names have no NUL, so no name is the prefix of another's keys.
fn user_prefix(user: &UserName) -> Vec<u8> {
    format!("{user}\0").into_bytes()
}

fn key(user: &UserName, id: &str) -> Vec<u8> {
    format!("{user}\0{id}").into_bytes()
}

/// A leading `=` keeps identification apart from a user of that name.
fn attempts_key(user: Option<&UserName>) -> Vec<u8> {
    user.map_or_else(|| "identify".to_owned(), |user| format!("={user}")).into_bytes()
}

/// A crash while sled writes a snapshot leaves a file it then cannot open (spacejam/sled#1527).
fn forget_half_snapshots(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let half = file
            .file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating"));
        if half {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// Makes the names of new files last.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
