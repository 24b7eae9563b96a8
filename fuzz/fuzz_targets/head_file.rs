//! Any text a head file may hold: what is accepted grants an identical pair and does not grant everybody.
#![no_main]

use std::path::Path;

use facelatch::embed::Embedding;
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let wanted = Wanted { embedder_sha256: "ab", length: 2, unit_length: true };
    let Ok(head) = Head::parse(Path::new("head.toml"), text, wanted) else { return };
    assert!(head.identical_pair() >= head.threshold());
    assert_eq!(head.length(), 2);
    let corners = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, -0.8]];
    let faces: Vec<Embedding> = corners.iter().filter_map(|c| Embedding::new(c.to_vec()).ok()).collect();
    for (a, b) in faces.iter().flat_map(|a| faces.iter().map(move |b| (a, b))) {
        assert!((0.0..=1.0).contains(&head.probability(a, b).value()));
    }
});
