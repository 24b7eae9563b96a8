//! A machine that does as a test says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use facelatch_setup::ask::Stop;
use facelatch_setup::files;
use facelatch_wire::Outcome;
use facelatch_wire::reply::{Camera, CameraState, Status, Template};
use tempfile::TempDir;

use super::super::undo::{Done, Files};
use super::super::world::{Account, Csi, Package, Shown, Tried, World};
use super::script::Fuse;
use crate::doctor::pam;
use crate::test_files;

/// What is in files, by their paths below `etc`.
pub(super) type Contents = BTreeMap<PathBuf, String>;

/// A machine with a camera on the CSI connector, upside down, and nothing set up.
pub(super) struct Bench {
    folder: TempDir,
    pub(super) usb: Vec<String>,
    pub(super) csi: Csi,
    /// Nobody is before it.
    pub(super) is_empty: bool,
    pub(super) caller: Option<String>,
    /// Those that are not as all others.
    pub(super) accounts: BTreeMap<&'static str, Account>,
    pub(super) enrolled: Vec<Template>,
    /// How many enrolments fail.
    pub(super) failing: usize,
    pub(super) tried: Tried,
    pub(super) verdict: Outcome,
    /// The daemon does not start with this in its configuration.
    pub(super) refuses: &'static str,
    /// `pam-auth-update` leaves files alone that were edited by hand.
    pub(super) edited: bool,
    /// It has `pam-auth-update`.
    pub(super) is_debian: bool,
    /// What is written for a login that asks for the face.
    pub(super) stack: String,
    pub(super) door: bool,
    /// Files that the running daemon has read; nothing if it does not run.
    pub(super) running: Option<Contents>,
    /// Drop-ins that systemd has read.
    reloaded: Contents,
    /// Whether to remember what was ever in each file.
    pub(super) remembers: bool,
    pub(super) seen: BTreeSet<(PathBuf, String)>,
    pub(super) fuse: Fuse,
}

/// As Debian 12 ships it.
pub(super) const PASSWORD: &str = "\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
";

/// With the profile.
const FACE: &str = "\
auth\t[success=2 default=ignore]\tpam_facelatch.so
auth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
";

const CONFIG: &str = "facelatch/facelatch.toml";
const STACK: &str = "pam.d/common-auth";

impl Bench {
    pub(super) fn new() -> Self {
        let mut bench = Self {
            // Thousands of small files: in memory where that can be had.
            folder: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder"),
            usb: Vec::new(),
            csi: Csi::Found { program: "/usr/bin/rpicam-vid".to_owned(), camera: "imx219".to_owned() },
            is_empty: false,
            caller: Some("alice".to_owned()),
            accounts: BTreeMap::new(),
            enrolled: Vec::new(),
            failing: 0,
            tried: Tried { let_in: true, verdict: Some(Outcome::Match) },
            verdict: Outcome::Match,
            refuses: "nothing of this",
            edited: false,
            is_debian: true,
            stack: FACE.to_owned(),
            door: false,
            running: None,
            reloaded: Contents::new(),
            remembers: false,
            seen: BTreeSet::new(),
            fuse: Fuse::default(),
        };
        bench.write(CONFIG, "# Cameras.\n[camera]\ndevice = \"auto\"\n# As mounted.\nrotate = 0\n");
        bench.write(STACK, PASSWORD);
        bench.write("pam.d/sudo", "@include common-auth\n");
        bench.write("pam.d/kde", "@include common-auth\n");
        let plasma = include_str!("../../../../pam/services/kde-fingerprint");
        test_files::write(bench.path(), "usr/share/facelatch/pam.d/kde-fingerprint", plasma);
        bench.running = Some(bench.read_by_daemon());
        bench
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn files(&self) -> Files {
        Files::below(self.path())
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        test_files::write(self.path(), &format!("etc/{file}"), text);
    }

    /// All files but what setups and `pam-auth-update` keep beside them.
    pub(super) fn contents(&self) -> Contents {
        let (etc, mut contents) = (self.path().join("etc"), Contents::new());
        let mut folders = vec![etc.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let beside = ["before-setup", "setup-undo", "undone", "new", "pam-new"];
                if path.is_dir() {
                    folders.push(path);
                } else if !path
                    .extension()
                    .is_some_and(|ending| beside.iter().any(|beside| ending == *beside))
                {
                    let name = path.strip_prefix(&etc).expect("below").to_owned();
                    contents.insert(name, fs::read_to_string(path).expect("text"));
                }
            }
        }
        contents
    }

