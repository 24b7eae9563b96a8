//! Lines for the journal, with their priority and with the id that its catalogue has a text for.
//!
//! Standard error carries a priority but no id, so a line goes to the journal's own socket where standard error is the journal. It goes
//! to standard error elsewhere, without a priority, and where that socket is missing or refuses. Where it is merely full, the line is
//! lost: the loop that feeds the watchdog must not wait for a log.
//!
//! The journal finds the unit of such a line by its sender's process, which may have ended by then. Of standard error it knows the
//! unit, so what is said at the end goes there as well.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use nix::sys::stat::fstat;

use crate::controller::{Note, Urgency};

/// Where the journal takes fields of a line, each as `NAME=value` and a line feed (systemd.journal-fields(7)).
const SOCKET: &str = "/run/systemd/journal/socket";

/// Says something; a line of its own for each line of the text.
pub(crate) fn say(note: Note, text: &str) {
    tell(journal(), &mut io::stderr(), note, text, false);
}

/// Says something just before the program ends.
pub(crate) fn say_last(note: Note, text: &str) {
    tell(journal(), &mut io::stderr(), note, text, true);
}

/// The journal's socket, if standard error is the journal.
fn journal() -> Option<&'static Path> {
    is_journal().then_some(Path::new(SOCKET))
}

fn tell(journal: Option<&Path>, error: &mut dyn Write, note: Note, text: &str, is_last: bool) {
    let (urgency, id) = note.entry();
    let priority = match urgency {
        Urgency::Error => 3,
        Urgency::Alarm => 4,
        Urgency::Info => 6,
    };
    let mark = journal.map_or_else(String::new, |_| format!("<{priority}>"));
    for line in text.lines() {
        let is_done = journal.is_some_and(|socket| match send(socket, priority, id, line) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        if is_last || !is_done {
            // Nobody is left to tell.
            let _ = writeln!(error, "{mark}{line}");
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
    }

    #[test]
    fn standard_error_has_what_the_journal_refuses_and_the_last_words_and_a_full_journal_loses_the_rest() {
        let said = |journal: Option<&Path>, is_last| {
            let mut error = Vec::new();
            tell(journal, &mut error, Note::Ended, "a\nb", is_last);
            String::from_utf8(error).expect("text")
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        assert_eq!(said(None, false), "a\nb\n", "a terminal");
        let lines = said(Some(&path), false);
        assert!(lines.lines().eq(["<3>a", "<3>b"]), "nobody listens: {lines}");
        let _journal = UnixDatagram::bind(&path).expect("a socket");
        assert_eq!((said(Some(&path), false), said(Some(&path), true)), (String::new(), lines.clone()));
        let full = (0..10_000).find_map(|_| send(&path, 3, "00", "x").err());
        assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::WouldBlock), "nobody waits");
        assert_eq!((said(Some(&path), false), said(Some(&path), true)), (String::new(), lines));
    }
}
