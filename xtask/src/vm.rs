//! Tests the packages on an emulated ARM machine with a camera, from installation to purge; see tests/vm/README.md.
//!
//! This file lists the steps; tests/vm/steps.sh holds the commands of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::run::{self, command, read, root};
use crate::target::Target;
use disk::Disk;
use machine::{Emulator, Machine};
use report::Report;

mod disk;
mod judge;
mod machine;
mod payload;
mod pictures;
mod report;

/// How long the machine may take from power-on to the agent's first message.
const BOOT: Duration = Duration::from_secs(240);

/// How long any one step may take.
const STEP: Duration = Duration::from_secs(300);

/// One step of the test.
#[derive(Clone, Copy)]
enum Act {
    /// Power on and wait until the agent listens.
    Boot,
    /// Run the function `step_NAME` of steps.sh, perhaps with arguments; it passes with status 0.
    Do(&'static str),
    /// Check what the witnesses of the door's lines have seen in this boot.
    Judge,
    /// Kill the emulator; the disk loses everything not flushed.
    PowerCut,
    /// `systemctl reboot`; then the machine is off with its disk intact.
    Reboot,
}
use Act::{Boot, Do, Judge, PowerCut, Reboot};

/// The forms of the test, a bit each.
type Forms = u8;
/// What must pass at every commit.
const SHORT: Forms = 1;
/// The door alone.
const DOOR: Forms = 2;
/// All steps.
const FULL: Forms = 4;
const ALL: Forms = SHORT | DOOR | FULL;
/// How long the door takes, in instructions: a processor that executes one a nanosecond.
const COUNT: Forms = 8;
/// What the archive of packages does, without a door: installation, an upgrade, and a new card with the backup of the old one.
const ARCHIVE: Forms = 16;

/// The steps in their order, each with the forms that it belongs to.
const STEPS: &[(Act, Forms)] = &[
    (Boot, ALL | COUNT | ARCHIVE),
    (Do("install"), ALL | COUNT | ARCHIVE),
    (Do("camera"), ALL | COUNT | ARCHIVE),
    (Do("enrol"), ALL | COUNT | ARCHIVE),
    (Do("speed"), SHORT | FULL | COUNT),
    (Do("unlock_sudo"), SHORT | FULL | ARCHIVE),
    (Do("upgrade"), ARCHIVE),
    (Do("unlock_sudo"), ARCHIVE),
    (Do("unlock_pamtester"), SHORT | FULL),
    (Do("stranger_denied"), SHORT | FULL),
    (Do("empty_room"), FULL),
    (Do("camera_lost"), FULL),
    (Do("camera_back"), FULL),
    (Do("daemon_killed"), SHORT | FULL),
    (Do("daemon_hangs"), FULL),
    (Do("daemon_away"), FULL),
    (Do("door_lines"), ALL | COUNT),
    (Do("door_starts"), ALL | COUNT),
    (Do("door_grant"), ALL),
    (Do("door_soon"), COUNT),
    (Do("door_stranger"), ALL),
    (Do("door_trigger"), DOOR | FULL),
    (Do("door_alarms"), ALL),
    (Do("door_exit"), ALL),
    (Do("door_killed"), ALL),
    (Do("door_hangs"), ALL),
    (Do("door_stops"), ALL),
    (Do("door_keypad"), ALL),
    (Do("door_setup"), ALL),
    (Do("door_line_taken"), DOOR | FULL),
    (Do("door_bad_file"), DOOR | FULL),
    (Do("door_chip_gone"), DOOR | FULL),
    (Do("door_grants 125"), ALL),
    (Judge, ALL),
    (Do("enrol_before_power_cut"), FULL),
    (PowerCut, FULL),
    (Boot, FULL),
    (Do("after_power_cut"), FULL),
    (Do("unlock_sudo"), FULL),
    (Reboot, ALL),
    (Boot, ALL),
    (Do("after_reboot"), FULL),
    (Do("door_after_reboot"), ALL),
    (Judge, ALL),
    (Do("unlock_sudo"), FULL),
    (Do("install_again"), FULL),
    (Do("unlock_sudo"), FULL),
    (Do("backup"), ARCHIVE),
    (Do("purge"), FULL | ARCHIVE),
    (Do("new_card"), ARCHIVE),
    (Reboot, ARCHIVE),
    (Boot, ARCHIVE),
    (Do("set_up"), ARCHIVE),
    (Do("unlock_sudo"), ARCHIVE),
    (Do("purge"), ARCHIVE),
    (Do("typed"), ARCHIVE),
    (Do("unlock_sudo"), ARCHIVE),
    (Do("typed_door"), ARCHIVE),
    (Do("purge"), ARCHIVE),
];

/// The command line.
struct Wanted {
    target: &'static Target,
    short: bool,
    door: bool,
    count: bool,
    archive: bool,
    json: bool,
    keep_going: bool,
    cpu: Option<String>,
    debs: Vec<PathBuf>,
}

/// Runs the steps; fails when one fails.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let wanted = wanted(words)?;
    let mut report = Report::new(wanted.json);
    let cache = cache()?;
    let (emulator, image) = report.time("image", || {
        let made = (tools(&cache, wanted.target)?, image(&cache, wanted.target)?);
        Ok((made, Vec::new()))
    })?;
    let scratch = Scratch::new(&cache)?;
    let work = scratch.0.clone();
    let payload = report.time("payload", || {
        Ok((payload::make(&work, &image, wanted.target, &wanted.debs, wanted.archive)?, Vec::new()))
    })?;
    let (cpu, count) = (wanted.cpu.clone(), wanted.count);
    let bits = 32 * u32::from(wanted.target.elf_class);
    let emulator = Emulator { program: emulator, image, payload, work: work.clone(), bits, cpu, count };
    let form = match &wanted {
        Wanted { archive: true, .. } => ARCHIVE,
        Wanted { count: true, .. } => COUNT,
        Wanted { door: true, .. } => DOOR,
        Wanted { short: true, .. } => SHORT,
        _ => FULL,
    };
    let steps: Vec<Act> = STEPS.iter().filter(|(_, forms)| forms & form != 0).map(|(act, _)| *act).collect();
    let may_lose_power = steps.iter().any(|act| matches!(act, PowerCut));
    let disk = Disk::new(&emulator.image.join("root.img"), &work, may_lose_power)?;
    let mut room = Room { emulator, disk, machine: None };
    for act in &steps {
        let passed = report.step(&act.name(), || room.act(*act));
        if !passed && !wanted.keep_going {
            report.time("journal", || Ok(((), room.tell("why")?.lines))).ok();
            break;
        }
    }
    drop(room);
    report.finish(steps.len())
}