    /// What the daemon reads when it starts.
    fn read_by_daemon(&self) -> Contents {
        let config = self.contents().into_iter().filter(|(path, _)| path == Path::new(CONFIG));
        config.chain(self.reloaded.clone()).collect()
    }

    /// What it would read if it started now, with systemd's state as on the disk.
    pub(super) fn to_be_read(&self) -> Contents {
        self.contents().into_iter().filter(|(path, _)| !path.starts_with("pam.d")).collect()
    }

    /// Whether somebody gets in at sudo.
    pub(super) fn lets_in(&self, face: bool, password: bool) -> bool {
        let text = fs::read_to_string(self.path().join("etc").join(STACK)).expect("there");
        let mut skip = 0;
        for line in text.lines() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let is = |name: &str| line.contains(name);
            if is("pam_deny") || is("pam_permit") {
                return is("pam_permit");
            }
            if (is("pam_facelatch") && face) || (is("pam_unix") && password) {
                let number = line.split("success=").nth(1).and_then(|rest| rest.split(' ').next());
                skip = number.expect("a number").parse().expect("a number");
            }
        }
        false
    }

    /// `pam-auth-update` has noted that it wrote the face.
    fn has_noted(&self) -> bool {
        fs::read_to_string(self.files().noted()).is_ok_and(|text| text.contains("Module: facelatch"))
    }

    pub(super) fn install_login(&self) {
        let folder = self.path().join("usr/lib/security");
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("pam_facelatch.so"), "").expect("written");
    }

    pub(super) fn enrolls(&mut self, user: &str, at: u64) {
        let id = format!("{user}-{}", self.enrolled.len());
        self.enrolled.push(Template { id, user: user.into(), created_at: at, ..Template::default() });
    }

    /// As `files::make` does it, but for waiting for the disk.
    fn put(&self, path: &Path, text: &str) -> Result<(), Stop> {
        self.fuse.burn()?;
        let new = files::beside(path, ".new");
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&new, &text[..text.len() / 2]).expect("written");
        self.fuse.burn()?;
        fs::write(&new, text).expect("written");
        self.fuse.burn()?;
        fs::rename(new, path).expect("renamed");
        self.fuse.burn()
    }

    /// Remembers what is on the disk.
    fn see(&mut self) {
        if !self.remembers {
            return;
        }
        let contents = self.contents();
        self.seen.extend(contents);
    }
}

