//! What a setup has done, written down before it is done, so that it can be taken back however the setup ended.
//!
//! The file is in a folder that root alone may write: whoever takes over facelatch-door must not choose what root takes back.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Setup;
use super::ask::Stop;
use super::world::UNIT;

/// Longest time between the two last answers of an enrolment and its templates, in seconds.
const ENROLMENT_S: u64 = 600;

/// What was done, or was about to be. An earlier state is kept from the first setup on: undoing goes back to before that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Done {
    pub(super) unit: Option<UnitBefore>,
    pub(super) file: Option<FileBefore>,
    pub(super) people: Vec<Enrolled>,
}

/// How the unit was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnitBefore {
    pub(super) enabled: bool,
    pub(super) active: bool,
}

/// How the configuration was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileBefore {
    /// There was one, and `.before-setup` is its copy.
    pub(super) existed: bool,
}

/// Somebody who was not enrolled before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Enrolled {
    pub(super) user: String,
    /// When it began, in seconds since 1970.
    pub(super) since: u64,
    /// The templates; none if the setup ended before it knew them.
    #[serde(default)]
    pub(super) ids: Vec<String>,
}

/// The files of a setup.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The configuration.
    pub(super) config: PathBuf,
}

impl Files {
    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.config.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// The configuration as it was before the first setup.
    pub(super) fn before(&self) -> PathBuf {
        self.beside(".before-setup")
    }

    /// What was done.
    fn done(&self) -> PathBuf {
        self.beside(".setup-undo")
    }

    /// What earlier setups have done.
    pub(super) fn load(&self) -> Result<Done, Stop> {
        let path = self.done();
        let failed = |why: String| Stop(format!("{}: {why}", path.display()));
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| failed(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Done::default()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Puts on the disk what was done or is about to be.
    pub(super) fn save(&self, done: &Done) -> Result<(), Stop> {
        let text = toml::to_string(done).map_err(|error| Stop(error.to_string()))?;
        replace(&self.done(), text)
    }

    fn forget(&self) -> Result<(), Stop> {
        remove(&self.done())
    }
}

/// What is in a file; nothing if there is none.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| Stop(format!("{}: {error}", path.display()))),
    }
}

/// Puts a file on the disk, whole or not at all.
pub(super) fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Stop> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(text.as_ref())?;
        // facelatch-door reads it, whatever root's umask is.
        file.set_permissions(PermissionsExt::from_mode(0o644))?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| Stop(format!("{}: cannot be written ({error})", path.display())))
}

fn remove(path: &Path) -> Result<(), Stop> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Stop(format!("{}: cannot be removed ({error})", path.display())))
        }
        _ => Ok(()),
    }
}

impl Setup<'_> {
    /// Takes back what setups have done, each part once.
    pub(super) fn undo(&mut self) -> Result<(), Stop> {
        if self.done == Done::default() {
            self.person.say("no setup is to be taken back");
            return Ok(());
        }
        // While the unit runs, and its exit button: the daemon may be away, and this may have to be done again.
        while let Some(enrolled) = self.done.people.last().cloned() {
            self.take_back(&enrolled)?;
            self.done.people.pop();
            self.files.save(&self.done)?;
        }
        let unit = self.done.unit;
        if unit.is_some_and(|before| !before.enabled) && self.world.unit_is("enabled") {
            self.world.systemctl(&["disable", UNIT])?;
        }
        let was_active = unit.is_some_and(|before| before.active);
        if unit.is_some() && self.world.unit_is("active") {
            if was_active { self.world.pause_unit()? } else { self.world.systemctl(&["stop", UNIT])? }
        }
        let restored = self.restore_file();
        if was_active {
            self.world.systemctl(&["start", UNIT])?;
        }
        restored?;
        self.files.forget()?;
        self.person.say("taken back");
        Ok(())
    }

    /// Removes somebody whom a setup enrolled, unless they were enrolled once more since.
    fn take_back(&mut self, enrolled: &Enrolled) -> Result<(), Stop> {
        let Enrolled { user, since, ids } = enrolled;
        let templates = self.world.templates(user)?;
        let in_time = |at: u64| (*since..=since + ENROLMENT_S).contains(&at);
        let is_ours = |id: &String, at| if ids.is_empty() { in_time(at) } else { ids.contains(id) };
        if !templates.iter().all(|template| is_ours(&template.id, template.created_at)) {
            self.person.say(&format!(
                "{user} was enrolled again since the setup and stays; `facelatch remove {user}` removes them"
            ));
            return Ok(());
        }
        if !templates.is_empty() {
            self.world.remove(user)?;
            self.person.say(&format!("{user} is no longer enrolled"));
        }
        Ok(())
    }

    fn restore_file(&mut self) -> Result<(), Stop> {
        let Some(before) = self.done.file else { return Ok(()) };
        self.restore(before)?;
        self.done.file = None;
        self.files.save(&self.done)
    }

    /// The configuration as it was. What is there now is kept beside it.
    fn restore(&mut self, before: FileBefore) -> Result<(), Stop> {
        let (config, undone) = (self.files.config.clone(), self.files.beside(".undone"));
        let failed = |error: std::io::Error| Stop(format!("{}: {error}", config.display()));
        let kept = self.files.before();
        if !before.existed {
            return if config.exists() { std::fs::rename(&config, undone).map_err(failed) } else { Ok(()) };
        }
        // Not there: it was put back already.
        if kept.exists() {
            let _ = std::fs::copy(&config, undone);
            std::fs::rename(&kept, &config).map_err(failed)?;
        }
        Ok(())
    }
}
