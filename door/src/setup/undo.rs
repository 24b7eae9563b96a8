//! What a setup has done, written down before it is done, so that it can be taken back however the setup ended.
//!
//! The file is in a folder that root alone may write: whoever takes over facelatch-door must not choose what root takes back.

use std::path::PathBuf;

use facelatch_setup::ask::Stop;
use facelatch_setup::files;
use facelatch_setup::people::{Enrolled, Enrols};
use serde::{Deserialize, Serialize};

use super::Setup;
use super::world::UNIT;

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
#[serde(default)]
pub(super) struct FileBefore {
    pub(super) existed: bool,
    /// `.before-setup` is its copy, until that is put back.
    pub(super) kept: bool,
}

/// The files of a setup.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The configuration.
    pub(super) config: PathBuf,
}

impl Files {
    /// The configuration as it was before the first setup.
    pub(super) fn before(&self) -> PathBuf {
        files::before(&self.config)
    }

    /// What earlier setups have done.
    pub(super) fn load(&self) -> Result<Done, Stop> {
        files::load(&files::record(&self.config))
    }

    /// Puts on the disk what was done or is about to be.
    pub(super) fn save(&self, done: &Done) -> Result<(), Stop> {
        files::save(&files::record(&self.config), done)
    }
}

impl Setup<'_> {
    /// Takes back what setups have done, each part once.
    pub(super) fn undo(&mut self) -> Result<(), Stop> {
        if self.done == Done::default() {
            self.person.say("there is no setup to take back");
            return Ok(());
        }
        // While the unit runs, and its exit button: the daemon may be away, and this may have to be done again.
        self.take_people_back()?;
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
        files::remove(&files::record(&self.files.config))?;
        self.person.say("taken back");
        Ok(())
    }

    fn restore_file(&mut self) -> Result<(), Stop> {
        let Some(before) = self.done.file else { return Ok(()) };
        if before.kept
            && let Some(told) = files::lost_copy(&self.files.config)
        {
            self.person.say(&told);
        }
        // From here on a copy that is not there was put back.
        self.done.file = Some(FileBefore { kept: false, ..before });
        self.files.save(&self.done)?;
        if let Some(told) = files::put_back(&self.files.config, before.existed)? {
            self.person.say(&told);
        }
        self.done.file = None;
        self.files.save(&self.done)
    }
}
