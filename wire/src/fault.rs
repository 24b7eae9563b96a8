//! What may go wrong: stable codes for programs, each with a text for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Declares the errors; the comment of each is its description in the interface file.
macro_rules! faults {
    ($(#[$meta:meta])* { $(
        $(#[doc = $doc:literal])*
        $fault:ident = $name:literal $({ $($field:ident: $type:ty),+ })?,
    )+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "error", content = "parameters")]
        #[expect(missing_docs, reason = "the interface file tells what each field is")]
        pub enum Fault {
            $($(#[doc = $doc])* #[serde(rename = $name)] $fault $({ $($field: $type),+ })?,)+
        }

        /// Name, description and parameters of each.
        #[cfg(test)]
        pub(crate) fn described() -> Vec<(&'static str, &'static [&'static str], Vec<(&'static str, String)>)> {
            use crate::idl::Described;
            vec![$((
                $name,
                &[$($doc),*],
                vec![$($((stringify!($field), <$type>::varlink())),+)?],
            )),+]
        }
    };
}

faults! {
    /// An error reply. Serialises to the whole Varlink reply: `{"error": NAME, "parameters": {..}}`.
    ///
    /// `message` is one line: what, why, and what to do.
    {
        /// The caller may not ask this; the message names who may.
        PermissionDenied = "io.facelatch.v1.PermissionDenied" { message: String },
        /// The camera was in use for the whole wait, or too many callers wait already; or the group has made too many changes.
        Busy = "io.facelatch.v1.Busy" { message: String },
        /// A value of the right type that cannot be used, such as a user name with `/`.
        BadParameter = "io.facelatch.v1.BadParameter" { parameter: String, message: String },
        /// No such user or template.
        NotFound = "io.facelatch.v1.NotFound" { message: String },
        /// No template was added; the reason is one of the outcomes above.
        EnrollFailed = "io.facelatch.v1.EnrollFailed" { reason: Outcome, message: String },
        /// The store could not do it.
        StoreFailed = "io.facelatch.v1.StoreFailed" { message: String },
        /// People in an import are enrolled already, with other templates.
        Conflict = "io.facelatch.v1.Conflict" { users: Vec<String>, message: String },
        /// The daemon is stopping.
        Stopping = "io.facelatch.v1.Stopping" { message: String },
        /// The message is no call: not JSON, not an object, or without a method.
        BadMessage = "io.facelatch.v1.BadMessage" { message: String },
        /// The message is longer than the limit. It was thrown away; the connection goes on.
        TooLong = "io.facelatch.v1.TooLong" { limit_bytes: u64, message: String },
        /// No room for one more client. The connection is closed.
        TooManyClients = "io.facelatch.v1.TooManyClients" { limit: u64, message: String },
        /// Varlink's own: no such interface.
        InterfaceNotFound = "org.varlink.service.InterfaceNotFound" { interface: String },
        /// Varlink's own: no such method.
        MethodNotFound = "org.varlink.service.MethodNotFound" { method: String },
        /// Varlink's own: a parameter is unknown, missing, or of another type.
        InvalidParameter = "org.varlink.service.InvalidParameter" { parameter: String },
        /// Varlink's own: the method answers with a stream only; call it with `more`.
        ExpectedMore = "org.varlink.service.ExpectedMore",
    }
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
