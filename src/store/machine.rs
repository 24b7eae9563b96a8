//! Whether a store is where it was: a copied card is noticed by what the machine calls itself.
//!
//! Kept are keyed tags of the names of the machine, not the names: the machine-id of a machine is a secret of its owner.

use std::io;

use super::files::{Disk, replace};
use super::seal::Key;

const FILE: &str = "machine";

const TAG_BYTES: usize = 16;

/// What tells a machine from others. Either may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// The machine-id (machine-id(5)), which is on the card and goes where it goes.
    pub id: Option<String>,
    /// The serial number of the board, which stays where the card was.
    pub board: Option<String>,
}

/// How a machine differs from the one that the store was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    id: bool,
    board: bool,
}

impl Moved {
    /// What it means and what to do, after a semicolon.
    pub(super) fn note(self) -> String {
        let found = match (self.id, self.board) {
            (true, true) => "this is another board, with another machine-id, than the store was on",
            (true, false) => {
                "the machine-id is not the one that the store was made under: was the system installed again?"
            }
            (false, _) => "this is another board than the store was on: the card was moved or copied",
        };
        format!("store: {found}; run `sudo facelatch renew --machine`")
    }
}

/// What is kept of a machine: a tag of each of its names.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tags([Option<[u8; TAG_BYTES]>; 2]);

impl Tags {
    fn of(machine: &Machine, key: &Key) -> Self {
        let tag = |what: &[u8], name: &Option<String>| {
            let name = name.as_ref()?;
            key.mac(&[what, name.as_bytes()]).first_chunk().copied()
        };
        Self([tag(b"id", &machine.id), tag(b"board", &machine.board)])
    }

    /// The tags, and one over both.
    fn bytes(self, key: &Key) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|tag| tag.unwrap_or_default()).collect();
        let over = key.mac(&[b"tags", &bytes]);
        bytes.extend(over);
        bytes
    }

    fn parse(bytes: &[u8], key: &Key) -> Option<Self> {
        let (bytes, over) = bytes.split_last_chunk::<32>()?;
        if !key.verifies(&[b"tags", bytes], over) {
            return None;
        }
        let (tags, rest) = bytes.as_chunks::<TAG_BYTES>();
        let known = |tag: &[u8; TAG_BYTES]| Some(*tag).filter(|tag| *tag != [0; TAG_BYTES]);
        match tags {
            [id, board] if rest.is_empty() => Some(Self([known(id), known(board)])),
            _ => None,
        }
    }
}

/// How this machine differs from the one that was noted; the first one is noted. A name that is not known on both sides says
/// nothing.
///
/// # Errors
/// Those of the disk.
pub(super) fn compare(disk: &dyn Disk, key: &Key, machine: &Machine) -> io::Result<Option<Moved>> {
    let Some(there) = Tags::parse(&disk.read(FILE)?.unwrap_or_default(), key) else {
        note(disk, key, machine)?;
        return Ok(None);
    };
    let here = Tags::of(machine, key);
    let differs = |at: usize| there.0[at].zip(here.0[at]).is_some_and(|(there, here)| there != here);
    let moved = Moved { id: differs(0), board: differs(1) };
    Ok((moved.id || moved.board).then_some(moved))
}

/// Notes that the store belongs here.
///
/// # Errors
/// Those of the disk.
pub(super) fn note(disk: &dyn Disk, key: &Key, machine: &Machine) -> io::Result<()> {
    replace(disk, FILE, &Tags::of(machine, key).bytes(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::Folder;

    fn machine(id: &str, board: &str) -> Machine {
        let known = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        Machine { id: known(id), board: known(board) }
    }

    #[test]
    fn another_machine_is_noticed_and_an_unknown_name_says_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let disk = Folder::new(folder.path()).expect("folder");
        let key = Key::from_bytes([5; 32]);
        let seen = |id, board| compare(&disk, &key, &machine(id, board)).expect("read");
        assert_eq!(seen("a", "1"), None, "the first is noted");
        assert_eq!(seen("a", "1"), None);
        assert_eq!((seen("", ""), seen("a", ""), seen("", "1")), (None, None, None));
        assert_eq!(seen("a", "2"), Some(Moved { id: false, board: true }));
        assert_eq!(seen("b", "1"), Some(Moved { id: true, board: false }));
        assert_eq!(seen("b", "2"), Some(Moved { id: true, board: true }));
        assert!(seen("a", "2").is_some_and(|moved| moved.note().contains("moved or copied; run `sudo")));
        note(&disk, &key, &machine("b", "2")).expect("noted");
        assert_eq!(seen("b", "2"), None);
        assert!(seen("a", "1").is_some());
        let kept = disk.read(FILE).expect("read").expect("there");
        assert_eq!(kept.len(), 64, "tags of a fixed length, and no name");
    }

    #[test]
    fn a_damaged_note_is_written_anew() {
        let folder = tempfile::tempdir().expect("folder");
        let disk = Folder::new(folder.path()).expect("folder");
        let key = Key::from_bytes([5; 32]);
        disk.write(FILE, 0, b"half").expect("written");
        assert_eq!(compare(&disk, &key, &machine("a", "1")).expect("read"), None);
        let mut kept = disk.read(FILE).expect("read").expect("there");
        kept[3] ^= 1;
        disk.write(FILE, 0, &kept).expect("written");
        assert_eq!(compare(&disk, &key, &machine("a", "1")).expect("read"), None, "no other machine");
        assert!(compare(&disk, &key, &machine("b", "1")).expect("read").is_some());
    }
}
