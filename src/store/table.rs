//! A table of entries on the disk, behind a trait: sled in the daemon, memory in tests. Read whole at start; later an
//! entry is read from it only where the change log does not have it any more.
//!
//! An engine may panic or hang over damaged files; here either becomes an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::manifest::Change;
use crate::clock::WallTime;

/// Opens, or makes, a table in a folder.
pub(super) type OpenTable = fn(&Path) -> Result<Box<dyn Table>, String>;

/// Pairs of bytes on a disk. Errors are texts.
pub(super) trait Table: Send {
    /// Shows all pairs, by key.
    ///
    /// # Errors
    /// Text.
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), String>;
    /// The value with this key.
    ///
    /// # Errors
    /// Text.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, String>;
    /// Carries out all of a change or nothing; it is on the disk when this returns.
    ///
    /// # Errors
    /// Text.
    fn apply(&self, change: &Change) -> Result<(), String>;
}

/// Opens the one table of a store, as often as it must be.
pub(super) trait TableSource: Send {
    /// Whether there is a table, damaged or not.
    fn exists(&self) -> bool;
    /// Opens it, or makes an empty one.
    ///
    /// # Errors
    /// Text.
    fn open(&self) -> Result<Box<dyn Table>, String>;
    /// Moves the table aside and gives its new path.
    ///
    /// # Errors
    /// Text.
    fn set_aside(&self, now: WallTime) -> Result<String, String>;
    /// Paths of tables that were moved aside and are still there.
    fn set_aside_earlier(&self) -> Vec<String>;
}

/// How long a table may take to open: damage can make it loop.
const OPEN_TIMEOUT: Duration = Duration::from_secs(40);

/// Most damaged tables that are kept, for somebody to look into.
const KEPT_ASIDE: usize = 2;

/// A table in a folder.
pub(super) struct TableFolder {
    path: PathBuf,
    open: OpenTable,
}

impl TableFolder {
    pub(super) fn new(path: PathBuf, open: OpenTable) -> Self {
        Self { path, open }
    }

    fn aside(&self) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let prefix = format!("{name}.corrupt-");
        let named =
            |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix));
        let mut found: Vec<PathBuf> = entries.filter(named).collect();
        found.sort();
        found
    }
}

impl TableSource for TableFolder {
    fn exists(&self) -> bool {
        self.path.exists()
    }

    fn open(&self) -> Result<Box<dyn Table>, String> {
        let (open, path) = (self.open, self.path.clone());
        // On a thread of its own, since it may panic or loop.
        let (sender, receiver) = sync_channel(1);
        let thread = std::thread::Builder::new().name("table".to_owned());
        let opening = move || {
            // If nobody waits any more, the table is closed again.
            let _ = sender.send(open(&path).map(|table| Box::new(Guarded(Some(table))) as Box<dyn Table>));
        };
        thread.spawn(opening).map_err(|e| e.to_string())?;
        match receiver.recv_timeout(OPEN_TIMEOUT) {
            Ok(opened) => opened,
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("it did not open within {} s", OPEN_TIMEOUT.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err("the files are damaged (it panicked)".to_owned()),
        }
    }

    fn set_aside(&self, now: WallTime) -> Result<String, String> {
        let failed = |e: std::io::Error| format!("{}: cannot be moved aside: {e}", self.path.display());
        let mut aside = self.aside();
        while aside.len() >= KEPT_ASIDE {
            std::fs::remove_dir_all(aside.remove(0)).map_err(failed)?;
        }
        let name = |n: usize| {
            let mut name = self.path.as_os_str().to_owned();
            // The clock may stand still or have jumped back.
            name.push(format!(".corrupt-{}{}", now.0, if n == 0 { String::new() } else { format!("-{n}") }));
            PathBuf::from(name)
        };
        let to = (0..).map(name).find(|path| !path.exists()).unwrap_or_default();
        std::fs::rename(&self.path, &to).map_err(failed)?;
        Ok(to.display().to_string())
    }

    fn set_aside_earlier(&self) -> Vec<String> {
        self.aside().iter().map(|path| path.display().to_string()).collect()
    }
}

/// A table whose panics are errors.
struct Guarded(Option<Box<dyn Table>>);

impl Drop for Guarded {
    fn drop(&mut self) {
        let table = self.0.take();
        // sled writes what it still holds, and unwraps.
        if catch_unwind(AssertUnwindSafe(|| drop(table))).is_err() {
            tracing::error!(
                "store: the table panicked while it was closed; the next start verifies its files"
            );
        }
    }
}

impl Guarded {
    fn ask<T>(&self, work: impl FnOnce(&dyn Table) -> Result<T, String>) -> Result<T, String> {
        let table = self.0.as_deref().ok_or("it is closed")?;
        caught(|| work(table))
    }
}

impl Table for Guarded {
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), String> {
        self.ask(|table| table.each(visit))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.ask(|table| table.get(key))
    }

    fn apply(&self, change: &Change) -> Result<(), String> {
        self.ask(|table| table.apply(change))
    }
}

/// After an error the table is closed, so nobody sees what a panic left half done.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("the files are damaged (it panicked)".to_owned()))
}

#[cfg(test)]
pub(super) mod tests;
