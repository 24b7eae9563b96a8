//! What happened, as the code that PAM gets. Pure; the table is in the crate's documentation.

use std::fmt;

use facelatch_wire::{ClientError, Fault, Kind, Outcome};

/// What the module may return; the numbers are Linux-PAM's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// `PAM_SUCCESS`: let in.
    Success = 0,
    /// `PAM_AUTH_ERR`: a face was judged and is another's, or no live one. `pam_faillock` counts these, so nothing else may
    /// return it.
    Denied = 7,
    /// `PAM_AUTHINFO_UNAVAIL`: the face could not be judged.
    Unavailable = 9,
    /// `PAM_IGNORE`: as if the module were not there.
    Ignore = 25,
}

/// Why there is no verdict from the daemon.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody listens, or not for us.
    Absent(ClientError),
    /// The listener must not be believed.
    Untrusted {
        /// How it differs from our daemon.
        why: String,
    },
    /// No verdict in time.
    Late {
        /// What was wrong with the last picture.
        guidance: Option<Outcome>,
    },
    /// Somebody typed instead of looking.
    Typed,
    /// Nobody can look at the camera any more.
    Away {
        /// What happened.
        why: &'static str,
    },
    /// The daemon said no, or something that makes no sense.
    Failed(ClientError),
}

impl Code {
    /// The code for what came of asking the daemon.
    pub fn of(answer: &Result<Outcome, Trouble>) -> Self {
        match answer {
            Ok(outcome) => match outcome.kind() {
                Kind::Match => Self::Success,
                Kind::Denied => Self::Denied,
                Kind::NotEnrolled => Self::Ignore,
                Kind::Retry | Kind::Locked | Kind::Unavailable | Kind::Prompt => Self::Unavailable,
            },
            Err(Trouble::Absent(_) | Trouble::Typed | Trouble::Away { .. }) => Self::Ignore,
            Err(_) => Self::Unavailable,
        }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning { .. }
            | ClientError::Forbidden { .. }
            | ClientError::Refused(Fault::PermissionDenied { .. }) => Self::Absent(error),
            ClientError::Timeout => Self::Late { guidance: None },
            other => Self::Failed(other),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(error) | Self::Failed(error) => error.fmt(f),
            Self::Untrusted { why } => write!(f, "the daemon is not believed: {why}"),
            Self::Late { guidance: Some(outcome) } => write!(f, "no verdict in time; last seen: {outcome}"),
            Self::Away { why } => write!(f, "given up: {why}"),
            Self::Typed => f.write_str("somebody typed, or a signal came, before there was a verdict"),
            Self::Late { guidance: None } => ClientError::Timeout.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_match_lets_in_and_only_a_judged_face_is_denied() {
        for word in Outcome::ALL.into_iter().chain([Outcome::Unknown]) {
            let code = Code::of(&Ok(word));
            assert_eq!(code == Code::Success, word == Outcome::Match, "{word}");
            assert_eq!(code == Code::Denied, word.kind() == Kind::Denied, "{word}");
            assert_eq!(code == Code::Ignore, word == Outcome::NotEnrolled, "{word}");
        }
    }

    #[test]
    fn without_a_daemon_the_module_might_as_well_not_be_there() {
        let of = |error: ClientError| Code::of(&Err(error.into()));
        let source = std::io::ErrorKind::NotFound.into();
        assert_eq!(of(ClientError::NotRunning { socket: "/s".into(), source }), Code::Ignore);
        assert_eq!(of(ClientError::Forbidden { socket: "/s".into() }), Code::Ignore);
        let message = "only alice may".to_owned();
        assert_eq!(of(ClientError::Refused(Fault::PermissionDenied { message })), Code::Ignore);
        assert_eq!(Code::of(&Err(Trouble::Typed)), Code::Ignore);
        assert_eq!(Code::of(&Err(Trouble::Away { why: "the lid is closed" })), Code::Ignore);
    }

    #[test]
    fn a_daemon_that_is_broken_late_or_false_is_unavailable() {
        let refused = ClientError::Refused(Fault::Busy { message: "m".into() });
        let garbage = ClientError::Garbage { why: "w".into() };
        for error in [ClientError::Timeout, ClientError::TooLong, garbage, ClientError::Closed, refused] {
            assert_eq!(Code::of(&Err(error.into())), Code::Unavailable);
        }
        assert_eq!(Code::of(&Err(Trouble::Untrusted { why: "w".into() })), Code::Unavailable);
    }
}
