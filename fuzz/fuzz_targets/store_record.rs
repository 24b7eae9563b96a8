//! Any bytes in place of a record, a change log, a keyring, a manifest or an audit log: none may pass for genuine. As the
//! text of an export, which anybody can seal: only what an embedder may give is accepted.
#![no_main]

use facelatch::store::fuzzing::{
    Untrusted, believes_only_faces, names_only_a_key_that_is_there, open_untrusted,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert!(names_only_a_key_that_is_there(bytes));
    assert!(believes_only_faces(bytes));
    for what in [
        Untrusted::Record,
        Untrusted::Log,
        Untrusted::Keyring,
        Untrusted::Manifest,
        Untrusted::Checkpoint,
        Untrusted::AuditLog,
    ] {
        assert!(!open_untrusted(what, bytes), "bytes without a key must open nothing");
    }
});
