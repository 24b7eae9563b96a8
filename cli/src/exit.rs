//! How the command ends: one code for each kind of outcome, and one line for each error.

use facelatch_setup::lock::NotRoot;
use facelatch_wire::{ClientError, Fault, Kind, Outcome};

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
    /// Daemon or camera unavailable, or something failed.
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
  1  a face was judged and did not match, is no live one, or is too like others to enrol; or the audit log was changed
  2  the command or a value in it is invalid; or nobody of that name is enrolled
  3  no face was judged; try again
  4  daemon or camera unavailable, or something failed; or `doctor` found a fault
  5  you may not ask this
  6  too many misses; wait, or use another factor and `facelatch reset`";

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome.kind() {
            Kind::Match => Self::Done,
            Kind::Denied => Self::NoMatch,
            Kind::Retry => Self::TryAgain,
            Kind::Locked => Self::Locked,
            // Naming somebody else helps, trying again does not.
            Kind::NotEnrolled => Self::Usage,
            Kind::Unavailable | Kind::Prompt => Self::Unavailable,
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

/// Reports what went wrong, in one line on standard error or as JSON on standard output. Returns the exit code.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> Exit {
    if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
        return Exit::Done; // Whoever read our output has seen enough.
    }
    let exit = match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(fault)) => Exit::from(fault),
        Some(ClientError::Forbidden { .. }) => Exit::Forbidden,
        _ if error.downcast_ref::<NotRoot>().is_some() => Exit::Forbidden,
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
        for word in Outcome::ALL {
            assert_eq!(Exit::from(word) == Exit::Done, word == Outcome::Match, "{word}");
        }
        assert_eq!(Exit::from(Outcome::Unknown), Exit::Unavailable);
    }

    #[test]
    fn what_only_root_may_is_forbidden_to_others() {
        let error = anyhow::Error::new(NotRoot { what: "setup", command: "facelatch setup".to_owned() });
        assert_eq!(report(&error, false), Exit::Forbidden);
        assert_eq!(error.to_string(), "setup: only root may; run `sudo facelatch setup`");
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
