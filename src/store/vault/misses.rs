//! Misses: sealed under a keyed tag of the user's name.

use super::{Inner, MISSES};
use crate::people::{Attempts, UserName};
use crate::store::StoreError;

impl Inner {
    /// Whose misses they are cannot be read from the key.
    pub(super) fn misses_key(&self, user: Option<&UserName>) -> Vec<u8> {
        let tag = match user {
            Some(user) => self.keys.names.mac(&[b"user", user.as_str().as_bytes()]),
            None => self.keys.names.mac(&[b"identify"]),
        };
        [&[MISSES], &tag[..16]].concat()
    }

    pub(super) fn attempts(&self, user: Option<&UserName>) -> Result<Attempts, StoreError> {
        let key = self.misses_key(user);
        let Some(sealed) = self.entries.get(&key) else {
            return Ok(Attempts::default());
        };
        let open = || {
            let plain =
                self.keys.misses.open(&[b"misses", &key], sealed).map_err(|_| "it was changed".to_owned())?;
            serde_json::from_slice(&plain).map_err(|e| e.to_string())
        };
        let whose = user.map_or("identification", UserName::as_str);
        open().map_err(|why| self.damaged(&format!("misses of {whose}"), &why))
    }

    pub(super) fn set_attempts(
        &mut self,
        user: Option<&UserName>,
        attempts: Attempts,
    ) -> Result<(), StoreError> {
        // A record that cannot be read is replaced by a good one.
        if self.attempts(user).is_ok_and(|before| before == attempts) {
            return Ok(()); // Saves the card a write.
        }
        let key = self.misses_key(user);
        let sealed = if attempts == Attempts::default() {
            None
        } else {
            let plain = serde_json::to_vec(&attempts).map_err(|e| self.io(e))?;
            Some(self.keys.misses.seal(&[b"misses", &key], &plain))
        };
        self.commit(vec![(key, sealed)])
    }
}
