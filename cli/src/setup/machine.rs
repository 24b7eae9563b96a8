//! This machine, as a setup changes it.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use facelatch_setup::ask::Stop;
use facelatch_setup::files;
use facelatch_setup::lock::{LOCK, Lock};
use facelatch_setup::people::People;
use facelatch_wire::call::{Enroll, Events, List, Remove, Status as StatusCall, Verify};
use facelatch_wire::reply::{EventKind, Status, Template};
use facelatch_wire::{Client, Deadline, Outcome, SOCKET_ENV};
use nix::unistd::User;

use super::undo::Done;
use super::world::{Account, Csi, Package, Shown, Tried, World};
use crate::doctor::{pam, shadow};
use crate::say::{self, Daemon};
use crate::{enroll, judging};

/// The program that works a door, and can ask for its lines.
const DOOR: &str = "facelatch-door";
/// Whom the daemon runs as.
const SERVICE_USER: &str = "facelatch";
/// Programs that read cameras on the CSI connector: one name, then that of earlier versions.
const CSI_PROGRAMS: [&str; 2] = ["/usr/bin/rpicam-vid", "/usr/bin/libcamera-vid"];
/// How the names of nodes begin that belong to such a camera.
const CSI_NODES: [&str; 2] = ["unicam", "rp1-cfe"];
/// Links to USB cameras that stay the same after replugging.
const USB_CAMERAS: &str = "/dev/v4l/by-id";
/// The file that the package of the door brings.
const DOOR_FILE: &str = "/usr/bin/facelatch-door";
/// What switches the face on and off at all logins, on Debian.
const SWITCH: &str = "pam-auth-update";
/// How long the daemon may take to tell of an attempt that has ended.
const HEARD: Duration = Duration::from_secs(1);

/// This machine.
pub(super) struct Machine {
    to: Daemon,
    /// Nobody answers.
    unattended: bool,
    lock: Option<Lock>,
}

impl Machine {
    pub(super) fn new(socket: &Path, unattended: bool) -> Self {
        Self { to: Daemon { socket: socket.to_owned(), json: false }, unattended, lock: None }
    }

    fn daemon(&self, time: Duration) -> Result<Client, Stop> {
        Ok(Client::connect(&self.to.socket, Deadline::within(time))?)
    }

    /// Runs the setup of the door, which is a part of this one.
    fn door_setup(&mut self, undo: bool, answers: Option<&Path>) -> Result<(), Stop> {
        let run = || finish(door_setup(&self.to.socket, undo, answers));
        match &mut self.lock {
            Some(lock) => lock.lend(run),
            None => run(),
        }
    }

    /// Runs a program that may ask by debconf, or about a file of a package that somebody changed.
    fn debian(&self, program: &str, words: &[&str]) -> Result<(), Stop> {
        finish(debian(self.unattended, program, words))
    }
}

fn debian(unattended: bool, program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words);
    if unattended {
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    }
    command
}

impl People for Machine {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    fn now(&self) -> u64 {
        UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
    }

    fn templates(&mut self, user: &str) -> Result<Vec<Template>, Stop> {
        Ok(self.daemon(say::SOON)?.call(&List { user: Some(user.to_owned()) })?.templates)
    }

    fn enroll(&mut self, user: &str) -> Result<(), Stop> {
        let request = Enroll { user: user.to_owned(), ..Enroll::default() };
        enroll::run(&self.to, &request).map(drop).map_err(|error| Stop(format!("{error:#}")))
    }

    fn remove(&mut self, user: &str) -> Result<(), Stop> {
        self.daemon(say::SOON)?.call(&Remove { user: user.to_owned(), id: None, adapted: None })?;
        Ok(())
    }
}

impl World for Machine {
    fn lock(&mut self) -> Result<(), Stop> {
        self.lock = Some(Lock::take(Path::new(LOCK))?);
        Ok(())
    }

    fn caller(&self) -> Option<String> {
        std::env::var("SUDO_USER").ok().filter(|user| !user.is_empty() && user != "root")
    }

    fn account(&self, name: &str) -> Account {
        match User::from_name(name) {
            Ok(None) => Account::Missing,
            _ => shadow::bar(Path::new("/"), name)
                .map_or(Account::Good, |bar| Account::Barred(bar.to_string())),
        }
    }

    fn status(&mut self) -> Result<Status, Stop> {
        Ok(self.daemon(say::SOON)?.call(&StatusCall {})?)
    }

    fn verify(&mut self, user: &str) -> Result<Outcome, Stop> {
        // As a login does: no latch opens.
        let request = Verify { user: Some(user.to_owned()), latch: Some(false), camera: None };
        let judged = judging::attempt(&self.to, &request, |reply| reply);
        let judged = judged.map_err(|error| Stop(format!("{error:#}")))?;
        judged.verdict.ok_or_else(|| Stop("the daemon gave no verdict; see its journal".to_owned()))
    }