impl Act {
    fn name(self) -> String {
        match self {
            Boot => "boot".to_owned(),
            Do(step) => step.replace('_', " "),
            Judge => "door judged".to_owned(),
            PowerCut => "power cut".to_owned(),
            Reboot => "reboot".to_owned(),
        }
    }
}

/// The machine, its disk, and whether it is on.
struct Room {
    emulator: Emulator,
    disk: Disk,
    machine: Option<Machine>,
}

impl Room {
    /// Runs the step and returns a line for the report.
    fn act(&mut self, act: Act) -> Result<Vec<String>> {
        match act {
            Boot => {
                let machine = self.machine.insert(Machine::start(&self.emulator, self.disk.power_on()?)?);
                machine.wait_for_agent(BOOT * self.emulator.slowness())?;
                self.step("booted")
            }
            Do(step) => self.step(step),
            Judge => self.judge(),
            PowerCut => {
                self.running()?.cut()?;
                self.machine = None;
                Ok(vec![self.disk.lose_power()?])
            }
            Reboot => {
                self.running()?.reboot(STEP)?;
                self.machine = None;
                Ok(Vec::new())
            }
        }
    }

    fn judge(&mut self) -> Result<Vec<String>> {
        let record = self.tell("door_seen")?;
        std::fs::write(self.emulator.work.join("door.record"), record.lines.join("\n"))?;
        judge::judge(&record.lines)
    }

    fn running(&mut self) -> Result<&mut Machine> {
        self.machine.as_mut().context("the machine is off")
    }

    fn step(&mut self, name: &str) -> Result<Vec<String>> {
        let answer = self.tell(name)?;
        if answer.status != 0 {
            bail!("ended with status {}:\n{}", answer.status, answer.lines.join("\n"));
        }
        let notes = answer.lines.iter().filter_map(|line| line.strip_prefix("note: "));
        Ok(notes.map(str::to_owned).collect())
    }

    fn tell(&mut self, step: &str) -> Result<machine::Answer> {
        let limit = STEP * self.emulator.slowness();
        self.running()?.run(&format!(". /payload/steps.sh; step_{step}"), limit)
    }
}

