//! A [`Table`] over sled 0.34.7: the only file that names sled.
//!
//! sled's own flush survives the end of the process but not a power cut: it flushes neither metadata nor the card's
//! cache. So each change is followed by an fsync of its file. Damaged files make sled panic or lose entries silently;
//! the manifest shows it.

use std::fs::{DirBuilder, File, Permissions, set_permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::manifest::Change;
use super::table::Table;

/// sled's cache in bytes. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 4 << 20;

/// sled's cache has 256 parts, and each looks at its size only at every 64th access to one of its pages: a table that is read once
/// from one end to the other would stay in memory, 68 MB of 100,000 templates. So every second entry is looked up as well, which
/// comes to some ten accesses to each page.
const ENTRIES_PER_TOUCH: usize = 2;

/// The file that holds sled's log.
const LOG_FILE: &str = "db";

struct Sled {
    path: PathBuf,
    db: ::sled::Db,
}

/// Opens the table in a folder, or makes an empty one.
///
/// # Errors
/// Text.
pub(super) fn open(path: &Path) -> Result<Box<dyn Table>, String> {
    let failed = |e: std::io::Error| e.to_string();
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    forget_half_snapshots(path).map_err(failed)?;
    let db = ::sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .mode(::sled::Mode::LowSpace)
        // No timer: it writes when it is told to, and never while idle.
        .flush_every_ms(None)
        .open()
        .map_err(|e| e.to_string())?;
    let table = Sled { path: path.into(), db };
    table.sync()?;
    keep_private(path).map_err(failed)?;
    // The names of new files, and of the folder itself.
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all()).map_err(failed)?;
    Ok(Box::new(table))
}

impl Sled {
    /// Everything written so far is on the disk when this returns.
    fn sync(&self) -> Result<(), String> {
        self.db.flush().map_err(|e| e.to_string())?;
        File::open(self.path.join(LOG_FILE)).and_then(|file| file.sync_all()).map_err(|e| e.to_string())
    }
}

impl Table for Sled {
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), String> {
        for (at, entry) in self.db.iter().enumerate() {
            let (key, value) = entry.map_err(|e| e.to_string())?;
            visit(&key, &value);
            if at % ENTRIES_PER_TOUCH == 0 {
                self.db.get(&key).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let found = self.db.get(key).map_err(|e| e.to_string())?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn apply(&self, change: &Change) -> Result<(), String> {
        let mut batch = ::sled::Batch::default();
        for (key, value) in change {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        self.db.apply_batch(batch).map_err(|e| e.to_string())?;
        self.sync()
    }
}

/// sled makes its files with the process's umask.
fn keep_private(path: &Path) -> std::io::Result<()> {
    set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            keep_private(&entry.path())?;
        } else {
            set_permissions(entry.path(), Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
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
