//! The machine's disk, which survives reboots and loses unflushed writes in a power cut.
//!
//! qemu's `blklogwrites` logs all writes and flushes. After a power cut the disk is its state at power-on plus all writes
//! up to the last flush, as if everything later had been in the disk's cache. The log has the format of dm-log-writes: a
//! superblock, then a header and data for each entry, in whole sectors.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, succeed};

const SECTOR: u64 = 512;
const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const AT_ONCE: u64 = 2;
const DISCARD: u64 = 4;

/// A raw image, its state at power-on, and the log of writes since.
pub(super) struct Disk {
    image: PathBuf,
    before: PathBuf,
    log: PathBuf,
    may_lose_power: bool,
}

/// The qemu arguments for the disk, as node `root`.
pub(super) struct Power(Vec<String>);

impl Disk {
    /// A copy of `base` in `work`. Writes are logged only if it `may_lose_power`.
    pub(super) fn new(base: &Path, work: &Path, may_lose_power: bool) -> Result<Self> {
        let [image, before, log] = ["disk.img", "before.img", "writes.log"].map(|name| work.join(name));
        copy(base, &image)?;
        Ok(Self { image, before, log, may_lose_power })
    }

    /// Prepares the disk before power-on.
    pub(super) fn power_on(&self) -> Result<Power> {
        let file =
            |node: &str, path: &Path| format!("driver=file,node-name={node},filename={}", path.display());
        if !self.may_lose_power {
            return Ok(Power(vec!["-blockdev".to_owned(), file("root", &self.image)]));
        }
        copy(&self.image, &self.before)?;
        File::create(&self.log).with_context(|| self.log.display().to_string())?;
        let logged = "driver=blklogwrites,node-name=root,file=image,log=log".to_owned();
        let nodes = [file("image", &self.image), file("log", &self.log), logged];
        Ok(Power(nodes.into_iter().flat_map(|node| ["-blockdev".to_owned(), node]).collect()))
    }

    /// Applies a power cut and describes what was lost.
    pub(super) fn lose_power(&self) -> Result<String> {
        let mut log = BufReader::new(File::open(&self.log)?);
        let image = File::options().write(true).open(&self.before)?;
        let replayed = replay(&mut log, image).with_context(|| self.log.display().to_string())?;
        std::fs::rename(&self.before, &self.image)?;
        let Replayed { kept, flushes, lost_bytes } = replayed;
        Ok(format!(
            "{kept} writes kept by {flushes} flushes, {} kB after the last one lost",
            lost_bytes / 1024
        ))
    }
}

impl Power {
    pub(super) fn arguments(&self) -> &[String] {
        &self.0
    }
}

/// Result of replaying a log.
#[derive(Debug, PartialEq, Default)]
struct Replayed {
    kept: u64,
    flushes: u64,
    lost_bytes: u64,
}

/// An entry's header, and the offset of its data.
struct Entry {
    sector: u64,
    bytes: u64,
    flags: u64,
    data_at: u64,
}

/// Replays the log on `image` up to the last flush.
fn replay<L: Read + Seek>(log: &mut L, mut image: impl Write + Seek) -> Result<Replayed> {
    let entries = entries(log)?;
    let flushed = entries.iter().rposition(|entry| entry.flags & FLUSH != 0).map_or(0, |last| last + 1);
    let mut replayed = Replayed::default();
    for (index, entry) in entries.iter().enumerate() {
        replayed.flushes += u64::from(entry.flags & FLUSH != 0);
        if entry.flags & DISCARD != 0 || entry.bytes == 0 {
            continue; // Disks may ignore discards.
        }
        if index >= flushed && entry.flags & AT_ONCE == 0 {
            replayed.lost_bytes += entry.bytes;
            continue;
        }
        log.seek(SeekFrom::Start(entry.data_at))?;
        image.seek(SeekFrom::Start(entry.sector * SECTOR))?;
        std::io::copy(&mut log.by_ref().take(entry.bytes), &mut image)?;
        replayed.kept += 1;
    }
    Ok(replayed)
}

