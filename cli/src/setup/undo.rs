//! What a setup has done, written down before it is done, so that it can be taken back however the setup ended.

use std::path::{Path, PathBuf};

use facelatch_setup::ask::Stop;
use facelatch_setup::files;
use facelatch_setup::people::{Enrolled, Enrols};
use serde::{Deserialize, Serialize};

use super::Setup;
use super::camera::CSI;
use super::login::EVERYBODY;

/// What was done, or was about to be. An earlier state is kept from the first setup on: undoing goes back to before that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Done {
    /// Logins ask for the face, and did not before.
    pub(super) login: bool,
    /// `pam-auth-update` was started, and has not ended.
    pub(super) switching: bool,
    /// The setup of a door was begun.
    pub(super) door: bool,
    /// A file was changed, and the daemon not restarted since.
    pub(super) restart: bool,
    /// Packages that were installed; they stay.
    pub(super) packages: Vec<String>,
    pub(super) files: Vec<FileBefore>,
    pub(super) people: Vec<Enrolled>,
}

/// How a file was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FileBefore {
    pub(super) path: PathBuf,
    pub(super) existed: bool,
    /// `.before-setup` is its copy, until that is put back.
    pub(super) kept: bool,
}

/// Where the files of a setup are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
    etc: PathBuf,
}

impl Files {
    /// Those of the machine whose root folder this is.
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), etc: root.join("etc") }
    }

    /// The daemon's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.etc.join("facelatch/facelatch.toml")
    }

    /// What lets the daemon read a camera on the CSI connector.
    pub(super) fn csi(&self) -> PathBuf {
        self.etc.join("systemd/system/facelatchd.service.d/csi-camera.conf")
    }

    /// What opens the socket to every user.
    pub(super) fn everybody(&self) -> PathBuf {
        self.etc.join("systemd/system/facelatchd.socket.d/everybody.conf")
    }

    /// The part of all logins that `pam-auth-update` writes.
    pub(super) fn common_auth(&self) -> PathBuf {
        self.etc.join("pam.d/common-auth")
    }

    /// The same before it was switched on.
    pub(super) fn common_auth_before(&self) -> PathBuf {
        files::before(&self.etc.join("facelatch/common-auth"))
    }

    /// What `pam-auth-update` has written for all logins, as it remembers.
    pub(super) fn noted(&self) -> PathBuf {
        self.root.join("var/lib/pam/auth")
    }

    /// The service that Plasma's lock screen asks beside the password's.
    pub(super) fn plasma(&self) -> PathBuf {
        self.etc.join("pam.d/kde-fingerprint")
    }

    /// The same as the package has it for the face.
    pub(super) fn plasma_face(&self) -> PathBuf {
        self.root.join("usr/share/facelatch/pam.d/kde-fingerprint")
    }

    /// Whether Plasma's lock screen is on this machine.
    pub(super) fn has_plasma(&self) -> bool {
        ["etc/pam.d/kde", "usr/lib/pam.d/kde"].iter().any(|path| self.root.join(path).exists())
    }

    /// What was done.
    pub(super) fn record(&self) -> PathBuf {
        files::record(&self.config())
    }
}

/// A file as it was before a change of this run.
pub(super) struct Earlier {
    path: PathBuf,
    text: Option<String>,
}

