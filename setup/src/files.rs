//! Files that a setup writes whole or not at all, and puts back.
//!
//! They are in folders that root alone may write: whoever takes over a daemon must not choose what root takes back. So a symbolic
//! link, which may lead elsewhere, is not followed, and not replaced.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
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

/// What earlier setups have done; the default where there was none. Removes what a killed one was about to write.
///
/// # Errors
/// The record cannot be read, or is none; what was about to be written cannot be removed.
pub fn load<D: DeserializeOwned + Default>(record: &Path) -> Result<D, Stop> {
    remove(&beside(record, ".new"))?;
    let failed = |why: String| Stop(format!("{}: {why}", record.display()));
    match std::fs::read_to_string(record) {
        Ok(text) => toml::from_str(&text).map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(D::default()),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Puts on the disk what was done or is about to be, for root alone: it names people.
///
/// # Errors
/// It cannot be written.
pub fn save(record: &Path, done: &impl Serialize) -> Result<(), Stop> {
    let text = toml::to_string(done).map_err(|error| Stop(error.to_string()))?;
    put(record, text.as_bytes(), 0o600, None)
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

/// Puts a file on the disk, whole or not at all. It keeps its mode and owner; a new one can be read by a daemon, whatever root's
/// umask is.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Stop> {
    replace_like(path, text, path)
}

/// As [`replace`], with the mode and owner of another file.
///
/// # Errors
/// It cannot be written.
pub fn replace_like(path: &Path, text: impl AsRef<[u8]>, like: &Path) -> Result<(), Stop> {
    let there = std::fs::metadata(like).ok();
    let mode = there.as_ref().map_or(0o644, |there| there.mode() & 0o777);
    put(path, text.as_ref(), mode, there.as_ref())
}

fn put(path: &Path, text: &[u8], mode: u32, owner: Option<&Metadata>) -> Result<(), Stop> {
    if path.is_symlink() {
        return Err(Stop(format!(
            "{}: a symbolic link; put a file in its place, then run this again",
            path.display()
        )));
    }
    let new = beside(path, ".new");
    remove(&new)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let made = file.metadata()?;
        if let Some(owner) = owner.filter(|owner| (owner.uid(), owner.gid()) != (made.uid(), made.gid())) {
            fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        file.set_permissions(PermissionsExt::from_mode(mode))?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| Stop(format!("{}: cannot be written ({error})", path.display())))
}

/// As [`replace_like`], in a folder that is made as well.
///
/// # Errors
/// One of them cannot be made.
pub fn make(path: &Path, text: impl AsRef<[u8]>, like: &Path) -> Result<(), Stop> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Stop(format!("{}: cannot be made ({error})", folder.display())))?;
    }
    replace_like(path, text, like)
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

/// What to tell the person where the copy of a file is gone that was made before it was changed.
pub fn lost_copy(path: &Path) -> Option<String> {
    let kept = before(path);
    (!kept.exists()).then(|| {
        format!(
            "{} stays as it is now: {}, what it said before the setup, is gone",
            path.display(),
            kept.display()
        )
    })
}

