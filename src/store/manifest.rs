//! What the ledger should hold: the number of entries, a keyed digest of all of them, and a chain over every change.
//!
//! A table that lost entries, restored old ones or mixes two states does not match its manifest.

use std::collections::BTreeMap;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::seal::Key;
use crate::memory::Pinned;

/// Sealed entries by key, without the manifest.
pub(super) type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A change: what each key holds afterwards; `None` removes it.
pub(super) type Change = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A keyed tag of an entry.
pub(super) type Tag = [u8; 32];

/// How many entries there are, and the XOR of their tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    count: u64,
    digest: Tag,
}

impl Sum {
    /// With another entry.
    pub(super) fn add(&mut self, tag: &Tag) {
        self.count += 1;
        xor_into(&mut self.digest, tag);
    }
}

/// The state of a ledger after its latest change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Number of changes so far.
    pub(super) revision: u64,
    /// Number of entries.
    pub(super) count: u64,
    /// XOR of the tags of all entries, so that a change costs only what it touches.
    digest: [u8; 32],
    /// Tag over the previous chain and the state after: two ledgers that diverged never match again.
    pub(super) chain: [u8; 32],
    /// Id of the template key.
    pub(super) template_key: [u8; 8],
    /// The embedder they were made with.
    pub(super) embedder_sha256: String,
}

/// Keys of a ledger: of the manifest, of the entries' digest, of the log's tags, and of the checkpoint.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(super) struct LedgerKeys {
    pub(super) manifest: Key,
    pub(super) entries: Key,
    pub(super) log: Key,
    pub(super) checkpoint: Key,
}

impl LedgerKeys {
    /// Derives them from the keyring's root.
    pub(super) fn derive(root: &Key) -> Pinned<Self> {
        let mut keys = Pinned::<Self>::default();
        root.derive_into("manifest", &mut keys.manifest);
        root.derive_into("entries", &mut keys.entries);
        // Why "backup": see `log::FILES`.
        root.derive_into("backup", &mut keys.log);
        root.derive_into("checkpoint", &mut keys.checkpoint);
        keys
    }
}

/// The digest's and the chain's key.
pub(super) struct Tagger<'a>(pub(super) &'a Key);

impl Manifest {
    /// Of an empty ledger.
    pub(super) fn empty(template_key: [u8; 8], embedder_sha256: &str) -> Self {
        let embedder_sha256 = embedder_sha256.to_owned();
        Self { revision: 0, count: 0, digest: [0; 32], chain: [0; 32], template_key, embedder_sha256 }
    }

    /// After a change of entries, which do not have it yet and have these tags.
    pub(super) fn after(
        &self,
        tagger: &Tagger<'_>,
        tag: impl Fn(&[u8]) -> Option<Tag>,
        change: &Change,
    ) -> Self {
        let mut next = self.clone();
        for (key, new) in change {
            if let Some(old) = tag(key) {
                next.count -= 1;
                xor_into(&mut next.digest, &old);
            }
            if let Some(new) = new {
                next.count += 1;
                xor_into(&mut next.digest, &tagger.tag(key, new));
            }
        }
        next.revision += 1;
        next.chain = tagger.0.mac(&[b"chain", &self.chain, &next.revision.to_le_bytes(), &next.digest]);
        next
    }

    /// Whether these are the entries.
    pub(super) fn fits(&self, sum: &Sum) -> bool {
        (self.count, self.digest) == (sum.count, sum.digest)
    }

    /// As bytes that [`Manifest::decode`] reads.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&self.revision.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(&self.template_key);
        bytes.push(self.embedder_sha256.len() as u8);
        bytes.extend_from_slice(self.embedder_sha256.as_bytes());
        bytes
    }

    /// The manifest at the beginning of `bytes`, and what follows it.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (revision, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (chain, rest) = rest.split_first_chunk()?;
        let (template_key, rest) = rest.split_first_chunk()?;
        let (&length, rest) = rest.split_first()?;
        let (embedder, rest) = rest.split_at_checked(length.into())?;
        let manifest = Self {
            revision: u64::from_le_bytes(*revision),
            count: u64::from_le_bytes(*count),
            digest: *digest,
            chain: *chain,
            template_key: *template_key,
            embedder_sha256: std::str::from_utf8(embedder).ok()?.to_owned(),
        };
        Some((manifest, rest))
    }

    /// As it is in the table: with a tag.
    pub(super) fn with_tag(&self, key: &Key) -> Vec<u8> {
        let bytes = self.encode();
        let tag = key.mac(&[b"manifest", &bytes]);
        [&bytes[..], &tag].concat()
    }

    /// The manifest of a table, if it is whole.
    pub(super) fn verified(key: &Key, bytes: &[u8]) -> Option<Self> {
        let (bytes, tag) = bytes.split_last_chunk::<32>()?;
        let (manifest, rest) = Self::decode(bytes)?;
        (rest.is_empty() && key.verifies(&[b"manifest", bytes], tag)).then_some(manifest)
    }
}

