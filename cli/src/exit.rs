//! How the command ends: one code for each kind of outcome, and one line for each error.

use facelatch_wire::{ClientError, Fault, Word};

/// The exit codes. Scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done; the face matched.
    Done = 0,
    /// A face was judged and did not match.
    NoMatch = 1,
    /// The command or a value in it makes no sense.
    Usage = 2,
    /// No face was judged; trying again helps.
    TryAgain = 3,
    /// The daemon or its camera is not to be had, or something failed.
    Unavailable = 4,
    /// You may not ask this.
    Forbidden = 5,
    /// Too many misses.
    Locked = 6,
}

/// The same for `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done, or the face matched
  1  a face was judged and did not match; the audit log is not as it was written
  2  the command or a value in it makes no sense
  3  no face was judged; try again
  4  the daemon or its camera is not to be had, or something failed
  5  you may not ask this
  6  too many misses; wait, or use another factor and `facelatch reset`";

impl From<Word> for Exit {
    fn from(word: Word) -> Self {
        match word {
            Word::Match => Self::Done,
            Word::NoMatch => Self::NoMatch,
            Word::NoFace
            | Word::SeveralFaces
            | Word::TooDark
            | Word::TooBright
            | Word::TooFar
            | Word::TooBlurred
            | Word::TurnedAway
            | Word::NotCentred => Self::TryAgain,
            Word::Wait | Word::Stopped => Self::Locked,
            // Nobody of that name: naming somebody else helps, trying again does not.
            Word::NotEnrolled => Self::Usage,
            Word::CameraUnavailable | Word::Cancelled | Word::Failed | Word::Unknown => Self::Unavailable,
        }
    }
}

impl From<&Fault> for Exit {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::PermissionDenied { .. } => Self::Forbidden,
            Fault::BadParameter { .. }
            | Fault::NotFound { .. }
            | Fault::InvalidParameter { .. }
            | Fault::Conflict { .. } => Self::Usage,
            Fault::EnrollFailed { reason, .. } => Self::from(*reason),
            _ => Self::Unavailable,
        }
    }
}

/// Says what went wrong, in one line on standard error or as JSON on standard output, and how to end.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> Exit {
    if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        return Exit::Done; // Whoever read our output has seen enough.
    }
    let exit = match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(fault)) => Exit::from(fault),
        Some(ClientError::Forbidden { .. }) => Exit::Forbidden,
        _ => Exit::Unavailable,
    };
    let text = format!("{error:#}");
    if json {
        let _ = crate::say::json(&serde_json::json!({ "error": text, "exit": exit as u8 }));
    } else {
        eprintln!("facelatch: {text}");
    }
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_match_ends_with_zero() {
        for word in Word::ALL {
            assert_eq!(Exit::from(word) == Exit::Done, word == Word::Match, "{word}");
        }
        assert_eq!(Exit::from(Word::Unknown), Exit::Unavailable);
    }

    #[test]
    fn the_help_names_every_code() {
        let codes = [
            Exit::Done,
            Exit::NoMatch,
            Exit::Usage,
            Exit::TryAgain,
            Exit::Unavailable,
            Exit::Forbidden,
            Exit::Locked,
        ];
        for (line, code) in TABLE.lines().skip(1).zip(codes) {
            assert!(line.trim_start().starts_with(&(code as u8).to_string()), "{line}");
        }
        assert_eq!(TABLE.lines().count(), codes.len() + 1);
    }
}
