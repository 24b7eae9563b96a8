//! Rules and holidays in an export. PINs stay where they are: their hashes hold for one store only.
//!
//! A file with rules has a schema of its own, since a program that does not know rules would let these people in at any time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PortableError;
use crate::clock::Date;
use crate::people::UserName;
use crate::people::access::{Access, Factor, MAX_HOLIDAYS, Premises};
use crate::store::{StoreError, TemplateStore};

/// The rules of one person, on a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleLine {
    user: String,
    access: Access,
}

/// Rules by person, and the holidays.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) rules: BTreeMap<UserName, Access>,
    pub(super) holidays: BTreeSet<Date>,
}

impl Kept {
    /// The rules of these people; the holidays only if they are everybody.
    pub(super) fn of(
        store: &dyn TemplateStore,
        users: &BTreeSet<&UserName>,
        everybody: bool,
    ) -> Result<Self, StoreError> {
        let mut kept = Self::default();
        for user in users {
            let access = without_pins(store.access(user)?);
            if access != Access::default() {
                kept.rules.insert((*user).clone(), access);
            }
        }
        if everybody {
            kept.holidays = store.premises()?.holidays;
        }
        Ok(kept)
    }

    /// A line for each person.
    pub(super) fn lines(&self) -> impl Iterator<Item = RuleLine> {
        self.rules.iter().map(|(user, access)| RuleLine { user: user.to_string(), access: access.clone() })
    }

    /// Reads one of them.
    ///
    /// # Errors
    /// Text that says what is wrong with it.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<(), String> {
        let RuleLine { user, access } = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        let user = UserName::new(&user).map_err(|e| e.to_string())?;
        access.check().map_err(|e| e.to_string())?;
        self.rules.insert(user, without_pins(access));
        Ok(())
    }

    /// Brings them into a store for these people. Rules that somebody has there already stay: whoever set them knew why. Gives
    /// their names, and those of people who need a PIN that they do not have there.
    ///
    /// # Errors
    /// [`PortableError`]; what was brought in until then stays.
    pub(super) fn bring_in<'a>(
        &self,
        store: &dyn TemplateStore,
        users: impl Iterator<Item = &'a UserName>,
    ) -> Result<(Vec<String>, Vec<String>), PortableError> {
        let here = store.premises()?;
        let holidays: BTreeSet<Date> = here.holidays.union(&self.holidays).copied().collect();
        if holidays.len() > MAX_HOLIDAYS {
            let why = format!("with those here it makes {} holidays; at most {MAX_HOLIDAYS}", holidays.len());
            return Err(PortableError::File { why });
        }
        let (mut stay, mut without_pin) = (Vec::new(), Vec::new());
        for user in users {
            let there = store.access(user)?;
            let Some(access) = self.rules.get(user) else { continue };
            if there.rules().next().is_some() {
                stay.push(user.to_string());
                continue;
            }
            let needs_pin = access.rules().any(|(_, rule)| rule.allowed && rule.factor != Factor::Face);
            if needs_pin && there.pin.is_none() {
                without_pin.push(user.to_string());
            }
            store.change_access(user, here.set_at, &mut |there| {
                (there.doors, there.elsewhere) = (access.doors.clone(), access.elsewhere.clone());
            })?;
        }
        if holidays != here.holidays {
            let mut all = |premises: &mut Premises| premises.holidays.clone_from(&holidays);
            store.change_premises(here.set_at, &mut all)?;
        }
        Ok((stay, without_pin))
    }
}

fn without_pins(access: Access) -> Access {
    Access { pin: None, duress: None, ..access }
}
