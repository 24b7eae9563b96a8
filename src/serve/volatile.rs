//! Whether a folder outlives a restart of the machine. `facelatch doctor` compiles this file, too.

use std::path::{Path, PathBuf};

use nix::sys::statfs::statfs;

/// What to do about it.
pub(super) const FIX: &str = "mount a disk there, or set store.folder to a folder on one";

/// What each mount of this process is.
const MOUNTS: &str = "/proc/self/mountinfo";

const TMPFS: u32 = 0x0102_1994;
const RAMFS: u32 = 0x8584_58f6;
const OVERLAY: u32 = 0x794c_7630;

/// Says so if what this folder holds is gone at the next boot, or may be. What cannot be asked is taken for a disk.
pub(super) fn note(folder: &Path) -> Option<String> {
    let loss = match kind(folder)? {
        OVERLAY => {
            let mounts = std::fs::read_to_string(MOUNTS).unwrap_or_default();
            loss_on_overlay(upper_layer(&mounts, folder).and_then(|upper| kind(&upper)))?
        }
        kind => loss_on(kind)?,
    };
    Some(format!("{} lies on {loss}", folder.display()))
}

/// The kind of file system (linux/magic.h) that a folder is on.
fn kind(folder: &Path) -> Option<u32> {
    // Of 32 or 64 bits, signed or not, by the machine; the numbers have 32.
    Some(statfs(folder).ok()?.filesystem_type().0 as u32)
}

fn loss_on(kind: u32) -> Option<&'static str> {
    match kind {
        TMPFS => Some("tmpfs: enrolments and misses are gone at the next boot"),
        RAMFS => Some("ramfs: enrolments and misses are gone at the next boot"),
        _ => None,
    }
}

/// The same for an overlay, by the kind of its upper layer, if that can be seen.
fn loss_on_overlay(upper: Option<u32>) -> Option<&'static str> {
    match upper {
        Some(TMPFS | RAMFS) => Some(
            "an overlay in memory over a read-only root: enrolments and misses are gone at the next boot",
        ),
        Some(OVERLAY) | None => Some(
            "an overlay: enrolments and misses are gone at the next boot unless its upper layer is on a disk",
        ),
        Some(_) => None,
    }
}

/// The upper layer of the overlay that a folder lies on: of the mount with the longest path that leads there.
fn upper_layer(mounts: &str, folder: &Path) -> Option<PathBuf> {
    let mut found: Option<(&str, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, file_system)) = line.split_once(" - ") else { continue };
        let Some(point) = mount.split(' ').nth(4) else { continue };
        let is_longer = found.is_none_or(|(longest, _)| point.len() >= longest.len());
        if is_longer && folder.starts_with(point) {
            found = Some((point, file_system));
        }
    }
    let (_, file_system) = found?;
    let mut words = file_system.split(' ');
    let options = words.next().filter(|kind| *kind == "overlay").and_then(|_| words.nth(1))?;
    options.split(',').find_map(|option| option.strip_prefix("upperdir=")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_overlays_are_told_of_and_disks_are_not() {
        for (kind, name) in [(TMPFS, "tmpfs"), (RAMFS, "ramfs")] {
            assert!(loss_on(kind).is_some_and(|loss| loss.contains(name) && loss.contains("next boot")));
        }
        let (ext4, btrfs, f2fs) = (0xef53, 0x9123_683e, 0xf2f5_2010);
        assert_eq!([ext4, btrfs, f2fs].map(loss_on), [None; 3]);
        assert!(loss_on_overlay(Some(TMPFS)).is_some_and(|loss| loss.contains("read-only root")));
        assert!(loss_on_overlay(None).is_some_and(|loss| loss.contains("unless its upper layer")));
        assert_eq!(loss_on_overlay(Some(ext4)), None, "its upper layer is on a disk");
    }

    #[test]
    fn the_upper_layer_is_that_of_the_mount_nearest_to_the_folder() {
        // As Raspberry Pi OS mounts them with its overlay switched on.
        let mounts = "\
22 1 0:20 / / rw,relatime shared:1 - overlay overlayroot rw,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay,workdir=/w
23 22 0:21 / /media/root-rw rw - tmpfs tmpfs-root rw
24 22 179:1 / /boot/firmware ro - vfat /dev/mmcblk0p1 ro
";
        let upper = |folder: &str| upper_layer(mounts, Path::new(folder));
        assert_eq!(upper("/var/lib/facelatch"), Some(PathBuf::from("/media/root-rw/overlay")));
        assert_eq!(upper("/media/root-rw/x"), None);
        let data = format!("{mounts}25 22 8:1 / /var/lib/facelatch rw - ext4 /dev/sda1 rw\n");
        assert_eq!(
            upper_layer(&data, Path::new("/var/lib/facelatch/store")),
            None,
            "a disk is mounted there"
        );
        assert_eq!(upper_layer("", Path::new("/")), None);
    }

    #[test]
    fn the_kernel_is_asked() {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        if mounts
            .lines()
            .rfind(|line| line.contains(" /dev/shm "))
            .is_some_and(|line| line.contains(" tmpfs "))
        {
            assert!(
                note(Path::new("/dev/shm")).is_some_and(|note| note.starts_with("/dev/shm lies on tmpfs"))
            );
        }
        assert_eq!(note(Path::new("/proc")), None, "neither");
        assert_eq!(note(Path::new("/no/such/folder")), None);
    }
}