impl Tagger<'_> {
    /// An entry's tag.
    pub(super) fn tag(&self, key: &[u8], value: &[u8]) -> Tag {
        self.0.mac(&[b"entry", key, value])
    }

    /// Of all of these.
    pub(super) fn sum(&self, entries: &Entries) -> Sum {
        let mut sum = Sum::default();
        entries.iter().for_each(|(key, value)| sum.add(&self.tag(key, value)));
        sum
    }

    /// The tag of each of these.
    pub(super) fn of<'a>(&'a self, entries: &'a Entries) -> impl Fn(&[u8]) -> Option<Tag> {
        move |key| entries.get(key).map(|value| self.tag(key, value))
    }
}

fn xor_into(digest: &mut [u8; 32], tag: &[u8; 32]) {
    digest.iter_mut().zip(tag).for_each(|(sum, tag)| *sum ^= tag);
}

/// Carries out a change.
pub(super) fn apply(entries: &mut Entries, change: Change) {
    for (key, value) in change {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let one = (
            prop::collection::vec(0_u8..3, 1..3),
            prop::option::of(prop::collection::vec(any::<u8>(), 0..4)),
        );
        // A change names a key only once.
        let change = prop::collection::vec(one, 0..4)
            .prop_map(|pairs| pairs.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect::<Change>());
        prop::collection::vec(change, 0..8)
    }

    proptest! {
        #[test]
        fn a_manifest_fits_what_was_done_and_nothing_else(changes in changes(), lost: prop::sample::Index) {
            let key = Key::from_bytes([4; 32]);
            let (tagger, mut entries) = (Tagger(&key), Entries::new());
            let mut manifest = Manifest::empty([1; 8], "ab");
            for change in changes {
                manifest = manifest.after(&tagger, tagger.of(&entries), &change);
                apply(&mut entries, change);
                prop_assert!(manifest.fits(&tagger.sum(&entries)));
            }
            if !entries.is_empty() {
                let gone = entries.keys().nth(lost.index(entries.len())).cloned().expect("there");
                let value = entries.remove(&gone).expect("there");
                prop_assert!(!manifest.fits(&tagger.sum(&entries)), "one is missing");
                entries.insert([gone, vec![9]].concat(), value);
                prop_assert!(!manifest.fits(&tagger.sum(&entries)), "one stands elsewhere");
            }
        }

        #[test]
        fn a_changed_manifest_is_noticed(at: prop::sample::Index, bit in 0_u8..8) {
            let key = Key::from_bytes([4; 32]);
            let good = Manifest::empty([1; 8], "ab").with_tag(&key);
            prop_assert!(Manifest::verified(&key, &good).is_some());
            let mut bad = good.clone();
            bad[at.index(good.len())] ^= 1 << bit;
            prop_assert!(Manifest::verified(&key, &bad).is_none());
            prop_assert!(Manifest::verified(&key, &good[..at.index(good.len())]).is_none());
        }
    }

    #[test]
    fn the_same_entries_after_other_changes_have_another_chain() {
        let key = Key::from_bytes([4; 32]);
        let (tagger, entries) = (Tagger(&key), Entries::new());
        let one = vec![(b"a".to_vec(), Some(b"1".to_vec()))];
        let there = Manifest::empty([1; 8], "ab").after(&tagger, tagger.of(&entries), &one);
        let mut with = Entries::new();
        apply(&mut with, one);
        let back = there.after(&tagger, tagger.of(&with), &vec![(b"a".to_vec(), None)]);
        assert!(back.fits(&Sum::default()) && back.chain != Manifest::empty([1; 8], "ab").chain);
    }
}
