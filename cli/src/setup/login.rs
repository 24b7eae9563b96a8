//! Who may open the socket, whether logins ask for the face, and whether that works.

use facelatch_setup::ask::{Stop, yes};
use facelatch_setup::files;
use facelatch_setup::people::Enrols;
use facelatch_wire::Outcome;

use super::Setup;
use super::uses::Uses;
use super::world::{Account, Tried};
use crate::doctor::pam::{LINE, PLACE};

/// Opens the socket to every user, for verifying themselves.
pub(super) const EVERYBODY: &str = include_str!("../../../systemd/examples/everybody.conf");

/// The module, as its line names it.
const MODULE: &str = "pam_facelatch.so";

/// How `pam-auth-update` notes that it has written that line.
const NOTED: &str = "Module: facelatch";

impl Setup<'_> {
    /// Opens the socket to every user, or closes it again.
    pub(super) fn socket(&mut self, uses: Uses) -> Result<(), Stop> {
        let path = self.files.everybody();
        let is_open = path.exists();
        let question = "May every user of this machine ask whether they are in front of the camera? Screen locks need it";
        let asked = uses.lock || uses.socket || is_open;
        if asked && yes(self.person, "everybody", question, uses.lock || is_open)? {
            if is_open {
                return Ok(());
            }
            let change = self.change(path, EVERYBODY)?;
            return self.apply(change.into_iter().collect());
        }
        if uses.lock {
            self.person.say("Screen locks that run as the user will ask for the password only.");
        }
        if self.take_file_back(&path)? {
            self.restart()?;
        }
        Ok(())
    }

    /// Has Plasma's lock screen ask for the face while it asks for the password, or not any more.
    pub(super) fn plasma(&mut self, uses: Uses) -> Result<(), Stop> {
        let (path, text) = (self.files.plasma(), files::read(&self.files.plasma_face())?);
        let question =
            "Plasma's lock screen is here. Shall it look for the face while it asks for the password?";
        let is_there = uses.lock && self.files.has_plasma() && !text.is_empty();
        if is_there && yes(self.person, "lock.plasma", question, true)? {
            return self.change(path, &String::from_utf8_lossy(&text)).map(drop);
        }
        self.take_file_back(&path).map(drop)
    }

    /// Has logins ask for the face, and for the password if they do not find it; or for the password alone again, if a setup had
    /// changed that.
    pub(super) fn login(&mut self, on: bool) -> Result<(), Stop> {
        self.mend()?;
        match (on, self.world.asks()) {
            (true, true) => {
                self.person.say("Logins ask for the face already.");
                if self.done.login {
                    self.look_at_logins()?;
                }
            }
            (true, false) if let Some(files) = self.world.by_hand() => self.say_by_hand(&files),
            (true, false) => {
                let now = files::read(&self.files.common_auth())?;
                let now = String::from_utf8_lossy(&now).into_owned();
                self.world.keep(&self.files.common_auth(), &now, &self.files.common_auth_before())?;
                self.done.login = true;
                self.switch(true)?;
                self.look_at_logins()?;
                self.person.say("Logins ask for the face first, then for the password.");
            }
            (false, asks) if self.done.login => {
                self.take_file_back(&self.files.plasma())?;
                if asks {
                    self.switch(false)?;
                }
                self.done.login = false;
                self.save()?;
                self.person.say(if self.world.asks_anywhere() {
                    "Some logins still ask for the face: their lines in /etc/pam.d were added by hand."
                } else {
                    "Logins ask for the password only."
                });
            }
            (false, _) => {}
        }
        Ok(())
    }

    /// Says what to write where nothing here can switch the face on. Nothing is changed.
    fn say_by_hand(&mut self, files: &[String]) {
        let why = "There is no pam-auth-update here, so logins are left as they are.";
        if files.is_empty() {
            self.person.say(&format!(
                "{why} No service in /etc/pam.d could ask for the face; pam_facelatch(8) says which can."
            ));
            return;
        }
        self.person.say(&format!(
            "{why} With a root shell open beside it, write this line {PLACE}, in each of these files whose service is to ask for \
             the face:"
        ));
        self.person.say(&format!("  {LINE}"));
        files.iter().for_each(|file| self.person.say(&format!("    {file}")));
        self.person.say(
            "The password works as before, below it. `sudo facelatch doctor` says whether each is right; taking the line out \
             takes it back. NixOS writes these files: packaging/nix has an option for it.",
        );
    }

    fn switch(&mut self, on: bool) -> Result<(), Stop> {
        self.done.switching = true;
        self.save()?;
        self.world.switch(on)?;
        self.done.switching = false;
        self.save()
    }

    /// After a `pam-auth-update` that was killed. It writes common-auth, then in /var/lib/pam what it has written; ended in between, it
    /// takes its own line for one that was added by hand, and changes nothing any more. So common-auth is made what it
    /// was; but not where it merely failed, since common-auth may have been edited since.
    fn mend(&mut self) -> Result<(), Stop> {
        if !self.done.switching {
            return Ok(());
        }
        let (path, before) = (self.files.common_auth(), files::read(&self.files.common_auth_before())?);
        let (now, before) = (files::read(&path)?, String::from_utf8_lossy(&before).into_owned());
        let noted = files::read(&self.files.noted())?;
        let is_stuck = !String::from_utf8_lossy(&noted).lines().any(|line| line == NOTED);
        if is_stuck && self.done.login && differs_by_face(&String::from_utf8_lossy(&now), &before) {
            self.world.replace(&path, &before)?;
        }
        self.done.switching = false;
        self.save()
    }

    /// Whether everybody still gets in with the password; if not, all is as before.
    fn look_at_logins(&mut self) -> Result<(), Stop> {
        if !self.world.asks() {
            let why = "pam-auth-update changed nothing, as it does where common-auth was edited by hand; add the line by \
                       hand too, as docs/pam.md says, or run `sudo pam-auth-update --force --enable facelatch`";
            return Err(Stop(why.to_owned()));
        }
        let faults = self.world.faults();
        if faults.is_empty() {
            return Ok(());
        }
        self.login(false)?;
        Err(Stop(format!("{}; the change is taken back", faults.join("; "))))
    }

    /// Has sudo ask them, if it would.
    pub(super) fn try_login(&mut self, user: &str) -> Result<(), Stop> {
        if let Account::Barred(why) = self.world.account(user) {
            self.person
                .say(&format!("Logins do not ask {user} for a face: {why}; pam_facelatch(8) says more."));
            return Ok(());
        }
        self.try_sudo(user)
    }

    /// Has sudo ask them. Nobody is shut out by what they find: this program is root, and switches the face off again.
    fn try_sudo(&mut self, user: &str) -> Result<(), Stop> {
        let question =
            format!("Try it as {user}: sudo looks for the face, then asks for the password. Ready?");
        if !yes(self.person, "try.sudo", &question, true)? {
            return Ok(());
        }
        let tried = match self.world.sudo(user) {
            Ok(tried) => tried,
            Err(why) => {
                self.person.say(&why.to_string());
                return Ok(());
            }
        };
        match tried {
            Tried { let_in: true, verdict: Some(Outcome::Match) } => {
                self.person.say("sudo knew the face and let you in. It works.");
            }
            Tried { verdict: Some(verdict), let_in } => {
                let then = if let_in { "; the password let you in" } else { "" };
                self.person.say(&format!("{}{then}", verdict.message()));
            }
            Tried { verdict: None, .. } => self.person.say(
                "sudo asked for no face: over SSH it never does, nor where it asks for nothing (NOPASSWD) or knows no such \
                 user. Try it at the board: sudo -k; sudo true",
            ),
        }
        if !tried.let_in && !self.unattended && self.done.login {
            let question = "sudo let you in neither by face nor by password. Leave the face on at logins?";
            if !yes(self.person, "login.keep", question, false)? {
                return self.login(false);
            }
        }
        Ok(())
    }
}

