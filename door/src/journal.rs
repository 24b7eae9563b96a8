//! Lines for the journal, with their priority and with the id that its catalogue has a text for.
//!
//! Standard error carries a priority but no id, so a line goes to the journal's own socket where standard error is the journal, and
//! to standard error elsewhere, or where that socket takes nothing: nobody here waits for a log.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use nix::sys::stat::fstat;

use crate::controller::{Note, Urgency};

/// Where the journal takes fields of a line, each as `NAME=value` and a line feed (systemd.journal-fields(7)).
const SOCKET: &str = "/run/systemd/journal/socket";

/// Says something; a line of its own for each line of the text.
pub(crate) fn say(note: Note, text: &str) {
    let (urgency, id) = note.entry();
    let priority = match urgency {
        Urgency::Error => 3,
        Urgency::Alarm => 4,
        Urgency::Info => 6,
    };
    let is_journal = is_journal();
    for line in text.lines() {
        if !is_journal || send(Path::new(SOCKET), priority, id, line).is_err() {
            eprintln!("<{priority}>{line}");
        }
    }
}

/// Whether standard error is the journal: systemd says which file that would be.
fn is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    fstat(io::stderr()).is_ok_and(|file| named == format!("{}:{}", file.st_dev, file.st_ino))
}

fn send(socket: &Path, priority: u8, id: &str, line: &str) -> io::Result<()> {
    let to = UnixDatagram::unbound()?;
    to.set_nonblocking(true)?;
    let fields =
        format!("MESSAGE={line}\nPRIORITY={priority}\nMESSAGE_ID={id}\nSYSLOG_IDENTIFIER=facelatch-door\n");
    to.send_to(fields.as_bytes(), socket).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_id_and_priority_and_one_that_is_not_taken_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        assert!(send(&path, 3, "00", "front: contact: gone").is_err(), "nobody listens");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        send(&path, 3, "00", "front: contact: gone").expect("taken");
        let mut taken = [0; 200];
        let length = journal.recv(&mut taken).expect("there");
        let wanted =
            "MESSAGE=front: contact: gone\nPRIORITY=3\nMESSAGE_ID=00\nSYSLOG_IDENTIFIER=facelatch-door\n";
        assert_eq!(std::str::from_utf8(&taken[..length]), Ok(wanted));
        let full = (0..10_000).find_map(|_| send(&path, 3, "00", "x").err());
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock), "nobody waits");
    }
}
