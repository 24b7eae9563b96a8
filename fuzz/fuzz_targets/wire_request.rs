//! Any bytes a client may send: one checked call comes out, or a fault that a client can read.
#![no_main]

use facelatch_wire::Fault;
use facelatch_wire::message::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Err(fault) = Envelope::parse(bytes).and_then(Envelope::call) else { return };
    let text = serde_json::to_vec(&fault).expect("a fault is JSON");
    assert!(!text.contains(&0), "NUL ends a message");
    assert_eq!(serde_json::from_slice::<Fault>(&text).expect("a client reads it"), fault);
});
