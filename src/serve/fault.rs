//! The errors that callers get: what each says, and what to do.

use std::time::Duration;

use facelatch_wire::{Fault, MAX_MESSAGE_BYTES};

use super::journal;
use crate::store::StoreError;
use crate::store::portable::PortableError;

/// The camera is in use.
pub(super) fn busy() -> Fault {
    Fault::Busy { message: "camera: busy with another attempt; try again in a moment".to_owned() }
}

/// The caller has a job already, or too many others have.
pub(super) fn no_permit() -> Fault {
    let message = "camera busy: another attempt of yours is queued or running, or too many others are; try again in a moment";
    Fault::Busy { message: message.to_owned() }
}

/// The group has made many changes.
pub(super) fn too_many_changes(what: &str, wait: Duration) -> Fault {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message =
        format!("{what}: the group has made many changes; try again in {seconds} s, or ask as root");
    Fault::Busy { message }
}

/// A door has reported much.
pub(super) fn too_many_reports(wait: Duration) -> Fault {
    let ms = wait.as_millis();
    Fault::Busy { message: format!("report: too many from this user; try again in {ms} ms") }
}

/// The engine has gone.
pub(super) fn stopping() -> Fault {
    Fault::Stopping { message: "daemon: stopping; try again after it restarts".to_owned() }
}

/// A message that is too long.
pub(super) fn too_long() -> Fault {
    let message = format!("message: longer than {MAX_MESSAGE_BYTES} bytes; ask for less at once");
    Fault::TooLong { limit_bytes: MAX_MESSAGE_BYTES as u64, message }
}

/// A message that did not end in time.
pub(super) fn not_whole(timeout: Duration) -> Fault {
    let ms = timeout.as_millis();
    Fault::BadMessage { message: format!("message: not whole within {ms} ms; end it with a NUL byte") }
}

/// A value that cannot be used, named by its parameter.
pub(super) fn bad_parameter(parameter: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::BadParameter { parameter: parameter.to_owned(), message: why.to_string() }
}

/// Other PINs are being judged.
pub(super) fn too_many_pins() -> Fault {
    Fault::Busy { message: "pin: others are being judged; try again in a moment".to_owned() }
}

/// The store failed. The journal and the caller get the same text.
pub(super) fn store_fault(error: StoreError) -> Fault {
    tracing::error!(message_id = journal::STORE_FAILED, "{error}");
    Fault::StoreFailed { message: error.to_string() }
}

/// Nothing was exported or imported.
pub(super) fn portable_fault(error: PortableError) -> Fault {
    match error {
        PortableError::Store(error) => store_fault(error),
        PortableError::NameService { .. } => Fault::StoreFailed { message: error.to_string() },
        PortableError::Nobody => Fault::NotFound { message: error.to_string() },
        PortableError::Recipient { .. } => bad_parameter("recipient", &error),
        PortableError::Identity { .. } | PortableError::OtherKey => bad_parameter("identity", &error),
        PortableError::File { .. } | PortableError::NotHere { .. } | PortableError::OtherEmbedder { .. } => {
            bad_parameter("data", &error)
        }
        PortableError::Conflict { ref users } => {
            Fault::Conflict { users: users.clone(), message: error.to_string() }
        }
    }
}

/// The audit log could not be read. The journal and the caller get the same text.
pub(super) fn audit_fault(why: String) -> Fault {
    let message = format!("{why}; check the disk");
    tracing::error!("{message}");
    Fault::StoreFailed { message }
}

/// The thread that waits for the disk panicked.
pub(super) fn panicked() -> Fault {
    Fault::StoreFailed { message: "store: panicked; restart the daemon, then check the disk".to_owned() }
}