/// All complete entries. The superblock counts those up to the last flush; later ones run to the end of the file.
fn entries<L: Read + Seek>(log: &mut L) -> Result<Vec<Entry>> {
    let end = log.seek(SeekFrom::End(0))?;
    let [magic, version, counted, sector] = header(log, 0)?;
    if magic != MAGIC || version != 1 || sector as u32 != SECTOR as u32 {
        bail!("not a write log with sectors of {SECTOR} bytes");
    }
    let mut entries = Vec::new();
    let mut at = SECTOR;
    while at + SECTOR <= end {
        let [sector, sectors, flags, _] = header(log, at)?;
        let bytes = if flags & DISCARD == 0 { sectors.saturating_mul(SECTOR) } else { 0 };
        let data_at = at + SECTOR;
        // The emulator died while writing this entry.
        if bytes > end - data_at || flags & !(FLUSH | AT_ONCE | DISCARD) != 0 {
            break;
        }
        entries.push(Entry { sector, bytes, flags, data_at });
        at = data_at + bytes;
    }
    if (entries.len() as u64) < counted {
        bail!("only {} of {counted} entries can be read", entries.len());
    }
    Ok(entries)
}

/// Four little-endian numbers.
fn header<L: Read + Seek>(log: &mut L, at: u64) -> Result<[u64; 4]> {
    let mut bytes = [0; 32];
    log.seek(SeekFrom::Start(at))?;
    log.read_exact(&mut bytes)?;
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    }
    Ok(numbers)
}

/// Copies a sparse file, sharing its blocks where the file system can.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copy = command("cp", &["--sparse=always", "--reflink=auto", "--"]);
    copy.args([from, to]);
    succeed(copy)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A log of one-sector writes: position, fill byte and flags.
    fn log(counted: u64, entries: &[(u64, Option<u8>, u64)]) -> Cursor<Vec<u8>> {
        let sector = |numbers: [u64; 4]| {
            let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            bytes.resize(SECTOR as usize, 0);
            bytes
        };
        let mut bytes = sector([MAGIC, 1, counted, SECTOR]);
        for (at, fill, flags) in entries {
            bytes.extend(sector([*at, u64::from(fill.is_some()), *flags, 0]));
            bytes.extend(fill.map(|fill| vec![fill; SECTOR as usize]).unwrap_or_default());
        }
        Cursor::new(bytes)
    }

    fn first_bytes(log: &mut Cursor<Vec<u8>>) -> (Replayed, Vec<u8>) {
        let mut image = Cursor::new(vec![0; 4 * SECTOR as usize]);
        let replayed = replay(log, &mut image).expect("a log");
        (replayed, image.into_inner().into_iter().step_by(SECTOR as usize).collect())
    }

    #[test]
    fn a_power_cut_loses_writes_after_the_last_flush() {
        let entries =
            [(0, Some(1), 0), (1, Some(2), 0), (0, None, FLUSH), (1, Some(3), 0), (2, Some(4), AT_ONCE)];
        let (replayed, bytes) = first_bytes(&mut log(3, &entries));
        assert_eq!(bytes, [1, 2, 4, 0]);
        assert_eq!(replayed, Replayed { kept: 3, flushes: 1, lost_bytes: SECTOR });
    }

    #[test]
    fn without_a_flush_nothing_is_kept() {
        assert_eq!(first_bytes(&mut log(0, &[(0, Some(1), 0)])).1, [0; 4]);
    }

    #[test]
    fn an_incomplete_entry_is_ignored() {
        let mut cut = log(2, &[(0, Some(1), 0), (0, None, FLUSH), (1, Some(2), 0)]);
        let length = cut.get_ref().len() - 1;
        cut.get_mut().truncate(length);
        assert_eq!(first_bytes(&mut cut).1, [1, 0, 0, 0]);
    }

    #[test]
    fn a_log_that_lacks_flushed_entries_is_refused() {
        let mut short = log(3, &[(0, None, FLUSH)]);
        let why = replay(&mut short, Cursor::new(Vec::new())).expect_err("refused").to_string();
        assert!(why.contains("1 of 3 entries"), "{why}");
        let mut other = Cursor::new(vec![7; 1024]);
        assert!(replay(&mut other, Cursor::new(Vec::new())).is_err());
    }
}
