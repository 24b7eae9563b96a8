//! The doors: whether the program that works them has reached the daemon, and what it reports.

use std::path::Path;

use facelatch_wire::DOOR_SOCKET;
use facelatch_wire::reply::DoorState;

use super::Finding;

/// The link that `systemctl enable` makes.
const ENABLED: &str = "etc/systemd/system/multi-user.target.wants/facelatch-door.service";

/// The configuration of facelatch-door.
const CONFIGURATION: &str = "etc/facelatch/door.toml";

/// One finding for each door; and one if the program is switched on, or has doors, and is not there.
pub(super) fn examine(root: &Path, doors: &[DoorState]) -> Vec<Finding> {
    let configured = if doors.is_empty() { configured(root) } else { Vec::new() };
    let is_enabled = root.join(ENABLED).symlink_metadata().is_ok();
    if doors.is_empty() && (is_enabled || !configured.is_empty()) {
        return vec![absent(root, is_enabled, &configured)];
    }
    let finding = |door: &DoorState| match door.faults.as_slice() {
        [] => Finding::good("door", format!("{} is attached", door.name)),
        faults => {
            let found = format!("{}: {}", door.name, faults.join("; "));
            Finding::bad("door", found, "`facelatch-door --check`, and look at the wires")
        }
    };
    doors.iter().map(finding).collect()
}

/// Names of the doors in the configuration, as far as it can be read.
fn configured(root: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(root.join(CONFIGURATION)).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let doors = table.get("door").and_then(toml::Value::as_array).into_iter().flatten();
    doors.filter_map(|door| Some(door.get("name")?.as_str()?.to_owned())).collect()
}

/// Why no door is attached.
fn absent(root: &Path, is_enabled: bool, configured: &[String]) -> Finding {
    if is_enabled && root.join(DOOR_SOCKET.trim_start_matches('/')).symlink_metadata().is_err() {
        let fix = "`sudo systemctl restart facelatchd.socket facelatchd`; if /etc/facelatch/door.toml names another socket, \
                   look there";
        return Finding::bad("door", format!("facelatch-door is enabled, and {DOOR_SOCKET} is missing"), fix);
    }
    if !configured.is_empty() {
        let be = if configured.len() == 1 { "is" } else { "are" };
        let found =
            format!("{} {be} in door.toml, and facelatch-door is not attached", configured.join(", "));
        return Finding::bad("door", found, "`systemctl status facelatch-door`");
    }
    let fix = "`sudo systemctl restart facelatch-door`; `journalctl -u facelatch-door` says why it cannot";
    Finding::bad("door", "facelatch-door is enabled, and has attached no door", fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_enabled_must_have_attached_its_doors() {
        let root = tempfile::tempdir().expect("temporary folder");
        assert!(examine(root.path(), &[]).is_empty(), "a machine without a door");
        let enabled = root.path().join(ENABLED);
        std::fs::create_dir_all(enabled.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink("/usr/lib/systemd/system/facelatch-door.service", enabled)
            .expect("linked");
        let found = |doors: &[DoorState]| {
            let findings = examine(root.path(), doors);
            findings.iter().map(|finding| format!("{} {}", finding.word(), finding.found)).collect::<Vec<_>>()
        };
        assert!(found(&[])[0].starts_with("FAIL facelatch-door is enabled, and /run/facelatch/door.sock"));
        std::fs::create_dir_all(root.path().join("run/facelatch")).expect("made");
        std::fs::write(root.path().join("run/facelatch/door.sock"), "").expect("made");
        assert_eq!(found(&[]), ["FAIL facelatch-door is enabled, and has attached no door"]);
        let file = root.path().join(CONFIGURATION);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, "[[door]]\nname = \"front\"\n[door.strike]\nline = 17\n").expect("written");
        let told = ["FAIL front is in door.toml, and facelatch-door is not attached"];
        assert_eq!(found(&[]), told);
        std::fs::remove_file(root.path().join(ENABLED)).expect("switched off");
        assert_eq!(found(&[]), told, "nor is one that is switched off");
        std::fs::write(&file, "[[door\n").expect("written");
        assert!(found(&[]).is_empty(), "no doors that can be read");
        let faults = vec!["contact: gone".to_owned()];
        let doors = ["back", "front"].map(|name| DoorState { name: name.into(), ..DoorState::default() });
        let [back, front] = doors;
        let told = ["ok   back is attached", "FAIL front: contact: gone"];
        assert_eq!(found(&[back, DoorState { faults, ..front }]), told);
    }
}
