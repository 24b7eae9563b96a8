//! Hashes of PINs: argon2id (RFC 9106) with a secret of this store. The salt is the same for everybody, so that one hash tells
//! whose PIN was typed, and that a PIN is taken.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

use super::seal::{KEY_BYTES, Key};
use crate::memory::Pinned;
use crate::people::access::PinSecret;
use crate::people::{Pin, PinHash};

/// KiB of memory of a hash: with [`PASSES`] one of the choices of the OWASP Password Storage Cheat Sheet, for boards with
/// little memory.
const MEMORY_KIB: u32 = 7 * 1024;

/// Passes over that memory.
const PASSES: u32 = 5;

/// Tells these hashes from any other; what makes them differ from store to store is the secret.
const SALT: &[u8] = b"facelatch pins v1";

/// Hashes PINs. Takes 7 MiB of memory while it does.
pub struct PinHasher(Pinned<Key>);

impl PinHasher {
    /// For the store with this root key.
    pub(super) fn new(root: &Key) -> Self {
        let mut key = Pinned::<Key>::default();
        root.derive_into("pins", &mut key);
        Self(key)
    }

    /// With the secret of another store, for its hashes.
    pub(super) fn of_given(secret: &PinSecret) -> Self {
        let mut key = Pinned::<Key>::default();
        *key = Key::from_bytes(secret.0);
        Self(key)
    }

    /// What its hashes hold for.
    pub(super) fn secret(&self) -> PinSecret {
        PinSecret(*self.0.bytes())
    }

    /// A hasher of a secret, for stores of tests.
    pub fn of_secret(secret: [u8; KEY_BYTES]) -> Self {
        Self::new(&Key::from_bytes(secret))
    }

    /// The hash of a PIN; the memory is wiped afterwards.
    ///
    /// # Errors
    /// Text, if argon2 refuses its parameters.
    pub fn hash(&self, pin: &Pin) -> Result<PinHash, String> {
        let refused = |error: argon2::Error| format!("PINs cannot be hashed ({error}); please report it");
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(KEY_BYTES)).map_err(refused)?;
        let mut memory = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new_with_secret(self.0.bytes(), Algorithm::Argon2id, Version::V0x13, params)
            .map_err(refused)?;
        let mut hash = [0; KEY_BYTES];
        let hashed = argon2.hash_password_into_with_memory(pin.digits(), SALT, &mut hash, &mut memory);
        memory.zeroize();
        hashed.map(|()| PinHash(hash)).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(secret: u8, pin: &str) -> [u8; 32] {
        PinHasher::of_secret([secret; 32]).hash(&Pin::typed(pin).expect("digits")).expect("hashes").0
    }

    #[test]
    fn a_hash_never_changes_and_differs_by_pin_and_store() {
        assert_eq!(hash(7, "471100"), hash(7, "471100"));
        assert_ne!(hash(7, "471100"), hash(7, "4711000"));
        assert_ne!(hash(7, "471100"), hash(8, "471100"));
        let hex: String = hash(7, "471100").iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        // By libargon2, with the key that Python's hmac derives as `seal` does.
        assert_eq!(hex, "e29c18d4190dacb6");
    }
}
