//! Files that a setup writes whole or not at all, and puts back.
//!
//! They are in folders that root alone may write: whoever takes over a daemon must not choose what root takes back.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ask::Stop;

/// A path with this ending added.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(ending);
    path.into()
}

/// A file as it was before the first setup.
pub fn before(path: &Path) -> PathBuf {
    beside(path, ".before-setup")
}

/// Where the setup of a program writes down what it does, by the path of its configuration.
pub fn record(config: &Path) -> PathBuf {
    beside(config, ".setup-undo")
}

/// What earlier setups have done; the default where there was none.
///
/// # Errors
/// The record cannot be read, or is none.
pub fn load<D: DeserializeOwned + Default>(record: &Path) -> Result<D, Stop> {
    let failed = |why: String| Stop(format!("{}: {why}", record.display()));
    match std::fs::read_to_string(record) {
        Ok(text) => toml::from_str(&text).map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(D::default()),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Puts on the disk what was done or is about to be.
///
/// # Errors
/// It cannot be written.
pub fn save(record: &Path, done: &impl Serialize) -> Result<(), Stop> {
    let text = toml::to_string(done).map_err(|error| Stop(error.to_string()))?;
    replace(record, text)
}

/// What is in a file; nothing if there is none.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| Stop(format!("{}: {error}", path.display()))),
    }
}

/// Puts a file on the disk, whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Stop> {
    let new = beside(path, ".new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(text.as_ref())?;
        // A daemon reads it, whatever root's umask is.
        file.set_permissions(PermissionsExt::from_mode(0o644))?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| Stop(format!("{}: cannot be written ({error})", path.display())))
}

/// As [`replace`], in a folder that is made as well.
///
/// # Errors
/// One of them cannot be made.
pub fn make(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Stop> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Stop(format!("{}: cannot be made ({error})", folder.display())))?;
    }
    replace(path, text)
}

/// Removes a file, if it is there, and its folder, if that is empty then.
///
/// # Errors
/// The file cannot be removed.
pub fn unmake(path: &Path) -> Result<(), Stop> {
    remove(&beside(path, ".new"))?;
    remove(path)?;
    // What is there has a reason to stay.
    let _ = path.parent().map(std::fs::remove_dir);
    Ok(())
}

/// Removes a file, if it is there.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), Stop> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Stop(format!("{}: cannot be removed ({error})", path.display())))
        }
        _ => Ok(()),
    }
}

/// Makes a file what it was before the first setup, from the copy at [`before`], or removes it if it did not exist. What is there
/// now is kept beside it. May be done again.
///
/// # Errors
/// It cannot be renamed.
pub fn put_back(path: &Path, existed: bool) -> Result<(), Stop> {
    remove(&beside(path, ".new"))?;
    let undone = beside(path, ".undone");
    let failed = |error: std::io::Error| Stop(format!("{}: {error}", path.display()));
    let kept = before(path);
    if !existed {
        return if path.exists() { std::fs::rename(path, undone).map_err(failed) } else { Ok(()) };
    }
    // Not there: it was put back already.
    if kept.exists() {
        let _ = std::fs::copy(path, undone);
        std::fs::rename(&kept, path).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_put_back_as_it_was_and_only_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.toml");
        let text = || std::fs::read_to_string(&path).ok();
        replace(&path, "old").and_then(|()| replace(&before(&path), "old")).expect("written");
        replace(&path, "new").expect("written");
        assert_eq!((put_back(&path, true), text()), (Ok(()), Some("old".to_owned())));
        replace(&path, "later").expect("written");
        assert_eq!((put_back(&path, true), text()), (Ok(()), Some("later".to_owned())), "it was put back");
        assert_eq!((put_back(&path, false), text()), (Ok(()), None));
        assert_eq!(put_back(&path, false), Ok(()));
        assert_eq!(std::fs::read_to_string(beside(&path, ".undone")).ok().as_deref(), Some("later"));
        assert_eq!((remove(&path), read(&path)), (Ok(()), Ok(Vec::new())));
    }

    #[test]
    fn a_file_is_made_and_removed_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.d/b/x.conf");
        assert_eq!((make(&path, "x"), read(&path)), (Ok(()), Ok(b"x".to_vec())));
        std::fs::write(beside(&path, ".new"), "half").expect("written");
        assert_eq!((unmake(&path), unmake(&path)), (Ok(()), Ok(())));
        assert!(!folder.path().join("a.d/b").exists() && folder.path().join("a.d").exists());
    }

    #[test]
    fn a_record_that_is_none_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = record(&folder.path().join("x.toml"));
        assert_eq!(load::<Vec<u8>>(&path), Ok(Vec::new()));
        replace(&path, "= 1").expect("written");
        assert!(load::<toml::Table>(&path).is_err_and(|why| why.0.contains("x.toml.setup-undo")));
    }
}
