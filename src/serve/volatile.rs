//! Whether a folder outlives a restart of the machine. `facelatch doctor` compiles this file, too.

use std::path::Path;

use nix::sys::statfs::statfs;

/// What to do about it.
pub(super) const FIX: &str = "mount a disk there, or set store.folder to a folder on one";

/// Says so if what this folder holds is gone at the next boot, or may be. What cannot be asked is taken for a disk.
pub(super) fn note(folder: &Path) -> Option<String> {
    // Of 32 or 64 bits, signed or not, by the machine; the numbers have 32.
    let kind = statfs(folder).ok()?.filesystem_type().0 as u32;
    loss_on(kind).map(|loss| format!("{} lies on {loss}", folder.display()))
}

/// What a file system of this kind (linux/magic.h) means.
fn loss_on(kind: u32) -> Option<&'static str> {
    match kind {
        0x0102_1994 => Some("tmpfs: enrolments and misses are gone at the next boot"),
        0x8584_58f6 => Some("ramfs: enrolments and misses are gone at the next boot"),
        0x794c_7630 => Some(
            "an overlay: enrolments and misses are gone at the next boot unless its upper layer is on a disk",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_overlays_are_told_of_and_disks_are_not() {
        for (kind, name) in [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x794c_7630, "overlay")] {
            assert!(loss_on(kind).is_some_and(|loss| loss.contains(name) && loss.contains("next boot")));
        }
        let (ext4, btrfs, f2fs) = (0xef53, 0x9123_683e, 0xf2f5_2010);
        assert_eq!([ext4, btrfs, f2fs].map(loss_on), [None; 3]);
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
