//! Which layout a store has, so that a program from before it says so. Without this it would take what it does not know for
//! damage, or for nothing.

use std::io;
use std::path::Path;

use super::StoreError;
use super::files::{Disk, replace};

/// The newest layout that this program reads. One more with each change that an earlier program must not open.
const LAYOUT: u32 = 6;

/// Absent in stores of layouts up to 5.
const FILE: &str = "layout";

/// Refuses a store of a newer program, before anything in it is touched.
///
/// # Errors
/// [`StoreError::Newer`].
pub(super) fn check(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match read(disk).map_err(|e| StoreError::io(path, e))? {
        Some(layout) if layout > LAYOUT => {
            Err(StoreError::Newer { path: path.to_owned(), layout, reads: LAYOUT })
        }
        _ => Ok(()),
    }
}

/// Notes that the store has the layout of this program.
///
/// # Errors
/// Those of the disk.
pub(super) fn note(disk: &dyn Disk) -> io::Result<()> {
    if read(disk)? == Some(LAYOUT) {
        return Ok(());
    }
    replace(disk, FILE, format!("layout {LAYOUT}\nlayout {LAYOUT}\n").as_bytes())
}

/// What the file says, twice: one that is damaged says nothing, and keeps nobody out. The records have versions of their own.
fn read(disk: &dyn Disk) -> io::Result<Option<u32>> {
    let bytes = disk.read(FILE)?.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let mut lines =
        text.lines().map(|line| line.strip_prefix("layout ").and_then(|number| number.parse().ok()));
    let (first, second) = (lines.next().flatten(), lines.next().flatten());
    Ok(first.filter(|_| first == second))
}