/// A folder that is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    /// Creates one in `cache` and removes those of killed runs.
    fn new(cache: &Path) -> Result<Self> {
        for entry in std::fs::read_dir(cache).with_context(|| cache.display().to_string())? {
            let path = entry?.path();
            let run = path.file_name().and_then(|name| name.to_str()?.strip_prefix("run-"));
            if run.is_some_and(|run| !Path::new("/proc").join(run).exists()) {
                std::fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
            }
        }
        let folder = cache.join(format!("run-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("FACELATCH_VM_KEEP").is_some() {
            let kept = self.0.with_file_name(format!("kept-{}", std::process::id()));
            match std::fs::rename(&self.0, &kept) {
                Ok(()) => eprintln!("vm: kept {}", kept.display()),
                Err(why) => eprintln!("vm: cannot keep {}: {why}", self.0.display()),
            }
            return;
        }
        // Leftover folders in the cache are named after a process that no longer exists.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn wanted(words: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted {
        target: Target::named("arm64")?,
        short: false,
        door: false,
        count: false,
        archive: false,
        json: false,
        keep_going: false,
        cpu: None,
        debs: Vec::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--target" => wanted.target = Target::named(words.next().context("--target wants a value")?)?,
            "--short" => wanted.short = true,
            "--door" => wanted.door = true,
            "--count" => wanted.count = true,
            "--archive" => wanted.archive = true,
            "--json" => wanted.json = true,
            "--keep-going" => wanted.keep_going = true,
            other => match other.strip_prefix("--cpu=") {
                Some(cpu) => wanted.cpu = Some(cpu.to_owned()),
                None if other.starts_with('-') => {
                    bail!(
                        "unknown argument {other}; vm takes --target TARGET, --short, --door, --archive, --count, --json, --keep-going and --cpu=NAME"
                    )
                }
                None => wanted.debs.push(std::path::absolute(other)?),
            },
        }
    }
    if wanted.debs.is_empty() {
        wanted.debs = built(wanted.target)?;
    }
    if let Some(missing) = wanted.debs.iter().find(|deb| !deb.is_file()) {
        bail!("{} is missing; {}", missing.display(), how(wanted.target));
    }
    Ok(wanted)
}

/// How to come by packages.
fn how(target: &Target) -> String {
    format!("build it with `cargo xtask deb --target {}`, or name another", target.debian)
}

/// The packages for `target` in target/debian, one of each.
fn built(target: &Target) -> Result<Vec<PathBuf>> {
    let folder = run::target_folder().join("debian");
    let (make, end) = (how(target), format!("_{}.deb", target.debian));
    let names = |prefix: &str| -> Result<PathBuf> {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("{}: {make}", folder.display()))?;
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let named = |file: &PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(prefix) && name.ends_with(&end)
        };
        let found: Vec<PathBuf> = files.filter(named).collect();
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => bail!("no {prefix}*{end} in {}: {make}", folder.display()),
            many => {
                bail!("{} files {prefix}*{end} in {}; name those to test", many.len(), folder.display())
            }
        }
    };
    Ok(vec![names("facelatch_")?, names("libpam-facelatch_")?, names("facelatch-door_")?])
}

/// `$FACELATCH_VM_DIR`, or a folder in the user's cache.
fn cache() -> Result<PathBuf> {
    match std::env::var_os("FACELATCH_VM_DIR") {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => Ok(run::cache()?.join("vm")),
    }
}

/// The emulator; installs what is missing on this machine.
fn tools(cache: &Path, target: &Target) -> Result<PathBuf> {
    last_line("tests/vm/tools.sh", cache, target)
}

/// The folder of the machine's image; rebuilds it when its recipe has changed.
fn image(cache: &Path, target: &Target) -> Result<PathBuf> {
    last_line("tests/vm/image.sh", cache, target)
}

fn last_line(script: &str, cache: &Path, target: &Target) -> Result<PathBuf> {
    let cache = cache.to_str().context("the cache's path is not UTF-8")?;
    let printed = read(command(&root().join(script).display().to_string(), &[cache, target.debian]))?;
    Ok(PathBuf::from(printed.lines().last().context("it printed nothing")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        wanted(&words).map(|_| ()).expect_err("refused").to_string()
    }

    #[test]
    fn the_machine_is_arm64_unless_another_is_named() {
        for (words, target) in [(&["/none.deb"][..], "arm64"), (&["--target", "armhf", "/none.deb"], "armhf")]
        {
            let why = refusal(words);
            assert!(why.contains(&format!("cargo xtask deb --target {target}")), "{why}");
        }
        for bad in [&["--target"][..], &["--target", "mips"], &["--colour"]] {
            refusal(bad);
        }
    }
}