/// Whether one text of common-auth has the lines of the other and one that asks for the face. That makes others jump farther, and
/// changes their options: pam_unix is no longer the first.
fn differs_by_face(now: &str, before: &str) -> bool {
    let is_face = |line: &&str| line.contains(MODULE);
    let module = |line: &str| line.split(".so").next().unwrap_or_default().to_owned();
    let plain = |line: &str| module(line).chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let faces = |text: &str| text.lines().filter(is_face).count();
    faces(now) > faces(before)
        && now
            .lines()
            .filter(|line| !is_face(line))
            .map(plain)
            .eq(before.lines().filter(|line| !is_face(line)).map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_of_the_face_may_be_new() {
        let before = "# x\nauth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n";
        let face = "auth [success=2 default=ignore] pam_facelatch.so\n";
        assert!(differs_by_face(
            &format!("# x\n{face}{}", before[4..].replace("nullok", "nullok try_first_pass")),
            before
        ));
        assert!(!differs_by_face(before, before), "it is as before");
        let adapts = |text: &str| format!("{text}auth optional pam_facelatch.so after-password\n");
        assert!(differs_by_face(&adapts(&format!("{face}{before}")), &adapts(before)));
        assert!(!differs_by_face(&adapts(before), &adapts(before)), "that line asks for no face");
        assert!(!differs_by_face(&format!("{face}{before}auth optional pam_cap.so\n"), before));
        assert!(!differs_by_face(face, before));
    }
}
