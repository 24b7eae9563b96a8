//! Whether anything has set the wall clock since the machine started. A board without a battery starts at some moment of its
//! past, and its clock runs from there until the network corrects it.

use std::path::Path;

/// systemd-timesyncd makes it when it has set the clock.
const SYNCHRONISED: &str = "run/systemd/timesync/synchronized";

/// The clocks with a battery.
const RTC_FOLDER: &str = "sys/class/rtc";

/// Whether a clock with a battery or a time server has set the wall clock, as far as the files below `root` tell.
pub(super) fn is_set(root: &Path) -> bool {
    root.join(SYNCHRONISED).exists() || has_rtc(&root.join(RTC_FOLDER))
}

/// Whether the kernel took the time from one of the clocks in this folder: `hctosys` is 1 then, and 0 if that clock had no
/// valid time.
fn has_rtc(folder: &Path) -> bool {
    let Ok(clocks) = std::fs::read_dir(folder) else { return false };
    clocks.flatten().any(|clock| {
        std::fs::read_to_string(clock.path().join("hctosys")).is_ok_and(|text| text.trim() == "1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_by_a_battery_or_by_the_network() {
        let root = tempfile::tempdir().expect("folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        assert!(!is_set(root.path()), "nothing there");
        write("sys/class/rtc/rtc0/hctosys", "0\n");
        assert!(!is_set(root.path()), "its battery is empty");
        write("sys/class/rtc/rtc1/hctosys", "1\n");
        assert!(is_set(root.path()));
        write("sys/class/rtc/rtc1/hctosys", "0\n");
        write("run/systemd/timesync/synchronized", "");
        assert!(is_set(root.path()));
    }
}
