//! What reports say of the machine: from files, and from systemd where it runs the daemon.

use std::collections::HashMap;
use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

/// For what is not known here.
const UNKNOWN: &str = "unknown";

/// The firmware's record on a Raspberry Pi.
const THROTTLED: &str = "sys/devices/platform/soc/soc:firmware/get_throttled";

/// Its bits (`vcgencmd get_throttled`): what is so now; 16 bits further up, what was so since the start.
const THROTTLES: [&str; 4] = ["undervoltage", "frequency capped", "throttled", "soft temperature limit"];

/// When a unit became ready.
const ACTIVE: &str = "ActiveEnterTimestampMonotonic";

/// By how much a service that the boot starts is ready after `multi-user.target` at most, in microseconds.
const WITH_THE_BOOT: u64 = 10_000_000;

/// What does not change.
pub(crate) struct Machine {
    pub(crate) board: String,
    pub(crate) processor: String,
    pub(crate) system: String,
    pub(crate) memory: String,
}

impl Machine {
    pub(crate) fn read(root: &Path) -> Self {
        let first = |paths: &[&str]| paths.iter().find_map(|path| text(root, path));
        let cpus = text(root, "proc/cpuinfo").unwrap_or_default();
        let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
        let model = ["model name", "CPU part"].iter().find_map(|key| field(&cpus, key));
        let folder = "sys/devices/system/cpu/cpu0/cpufreq";
        let most = text(root, &format!("{folder}/cpuinfo_max_freq")).and_then(|khz| khz.parse::<f64>().ok());
        let speed = most.map_or_else(String::new, |khz| format!(", at most {:.2} GHz", khz / 1e6));
        let governor = text(root, &format!("{folder}/scaling_governor"));
        let governor = governor.map_or_else(String::new, |governor| format!(", governor {governor}"));
        let release = text(root, "etc/os-release").unwrap_or_default();
        let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
        let kernel = first(&["proc/sys/kernel/osrelease"]).unwrap_or_else(unknown);
        let memory = text(root, "proc/meminfo").and_then(|info| kilobytes(&info, "MemTotal"));
        Self {
            board: first(&["proc/device-tree/model", "sys/class/dmi/id/product_name"])
                .unwrap_or_else(unknown),
            processor: format!("{cores} x {}{speed}{governor}", model.unwrap_or(UNKNOWN)),
            system: format!(
                "{}, Linux {kernel}, {}",
                name.unwrap_or(UNKNOWN).trim_matches('"'),
                std::env::consts::ARCH
            ),
            memory: memory.map_or_else(unknown, megabytes),
        }
    }
}

/// The daemon's process.
pub(crate) struct Service {
    pub(crate) boot_to_ready: String,
    pub(crate) start_to_ready: String,
    pub(crate) memory: String,
}

impl Service {
    pub(crate) fn read(root: &Path) -> Self {
        let shown = Command::new("systemctl")
            .args(["show", "facelatchd.service", "multi-user.target"])
            .arg("--property=Id,MainPID,ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic")
            .output();
        let shown = shown.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        Self::of(root, &shown.unwrap_or_default())
    }

    /// Of what `systemctl show` prints, a paragraph for each unit: microseconds since the boot, 0 for never.
    fn of(root: &Path, shown: &str) -> Self {
        let properties = |id: &str| {
            let unit = shown.split("\n\n").find(|unit| unit.lines().any(|line| line == id));
            let pairs = unit.unwrap_or_default().lines().filter_map(|line| line.split_once('='));
            pairs
                .filter_map(|(key, value)| Some((key, value.trim().parse().ok().filter(|value| *value > 0)?)))
                .collect::<HashMap<&str, u64>>()
        };
        let values = properties("Id=facelatchd.service");
        let booted = properties("Id=multi-user.target").get(ACTIVE).copied();
        let ready = values.get(ACTIVE).copied();
        let start = values.get("ExecMainStartTimestampMonotonic").copied();
        let seconds = |micros: u64| format!("{:.2} s", micros as f64 / 1e6);
        let status = values.get("MainPID").and_then(|pid| text(root, &format!("proc/{pid}/status")));
        let memory =
            |key| status.as_ref().and_then(|status| kilobytes(status, key)).map_or_else(unknown, megabytes);
        let took = ready.zip(start).and_then(|(ready, start)| ready.checked_sub(start));
        let is_later = ready.zip(booted).is_some_and(|(ready, booted)| ready > booted + WITH_THE_BOOT);
        Self {
            boot_to_ready: match ready {
                Some(_) if is_later => format!("{UNKNOWN} (started after the boot)"),
                _ => ready.map_or_else(unknown, seconds),
            },
            start_to_ready: took.map_or_else(unknown, seconds),
            memory: format!("{}, {}", memory("VmRSS"), memory("VmHWM")),
        }
    }
}

/// What changes while the machine works.
pub(crate) struct Conditions {
    pub(crate) temperature: String,
    pub(crate) throttled: String,
    pub(crate) load: String,
}

