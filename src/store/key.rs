//! Where the store key comes from: a systemd credential, or a file that the first start creates.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::StoreError;
use super::files::{Disk, Folder, shred};
use super::seal::{KEY_BYTES, Key};
use crate::memory::Pinned;

/// Name of the credential: `LoadCredentialEncrypted=store-key:...` in the unit.
pub const CREDENTIAL: &str = "store-key";

/// Name of the file in the folder above the store, if none is configured.
const FILE: &str = "store.key";

/// Places where the key may be.
#[derive(Debug, Clone)]
pub struct KeySource {
    credential: Option<PathBuf>,
    file: PathBuf,
}

/// A key that may have wrapped the keyring, and its path.
pub(super) struct Candidate {
    pub(super) key: Pinned<Key>,
    pub(super) path: PathBuf,
}

impl KeySource {
    /// `configured` is the key file, or empty for `store.key` beside the store; `credentials` is systemd's
    /// `$CREDENTIALS_DIRECTORY`. A credential named [`CREDENTIAL`] takes precedence over the file.
    pub fn new(store: &Path, configured: &Path, credentials: Option<&OsStr>) -> Self {
        let credential =
            credentials.map(|folder| Path::new(folder).join(CREDENTIAL)).filter(|path| path.exists());
        let file = if configured.as_os_str().is_empty() {
            store.parent().unwrap_or(Path::new("")).join(FILE)
        } else {
            configured.to_owned()
        };
        Self { credential, file }
    }

    /// Whether the key is a credential.
    pub(super) fn has_credential(&self) -> bool {
        self.credential.is_some()
    }

    /// The key to use, then others that may have wrapped the keyring before. If there is no key and no store, the key file
    /// is created.
    ///
    /// # Errors
    /// [`StoreError::KeyMissing`], [`StoreError::Key`], [`StoreError::Io`].
    pub(super) fn candidates(&self, store_exists: bool) -> Result<Vec<Candidate>, StoreError> {
        let mut found = Vec::new();
        if let Some(path) = &self.credential {
            found.push(self.read(path)?);
        }
        // The second exists only if a rotation was cut short.
        for path in [self.file.clone(), self.new_file()] {
            // An empty file where there is no store: nothing was ever sealed with it.
            let nothing = !store_exists && std::fs::metadata(&path).is_ok_and(|file| file.len() == 0);
            match (path.exists() && !nothing).then(|| self.read(&path)) {
                Some(Ok(key)) => found.push(key),
                // With a credential the file is only an earlier key.
                Some(Err(error)) if found.is_empty() => return Err(error),
                Some(Err(_)) | None => {}
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        if store_exists {
            return Err(StoreError::KeyMissing { path: self.file.clone() });
        }
        self.make(&self.file).map(|key| vec![key])
    }

    /// Before another key is drawn: makes this one, which is in use, the only one in files.
    ///
    /// # Errors
    /// [`StoreError::KeyIsCredential`], [`StoreError::Io`].
    pub(super) fn remove_keys_except(&self, key: &Key) -> Result<(), StoreError> {
        if let Some(credential) = &self.credential {
            return Err(StoreError::KeyIsCredential { path: credential.clone() });
        }
        let holds = |path: &PathBuf| path.exists() && self.read(path).is_ok_and(|found| *found.key == *key);
        let used = [self.file.clone(), self.new_file()].into_iter().find(holds);
        used.map_or(Ok(()), |used| self.remove_other_keys(&used))
    }

    /// A new key in a file beside the present one. [`KeySource::remove_other_keys`] then puts it in place.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn create_next(&self) -> Result<Candidate, StoreError> {
        self.make(&self.new_file())
    }

    /// Makes the key at this path, which wraps the keyring, the only one in files.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn remove_other_keys(&self, used: &Path) -> Result<(), StoreError> {
        let (disk, name) = self.folder()?;
        let new = format!("{name}.new");
        let settled = if used == self.new_file() {
            let named = if self.file.exists() { disk.swap(&new, &name) } else { disk.rename(&new, &name) };
            named.and_then(|()| disk.sync_names()).and_then(|()| shred(&disk, &new))
        } else if used == self.file {
            shred(&disk, &new)
        } else {
            Ok(())
        };
        settled.map_err(|e| io(&self.file, &e))
    }

    fn new_file(&self) -> PathBuf {
        let mut name = self.file.as_os_str().to_owned();
        name.push(".new");
        name.into()
    }

    fn folder(&self) -> Result<(Folder, String), StoreError> {
        let name = self.file.file_name().and_then(OsStr::to_str);
        let name = name.ok_or_else(|| self.failed(&self.file, "it has no file name"))?;
        let folder = self.file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = Folder::new(folder).map_err(|e| io(&self.file, &e))?;
        Ok((folder, name.to_owned()))
    }

