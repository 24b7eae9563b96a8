//! The first 256 bytes of a keyring file, sealed: the device, the root of its keys, and the seeds of its template keys.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::slot::{SHORT_SLOT_BYTES, SLOT_BYTES};
use crate::embed::{KeyKind, TemplateKey, TemplateKeySpec};
use crate::store::seal::{KEY_BYTES, Key, SEAL_BYTES};

pub(super) const HEADER_BYTES: usize = 256;

const MAGIC: &[u8; 8] = b"FLKEYS\0\x03";

/// Of files whose slots have [`SHORT_SLOT_BYTES`]: they are read, and rewritten at once.
pub(super) const MAGIC_2: &[u8; 8] = b"FLKEYS\0\x02";

/// Bytes that tell whether a key is the right one, whether or not the rest is whole.
const CHECK_BYTES: usize = 8;

const PLAIN_BYTES: usize = HEADER_BYTES - MAGIC.len() - CHECK_BYTES - SEAL_BYTES;

/// Most template keys at a time: the present one, and the next while templates are being renewed.
const MAX_SEEDS: usize = 2;

/// What the store key protects, besides the users' keys.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub(in crate::store) struct KeyringHeader {
    /// Grows with each change: of two mirrors the one with the greater number is current.
    pub(in crate::store) generation: u64,
    /// Random; authenticated with every record.
    pub(in crate::store) device: [u8; 16],
    /// All keys except the users' are derived from it, so a new store key changes none of them.
    pub(in crate::store) root: Key,
    /// Of the key that templates are in, and of the next one while they are renewed.
    pub(in crate::store) seeds: Vec<TemplateSeed>,
}

/// What a [`TemplateKey`] is drawn from.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(in crate::store) struct TemplateSeed {
    key: Key,
    #[zeroize(skip)]
    pub(in crate::store) kind: KeyKind,
    pub(in crate::store) length: u16,
}

impl TemplateSeed {
    /// A new one.
    pub(in crate::store) fn random(spec: TemplateKeySpec) -> Self {
        Self { key: Key::random(), kind: spec.kind, length: u16::try_from(spec.length).unwrap_or(u16::MAX) }
    }

    /// Id of the key.
    pub(in crate::store) fn id(&self) -> [u8; 8] {
        TemplateKey::id_of(self.key.bytes(), self.kind)
    }

    /// The key itself: some milliseconds for a rotation.
    pub(in crate::store) fn draw(&self) -> TemplateKey {
        TemplateKey::draw(self.key.bytes(), self.kind, self.length.into())
    }
}

impl KeyringHeader {
    /// A new device.
    pub(super) fn fill(&mut self, spec: TemplateKeySpec) {
        self.generation = 1;
        self.device = rand::random();
        self.root = Key::random();
        self.seeds = vec![TemplateSeed::random(spec)];
    }

    pub(super) fn seal(&self, wrap: &Key) -> Vec<u8> {
        self.seal_as(MAGIC, wrap)
    }

    pub(super) fn seal_as(&self, magic: &[u8; 8], wrap: &Key) -> Vec<u8> {
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        plain.extend_from_slice(&self.generation.to_le_bytes());
        plain.extend_from_slice(&self.device);
        plain.extend_from_slice(self.root.bytes());
        plain.push(self.seeds.len() as u8);
        for seed in &self.seeds {
            plain.extend_from_slice(seed.key.bytes());
            plain.push(u8::from(seed.kind == KeyKind::Rotation));
            plain.extend_from_slice(&seed.length.to_le_bytes());
        }
        plain.resize(PLAIN_BYTES, 0);
        [&magic[..], &check(wrap), &wrap.seal(&[magic], &plain)].concat()
    }

    /// Whether the file starts as every keyring does.
    pub(super) fn has_magic(file: &[u8]) -> bool {
        file.starts_with(MAGIC) || file.starts_with(MAGIC_2)
    }

    /// Length of each slot in the file, if its start tells.
    pub(super) fn slot_bytes(file: &[u8]) -> Option<usize> {
        match file.first_chunk()? {
            MAGIC => Some(SLOT_BYTES),
            MAGIC_2 => Some(SHORT_SLOT_BYTES),
            _ => None,
        }
    }

    /// Whether the file names this key as the one that sealed it, damaged or not.
    pub(super) fn is_of(wrap: &Key, file: &[u8]) -> bool {
        file.get(MAGIC.len()..MAGIC.len() + CHECK_BYTES).is_some_and(|bytes| bytes == check(wrap))
    }

    pub(super) fn open(wrap: &Key, file: &[u8]) -> Option<Self> {
        let (magic, rest) = file.get(..HEADER_BYTES)?.split_first_chunk::<8>()?;
        let sealed = rest.strip_prefix(&check(wrap))?;
        let plain = wrap.open(&[magic], sealed).ok().filter(|_| Self::has_magic(file))?;
        let (generation, rest) = plain.split_first_chunk()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (&count, rest) = rest.split_first()?;
        let seeds = rest.chunks_exact(KEY_BYTES + 3).take(usize::from(count).min(MAX_SEEDS)).map(|seed| {
            let (key, rest) = seed.split_first_chunk::<KEY_BYTES>()?;
            let kind = if rest[0] == 0 { KeyKind::Permutation } else { KeyKind::Rotation };
            Some(TemplateSeed {
                key: Key::from_bytes(*key),
                kind,
                length: u16::from_le_bytes([rest[1], rest[2]]),
            })
        });
        Some(Self {
            generation: u64::from_le_bytes(*generation),
            device: *device,
            root: Key::from_bytes(*root),
            seeds: seeds.collect::<Option<Vec<_>>>().filter(|seeds| !seeds.is_empty())?,
        })
    }
}

fn check(wrap: &Key) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&wrap.derive("check").bytes()[..CHECK_BYTES]);
    check
}
