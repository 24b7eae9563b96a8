//! Any bytes that may lie where a record, a backup, a keyring, a manifest or a log should: none is taken for one, and whatever
//! parses as a record is within its limits. As the text of an export, which anybody can seal: only faces are believed.
#![no_main]

use facelatch::store::fuzzing::{Untrusted, believes_only_faces, open_untrusted};
use facelatch::store::record::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert!(bytes.windows(16).any(|window| window == envelope.key));
    }
    assert!(believes_only_faces(bytes));
    for what in [Untrusted::Record, Untrusted::Backup, Untrusted::Keyring, Untrusted::Manifest, Untrusted::AuditLog] {
        assert!(!open_untrusted(what, bytes), "bytes without a key must open nothing");
    }
});
