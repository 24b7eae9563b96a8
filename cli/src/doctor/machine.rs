//! What this machine has for the daemon: cameras it may open, intact models, room for templates.

use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Gid, Group, User, getgrouplist};
use sha2::{Digest, Sha256};

use super::{Finding, volatile};

/// The user the daemon runs as.
const SERVICE_USER: &str = "facelatch";
/// Where packages put the networks.
const MODELS: &str = "usr/share/facelatch/models";
/// Where `facelatch models add` puts others.
const OWN_MODELS: &str = "usr/local/share/facelatch/models";
/// Where the daemon keeps what it remembers.
const STATE: &str = "var/lib/facelatch";
/// Least free room for the store, in bytes.
const ROOM_BYTES: u128 = 16 << 20;
/// The daemon's configuration.
const CONFIG: &str = "etc/facelatch/facelatch.toml";
/// How the names of nodes begin that belong to a board's own camera or codec, one a line: what `auto` skips.
const NO_CAMERAS: &str = include_str!("../../../src/camera/device/no_cameras.txt");

/// Video devices that are cameras, and whether the daemon's user may open them.
pub(super) fn cameras(root: &Path) -> Vec<Finding> {
    if let Some(program) = exec(root) {
        return vec![Finding::good("camera", format!("pictures come from {program} (camera.exec)"))];
    }
    let entries = fs::read_dir(root.join("dev")).into_iter().flatten().flatten();
    let mut devices: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|device| is_camera(root, device)).collect();
    devices.sort();
    if devices.is_empty() {
        let fix = "plug in a USB camera; for one on the CSI connector set camera.exec (/usr/share/doc/facelatch/docs/cameras.md)";
        return vec![Finding::bad("camera", "no /dev/video* is a camera", fix)];
    }
    let Some(groups) = service_groups() else {
        let fix = "install the package facelatch, which makes it";
        return vec![Finding::bad("permission", format!("there is no user {SERVICE_USER}"), fix)];
    };
    devices.iter().map(|device| permission(device, &groups)).collect()
}

/// The program that gives the pictures, where the configuration names one.
fn exec(root: &Path) -> Option<String> {
    let config: toml::Table = fs::read_to_string(root.join(CONFIG)).ok()?.parse().ok()?;
    Some(config.get("camera")?.get("exec")?.get(0)?.as_str()?.to_owned())
}

fn is_camera(root: &Path, device: &Path) -> bool {
    let Some(name) = device.file_name().and_then(OsStr::to_str) else { return false };
    let number = name.strip_prefix("video").unwrap_or_default();
    let card = fs::read_to_string(root.join("sys/class/video4linux").join(name).join("name"));
    let card = card.unwrap_or_default();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !NO_CAMERAS.lines().any(|start| card.starts_with(start))
}

fn service_groups() -> Option<Vec<Gid>> {
    let user = User::from_name(SERVICE_USER).ok()??;
    getgrouplist(&CString::new(SERVICE_USER).ok()?, user.gid).ok()
}

fn permission(device: &Path, groups: &[Gid]) -> Finding {
    let path = device.display();
    let about = match device.metadata() {
        Ok(about) => about,
        Err(error) => {
            return Finding::bad("permission", format!("{path}: {error}"), "plug the camera in again");
        }
    };
    let gid = Gid::from_raw(about.gid());
    let group = Group::from_gid(gid).ok().flatten().map_or_else(|| gid.to_string(), |group| group.name);
    if about.mode() & 0o006 == 0o006 || (about.mode() & 0o060 == 0o060 && groups.contains(&gid)) {
        return Finding::good("permission", format!("{SERVICE_USER} may open {path} (group {group})"));
    }
    let fix = format!("`sudo usermod -aG {group} {SERVICE_USER} && sudo systemctl restart facelatchd`");
    Finding::bad("permission", format!("{SERVICE_USER} may not open {path} (group {group})"), fix)
}

/// Whether the networks are the files that were shipped.
pub(super) fn models(root: &Path) -> Finding {
    let fix = "install the package again (`sudo apt install --reinstall facelatch`), \
               or correct models.folder";
    match damaged_model(&root.join(MODELS)) {
        Ok(count) => Finding::good("models", format!("{count} networks in /{MODELS} are intact")),
        Err(why) => Finding::bad("models", why, fix),
    }
}