impl Setup<'_> {
    /// Makes a file say this, and keeps what it said before the first setup; nothing where it says so already. The daemon is not
    /// restarted.
    pub(super) fn change(&mut self, path: PathBuf, text: &str) -> Result<Option<Earlier>, Stop> {
        let existed = path.exists();
        let was = files::read(&path)?;
        if existed && was == text.as_bytes() {
            return Ok(None);
        }
        let was = String::from_utf8(was)
            .map_err(|_| Stop(format!("{}: mend or remove it first: it is no UTF-8", path.display())))?;
        let known = self.done.files.iter().find(|known| known.path == path);
        let FileBefore { existed: had_one, kept, .. } =
            known.cloned().unwrap_or(FileBefore { path: path.clone(), existed, kept: false });
        if known.is_none() {
            self.done.files.push(FileBefore { path: path.clone(), existed, kept });
        }
        self.done.restart |= path != self.files.plasma();
        self.save()?;
        // Not noted as kept, so no setup has changed it; an undo that was killed has left the copy.
        if had_one && !kept {
            if existed && !files::before(&path).exists() {
                self.world.keep(&path, &was, &files::before(&path))?;
            }
            self.done.files.iter_mut().filter(|known| known.path == path).for_each(|known| known.kept = true);
            self.save()?;
        }
        self.world.replace(&path, text)?;
        self.person.say(&format!("{} is written", path.display()));
        Ok(Some(Earlier { path, text: existed.then_some(was) }))
    }

    /// Has the daemon read these changes. If it does not start with them, they are taken back.
    pub(super) fn apply(&mut self, changes: Vec<Earlier>) -> Result<(), Stop> {
        if changes.is_empty() {
            return Ok(());
        }
        let Err(why) = self.restart() else { return Ok(()) };
        for Earlier { path, text } in changes {
            match text {
                Some(text) => self.world.replace(&path, &text)?,
                None => self.world.forget(&path)?,
            }
        }
        self.restart()?;
        Err(Stop(format!("{why}; the daemon did not start with this change, so it is taken back")))
    }

    /// Restarts the daemon and its socket.
    pub(super) fn restart(&mut self) -> Result<(), Stop> {
        self.world.systemctl(&["daemon-reload"])?;
        self.world.systemctl(&["restart", "facelatchd.socket", "facelatchd.service"])?;
        self.world.status()?;
        self.done.restart = false;
        self.save()
    }

    /// Takes back one file, if a setup wrote it. Whether it did.
    pub(super) fn take_file_back(&mut self, path: &Path) -> Result<bool, Stop> {
        let Some(at) = self.done.files.iter().position(|known| known.path == path) else { return Ok(false) };
        let FileBefore { existed, kept, .. } = self.done.files[at];
        if kept && let Some(told) = files::lost_copy(path) {
            self.person.say(&told);
        }
        self.done.restart |= path != self.files.plasma();
        // From here on a copy that is not there was put back.
        self.done.files[at].kept = false;
        self.save()?;
        let plasma = files::read(&self.files.plasma_face())?;
        // Not there: it was about to be written.
        let ours = [CSI.as_bytes(), EVERYBODY.as_bytes(), &plasma, b""];
        let is_ours = |text: Vec<u8>| ours.contains(&text.as_slice());
        if !existed && files::read(path).is_ok_and(is_ours) {
            self.world.forget(path)?;
        } else if let Some(told) = self.world.put_back(path, existed)? {
            self.person.say(&told);
        }
        self.done.files.remove(at);
        self.save()?;
        Ok(true)
    }

    /// Takes back what setups have done, each part once: the login first.
    pub(super) fn undo(&mut self) -> Result<(), Stop> {
        // One that was killed at its end has left the files that it goes by.
        let left = [self.files.record(), self.files.common_auth_before()];
        let had_switched = self.done.login;
        if self.done == Done::default() && !left.iter().any(|path| path.exists()) {
            self.person.say(
                "there is no setup to take back; for that of a door: `sudo facelatch setup door --undo`",
            );
            self.say_what_stays();
            return Ok(());
        }
        self.login(false)?;
        if self.done.door {
            self.world.undo_door()?;
            self.done.door = false;
            self.save()?;
        }
        while let Some(FileBefore { path, .. }) = self.done.files.last().cloned() {
            self.take_file_back(&path)?;
        }
        if self.done.restart {
            self.restart()?;
        }
        self.take_people_back()?;
        if !self.done.packages.is_empty() {
            let names = self.done.packages.join(" ");
            self.person.say(&format!("still installed: {names} (`sudo apt remove {names}`)"));
        }
        if !had_switched {
            self.say_what_stays();
        }
        self.world.forget(&self.files.common_auth_before())?;
        self.world.forget(&self.files.record())?;
        self.person.say("taken back");
        Ok(())
    }

    /// Of logins, where no setup had switched the face on.
    fn say_what_stays(&mut self) {
        if self.world.asks_anywhere() {
            self.person.say(
                "Logins still ask for the face, which no setup switched on: lines in /etc/pam.d that were added by hand stay until \
                 they are taken out by hand.",
            );
        }
    }
}
