//! For the fuzz target `store_record`: bytes from a disk, and a key that sealed none of them. Built by `cargo fuzz` and for
//! tests only.

use std::path::Path;

use super::files::{Disk, Reader};
use super::key::Candidate;
use super::keyring::{Keyring, MIRRORS};
use super::manifest::Manifest;
use super::portable::{self, MadeFor};
use super::record::{SealContext, SealedRecord};
use super::seal::Key;
use super::{audit, ledger, log};
use crate::memory::Pinned;
use crate::people::UserName;

/// What the bytes are said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// A template's record.
    Record,
    /// A change log.
    Log,
    /// A keyring file.
    Keyring,
    /// A table's manifest.
    Manifest,
    /// A ledger's checkpoint.
    Checkpoint,
    /// A file of the audit log.
    AuditLog,
}

/// Whether any of the bytes pass for genuine. None may, and nothing may panic.
pub fn open_untrusted(what: Untrusted, bytes: &[u8]) -> bool {
    let key = Key::from_bytes([7; 32]);
    match what {
        Untrusted::Record => {
            let context = SealContext { embedder_sha256: "ab", device: &[1; 16], template_key: &[2; 8] };
            let user = UserName::new("alice");
            user.is_ok_and(|user| {
                SealedRecord::parse(bytes).is_ok_and(|record| record.open(&key, "1", &user, context).is_ok())
            })
        }
        Untrusted::Log if log::last_after(bytes, &key, None).is_some() => true,
        Untrusted::Log => {
            // With a good header as well, so that the frames are reached.
            let whole = log::with_header(&[1; 16], bytes);
            let passes = |file: &&[u8]| {
                log::replay(file, &key, &[1; 16], &mut |_, _| {}).is_ok_and(|found| found.is_some())
            };
            [bytes, &whole].iter().any(passes)
        }
        Untrusted::Keyring => {
            let disk = Bytes(bytes);
            let mut pinned = Pinned::<Key>::default();
            *pinned = key;
            let candidate = Candidate { key: pinned, path: "key".into() };
            Keyring::open(&disk, Path::new(""), &[candidate]).is_ok_and(|found| found.is_some())
        }
        Untrusted::Manifest => Manifest::verified(&key, bytes).is_some(),
        Untrusted::Checkpoint => ledger::checkpoint_passes(bytes, &key),
        Untrusted::AuditLog => audit::passes(bytes, &key),
    }
}

/// Whether the key that a record names, if these bytes are one, is among the bytes.
pub fn names_only_a_key_that_is_there(bytes: &[u8]) -> bool {
    SealedRecord::parse(bytes).map_or(true, |record| bytes.windows(16).any(|window| window == record.key))
}

/// Whether all embeddings accepted from the text of an export are what an embedder may give. Anybody can seal one for a
/// public key.
pub fn believes_only_faces(text: &[u8]) -> bool {
    [true, false].into_iter().all(|unit_length| {
        let sha = "ab".to_owned();
        let here = MadeFor { embedder: "sface".to_owned(), embedder_sha256: sha, length: 2, unit_length };
        let Ok(portable::Read { people, .. }) = portable::parse(text, &here) else { return true };
        people.values().flatten().all(|template| {
            let norm = template.embedding.values().iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            norm.is_finite() && norm > 0.0 && (!unit_length || (norm - 1.0).abs() < 0.01)
        })
    })
}

/// A disk whose every file is the same.
struct Bytes<'a>(&'a [u8]);

impl Disk for Bytes<'_> {
    fn read(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        Ok(MIRRORS.contains(&name).then(|| self.0.to_vec()))
    }
    fn reader(&self, _: &str) -> std::io::Result<Option<Box<dyn Reader>>> {
        Ok(None)
    }
    fn length(&self, name: &str) -> std::io::Result<Option<u64>> {
        Ok(self.read(name)?.map(|bytes| bytes.len() as u64))
    }
    fn write(&self, _: &str, _: u64, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn truncate(&self, _: &str, _: u64) -> std::io::Result<()> {
        Ok(())
    }
    fn sync(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
    fn sync_names(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn rename(&self, _: &str, _: &str) -> std::io::Result<()> {
        Ok(())
    }
    fn swap(&self, _: &str, _: &str) -> std::io::Result<()> {
        Ok(())
    }
    fn remove(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_pass_for_genuine(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            for what in [
                Untrusted::Record, Untrusted::Log, Untrusted::Keyring, Untrusted::Manifest, Untrusted::Checkpoint,
                Untrusted::AuditLog,
            ] {
                prop_assert!(!open_untrusted(what, &bytes), "{what:?}");
            }
            prop_assert!(believes_only_faces(&bytes) && names_only_a_key_that_is_there(&bytes));
        }

        #[test]
        fn of_an_export_only_faces_are_believed(values: [f32; 2]) {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let embedding = base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, bytes);
            let text = format!(
                "{{\"kind\":\"facelatch-export\",\"schema\":1,\"embedder\":\"sface\",\"embedder_sha256\":\"ab\",\
                 \"length\":2,\"created_at\":1,\"templates\":1}}\n{{\"id\":\"{}\",\"user\":\"alice\",\"label\":\"\",\
                 \"created_at\":1,\"embedding\":\"{embedding}\"}}",
                "0".repeat(32)
            );
            prop_assert!(believes_only_faces(text.as_bytes()), "{values:?}");
        }
    }
}