impl World for Bench {
    fn lock(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn account(&self, name: &str) -> Account {
        self.accounts.get(name).cloned().unwrap_or(Account::Good)
    }

    fn caller(&self) -> Option<String> {
        self.caller.clone()
    }

    fn status(&mut self) -> Result<Status, Stop> {
        self.fuse.burn()?;
        let Some(running) = &self.running else { return Err(Stop("the daemon does not run".to_owned())) };
        let has =
            |path: &Path, word: &str| running.iter().any(|(at, text)| at == path && text.contains(word));
        let drop_in = Path::new("systemd/system/facelatchd.service.d/csi-camera.conf");
        let reads_csi = has(Path::new(CONFIG), "rpicam-vid") && has(drop_in, "char-media");
        let is_ready = !self.usb.is_empty() || reads_csi;
        let state = if is_ready { CameraState::Ready } else { CameraState::Unavailable };
        let message = (!is_ready).then(|| "camera auto: not found".to_owned());
        let camera = Camera { name: "cam".into(), state, message, ..Camera::default() };
        Ok(Status { camera, users: u64::from(!self.enrolled.is_empty()), ..Status::default() })
    }

    fn verify(&mut self, _: &str) -> Result<Outcome, Stop> {
        self.fuse.burn()?;
        Ok(self.verdict)
    }

    fn cameras(&mut self) -> Vec<String> {
        self.usb.clone()
    }

    fn csi(&mut self) -> Csi {
        self.csi.clone()
    }

    fn show(&mut self) -> Result<Shown, Stop> {
        self.fuse.burn()?;
        let config = self.running.as_ref().and_then(|files| files.get(Path::new(CONFIG)));
        Ok(match config {
            _ if self.is_empty => Shown::Nobody,
            Some(config) if config.contains("rotate = 180") => Shown::Upright,
            _ => Shown::Turned(180),
        })
    }

    fn is_installed(&self, package: Package) -> bool {
        package == Package::Door || pam::is_installed(self.path())
    }

    fn install(&mut self, package: Package) -> Result<(), Stop> {
        assert_eq!(package, Package::Login);
        self.fuse.burn()?;
        self.install_login();
        self.fuse.burn()
    }

    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop> {
        self.fuse.burn()?;
        match words {
            ["daemon-reload"] => {
                let all = self.contents().into_iter();
                self.reloaded = all.filter(|(path, _)| path.starts_with("systemd")).collect();
            }
            ["start" | "restart", "facelatchd.socket", "facelatchd.service"] => {
                let read = self.read_by_daemon();
                let starts = !read.values().any(|text| text.contains(self.refuses));
                self.running = starts.then_some(read);
                if !starts {
                    return Err(Stop("`systemctl restart` ended with exit status: 1".to_owned()));
                }
            }
            words => panic!("{words:?}"),
        }
        self.fuse.burn()
    }

    fn asks(&self) -> bool {
        pam::logins_ask(self.path())
    }

    fn asks_anywhere(&self) -> bool {
        pam::asks(self.path())
    }

    fn faults(&self) -> Vec<String> {
        pam::faults(self.path())
    }

    fn by_hand(&self) -> Option<Vec<String>> {
        (!self.is_debian).then(|| pam::by_hand(self.path()))
    }

    fn switch(&mut self, on: bool) -> Result<(), Stop> {
        self.fuse.burn()?;
        assert!(pam::is_installed(self.path()), "a login must not ask for a module that is not there");
        // A line that it has not noted was added by hand, for all it knows.
        if self.edited || (pam::logins_ask(self.path()) && !self.has_noted()) {
            return Ok(());
        }
        let text = if on { self.stack.clone() } else { PASSWORD.to_owned() };
        // As pam-auth-update does it.
        let (file, new) = (self.path().join("etc").join(STACK), format!("{STACK}.pam-new"));
        self.write(&new, &text[..text.len() / 2]);
        self.fuse.burn()?;
        self.write(&new, &text);
        self.fuse.burn()?;
        fs::rename(self.path().join("etc").join(new), file).expect("renamed");
        self.see();
        self.fuse.burn()?;
        let noted = self.files().noted();
        fs::create_dir_all(noted.parent().expect("a folder")).expect("made");
        fs::write(noted, if on { "Module: facelatch\nModule: unix\n" } else { "Module: unix\n" })
            .expect("written");
        self.fuse.burn()
    }

    fn sudo(&mut self, _: &str) -> Result<Tried, Stop> {
        self.fuse.burn()?;
        Ok(self.tried)
    }

    fn door(&mut self, answers: Option<&Path>) -> Result<(), Stop> {
        self.fuse.burn()?;
        assert!(answers.is_none_or(|answers| answers == Path::new("/door.toml")));
        self.door = true;
        self.fuse.burn()
    }

    fn undo_door(&mut self) -> Result<(), Stop> {
        self.fuse.burn()?;
        self.door = false;
        self.fuse.burn()
    }

    fn save(&mut self, record: &Path, done: &Done) -> Result<(), Stop> {
        self.put(record, &toml::to_string(done).expect("text"))
    }

    fn replace(&mut self, path: &Path, text: &str) -> Result<(), Stop> {
        self.see();
        self.put(path, text)?;
        self.see();
        Ok(())
    }

    fn keep(&mut self, _: &Path, text: &str, copy: &Path) -> Result<(), Stop> {
        self.replace(copy, text)
    }

    fn put_back(&mut self, path: &Path, existed: bool) -> Result<Option<String>, Stop> {
        self.fuse.burn()?;
        let told = files::put_back(path, existed)?;
        self.fuse.burn()?;
        Ok(told)
    }

    fn forget(&mut self, path: &Path) -> Result<(), Stop> {
        self.fuse.burn()?;
        files::unmake(path)?;
        self.fuse.burn()
    }
}
