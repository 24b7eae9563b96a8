//! What the journal calls messages: an id for each kind that somebody may want to find, with a text for people in
//! `systemd/facelatch.catalog` (`cargo xtask config` writes it).
//!
//! An id goes into the field `message_id` of an event; on a terminal it is left out.

use facelatch_wire::reply::EventKind;

use crate::store::StoreError;

macro_rules! messages {
    ($($name:ident = $id:literal, $subject:literal, $text:literal;)*) => {
        $(
            #[doc = $subject]
            pub(super) const $name: &str = $id;
        )*

        /// Id, subject and text of each.
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$(($id, $subject, $text)),*];
    };
}

messages! {
    STARTED = "0db6a462e301585883f14183d5748551", "The face-unlock daemon listens",
        "It opened the store and listens on its sockets. `facelatch status` says how it is.";
    CANNOT_START = "0be08909793e5116a3a8921b1fcdf9c2", "The face-unlock daemon cannot start",
        "The line says why and what to do. Until then logins ask for the password, doors stay closed, and exit buttons work.\n\
         `facelatch doctor` checks the machine.";
    STORE_NEWER = "83d52a544647573984339bbc1276271b", "The store was written by a newer facelatch",
        "An older package was installed over a newer one. Nothing in the store was touched. Install the newer version again;\n\
         `facelatch doctor` names it. To stay with the older one, restore a backup that it made.";
    STORE_RESTORED = "47923819443f5d98a6800e727e025dec", "The store was damaged and is whole again",
        "Part of it could not be read and was rebuilt from its second copy. Nothing is missing. If it happens again, the card wears\n\
         out: make a backup with `facelatch backup` and replace it.";
    STORE_LOSSY = "457a6e53236d50368d9777002c1b7de5", "Something in the store is lost",
        "The line says whose templates or rules. Restore a backup (`facelatch restore`) or enrol these people again, and replace the\n\
         card.";
    STORE_FAILED = "147f4aa7535c552abe768c0da0362a1f", "The store could not be read or written",
        "A full disk, one that became read-only, or a broken card. No face is judged whose miss could not be recorded. Make room,\n\
         or look at the disk; then restart the daemon.";
    STORE_VOLATILE = "d8fbf2d38be45be39b6f0371bec9bffc", "What is enrolled now is gone at the next boot",
        "The state folder lies in memory or on an overlay over a read-only root. Mount a disk there, or set store.folder.";
    MACHINE_CHANGED = "3ed4da244058545ca8ba88ec3e29b7d7", "The store is on another machine than before",
        "The card was moved or copied to another board, or the system was installed again. If another copy is in use, both have the\n\
         same keys: `facelatch renew --machine` gives this one its own.";
    CAMERA_LOST = "bb72ada44cf055b3bcaf171b428f55ea", "No picture from a camera",
        "The line says why and what to do. The camera is opened again by itself; until then attempts through it fail.";
    CAMERA_BACK = "91b12c92a71750659224831099277d91", "A camera gives pictures again",
        "Nothing is to be done.";
    ATTEMPT = "8fbfbb1c1ea95dc293c138140dbcc728", "Somebody was judged",
        "A face or a PIN was judged; the fields USER, VERDICT, DOOR and LATCH say how it ended. `facelatch log` shows the same.";
    CHANGED = "1201efcaf03555ae9b45c3535aed2f81", "Something was changed",
        "Somebody was enrolled or removed, a rule or a key was changed, or people were exported or imported. The field BY is the user\n\
         id of who asked. `facelatch log` shows the same.";
    DOOR = "d939bd2cb1a858c4ac99db2361c3db27", "Something happened at a door",
        "The fields DOOR and CHANGE say what: forced, held and tampered are alarms. `facelatch log` shows the same.";
}

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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalog_says_what_the_table_says() {
        let entries = ALL.iter().map(|(id, subject, text)| {
            format!(
                "\n-- {id}\nSubject: {subject}\nDefined-By: facelatch\nDocumentation: man:facelatchd(8)\n\n{text}\n"
            )
        });
        let catalog = format!(
            "# Messages of facelatchd, for `journalctl -x`. Written by `cargo xtask config`.\n{}",
            entries.collect::<String>()
        );
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/facelatch.catalog");
        if std::env::var_os("FACELATCH_WRITE_CONFIG").is_some() {
            std::fs::write(path, &catalog).expect("written");
        }
        let written = std::fs::read_to_string(path).expect("there");
        assert!(written == catalog, "systemd/facelatch.catalog differs; `cargo xtask config` writes it");
    }

    #[test]
    fn ids_are_128_bits_and_each_is_one_message() {
        let ids: BTreeSet<&str> = ALL.iter().map(|(id, ..)| *id).collect();
        assert_eq!(ids.len(), ALL.len());
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(lower)), "{ids:?}");
    }

    #[test]
    fn a_store_of_a_newer_program_has_a_message_of_its_own() {
        let newer = StoreError::Newer { path: "store".into(), layout: 9, reads: 6 };
        assert_eq!(of_failure(&anyhow::Error::new(newer)), STORE_NEWER);
        assert_eq!(of_failure(&anyhow::anyhow!("no camera")), CANNOT_START);
        assert_eq!((of_event(EventKind::Pin), of_event(EventKind::Remove)), (ATTEMPT, CHANGED));
    }
}