/// Whether the owner's own networks are what was added, if there are any.
pub(super) fn own_models(root: &Path) -> Option<Finding> {
    let folder = root.join(OWN_MODELS);
    folder.join("MODELS.toml").exists().then(|| match damaged_model(&folder) {
        Ok(count) => Finding::good("own models", format!("{count} in /{OWN_MODELS} are intact")),
        Err(why) => Finding::bad("own models", why, "add it again with `sudo facelatch models add`"),
    })
}

/// How many networks there are, or what is wrong with one.
fn damaged_model(folder: &Path) -> Result<usize, String> {
    let list = folder.join("MODELS.toml");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let table: toml::Table = text.parse().map_err(|_| format!("{} is not TOML", list.display()))?;
    for entry in table.values().filter_map(toml::Value::as_table) {
        let word = |key: &str| entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let path = folder.join(word("file"));
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if sum != word("sha256") {
            return Err(format!("{} is not the file that is listed", path.display()));
        }
    }
    Ok(table.len())
}

/// Whether the daemon can keep templates, and nobody else can read them. Nothing to report where none is installed.
pub(super) fn store(root: &Path) -> Option<Finding> {
    let about = fs::metadata(root.join(STATE)).ok()?;
    let owner = User::from_name(SERVICE_USER).ok().flatten().map(|user| user.uid.as_raw());
    if owner.is_some_and(|owner| owner != about.uid()) {
        let fix = format!("`sudo chown -R {SERVICE_USER}: /{STATE}`");
        return Some(Finding::bad("store", format!("/{STATE} does not belong to {SERVICE_USER}"), fix));
    }
    if about.mode() & 0o077 != 0 {
        let found = format!("/{STATE} is open to others (mode {:o})", about.mode() & 0o777);
        return Some(Finding::bad("store", found, format!("`sudo chmod 700 /{STATE}`")));
    }
    let disk = statvfs(&root.join(STATE));
    if disk.as_ref().is_ok_and(|disk| disk.flags().contains(FsFlags::ST_RDONLY)) {
        return Some(read_only());
    }
    // Both are of 32 bits on some machines and of 64 on others.
    let room =
        disk.map_or(u128::MAX, |disk| u128::from(disk.blocks_available()) * u128::from(disk.fragment_size()));
    if room < ROOM_BYTES {
        let found = format!("{} kB are free below /{STATE}", room / 1000);
        return Some(Finding::bad("store", found, "free some disk space; until then nobody can be enrolled"));
    }
    Some(kept(volatile::note(&root.join(STATE))))
}

fn read_only() -> Finding {
    let fix = "mount it writable (`sudo mount -o remount,rw /`; a card that turns read-only by itself is failing: back it up and \
               replace it), or mount a disk there";
    let found = format!(
        "/{STATE} is read-only: no face is judged, since no miss can be recorded, and nobody can be enrolled"
    );
    Finding::bad("store", found, fix)
}

/// What the configuration is on: a change of it on a read-only root, or on an overlay in memory, does not last.
pub(super) fn configuration(root: &Path) -> Option<Finding> {
    let folder = root.join(CONFIG).parent()?.to_owned();
    let fixed = statvfs(&folder).ok()?.flags().contains(FsFlags::ST_RDONLY);
    let found = if fixed {
        format!("{} is read-only: no setting can be changed", folder.display())
    } else {
        volatile::note(&folder)?.replace("enrolments and misses", "changes of settings")
    };
    let fix = "switch the overlay off before you change anything (`sudo raspi-config nonint disable_overlayfs`), then on again";
    Some(Finding::note("settings", found, fix))
}

