//! What may go wrong: stable codes for programs, each with a text for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An error reply. Serialises to the whole Varlink reply: `{"error": NAME, "parameters": {..}}`.
///
/// `message` is one line: what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", content = "parameters")]
#[expect(missing_docs, reason = "the interface file tells what each field is")]
pub enum Fault {
    /// The caller may not ask this; the text names who may.
    #[serde(rename = "io.facelatch.v1.PermissionDenied")]
    PermissionDenied { message: String },
    /// The camera is with somebody else and stayed so for the whole wait.
    #[serde(rename = "io.facelatch.v1.Busy")]
    Busy { message: String },
    /// A value of the right type that cannot be used.
    #[serde(rename = "io.facelatch.v1.BadParameter")]
    BadParameter { parameter: String, message: String },
    /// No such user or template.
    #[serde(rename = "io.facelatch.v1.NotFound")]
    NotFound { message: String },
    /// No template was added. `reason` is a word of [`crate::Word`].
    #[serde(rename = "io.facelatch.v1.EnrollFailed")]
    EnrollFailed { reason: crate::Word, message: String },
    /// The store could not do it.
    #[serde(rename = "io.facelatch.v1.StoreFailed")]
    StoreFailed { message: String },
    /// People in an import are enrolled already, with other templates.
    #[serde(rename = "io.facelatch.v1.Conflict")]
    Conflict { users: Vec<String>, message: String },
    /// The daemon is stopping, or its engine has.
    #[serde(rename = "io.facelatch.v1.Stopping")]
    Stopping { message: String },
    /// The message is no call: not JSON, not an object, no method.
    #[serde(rename = "io.facelatch.v1.BadMessage")]
    BadMessage { message: String },
    /// The message is longer than [`crate::MAX_MESSAGE_BYTES`].
    #[serde(rename = "io.facelatch.v1.TooLong")]
    TooLong { limit_bytes: u64, message: String },
    /// No room for one more client; this connection is closed.
    #[serde(rename = "io.facelatch.v1.TooManyClients")]
    TooManyClients { limit: u64, message: String },
    /// Varlink's own: no such interface.
    #[serde(rename = "org.varlink.service.InterfaceNotFound")]
    InterfaceNotFound { interface: String },
    /// Varlink's own: no such method.
    #[serde(rename = "org.varlink.service.MethodNotFound")]
    MethodNotFound { method: String },
    /// Varlink's own: unknown, missing, or of another type.
    #[serde(rename = "org.varlink.service.InvalidParameter")]
    InvalidParameter { parameter: String },
    /// Varlink's own: the method answers with a stream only; call it with `more`.
    #[serde(rename = "org.varlink.service.ExpectedMore")]
    ExpectedMore,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PermissionDenied { message }
            | Self::Busy { message }
            | Self::BadParameter { message, .. }
            | Self::NotFound { message }
            | Self::EnrollFailed { message, .. }
            | Self::StoreFailed { message }
            | Self::Conflict { message, .. }
            | Self::Stopping { message }
            | Self::BadMessage { message }
            | Self::TooLong { message, .. }
            | Self::TooManyClients { message, .. } => f.write_str(message),
            Self::InterfaceNotFound { interface } => {
                write!(f, "interface {interface:?}: not known to this daemon; is it older than the client?")
            }
            Self::MethodNotFound { method } => {
                write!(f, "method {method:?}: not known to this daemon; is it older than the client?")
            }
            Self::InvalidParameter { parameter } => {
                write!(f, "parameter {parameter:?}: unknown, missing or of another type; see the interface")
            }
            Self::ExpectedMore => f.write_str("this method answers with a stream only; call it with `more`"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_varlink_error_reply() {
        let fault = Fault::MethodNotFound { method: "a.b.C".into() };
        let text = serde_json::to_string(&fault).expect("serialises");
        let wanted = r#"{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"a.b.C"}}"#;
        assert_eq!(text, wanted);
        assert_eq!(serde_json::from_str::<Fault>(&text).expect("reads"), fault);
    }
}
