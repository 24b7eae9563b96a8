//! Rules and holidays in an export. Its PINs stay where they are, since their hashes hold for one store only; in a backup they
//! come with what they hold for.
//!
//! A file with rules has a schema of its own, since a program that does not know rules would let these people in at any time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::PortableError;
use crate::clock::Date;
use crate::people::UserName;
use crate::people::access::{Access, Factor, MAX_HOLIDAYS, PinHash, PinSecret, Premises};
use crate::store::{StoreError, TemplateStore};

/// The rules of one person, on a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleLine {
    user: String,
    access: Access,
}

/// What the header of a backup has besides.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Backup {
    /// Whether faces let anybody in.
    face: bool,
    pin_secret: PinSecret,
}

/// Rules by person, and the holidays.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) rules: BTreeMap<UserName, Access>,
    pub(super) holidays: BTreeSet<Date>,
    /// Then `rules` have PINs, also of people without a template.
    pub(super) backup: Option<Backup>,
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

    /// All that is kept, of everybody.
    pub(super) fn everything(store: &dyn TemplateStore) -> Result<Self, StoreError> {
        let Premises { face, holidays, .. } = store.premises()?;
        let backup = Some(Backup { face, pin_secret: store.pin_hasher().secret() });
        Ok(Self { rules: store.all_access()?, holidays, backup })
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
        let access = if self.backup.is_some() { access } else { without_pins(access) };
        self.rules.insert(user, access);
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
        let mut pins = self.pins_that_hold(store)?;
        let (mut stay, mut without_pin) = (Vec::new(), Vec::new());
        for user in users {
            let there = store.access(user)?;
            let Some(access) = self.rules.get(user) else { continue };
            let new = if there.pin.is_none() { pins.take(access) } else { [there.pin, there.duress] };
            let needs_pin = access.rules().any(|(_, rule)| rule.allowed && rule.factor != Factor::Face);
            if (needs_pin || access.pin.is_some()) && new[0].is_none() {
                without_pin.push(user.to_string());
            }
            let rules_stay = there.rules().next().is_some();
            if rules_stay && (&there.doors, &there.elsewhere) != (&access.doors, &access.elsewhere) {
                stay.push(user.to_string());
            }
            store.change_access(user, here.set_at, &mut |there| {
                [there.pin, there.duress] = new;
                if !rules_stay {
                    (there.doors, there.elsewhere) = (access.doors.clone(), access.elsewhere.clone());
                }
            })?;
        }
        let face = here.face && self.backup.as_ref().is_none_or(|backup| backup.face);
        if holidays != here.holidays || face != here.face {
            let mut all = |premises: &mut Premises| {
                premises.holidays.clone_from(&holidays);
                premises.face = face;
            };
            store.change_premises(here.set_at, &mut all)?;
        }
        Ok((stay, without_pin))
    }

    /// Which PINs of the file hold here: all of them where nobody has one, since the store then takes over what they hold for.
    fn pins_that_hold(&self, store: &dyn TemplateStore) -> Result<Pins, StoreError> {
        let people = store.all_access()?;
        let taken: Vec<PinHash> =
            people.values().flat_map(|access| [access.pin, access.duress]).flatten().collect();
        let Some(Backup { pin_secret, .. }) = &self.backup else { return Ok(Pins::default()) };
        let hold = store.pin_hasher().secret() == *pin_secret;
        if !hold && taken.is_empty() && self.rules.values().any(|access| access.pin.is_some()) {
            let set_at = store.premises()?.set_at;
            store.change_premises(set_at, &mut |all| all.pin_secret = Some(pin_secret.clone()))?;
            return Ok(Pins { hold: true, taken });
        }
        Ok(Pins { hold, taken })
    }
}

/// PINs that come from a file.
#[derive(Default)]
struct Pins {
    hold: bool,
    /// Those that somebody has: a PIN is one person's only.
    taken: Vec<PinHash>,
}

impl Pins {
    /// Those of a person that hold here and are nobody else's.
    fn take(&mut self, access: &Access) -> [Option<PinHash>; 2] {
        let theirs = [access.pin, access.duress];
        let free =
            theirs.iter().flatten().all(|pin| !self.taken.contains(pin)) && access.pin != access.duress;
        if !self.hold || !free || access.pin.is_none() {
            return [None; 2];
        }
        self.taken.extend(theirs.into_iter().flatten());
        theirs
    }
}

fn without_pins(access: Access) -> Access {
    Access { pin: None, duress: None, ..access }
}
