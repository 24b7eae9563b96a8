//! The machine's own disk, which outlives its boots and may lose what was never flushed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::run::{command, succeed};

/// A raw image of the machine's own.
pub(super) struct Disk {
    image: PathBuf,
}

/// How qemu is told of the disk.
pub(super) struct Power(Vec<String>);

impl Disk {
    /// A copy of `base` in `work`.
    pub(super) fn new(base: &Path, work: &Path) -> Result<Self> {
        let image = work.join("disk.img");
        copy(base, &image)?;
        Ok(Self { image })
    }

    /// Before the machine is switched on.
    pub(super) fn power_on(&mut self) -> Result<Power> {
        let root = format!("file={},format=raw,if=none,id=root,cache=writeback", self.image.display());
        Ok(Power(vec!["-drive".to_owned(), root]))
    }

    /// After it was switched off by force.
    pub(super) fn lose_power(&mut self) -> Result<String> {
        Ok(String::new())
    }
}

impl Power {
    pub(super) fn arguments(&self) -> &[String] {
        &self.0
    }
}

/// Copies a sparse file, sharing its blocks where the file system can.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copy = command("cp", &["--sparse=always", "--reflink=auto", "--"]);
    copy.args([from, to]);
    succeed(copy)
}
