//! A slot of a keyring file: one user's key, wrapped by the store key for its device and its place in the file.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::KeyId;
use crate::people::UserName;
use crate::store::seal::{KEY_BYTES, Key, SEAL_BYTES};

/// Room for the longest name, 256 bytes.
pub(super) const SLOT_BYTES: usize = 384;

/// What a slot had when names were at most 32 bytes long.
pub(super) const SHORT_SLOT_BYTES: usize = 128;

/// Kind, length of the name (in the short form a byte, else two), name, id, key, padded with zeros.
const PLAIN_BYTES: usize = SLOT_BYTES - SEAL_BYTES;

/// The kind of a user's key.
const USER: u8 = 1;

/// A slot as it stays in memory.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) id: KeyId,
    pub(super) user: UserName,
    pub(super) wrapped: [u8; SLOT_BYTES],
}

/// A slot in the clear.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct OpenSlot {
    pub(super) id: KeyId,
    #[zeroize(skip)]
    pub(super) user: Option<UserName>,
    pub(super) key: Key,
}

impl OpenSlot {
    /// The bytes of slot number `index`.
    pub(super) fn wrap(&self, store_key: &Key, device: &[u8; 16], index: usize) -> [u8; SLOT_BYTES] {
        let name = self.user.as_ref().map_or("", UserName::as_str).as_bytes();
        let mut plain = Zeroizing::new([0; PLAIN_BYTES]);
        let [low, high] = (name.len() as u16).to_le_bytes();
        let parts = [&[USER, low, high], name, &self.id, self.key.bytes()];
        let mut at = 0;
        for part in parts {
            plain[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let sealed = store_key.seal(&[b"slot", device, &(index as u64).to_le_bytes()], &*plain);
        let mut wrapped = [0; SLOT_BYTES];
        wrapped.copy_from_slice(&sealed);
        wrapped
    }

    /// Slot number `index`, from its bytes in either form; `None` if it is free or cannot be opened.
    pub(super) fn unwrap(wrapped: &[u8], store_key: &Key, device: &[u8; 16], index: usize) -> Option<Self> {
        if wrapped.iter().all(|byte| *byte == 0) {
            return None;
        }
        let plain = store_key.open(&[b"slot", device, &(index as u64).to_le_bytes()], wrapped).ok()?;
        let (&kind, rest) = plain.split_first()?;
        let (length, rest) = match wrapped.len() {
            SHORT_SLOT_BYTES => rest.split_first().map(|(length, rest)| (u16::from(*length), rest))?,
            _ => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length), rest))?,
        };
        let (name, rest) = rest.split_at_checked(length.into())?;
        let (id, rest) = rest.split_first_chunk()?;
        let (key, _) = rest.split_first_chunk::<KEY_BYTES>()?;
        let user = UserName::new(std::str::from_utf8(name).ok()?).ok()?;
        (kind == USER).then(|| Self { id: *id, user: Some(user), key: Key::from_bytes(*key) })
    }
}
