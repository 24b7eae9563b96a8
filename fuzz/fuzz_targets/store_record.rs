//! Any bytes that may lie where a record, a backup, a keyring or an export should: none is taken for one, and whatever
//! parses as a record is within its limits.
#![no_main]

use facelatch::store::fuzzing::{Untrusted, open_untrusted};
use facelatch::store::record::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert!(bytes.windows(16).any(|window| window == envelope.key));
    }
    for what in [Untrusted::Record, Untrusted::Backup, Untrusted::Keyring, Untrusted::Manifest, Untrusted::AuditLog] {
        assert!(!open_untrusted(what, bytes), "bytes without a key must open nothing");
    }
});
