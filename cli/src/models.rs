//! `facelatch models add`, `list` and `remove`: networks of others that the owner fetches themselves.
//!
//! A file is taken only if its SHA-256 is known. It is converted to an ONNX file in a folder of the owner's, beside the
//! package's, with a MODELS.toml that the daemon reads, too.

mod known;
mod minifasnetv2;
mod network;
mod onnx;
mod pickle;
mod protobuf;
mod torch;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::exit::Exit;

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod probe {
    #[test]
    fn probe() {
        let bytes = std::fs::read("/tmp/pad/models/ref/2.7_80x80_MiniFASNetV2.pth").unwrap();
        let t = super::torch::read(&bytes).unwrap();
        let l = super::network::layers(&t).unwrap();
        for x in &l { println!("{} {:?}", x.name, x.shape); }
        std::fs::write("/tmp/pad/models/float.onnx", super::onnx::write(&l, None)).unwrap();
        std::fs::write("/tmp/pad/models/int8.onnx", super::onnx::write(&l, Some(super::known::KNOWN[0].scales))).unwrap();
    }
}
