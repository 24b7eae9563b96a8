//! When each person may come in, and what holds for the premises: sealed under a keyed tag like misses, so that an entry's key
//! does not say whose it is. The value does: who lost their rules must be known, and who has any is listed.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::seal::Key;
use crate::memory::Pinned;
use crate::people::UserName;
use crate::people::access::{Access, Premises};

/// First bytes of an entry's key. A program from before there were rules takes such an entry for misses, which it keeps, and
/// not for a template that it cannot open, which it would drop.
const PREFIX: &[u8] = b"ap";

const TAG_BYTES: usize = 16;

/// The keys that name and seal rules.
pub(super) struct RuleCipher(Pinned<RuleKeys>);

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct RuleKeys {
    names: Key,
    rules: Key,
}

#[derive(Serialize, Deserialize)]
struct Person {
    user: String,
    access: Access,
}

/// Whether this is the key of an entry of rules. Misses have no second letter, and so a shorter key.
pub(super) fn is_key(key: &[u8]) -> bool {
    key.starts_with(PREFIX) && key.len() == PREFIX.len() + TAG_BYTES
}

impl RuleCipher {
    /// Derives the keys.
    pub(super) fn new(root: &Key) -> Self {
        let mut keys = Pinned::<RuleKeys>::default();
        root.derive_into("rule names", &mut keys.names);
        root.derive_into("rules", &mut keys.rules);
        Self(keys)
    }

    /// The key of a person's entry, or of the premises' for `None`.
    pub(super) fn key(&self, user: Option<&UserName>) -> Vec<u8> {
        let tag = match user {
            Some(user) => self.0.names.mac(&[b"user", user.as_str().as_bytes()]),
            None => self.0.names.mac(&[b"premises"]),
        };
        [PREFIX, &tag[..TAG_BYTES]].concat()
    }

    /// Whose entry it is, and what it says.
    ///
    /// # Errors
    /// Text that says what is wrong with it.
    pub(super) fn open(&self, key: &[u8], sealed: &[u8]) -> Result<(UserName, Access), String> {
        let person: Person = serde_json::from_slice(&self.plain(key, sealed)?).map_err(|e| e.to_string())?;
        let user = UserName::new(&person.user).map_err(|e| e.to_string())?;
        Ok((user, person.access))
    }

    /// What the entry of the premises says.
    ///
    /// # Errors
    /// As [`RuleCipher::open`].
    pub(super) fn open_premises(&self, key: &[u8], sealed: &[u8]) -> Result<Premises, String> {
        serde_json::from_slice(&self.plain(key, sealed)?).map_err(|e| e.to_string())
    }

    fn plain(&self, key: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        self.0.rules.open(&[b"rules", key], sealed).map_err(|_| "it was changed".to_owned())
    }

    /// The value of a person's entry.
    ///
    /// # Errors
    /// Text.
    pub(super) fn seal(&self, key: &[u8], user: &UserName, access: &Access) -> Result<Vec<u8>, String> {
        self.sealed(key, &Person { user: user.to_string(), access: access.clone() })
    }

    /// The value of the premises' entry.
    ///
    /// # Errors
    /// Text.
    pub(super) fn seal_premises(&self, key: &[u8], premises: &Premises) -> Result<Vec<u8>, String> {
        self.sealed(key, premises)
    }

    fn sealed(&self, key: &[u8], entry: &impl Serialize) -> Result<Vec<u8>, String> {
        let plain = Zeroizing::new(serde_json::to_vec(entry).map_err(|e| e.to_string())?);
        Ok(self.0.rules.seal(&[b"rules", key], &plain))
    }
}
