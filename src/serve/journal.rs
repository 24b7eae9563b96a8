//! Which message of the journal's catalogue something is (`facelatch_wire::journal`).
//!
//! An id goes into the field `message_id` of an event; on a terminal it is left out.

pub(super) use facelatch_wire::journal::*;
use facelatch_wire::reply::EventKind;

use crate::store::StoreError;

/// The id of a message about a start that failed.
pub(super) fn of_failure(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Newer { .. }) => STORE_NEWER,
        _ => CANNOT_START,
    }
}

/// The id of a message about an event.
pub(super) fn of_event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Verify | EventKind::Identify | EventKind::Explain | EventKind::Pin => ATTEMPT,
        EventKind::Door => DOOR,
        _ => CHANGED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_a_newer_program_has_a_message_of_its_own() {
        let newer = StoreError::Newer { path: "store".into(), layout: 9, reads: 6 };
        assert_eq!(of_failure(&anyhow::Error::new(newer)), STORE_NEWER);
        assert_eq!(of_failure(&anyhow::anyhow!("no camera")), CANNOT_START);
        assert_eq!((of_event(EventKind::Pin), of_event(EventKind::Remove)), (ATTEMPT, CHANGED));
    }
}