    fn cameras(&mut self) -> Vec<String> {
        let entries = fs::read_dir(USB_CAMERAS).into_iter().flatten().flatten();
        let mut found: Vec<String> = entries
            .filter_map(|entry| entry.path().into_os_string().into_string().ok())
            // The others give metadata.
            .filter(|path| path.ends_with("-video-index0"))
            .collect();
        found.sort();
        found
    }

    fn csi(&mut self) -> Csi {
        let Some(program) = CSI_PROGRAMS.into_iter().find(|program| Path::new(program).is_file()) else {
            return if has_csi_node() { Csi::Unread } else { Csi::None };
        };
        let listed = Command::new(program).arg("--list-cameras").stdin(Stdio::null()).output();
        let text = listed.map(|listed| [listed.stdout, listed.stderr].concat()).unwrap_or_default();
        match csi_camera(&String::from_utf8_lossy(&text)) {
            Some(camera) => Csi::Found { program: program.to_owned(), camera },
            None => Csi::None,
        }
    }

    fn show(&mut self) -> Result<Shown, Stop> {
        // With the rights of the daemon, which has to see the same.
        let mut show = apart(SERVICE_USER, "facelatchd")?;
        show.arg("--show");
        if self.unattended || !std::io::stdout().is_terminal() {
            show.stdout(Stdio::null());
        }
        let ended = show.status().map_err(|error| Stop(format!("facelatchd --show: {error}")))?;
        shown(ended.code()).ok_or_else(|| Stop(format!("facelatchd --show ended with {ended}")))
    }

    fn is_installed(&self, package: Package) -> bool {
        match package {
            Package::Login => pam::is_installed(Path::new("/")),
            Package::Door => Path::new(DOOR_FILE).is_file(),
        }
    }

    fn install(&mut self, package: Package) -> Result<(), Stop> {
        let name = package.name();
        let by_hand = |why: Stop| Stop(format!("{why}; install {name} by hand, then run the setup again"));
        // An installation may have been killed.
        self.debian("dpkg", &["--force-confold", "--configure", "-a"]).map_err(by_hand)?;
        let words = ["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold", "install"];
        self.debian("apt-get", &[&words[..], &["--yes", name]].concat()).map_err(by_hand)
    }

    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop> {
        run("systemctl", words)
    }

    fn asks(&self) -> bool {
        pam::logins_ask(Path::new("/"))
    }

    fn asks_anywhere(&self) -> bool {
        pam::asks(Path::new("/"))
    }

    fn faults(&self) -> Vec<String> {
        pam::faults(Path::new("/"))
    }

    fn by_hand(&self) -> Option<Vec<String>> {
        (!Path::new("/usr/sbin").join(SWITCH).is_file()).then(|| pam::by_hand(Path::new("/")))
    }

    fn switch(&mut self, on: bool) -> Result<(), Stop> {
        let word = if on { "--enable" } else { "--disable" };
        self.debian(SWITCH, &[word, "facelatch"])
    }

    fn sudo(&mut self, user: &str) -> Result<Tried, Stop> {
        let mut events = self.daemon(say::ATTEMPT)?;
        events.start(&Events {}, true)?;
        events.receive::<Events>()?;
        let mut sudo = as_user(user, "sudo")?;
        sudo.args(["-k", "true"]);
        if self.unattended {
            // There is nobody to ask for the password.
            sudo = as_user(user, "sudo")?;
            sudo.args(["-k", "-S", "true"]).stdin(Stdio::null());
        }
        let ended = sudo.status().map_err(|error| Stop(format!("sudo: {error}")))?;
        events.set_deadline(Deadline::within(HEARD));
        let next = || events.receive::<Events>().ok().map(|event| event.reply);
        let attempt = std::iter::from_fn(next)
            .find(|event| event.kind == EventKind::Verify && event.user.as_deref() == Some(user));
        Ok(Tried { let_in: ended.success(), verdict: attempt.and_then(|event| event.verdict) })
    }

    fn door(&mut self, answers: Option<&Path>) -> Result<(), Stop> {
        self.door_setup(false, answers)
    }

    fn undo_door(&mut self) -> Result<(), Stop> {
        if !self.is_installed(Package::Door) {
            return Ok(());
        }
        self.door_setup(true, None)
    }

    fn save(&mut self, record: &Path, done: &Done) -> Result<(), Stop> {
        files::save(record, done)
    }

    fn replace(&mut self, path: &Path, text: &str) -> Result<(), Stop> {
        files::make(path, text, path)
    }

    fn keep(&mut self, path: &Path, text: &str, copy: &Path) -> Result<(), Stop> {
        files::make(copy, text, path)
    }

    fn put_back(&mut self, path: &Path, existed: bool) -> Result<Option<String>, Stop> {
        files::put_back(path, existed)
    }

    fn forget(&mut self, path: &Path) -> Result<(), Stop> {
        files::unmake(path)
    }
}

/// `facelatch-door setup`.
fn door_setup(socket: &Path, undo: bool, answers: Option<&Path>) -> Command {
    let mut command = Command::new(DOOR);
    command.env(SOCKET_ENV, socket).arg("setup").args(undo.then_some("--undo"));
    if let Some(answers) = answers {
        command.args([OsStr::new("--answers"), answers.as_os_str()]);
    }
    command
}

