//! The head file: the range of lines that must exist. One slot is synced with each new file of the log; the other is
//! written after each line without a sync, so a power cut may leave it behind or torn.

use std::io;

use super::Tag;
use crate::store::files::Disk;
use crate::store::seal::Key;

/// Numbers, tag, and a tag over them.
const SLOT_BYTES: usize = 8 + 8 + 32 + 32;

/// The oldest line kept, the newest, and its tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AuditHead {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) tag: Tag,
}

impl AuditHead {
    /// After a line.
    pub(super) fn write(&self, disk: &dyn Disk, file: &str, key: &Key) -> io::Result<()> {
        self.write_to(1, disk, file, key)
    }

    /// After the first line of a file; on the disk when this returns.
    pub(super) fn settle(&self, disk: &dyn Disk, file: &str, key: &Key) -> io::Result<()> {
        // One slot after the other: one of the two is whole at any moment.
        self.write(disk, file, key)?;
        disk.sync(file)?;
        self.write_to(0, disk, file, key)?;
        disk.sync(file)
    }

    fn write_to(&self, slot: u64, disk: &dyn Disk, file: &str, key: &Key) -> io::Result<()> {
        let body = [&self.first.to_le_bytes()[..], &self.last.to_le_bytes(), &self.tag].concat();
        let tag = key.mac(&[b"head", &body]);
        disk.write(file, slot * SLOT_BYTES as u64, &[&body[..], &tag].concat())
    }

    pub(super) fn read(disk: &dyn Disk, file: &str, key: &Key) -> io::Result<Option<Self>> {
        let bytes = disk.read(file)?.unwrap_or_default();
        let heads = bytes.chunks(SLOT_BYTES).filter_map(|slot| {
            let (body, tag) = slot.split_last_chunk::<32>()?;
            let (first, rest) = body.split_first_chunk()?;
            let (last, rest) = rest.split_first_chunk()?;
            let head = Self {
                first: u64::from_le_bytes(*first),
                last: u64::from_le_bytes(*last),
                tag: rest.try_into().ok()?,
            };
            key.verifies(&[b"head", body], tag).then_some(head)
        });
        Ok(heads.max_by_key(|head| head.last))
    }
}
