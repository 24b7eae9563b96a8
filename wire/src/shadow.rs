//! Which accounts shadow(5) bars: the login module asks no face for them, and `facelatch doctor` names them. Password hashes
//! pass through one buffer that is wiped; nothing here returns or shows them.

use std::fmt;
use std::hint::black_box;
use std::io::{self, ErrorKind, Read};

/// Where it is, below the root.
pub const FILE: &str = "etc/shadow";

/// Longest line in bytes: a name, a hash of any kind and numbers are far shorter.
const MAX_LINE_BYTES: usize = 4096;

/// Longest file in bytes: more than a hundred thousand accounts.
const MAX_FILE_BYTES: usize = 16 << 20;

/// Why nobody should get in under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bar {
    /// There is a password and somebody has locked it: `passwd -l`, `usermod -L`.
    Locked,
    /// There is no password that could be right: `*`, `!`, `!!` or `!*`. Accounts of the system, and people with keys only.
    NoPassword,
    /// Its last day is over: `usermod --expiredate`.
    Expired,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "locked",
            Self::NoPassword => "no password",
            Self::Expired => "expired",
        })
    }
}

/// Calls `each` with every account that `shadow`, a file as in shadow(5), bars on the day `today` (since 1970-01-01 UTC).
///
/// # Errors
/// When it cannot be read to its end, or is larger than any such file.
pub fn barred(mut shadow: impl Read, today: u64, mut each: impl FnMut(&str, Bar)) -> io::Result<()> {
    let mut buffer = Buffer([0; MAX_LINE_BYTES]);
    let (mut held, mut total) = (0, 0);
    loop {
        let read = match shadow.read(&mut buffer.0[held..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        (held, total) = (held + read, total + read);
        let mut rest = &buffer.0[..held];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            judge(&rest[..end], today, &mut each);
            rest = &rest[end + 1..];
        }
        if read == 0 {
            judge(rest, today, &mut each);
            return Ok(());
        }
        let left = rest.len();
        if left == MAX_LINE_BYTES || total > MAX_FILE_BYTES {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line or the file is too long"));
        }
        buffer.0.copy_within(held - left..held, 0);
        held = left;
    }
}

fn judge(line: &[u8], today: u64, each: &mut impl FnMut(&str, Bar)) {
    let mut fields = line.split(|byte| *byte == b':');
    let (Some(name), Some(password)) = (fields.next(), fields.next()) else { return };
    // The eighth; an empty one and a negative number mean never.
    let last = fields.nth(5).and_then(|field| str::from_utf8(field).ok()?.parse::<u64>().ok());
    let bar = if last.is_some_and(|day| day <= today) { Some(Bar::Expired) } else { of_password(password) };
    // A name that is no UTF-8 is nobody's who asks.
    if let (Some(bar), Ok(name)) = (bar, str::from_utf8(name)) {
        each(name, bar);
    }
}

/// An empty field means that no password is needed.
fn of_password(field: &[u8]) -> Option<Bar> {
    let is_mark = |byte: &u8| matches!(byte, b'!' | b'*');
    match field.first() {
        Some(first) if is_mark(first) => {
            Some(if field.iter().all(is_mark) { Bar::NoPassword } else { Bar::Locked })
        }
        _ => None,
    }
}

/// Wiped when dropped, as far as safe code can promise that.
struct Buffer([u8; MAX_LINE_BYTES]);

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.fill(0);
        // Whatever looks at it now must find zeros, so the line above stays.
        black_box(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u64 = 20_000;

    fn barred_in(shadow: impl Read) -> Vec<(String, Bar)> {
        let mut found = Vec::new();
        barred(shadow, TODAY, |name, bar| found.push((name.to_owned(), bar))).expect("readable");
        found
    }

    #[test]
    fn locked_expired_and_passwordless_accounts_are_told_apart_from_good_ones() {
        for (fields, wanted) in [
            ("$y$j9T$x:19000:0:99999:7:::", None),
            (":19000:0:99999:7:::", None),
            ("$y$j9T$x:19000:0:99999:7::20001:", None),
            ("$y$j9T$x:19000:0:99999:7::-1:", None),
            ("!$y$j9T$x:19000:0:99999:7:::", Some(Bar::Locked)),
            ("!!$y$j9T$x:19000:0:99999:7:::", Some(Bar::Locked)),
            ("*LK*:19000:0:99999:7:::", Some(Bar::Locked)),
            ("!$y$j9T$x", Some(Bar::Locked)),
            ("!:19000:0:99999:7:::", Some(Bar::NoPassword)),
            ("!!:19000::::::", Some(Bar::NoPassword)),
            ("*:19000:0:99999:7:::", Some(Bar::NoPassword)),
            ("!*:19000::::::", Some(Bar::NoPassword)),
            ("$y$j9T$x:19000:0:99999:7::20000:", Some(Bar::Expired)),
            ("$y$j9T$x:19000:0:99999:7::0:", Some(Bar::Expired)),
            // Whoever lets in those without a password still asks whether the account has expired.
            ("!*:19000:::::1:", Some(Bar::Expired)),
        ] {
            let wanted: Vec<_> = wanted.map(|bar| ("alice".to_owned(), bar)).into_iter().collect();
            assert_eq!(barred_in(format!("alice:{fields}").as_bytes()), wanted, "{fields}");
        }
    }

    #[test]
    fn lines_are_found_wherever_a_read_ends() {
        /// Gives one byte at a time.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.read(&mut buffer[..1])
            }
        }
        let people = "daemon:*:1::::::\n\nalice:$y$x:1::::::\nj\u{f6}rg:!$y$x:1::::::\nnobody\nbob:!:1::::::";
        let wanted =
            [("daemon", Bar::NoPassword), ("j\u{f6}rg", Bar::Locked), ("bob", Bar::NoPassword)].map(owned);
        assert_eq!(barred_in(people.as_bytes()), wanted);
        assert_eq!(barred_in(Slow(people.as_bytes())), wanted);
        let many = format!("{}alice:!:1::::::\n", "someone:$y$j9T$x:19000:0:99999:7:::\n".repeat(1000));
        assert_eq!(barred_in(many.as_bytes()), [owned(("alice", Bar::NoPassword))]);
        assert_eq!(barred_in(&b"\xff:!:1::::::\nbob:!\xffx:1::::::\n"[..]), [owned(("bob", Bar::Locked))]);
    }

    fn owned((name, bar): (&str, Bar)) -> (String, Bar) {
        (name.to_owned(), bar)
    }

    #[test]
    fn a_file_without_end_is_refused() {
        assert!(barred(io::repeat(b'a'), TODAY, |_, _| ()).is_err());
        assert!(barred(io::repeat(b'\n'), TODAY, |_, _| ()).is_err());
    }
}
