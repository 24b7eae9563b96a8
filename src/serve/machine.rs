//! What tells this machine from others.

use std::path::Path;

use crate::store::Machine;

/// See machine-id(5).
const ID: &str = "etc/machine-id";

/// Where boards with a device tree have their serial number; x86 machines show theirs to root alone.
const BOARD: &str = "sys/firmware/devicetree/base/serial-number";

/// This machine, below a root folder. What cannot be read is unknown.
pub(super) fn here(root: &Path) -> Machine {
    let read = |path: &str| {
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        // As it is in an image that has not booted yet.
        (!text.is_empty() && text != "uninitialized").then(|| text.to_owned())
    };
    Machine { id: read(ID), board: read(BOARD) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_an_id_and_a_board_its_serial_number() {
        let root = tempfile::tempdir().expect("folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
            std::fs::write(path, text).expect("written");
        };
        assert_eq!(here(root.path()), Machine::default());
        write(ID, "uninitialized\n");
        write(BOARD, "10000000abcdef01\0");
        assert_eq!(here(root.path()), Machine { id: None, board: Some("10000000abcdef01".into()) });
        write(ID, "0123456789abcdef0123456789abcdef\n");
        assert_eq!(here(root.path()).id.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    }
}
