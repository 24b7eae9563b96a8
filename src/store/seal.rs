//! Keys and their operations: seal and open (XChaCha20-Poly1305), derive (HKDF-SHA-256), tag and verify (HMAC-SHA-256).

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;

/// Bytes that sealing adds: a random nonce before, a tag after.
pub(super) const SEAL_BYTES: usize = NONCE_BYTES + TAG_BYTES;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// 256 secret bits. Without `Debug` on purpose; wiped on drop.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(super) struct Key([u8; KEY_BYTES]);

/// The bytes were not sealed with this key for this purpose, or were changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl Key {
    /// From the system's generator.
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// From the bytes of a key.
    pub(super) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret itself.
    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A separate key for one purpose, which says nothing about this one.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        let mut key = Self::default();
        self.derive_into(purpose, &mut key);
        key
    }

    /// The same, written in place.
    pub(super) fn derive_into(&self, purpose: &str, key: &mut Self) {
        let hkdf = Hkdf::<Sha256>::new(Some(b"facelatch store v2"), &self.0);
        // HKDF refuses only outputs above 8160 bytes.
        let _ = hkdf.expand(purpose.as_bytes(), &mut key.0);
    }

    /// Nonce, ciphertext, tag. `associated` is authenticated but not stored: opening needs the same.
    pub(super) fn seal(&self, associated: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let associated = framed(associated);
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let payload = Payload { msg: plain, aad: &associated };
        // Fails only for messages of many gigabytes.
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &sealed].concat()
    }

    /// What was sealed, wiped when dropped.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) fn open(&self, associated: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Broken)?;
        let associated = framed(associated);
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let payload = Payload { msg: sealed, aad: &associated };
        cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Broken)
    }

    /// A tag that only this key can make.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.hmac(parts).finalize().into_bytes().into()
    }

    /// Whether this is the tag of these parts, in constant time.
    pub(super) fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.hmac(parts).verify_slice(tag).is_ok()
    }

    fn hmac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        // As HMAC does itself: a short key is padded with zeros to one block.
        let mut block = Zeroizing::new([0; 64]);
        block[..KEY_BYTES].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

/// Each part preceded by its length, so that no two lists of parts give the same bytes.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| (part.len() as u32).to_le_bytes().into_iter().chain(part.iter().copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_same_key_and_purpose_open() {
        let (key, other) = (Key::random(), Key::random());
        let sealed = key.seal(&[b"alice", b"1"], b"face");
        assert_eq!(key.open(&[b"alice", b"1"], &sealed).expect("opens").as_slice(), b"face");
        assert_eq!(key.open(&[b"alic", b"e1"], &sealed).err(), Some(Broken), "parts are kept apart");
        assert_eq!(key.open(&[b"bob", b"1"], &sealed).err(), Some(Broken));
        assert_eq!(other.open(&[b"alice", b"1"], &sealed).err(), Some(Broken));
        assert_ne!(sealed, key.seal(&[b"alice", b"1"], b"face"), "each time another nonce");
        assert_eq!(sealed.len(), 4 + SEAL_BYTES);
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_never_change() {
        let key = Key::from_bytes([7; 32]);
        assert!(key.derive("a") != key.derive("b"));
        let hex: String = key.derive("a").bytes().iter().take(8).map(|b| format!("{b:02x}")).collect();
        // By Python: HKDF-SHA-256, salt "facelatch store v2", input 32 times 7, info "a".
        assert_eq!(hex, "0356a080a62c0bb3");
    }

    proptest! {
        #[test]
        fn a_changed_byte_or_a_lost_end_is_noticed(plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
            let key = Key::from_bytes([1; 32]);
            let sealed = key.seal(&[], &plain);
            prop_assert_eq!(&**key.open(&[], &sealed).expect("opens"), &plain);
            let mut changed = sealed.clone();
            let at = at.index(sealed.len());
            changed[at] ^= 1 << bit;
            prop_assert_eq!(key.open(&[], &changed).err(), Some(Broken));
            prop_assert_eq!(key.open(&[], &sealed[..at]).err(), Some(Broken));
        }
    }
}
