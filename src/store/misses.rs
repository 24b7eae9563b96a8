//! Misses of each user, sealed under a keyed tag of the user's name: an entry's key does not say whose they are.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::seal::Key;
use crate::memory::Pinned;
use crate::people::{Misses, UserName};

/// First byte of an entry's key.
const PREFIX: u8 = b'a';

const TAG_BYTES: usize = 16;

/// The keys that name and seal misses.
pub(super) struct MissCipher(Pinned<MissKeys>);

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct MissKeys {
    names: Key,
    misses: Key,
}

/// Whether this is the key of an entry of misses.
pub(super) fn is_key(key: &[u8]) -> bool {
    key.first() == Some(&PREFIX) && key.len() == 1 + TAG_BYTES
}

impl MissCipher {
    /// Derives the keys.
    pub(super) fn new(root: &Key) -> Self {
        let mut keys = Pinned::<MissKeys>::default();
        root.derive_into("names", &mut keys.names);
        root.derive_into("misses", &mut keys.misses);
        Self(keys)
    }

    /// The key of a user's entry, or of identification's for `None`.
    pub(super) fn key(&self, user: Option<&UserName>) -> Vec<u8> {
        let tag = match user {
            Some(user) => self.0.names.mac(&[b"user", user.as_str().as_bytes()]),
            None => self.0.names.mac(&[b"identify"]),
        };
        [&[PREFIX], &tag[..TAG_BYTES]].concat()
    }

    /// The key of the entry of PINs.
    pub(super) fn pins_key(&self) -> Vec<u8> {
        [&[PREFIX], &self.0.names.mac(&[b"pins"])[..16]].concat()
    }

    /// The misses in the entry with this key.
    ///
    /// # Errors
    /// Text that says what is wrong with it.
    pub(super) fn open(&self, key: &[u8], sealed: &[u8]) -> Result<Misses, String> {
        let plain = self.0.misses.open(&[b"misses", key], sealed).map_err(|_| "it was changed".to_owned())?;
        serde_json::from_slice(&plain).map_err(|e| e.to_string())
    }

    /// The value of the entry with this key.
    ///
    /// # Errors
    /// Text.
    pub(super) fn seal(&self, key: &[u8], misses: &Misses) -> Result<Vec<u8>, String> {
        let plain = serde_json::to_vec(misses).map_err(|e| e.to_string())?;
        Ok(self.0.misses.seal(&[b"misses", key], &plain))
    }
}