impl Conditions {
    pub(crate) fn read(root: &Path) -> Self {
        let thousandths =
            text(root, "sys/class/thermal/thermal_zone0/temp").and_then(|text| text.parse::<f64>().ok());
        let load = text(root, "proc/loadavg").unwrap_or_default();
        Self {
            temperature: thousandths.map_or_else(unknown, |value| format!("{:.1} °C", value / 1e3)),
            throttled: text(root, THROTTLED).and_then(|bits| throttled(&bits)).unwrap_or_else(unknown),
            load: load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or(UNKNOWN).to_owned(),
        }
    }
}

fn throttled(bits: &str) -> Option<String> {
    let bits = u32::from_str_radix(bits.trim_start_matches("0x"), 16).ok()?;
    let is_set = |at: usize| bits >> at & 1 == 1;
    let told = THROTTLES.iter().enumerate().filter_map(|(at, what)| match (is_set(at), is_set(at + 16)) {
        (true, _) => Some(format!("{what} now")),
        (false, true) => Some(format!("{what} since the start")),
        (false, false) => None,
    });
    let told: Vec<String> = told.collect();
    Some(if told.is_empty() { "never".to_owned() } else { told.join(", ") })
}

/// A file's text, without the white space and zeros around it; `None` if it is missing or empty.
fn text(root: &Path, path: &str) -> Option<String> {
    let text = read_to_string(root.join(path)).ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// The value after `key` and a colon.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

fn kilobytes(text: &str, key: &str) -> Option<u64> {
    field(text, key)?.split(' ').next()?.parse().ok()
}

fn megabytes(kilobytes: u64) -> String {
    format!("{:.1} MB", kilobytes as f64 * 1024.0 / 1e6)
}

fn unknown() -> String {
    UNKNOWN.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::root;

    #[test]
    fn a_pi_is_described() {
        let cpu = "processor\t: 0\nCPU part\t: 0xd08\n\nprocessor\t: 1\nCPU part\t: 0xd08\n\n\
                   Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n";
        let root = root(&[
            ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"),
            ("proc/cpuinfo", cpu),
            ("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1800000\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n"),
            ("etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            ("proc/sys/kernel/osrelease", "6.12.1-rpi\n"),
            ("proc/meminfo", "MemTotal:        3884312 kB\nMemFree: 1 kB\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
            (THROTTLED, "50004\n"),
            ("proc/loadavg", "0.52 0.58 0.59 1/91 123\n"),
        ]);
        let machine = Machine::read(root.path());
        assert_eq!(machine.board, "Raspberry Pi 4 Model B Rev 1.4");
        assert_eq!(machine.processor, "2 x 0xd08, at most 1.80 GHz, governor ondemand");
        assert!(machine.system.starts_with("Debian GNU/Linux 12, Linux 6.12.1-rpi, "), "{}", machine.system);
        assert_eq!(machine.memory, "3977.5 MB");
        let conditions = Conditions::read(root.path());
        assert_eq!((&*conditions.temperature, &*conditions.load), ("48.3 °C", "0.52"));
        assert_eq!(conditions.throttled, "undervoltage since the start, throttled now");
        assert_eq!(throttled("0x0").as_deref(), Some("never"));
    }

    #[test]
    fn a_service_is_as_old_as_systemd_says() {
        let root =
            root(&[("proc/77/status", "Name:\tfacelatchd\nVmHWM:\t   61000 kB\nVmRSS:\t   52000 kB\n")]);
        let shown = |ready: u64, booted: u64| {
            format!(
                "MainPID=77\nExecMainStartTimestampMonotonic=9000000\nId=facelatchd.service\n{ACTIVE}={ready}\n\n\
                 Id=multi-user.target\n{ACTIVE}={booted}\n"
            )
        };
        let service = Service::of(root.path(), &shown(9_330_000, 11_000_000));
        assert_eq!((&*service.boot_to_ready, &*service.start_to_ready), ("9.33 s", "0.33 s"));
        assert_eq!(service.memory, "53.2 MB, 62.5 MB");
        assert_eq!(Service::of(root.path(), &shown(9_330_000, 0)).boot_to_ready, "9.33 s", "still booting");
        let again = Service::of(root.path(), &shown(90_330_000, 11_000_000));
        assert_eq!(again.boot_to_ready, "unknown (started after the boot)");
    }

    #[test]
    fn what_is_not_there_is_unknown() {
        let root = root(&[]);
        assert_eq!(Machine::read(root.path()).board, UNKNOWN);
        assert_eq!(Conditions::read(root.path()).throttled, UNKNOWN);
        let service =
            Service::of(root.path(), "Id=facelatchd.service\nMainPID=0\nActiveEnterTimestampMonotonic=0\n");
        assert_eq!((&*service.boot_to_ready, &*service.memory), (UNKNOWN, "unknown, unknown"));
    }
}
