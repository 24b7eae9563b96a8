//! What the journal calls messages: an id for each kind that somebody may want to find, with a text for people in
//! `systemd/facelatch.catalog` (`cargo xtask config` writes it), which `journalctl -x` shows.

/// One table of messages: whose they are, with the manual page, then a name, an id, a subject and a text for each.
macro_rules! messages {
    ($($program:literal $page:literal: { $($name:ident = $id:literal, $subject:literal, $text:literal;)* })*) => {
        $($(
            #[doc = $subject]
            pub const $name: &str = $id;
        )*)*

        /// Program, page, name, id, subject and text of each.
        #[cfg(test)]
        const ALL: &[[&str; 6]] =
            &[$($([$program, $page, stringify!($name), $id, $subject, $text]),*),*];
    };
}

messages! {
"facelatchd" "facelatchd(8)": {
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
"facelatch-door" "facelatch-door(8)": {
    DOOR_ALARM = "4af6c1d5d4fa43e9aaa36efd6f0728de", "Alarm at a door",
        "It was forced, held open for too long or tampered with, or its exit button could not open it. Somebody should look.";
    DOOR_CHANGED = "638fa898892943e1988e70deb3aa4d59", "A door was opened, closed, locked or unlocked",
        "Or it stayed locked for somebody who was recognised; the line says why. Nothing is to be done.";
    DOOR_PART_LOST = "f210bcd54de84fac8ed072a30e2aaa15", "Part of a door does not work",
        "A line, the keypad, or the watch over the camera; the line says which and why. It is tried again by itself. If it stays so,\n\
         look at the wires; `facelatch-door --check` looks for each line.";
    DOOR_PART_BACK = "1718b051f2884c388a0f4074c13107f7", "Part of a door works again",
        "Nothing is to be done.";
    DOOR_DAEMON_LOST = "d1430231a18d4d03a99cae488a62548c", "The program of the door does not reach the daemon",
        "No face and no PIN opens a door until it does; exit buttons work. `systemctl status facelatchd` says how the daemon is.";
    DOOR_DAEMON_BACK = "cf0252da2be845048764b3bc891fca21", "The program of the door hears from the daemon",
        "Nothing is to be done.";
    DOOR_JUDGED = "ed431b6d39a6445286300e59054b1f8c", "Somebody at a door was judged",
        "The line has the verdict on their face or PIN. Nothing is to be done.";
    DOOR_NOT_JUDGED = "a86ef45c0e31415190b202abba791ef0", "Somebody at a door could not be judged",
        "The daemon did not answer, or refused; the line says why. `facelatch status` says how it is.";
    DOOR_NOT_OPENED = "776c711e093545b5b5fc5c980f137061", "No door opens for somebody who was recognised",
        "They were recognised for no door or for one that is not here, or this door is not opened that way; the line says which.";
    DOOR_MISSED = "64768f11e4064f3a9cbc9b2f0df7c3c3", "A match came too late for a door",
        "Or events were lost. No door opens for them: let whoever waits try again. If it happens often, the machine is too busy, or its\n\
         clock is set back.";
    DOOR_NOT_TOLD = "c2cc2973f6704427bb3efa7132dc73cc", "The daemon was not told of something at a door",
        "It is missing in `facelatch log` and `facelatch events`. This journal has it.";
    DOOR_CONFIG_REFUSED = "638738831bca42a8a186df1aaa57d871", "The configuration of the door is refused",
        "The line names the file and what is wrong with it. Exit buttons work by the last file that was right, if there was one; no face\n\
         and no PIN opens a door. Correct the file, then: systemctl restart facelatch-door";
    DOOR_NO_COPY = "bd918842a719470aab494c74e42a7802", "The configuration of the door could not be copied",
        "If the file is wrong one day, exit buttons cannot go by this one. Look at the disk.";
    DOOR_NOT_OFF = "ec75ab10532c43b6a7174dfd346df71f", "A relay or a lamp of a door could not be switched off",
        "Its line cannot be used, so it may still be on. Look at the door.";
    DOOR_ENDED = "a15165849b3b4991b50c349a149fc79f", "The program of the door ends",
        "The line says why. systemd switches every relay off and starts it again.";
}
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::ALL;

    /// Where each program says its messages, below the root of the workspace.
    const SOURCES: &[(&str, &str)] = &[("facelatchd", "src/serve"), ("facelatch-door", "door/src")];

    fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// The text of all sources of a folder.
    fn text(folder: &Path) -> String {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let read = |path: PathBuf| match path.extension() {
            _ if path.is_dir() => text(&path),
            Some(ending) if ending == "rs" => fs::read_to_string(path).expect("text"),
            _ => String::new(),
        };
        entries.map(read).collect()
    }

    #[test]
    fn the_catalog_says_what_the_table_says() {
        let entries = ALL.iter().map(|[_, page, _, id, subject, text]| {
            format!(
                "\n-- {id}\nSubject: {subject}\nDefined-By: facelatch\nDocumentation: man:{page}\n\n{text}\n"
            )
        });
        let catalog = format!(
            "# Messages of facelatchd and facelatch-door, for `journalctl -x`. Written by `cargo xtask config`.\n{}",
            entries.collect::<String>()
        );
        let path = workspace().join("systemd/facelatch.catalog");
        if std::env::var_os("FACELATCH_WRITE_CONFIG").is_some() {
            fs::write(&path, &catalog).expect("written");
        }
        let written = fs::read_to_string(path).expect("there");
        assert!(written == catalog, "systemd/facelatch.catalog differs; `cargo xtask config` writes it");
    }

    #[test]
    fn ids_are_128_bits_and_each_is_one_message() {
        let ids: BTreeSet<&str> = ALL.iter().map(|[_, _, _, id, ..]| *id).collect();
        assert_eq!(ids.len(), ALL.len());
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(lower)), "{ids:?}");
    }

    #[test]
    fn each_message_of_the_catalog_is_said_by_its_program_and_none_has_another_id() {
        let mut names = BTreeSet::new();
        for (program, folder) in SOURCES {
            let text = text(&workspace().join(folder));
            let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let theirs = ALL.iter().filter(|[of, ..]| of == program).map(|[_, _, name, ..]| *name);
            let unsaid: Vec<&str> = theirs.clone().filter(|name| !words.contains(name)).collect();
            assert!(unsaid.is_empty(), "{program} says none of {unsaid:?}");
            names.extend(theirs);
            let field = "message_id = ";
            let ids = text.match_indices(field).filter_map(|(at, _)| text.get(at + field.len()..));
            let foreign = ids.filter(|rest| !rest.starts_with("journal::")).count();
            assert_eq!(foreign, 0, "an id that is not from the table, in {folder}");
        }
        assert_eq!(names.len(), ALL.len(), "a program without a folder");
    }
}