/// Makes a file what it was before the first setup, from the copy at [`before`], or removes it if it did not exist. What is there
/// now is kept beside it. What to tell the person; nothing if it was so already. May be done again.
///
/// # Errors
/// It cannot be copied or renamed.
pub fn put_back(path: &Path, existed: bool) -> Result<Option<String>, Stop> {
    let (kept, undone) = (before(path), beside(path, ".undone"));
    remove(&beside(path, ".new"))?;
    remove(&beside(&kept, ".new"))?;
    let failed = |at: &Path, error: std::io::Error| Stop(format!("{}: {error}", at.display()));
    let aside = format!("; what it said until now is {}", undone.display());
    if !existed {
        if !path.exists() {
            return Ok(None);
        }
        std::fs::rename(path, &undone).map_err(|error| failed(path, error))?;
        return Ok(Some(format!("{} is gone, as before the setup{aside}", path.display())));
    }
    if !kept.exists() {
        return Ok(None);
    }
    let is_there = path.exists();
    if is_there {
        std::fs::copy(path, &undone).map_err(|error| failed(&undone, error))?;
    }
    std::fs::rename(&kept, path).map_err(|error| failed(path, error))?;
    let aside = if is_there { aside } else { String::new() };
    Ok(Some(format!("{} is as before the setup{aside}", path.display())))
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
        let told = |told: Result<Option<String>, Stop>| told.map(|told| told.unwrap_or_default());
        let back = told(put_back(&path, true)).expect("put back");
        assert!(back.contains("as before the setup; what it said until now is"), "{back}");
        assert_eq!(text().as_deref(), Some("old"));
        replace(&path, "later").expect("written");
        assert_eq!((put_back(&path, true), text()), (Ok(None), Some("later".to_owned())), "it was put back");
        assert!(told(put_back(&path, false)).is_ok_and(|told| told.contains("is gone")));
        assert_eq!((put_back(&path, false), text()), (Ok(None), None));
        assert_eq!(std::fs::read_to_string(beside(&path, ".undone")).ok().as_deref(), Some("later"));
        assert_eq!((remove(&path), read(&path)), (Ok(()), Ok(Vec::new())));
    }

    #[test]
    fn a_symbolic_link_is_refused_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (real, path) = (folder.path().join("real.toml"), folder.path().join("x.toml"));
        replace(&real, "mine").expect("written");
        for to in ["real.toml", "nowhere"] {
            std::os::unix::fs::symlink(to, &path).expect("linked");
            assert!(replace(&path, "new").is_err_and(|why| why.0.contains("x.toml: a symbolic link")));
            assert_eq!(put_back(&path, true), Ok(None));
            assert!(std::fs::read_link(&path).is_ok_and(|link| link == Path::new(to)));
            remove(&path).expect("removed");
        }
        assert_eq!((read(&real), folder.path().join("nowhere").exists()), (Ok(b"mine".to_vec()), false));
    }

    #[test]
    fn nothing_is_put_back_where_the_present_text_cannot_be_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.toml");
        replace(&path, "mine").and_then(|()| replace(&before(&path), "old")).expect("written");
        std::fs::create_dir(beside(&path, ".undone")).expect("in the way");
        assert!(put_back(&path, true).is_err_and(|why| why.0.contains(".undone")));
        assert_eq!(read(&path), Ok(b"mine".to_vec()));
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_record_is_for_root_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
        let path = folder.path().join("x.toml");
        replace(&path, "old").expect("written");
        assert_eq!(mode(&path), 0o644);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("set");
        replace_like(&before(&path), "old", &path).and_then(|()| replace(&path, "new")).expect("written");
        assert_eq!((mode(&path), mode(&before(&path))), (0o640, 0o640));
        save(&record(&path), &toml::Table::new()).expect("written");
        assert_eq!(mode(&record(&path)), 0o600);
    }

    #[test]
    fn a_file_is_made_and_removed_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.d/b/x.conf");
        assert_eq!((make(&path, "x", &path), read(&path)), (Ok(()), Ok(b"x".to_vec())));
        std::fs::write(beside(&path, ".new"), "half").expect("written");
        assert_eq!((unmake(&path), unmake(&path)), (Ok(()), Ok(())));
        assert!(!folder.path().join("a.d/b").exists() && folder.path().join("a.d").exists());
    }

    #[test]
    fn a_record_that_is_none_is_named_and_half_a_one_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = record(&folder.path().join("x.toml"));
        std::fs::write(beside(&path, ".new"), "[").expect("written");
        assert_eq!(load::<Vec<u8>>(&path), Ok(Vec::new()));
        assert!(!beside(&path, ".new").exists(), "a killed setup left it");
        replace(&path, "= 1").expect("written");
        assert!(load::<toml::Table>(&path).is_err_and(|why| why.0.contains("x.toml.setup-undo")));
    }
}
