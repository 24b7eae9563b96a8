//! What a setup needs of the machine and of the daemon; replaced in tests.

use std::path::Path;

use facelatch_setup::ask::Stop;
use facelatch_setup::people::People;
use facelatch_wire::Outcome;
use facelatch_wire::reply::Status;

use super::undo::Done;

/// A package beside facelatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    /// The login module.
    Login,
    /// The program that works a door.
    Door,
}

impl Package {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "libpam-facelatch",
            Self::Door => "facelatch-door",
        }
    }
}

/// What a camera showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// An upright face.
    Upright,
    /// A face that is upright with this value of `camera.rotate`.
    Turned(u32),
    /// Pictures, and no face.
    Nobody,
}

/// Whether there is a camera on the CSI connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Csi {
    /// There is none.
    None,
    /// There is one, and no program that reads it.
    Unread,
    /// This program reads this camera.
    Found { program: String, camera: String },
}

/// What logins make of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// No account has it.
    Missing,
    /// No login asks this account for a face; why.
    Barred(String),
    Good,
}

/// How sudo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tried {
    /// It let them in.
    pub(super) let_in: bool,
    /// The verdict of the daemon, if it was asked.
    pub(super) verdict: Option<Outcome>,
}

/// The machine. What changes it is one call each, so that tests can end the setup before and after every one.
pub(super) trait World: People {
    /// Keeps other setups out until this one has ended.
    fn lock(&mut self) -> Result<(), Stop>;
    /// Who called sudo.
    fn caller(&self) -> Option<String>;
    fn account(&self, name: &str) -> Account;

    fn status(&mut self) -> Result<Status, Stop>;
    /// Whether the person before the camera is this one.
    fn verify(&mut self, user: &str) -> Result<Outcome, Stop>;

    /// USB cameras, by paths that stay.
    fn cameras(&mut self) -> Vec<String>;
    fn csi(&mut self) -> Csi;
    /// Shows in the terminal what the camera sees.
    fn show(&mut self) -> Result<Shown, Stop>;

    fn is_installed(&self, package: Package) -> bool;
    fn install(&mut self, package: Package) -> Result<(), Stop>;
    fn systemctl(&mut self, words: &[&str]) -> Result<(), Stop>;
    /// Whether logins in general ask for the face.
    fn asks(&self) -> bool;
    /// Whether any service does.
    fn asks_anywhere(&self) -> bool;
    /// What is wrong with logins that do.
    fn faults(&self) -> Vec<String>;
    /// Files to write the line of the face into where there is no `pam-auth-update`; none where there is.
    fn by_hand(&self) -> Option<Vec<String>>;
    /// Has `pam-auth-update` switch the face on or off.
    fn switch(&mut self, on: bool) -> Result<(), Stop>;
    /// Has sudo ask this person.
    fn sudo(&mut self, user: &str) -> Result<Tried, Stop>;

    /// `facelatch setup door`.
    fn door(&mut self, answers: Option<&Path>) -> Result<(), Stop>;
    /// `facelatch setup door --undo`.
    fn undo_door(&mut self) -> Result<(), Stop>;

    /// Writes down what was done, or is about to be.
    fn save(&mut self, record: &Path, done: &Done) -> Result<(), Stop>;
    /// Makes a file of root's, whole or not at all, in a folder that is made as well.
    fn replace(&mut self, path: &Path, text: &str) -> Result<(), Stop>;
    /// Makes a copy of a file, which says this, as [`World::replace`] does, for whom the file is.
    fn keep(&mut self, path: &Path, text: &str, copy: &Path) -> Result<(), Stop>;
    /// Makes a file what it was before the first setup. What to tell the person.
    fn put_back(&mut self, path: &Path, existed: bool) -> Result<Option<String>, Stop>;
    /// Removes a file, if it is there, and its folder, if that is empty then.
    fn forget(&mut self, path: &Path) -> Result<(), Stop>;
}
