//! Whether the daemon's memory can be swapped to the card.

use std::fs;
use std::path::Path;

use super::Finding;

/// The daemon's name in /proc; the kernel keeps 15 letters of one.
const DAEMON: &str = "facelatchd";

/// Nothing to report where there is no swap, where the daemon locks its memory, or where the kernel honours
/// `MemorySwapMax=0` in its unit.
pub(super) fn examine(root: &Path) -> Option<Finding> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let swaps = read("proc/swaps").lines().count() > 1; // The first is a heading.
    let controllers = read("sys/fs/cgroup/cgroup.controllers");
    let heeds = controllers.split_whitespace().any(|name| name == "memory");
    if !swaps || heeds || !is_open(root)? {
        return None;
    }
    let fix = "turn swap off; or let the unit lock memory (`LimitMEMLOCK=infinity`, as it is shipped); or add \
               `cgroup_enable=memory` to the line in /boot/firmware/cmdline.txt and restart the board";
    Some(Finding::note("swap", "swap is on, and the daemon's templates may be written to it", fix))
}

/// Whether the daemon's memory is not locked; `None` if it is not running.
fn is_open(root: &Path) -> Option<bool> {
    let mut processes = fs::read_dir(root.join("proc")).ok()?.flatten().map(|entry| entry.path());
    let is_daemon = |process: &std::path::PathBuf| {
        fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == DAEMON)
    };
    let status = fs::read_to_string(processes.find(is_daemon)?.join("status")).ok()?;
    let kilobytes = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
    };
    // Without the lock only the pages with the keys are locked.
    Some(kilobytes("VmLck:")? < kilobytes("VmRSS:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files;

    #[test]
    fn swap_is_told_of_only_where_templates_can_get_there() {
        let root = tempfile::tempdir().expect("temporary folder");
        let write = |path: &str, text: &str| test_files::write(root.path(), path, text);
        let told = || examine(root.path()).is_some();
        assert!(!told(), "nothing is known");
        write("proc/swaps", "Filename Type Size Used Priority\n/var/swap file 204796 0 -2\n");
        write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n");
        assert!(!told(), "it does not run");
        write("proc/7/comm", "facelatchd\n");
        write("proc/7/status", "VmLck:\t      64 kB\nVmRSS:\t   60000 kB\n");
        assert!(told());
        write("proc/7/status", "VmLck:\t  200000 kB\nVmRSS:\t   60000 kB\n");
        assert!(!told(), "it is locked");
        write("proc/7/status", "VmLck:\t      64 kB\nVmRSS:\t   60000 kB\n");
        write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
        assert!(!told(), "the kernel heeds the unit");
        write("sys/fs/cgroup/cgroup.controllers", "cpu\n");
        write("proc/swaps", "Filename Type Size Used Priority\n");
        assert!(!told(), "there is no swap");
    }
}