/// A folder that is as it should be, unless its file system is volatile.
fn kept(volatile: Option<String>) -> Finding {
    match volatile {
        Some(found) => Finding::note("store", found, volatile::FIX),
        None => Finding::good("store", format!("/{STATE} is the daemon's alone, with room for more")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::test_files::root;

    #[test]
    fn a_machine_without_a_camera_is_told_of_both_kinds() {
        let root = root(&[("dev/null", ""), ("dev/videodev", "")]);
        let findings = cameras(root.path());
        assert!(
            !findings[0].ok && findings[0].fix.as_ref().is_some_and(|fix| fix.contains("CSI")),
            "{findings:?}"
        );
    }

    #[test]
    fn parts_of_a_board_are_no_cameras_and_a_command_is_one() {
        let root = root(&[
            ("dev/video0", ""),
            ("dev/video13", ""),
            ("sys/class/video4linux/video0/name", "unicam-image\n"),
            ("sys/class/video4linux/video13/name", "bcm2835-isp0-output0\n"),
        ]);
        assert!(cameras(root.path())[0].found.contains("no /dev/video*"));
        let (usb, part) = (root.path().join("dev/video1"), root.path().join("dev/video13"));
        assert!(is_camera(root.path(), &usb) && !is_camera(root.path(), &part));
        fs::create_dir_all(root.path().join("etc/facelatch")).expect("folder");
        fs::write(root.path().join(CONFIG), "[camera]\nexec = [\"rpicam-vid\", \"-n\"]\n").expect("written");
        assert!(
            cameras(root.path()).iter().all(|finding| finding.ok && finding.found.contains("rpicam-vid"))
        );
        fs::write(root.path().join(CONFIG), "[camera]\nexec = []\n").expect("written");
        assert!(!cameras(root.path())[0].ok);
    }

    #[test]
    fn a_device_is_open_to_its_group_or_to_everybody() {
        let root = root(&[("video0", "")]);
        let device = root.path().join("video0");
        let mine = Gid::from_raw(device.metadata().expect("there").gid());
        for (mode, groups, ok) in [
            (0o660, vec![mine], true),
            (0o660, vec![], false),
            (0o600, vec![mine], false),
            (0o666, vec![], true),
        ] {
            fs::set_permissions(&device, PermissionsExt::from_mode(mode)).expect("mode");
            let finding = permission(&device, &groups);
            assert_eq!(finding.ok, ok, "{mode:o} {groups:?} {finding:?}");
            assert_eq!(finding.fix.is_none(), ok);
        }
    }

    #[test]
    fn a_model_that_is_missing_changed_or_not_listed_is_named() {
        let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"; // of "test"
        let list = format!("[x]\nfile = \"x.onnx\"\nsha256 = \"{sum}\"\n");
        let at = |name: &str| format!("{MODELS}/{name}");
        let whole = root(&[(&at("MODELS.toml"), &list), (&at("x.onnx"), "test")]);
        assert!(models(whole.path()).ok);
        fs::write(whole.path().join(at("x.onnx")), "tent").expect("written");
        assert!(models(whole.path()).found.contains("x.onnx is not the file that is listed"));
        fs::remove_file(whole.path().join(at("x.onnx"))).expect("removed");
        assert!(models(whole.path()).found.contains("x.onnx"));
        assert!(models(root(&[]).path()).found.contains("MODELS.toml"));
    }

    #[test]
    fn models_of_ones_own_are_looked_at_if_there_are_any() {
        let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"; // of "test"
        let list = format!("[x]\nfile = \"x.onnx\"\nsha256 = \"{sum}\"\n");
        let at = |name: &str| format!("{OWN_MODELS}/{name}");
        assert_eq!(own_models(root(&[]).path()).map(|found| found.ok), None);
        let whole = root(&[(&at("MODELS.toml"), &list), (&at("x.onnx"), "test")]);
        assert_eq!(own_models(whole.path()).map(|found| found.ok), Some(true));
        fs::write(whole.path().join(at("x.onnx")), "tent").expect("written");
        assert!(own_models(whole.path()).is_some_and(|found| found.found.contains("x.onnx is not the file")));
    }

    #[test]
    fn the_shipped_models_are_whole() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        assert!(damaged_model(&shipped).is_ok_and(|count| count >= 3));
    }

    #[test]
    fn a_store_that_is_gone_at_the_next_boot_is_not_called_ok() {
        let tmpfs = kept(Some("/var/lib/facelatch lies on tmpfs".to_owned()));
        assert_eq!((tmpfs.word(), tmpfs.found.as_str()), ("note", "/var/lib/facelatch lies on tmpfs"));
        assert!(tmpfs.fix.is_some_and(|fix| fix.contains("mount a disk")));
        assert_eq!(kept(None).word(), "ok  ");
    }

    #[test]
    fn a_read_only_store_is_a_fault_with_a_fix() {
        let finding = read_only();
        assert!(!finding.ok && finding.found.contains("read-only") && finding.fix.is_some());
        assert!(configuration(root(&[]).path()).is_none(), "none is installed");
    }

    #[test]
    fn a_store_that_others_can_read_is_named_and_none_is_no_fault() {
        assert!(store(root(&[]).path()).is_none());
        let root = root(&[(&format!("{STATE}/store/db"), "")]);
        let set = |mode| fs::set_permissions(root.path().join(STATE), PermissionsExt::from_mode(mode));
        set(0o755).expect("mode");
        let open = store(root.path()).expect("there");
        // Where there is a service user, the folder of this test does not belong to it.
        assert!(!open.ok && open.fix.is_some_and(|fix| fix.contains("chmod 700") || fix.contains("chown")));
    }
}
