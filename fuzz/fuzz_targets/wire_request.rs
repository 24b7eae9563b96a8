//! Any bytes a client may send: one checked request comes out, or a fault that a client can read.
#![no_main]

use facelatch::serve::message::{envelope, request};
use facelatch_wire::Fault;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let fault = match envelope(bytes) {
        Ok(call) => match request(&call) {
            Ok(_) => return,
            Err(fault) => fault,
        },
        Err(fault) => fault,
    };
    let text = serde_json::to_vec(&fault).expect("a fault is JSON");
    assert!(!text.contains(&0), "NUL ends a message");
    assert_eq!(serde_json::from_slice::<Fault>(&text).expect("a client reads it"), fault);
});
