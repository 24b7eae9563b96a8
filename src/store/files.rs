//! The file operations that the store needs, on the files of one folder. Behind a trait, so that tests can use a disk that
//! fails, fills up or loses power at any of them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Larger files are not ours; they are refused before memory is allocated.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Bytes read ahead.
const AHEAD_BYTES: u64 = 256 << 10;

/// Zeros written at a time.
const SHRED_BYTES: u64 = 64 << 10;

/// A file to read from, whatever becomes of its name.
pub(super) trait Reader: Send {
    /// How many bytes it has.
    fn length(&self) -> io::Result<u64>;
    /// Fills `bytes` from this offset.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
}

impl Reader for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(bytes, at)
    }
}

impl Reader for &[u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let wanted = rest.and_then(|rest| rest.get(..bytes.len())).ok_or(ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(wanted);
        Ok(())
    }
}

/// Reads ahead, for places that follow one another.
pub(super) struct ReadAhead<'a> {
    file: &'a dyn Reader,
    end: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> ReadAhead<'a> {
    pub(super) fn new(file: &'a dyn Reader) -> io::Result<Self> {
        Ok(Self { end: file.length()?, file, start: 0, bytes: Vec::new() })
    }

    /// So many bytes from this offset.
    pub(super) fn read(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        let wanted = at.checked_add(length as u64).filter(|end| *end <= self.end);
        let wanted = wanted.ok_or(ErrorKind::UnexpectedEof)?;
        if at < self.start || wanted > self.start + self.bytes.len() as u64 {
            // The end is behind what is wanted, so this fits.
            let room = (self.end - at).min(AHEAD_BYTES.max(length as u64));
            self.bytes.resize(room as usize, 0);
            self.start = at;
            self.file.read_at(at, &mut self.bytes).inspect_err(|_| self.bytes.clear())?;
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..from + length])
    }
}

/// Files by name. A change is on the disk only after [`Disk::sync`] (contents) or [`Disk::sync_names`] (names).
pub(super) trait Disk: Send + Sync {
    /// The whole file; `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// The file, to read parts of it; `None` if there is none.
    fn reader(&self, name: &str) -> io::Result<Option<Box<dyn Reader>>>;
    /// How many bytes the file has; `None` if there is none.
    fn length(&self, name: &str) -> io::Result<Option<u64>>;
    /// Overwrites or extends the file from this offset; a missing file is created with mode 0600.
    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to this length.
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;
    /// Syncs the file's contents.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Syncs the folder, so that names last.
    fn sync_names(&self) -> io::Result<()>;
    /// Renames the file and replaces whatever had the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Exchanges the names of two files atomically.
    fn swap(&self, one: &str, other: &str) -> io::Result<()>;
    /// Removes the file, if there is one.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// Replaces a file atomically, then overwrites the old bytes.
pub(super) fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{name}.new");
    shred(disk, &new)?;
    disk.write(&new, 0, bytes)?;
    disk.sync(&new)?;
    if disk.length(name)?.is_some() {
        disk.swap(&new, name)?;
    } else {
        disk.rename(&new, name)?;
    }
    disk.sync_names()?;
    shred(disk, &new)
}

/// Overwrites a file with zeros, then removes it. Flash may keep the old bytes elsewhere: docs/store.md.
pub(super) fn shred(disk: &dyn Disk, name: &str) -> io::Result<()> {
    let Some(length) = disk.length(name)? else { return Ok(()) };
    let zeros = vec![0; length.min(SHRED_BYTES) as usize];
    for at in (0..length).step_by(SHRED_BYTES as usize) {
        disk.write(name, at, &zeros[..(length - at).min(SHRED_BYTES) as usize])?;
    }
    disk.sync(name)?;
    disk.remove(name)?;
    disk.sync_names()
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Files in this folder, which is made with mode 0700 if it is missing.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self(path.to_owned()))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        // The mode applies to a file that is created here; an existing one keeps its own.
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.0.join(name))
    }
}

fn check_length(name: &str, length: u64) -> io::Result<()> {
    if length <= MAX_FILE_BYTES {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::InvalidData, format!("{name}: {length} bytes are too many")))
}

impl Disk for Folder {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.join(name);
        match std::fs::metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
            Ok(file) => check_length(name, file.len()).and_then(|()| std::fs::read(path)).map(Some),
        }
    }

    fn reader(&self, name: &str) -> io::Result<Option<Box<dyn Reader>>> {
        let file = match File::open(self.0.join(name)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        check_length(name, file.metadata()?.len())?;
        Ok(Some(Box::new(file)))
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        match std::fs::metadata(self.0.join(name)) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(|file| Some(file.len())),
        }
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.open(name)?.write_all_at(bytes, at)
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        self.open(name)?.set_len(length)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        File::open(self.0.join(name))?.sync_all()
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.0.join(from), self.0.join(to))
    }

    fn swap(&self, one: &str, other: &str) -> io::Result<()> {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        let (one, other) = (self.0.join(one), self.0.join(other));
        Ok(renameat2(AT_FDCWD, &one, AT_FDCWD, &other, RenameFlags::RENAME_EXCHANGE)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.0.join(name)) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