    fn make(&self, path: &Path) -> Result<Candidate, StoreError> {
        let (disk, _) = self.folder()?;
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or(FILE);
        let mut key = Pinned::<Key>::default();
        *key = Key::random();
        // It gets its name only once it is whole and on the disk.
        let part = format!("{name}.part");
        shred(&disk, &part)
            .and_then(|()| disk.write(&part, 0, key.bytes()))
            .and_then(|()| disk.sync(&part))
            .and_then(|()| disk.rename(&part, name))
            .and_then(|()| disk.sync_names())
            .map_err(|e| io(path, &e))?;
        Ok(Candidate { key, path: path.to_owned() })
    }

    fn read(&self, path: &Path) -> Result<Candidate, StoreError> {
        let length = std::fs::metadata(path).map_err(|e| io(path, &e))?.len();
        if length > 4 * KEY_BYTES as u64 {
            return Err(self.failed(path, &format!("{length} bytes are no key")));
        }
        let bytes = Zeroizing::new(std::fs::read(path).map_err(|e| io(path, &e))?);
        let mut key = Pinned::<Key>::default();
        *key = parse(&bytes).ok_or_else(|| self.failed(path, &format!("{length} bytes are no key")))?;
        Ok(Candidate { key, path: path.to_owned() })
    }

    fn failed(&self, path: &Path, why: &str) -> StoreError {
        StoreError::Key { path: path.to_owned(), why: why.to_owned() }
    }
}

fn io(path: &Path, why: &std::io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), why: format!("store key: {why}") }
}

/// 32 raw bytes, or 64 hex digits with or without a line end.
fn parse(bytes: &[u8]) -> Option<Key> {
    if let Ok(raw) = bytes.try_into() {
        return Some(Key::from_bytes(raw));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    let mut raw = Zeroizing::new([0; KEY_BYTES]);
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return None;
    }
    for (byte, at) in raw.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(Key::from_bytes(*raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_32_bytes_or_64_hex_digits() {
        let raw = [0xAB; 32];
        let hex = "ab".repeat(32);
        for text in [hex.clone().into_bytes(), format!("{hex}\n").into_bytes(), raw.to_vec()] {
            assert_eq!(parse(&text).expect("a key").bytes(), &raw);
        }
        for text in ["", "ab", &"zz".repeat(32), &"ab".repeat(33), &"é".repeat(32)] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn the_first_start_makes_a_private_file_and_later_ones_read_it() {
        let folder = tempfile::tempdir().expect("folder");
        let source = KeySource::new(&folder.path().join("store"), Path::new(""), None);
        let made = source.candidates(false).expect("made").remove(0);
        let path = folder.path().join("store.key");
        assert_eq!(made.path, path);
        assert_eq!(std::fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
        let read = source.candidates(true).expect("read").remove(0);
        assert!(*read.key == *made.key);
    }

    #[test]
    fn a_lost_key_is_not_taken_for_a_first_start() {
        let folder = tempfile::tempdir().expect("folder");
        let source = KeySource::new(&folder.path().join("store"), Path::new(""), None);
        let error = source.candidates(true).map(|_| ()).expect_err("missing").to_string();
        assert!(error.contains("store.key") && error.contains("put it back"), "{error}");
        assert!(!folder.path().join("store.key").exists());
        std::fs::write(folder.path().join("store.key"), "short").expect("written");
        let error = source.candidates(true).map(|_| ()).expect_err("no key").to_string();
        assert!(error.contains("5 bytes are no key"), "{error}");
    }

    #[test]
    fn an_empty_file_without_a_store_is_no_key_and_one_with_a_store_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let source = KeySource::new(&folder.path().join("store"), Path::new(""), None);
        let path = folder.path().join("store.key");
        std::fs::write(&path, "").expect("written");
        assert!(source.candidates(true).is_err());
        let made = source.candidates(false).expect("made").remove(0);
        assert_eq!(std::fs::read(&path).expect("read"), made.key.bytes());
        assert!(!folder.path().join("store.key.part").exists());
        std::fs::write(&path, "mellon").expect("written");
        assert!(source.candidates(false).is_err(), "somebody wrote it: it is not replaced");
    }

    #[test]
    fn a_disk_that_fails_is_not_taken_for_a_wrong_key() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("file"), "").expect("written");
        let source = KeySource::new(&folder.path().join("file/store"), Path::new(""), None);
        let error = source.candidates(false).map(|_| ()).expect_err("no folder").to_string();
        assert!(error.contains("store.key") && error.contains("check the disk"), "{error}");
    }

    #[test]
    fn a_credential_takes_precedence_over_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("store-key"), [1; 32]).expect("written");
        std::fs::write(folder.path().join("store.key"), [2; 32]).expect("written");
        let credentials = Some(folder.path().as_os_str());
        let source = KeySource::new(&folder.path().join("store"), Path::new(""), credentials);
        let keys = source.candidates(true).expect("read");
        assert_eq!(keys.iter().map(|k| k.key.bytes()[0]).collect::<Vec<_>>(), [1, 2]);
        assert!(matches!(source.remove_keys_except(&Key::random()), Err(StoreError::KeyIsCredential { .. })));
    }
}