/// Becomes `facelatch-door setup`; returns only where that is not possible.
pub(super) fn become_door_setup(socket: &Path, undo: bool, answers: Option<&Path>) -> anyhow::Error {
    let error = door_setup(socket, undo, answers).exec();
    if error.kind() == ErrorKind::NotFound {
        return anyhow::anyhow!(
            "{DOOR} is not installed; install the package of that name, beside facelatch"
        );
    }
    anyhow::Error::new(error).context(format!("{DOOR} cannot be started"))
}

/// A program with the rights of this user; its arguments are to be added.
fn as_user(user: &str, program: &str) -> Result<Command, Stop> {
    let account = User::from_name(user).ok().flatten();
    let account = account.ok_or_else(|| Stop(format!("there is no account {user}")))?;
    let mut command = Command::new("setpriv");
    let (uid, gid) = (account.uid, account.gid);
    command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--init-groups", "--", program]);
    Ok(command)
}

/// As [`as_user`]. The program reads what a camera sends, so it must not be able to type into root's terminal, nor get more rights.
/// Ctrl-C does not reach it there, so it ends with this one.
fn apart(user: &str, program: &str) -> Result<Command, Stop> {
    let mut command = Command::new("setsid");
    command.args(["--wait", "setpriv", "--no-new-privs", "--pdeathsig=TERM"]);
    command.args(as_user(user, program)?.get_args()).stdin(Stdio::null());
    Ok(command)
}

/// Runs a program, which has the terminal.
fn run(program: &str, words: &[&str]) -> Result<(), Stop> {
    let mut command = Command::new(program);
    command.args(words);
    finish(command)
}

fn finish(mut command: Command) -> Result<(), Stop> {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let said = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop(format!("`{said}` ended with {status}"))),
        Err(error) => Err(Stop(format!("`{said}` cannot be run: {error}"))),
    }
}

/// What the exit code of `facelatchd --show` says (`src/serve/show.rs`).
fn shown(code: Option<i32>) -> Option<Shown> {
    match code? {
        0 => Some(Shown::Upright),
        3 => Some(Shown::Nobody),
        quarters @ 10..=13 => Some(Shown::Turned((quarters.unsigned_abs() - 10) * 90)),
        _ => None,
    }
}

/// The first camera in what `rpicam-vid --list-cameras` prints that is not on USB: `0 : imx219 [3280x2464 ...] (/base/...)`.
fn csi_camera(text: &str) -> Option<String> {
    let camera = |line: &str| {
        let (number, rest) = line.trim().split_once(" : ")?;
        number.parse::<u32>().ok()?;
        let name = rest.split(" [").next()?.trim();
        (!name.is_empty() && !rest.contains("usb")).then(|| name.to_owned())
    };
    text.lines().find_map(camera)
}

fn has_csi_node() -> bool {
    let nodes: Vec<PathBuf> = fs::read_dir("/sys/class/video4linux")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("name"))
        .collect();
    let is_csi = |name: String| CSI_NODES.iter().any(|start| name.starts_with(start));
    nodes.iter().any(|node| fs::read_to_string(node).is_ok_and(is_csi))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_on_the_connector_is_found_in_the_list_and_one_on_usb_is_not() {
        let listed = "Available cameras\n-----------------\n\
            0 : Logitech C920 [1920x1080] (/base/axi/pcie@120000/rp1/usb@200000-1:1.0-046d:082d)\n\
            1 : imx219 [3280x2464 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@88000/imx219@10)\n\
                Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps]\n";
        assert_eq!(csi_camera(listed).as_deref(), Some("imx219"));
        assert_eq!(csi_camera("No cameras available!\n"), None);
    }

    #[test]
    fn a_program_that_reads_pictures_has_no_terminal_and_gets_no_rights() {
        let show = apart("root", "facelatchd").expect("an account");
        let words: Vec<_> = show.get_args().collect();
        assert_eq!(show.get_program(), "setsid");
        assert_eq!(words[..4], ["--wait", "setpriv", "--no-new-privs", "--pdeathsig=TERM"]);
        assert_eq!(words.last().and_then(|word| word.to_str()), Some("facelatchd"));
    }

    #[test]
    fn where_nobody_answers_nothing_is_asked() {
        let asked = |unattended| debian(unattended, "apt-get", &[]).get_envs().count();
        assert_eq!((asked(true), asked(false)), (1, 0));
    }

    #[test]
    fn the_exit_code_of_a_show_says_what_was_seen() {
        let told = [0, 3, 10, 12, 13].map(|code| shown(Some(code)));
        let turned = |degrees| Some(Shown::Turned(degrees));
        assert_eq!(told, [Some(Shown::Upright), Some(Shown::Nobody), turned(0), turned(180), turned(270)]);
        assert_eq!([shown(Some(4)), shown(Some(14)), shown(None)], [None; 3]);
    }
}
