//! Which doors there are: those that a connection has attached, for as long as it lives, and what was last reported of each.
//!
//! Whoever has the right of a door may be hostile. They get so many doors, so many names and so many reports, and nothing of
//! another user's doors.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use facelatch_wire::Fault;
use facelatch_wire::message::printable;
use facelatch_wire::reply::{DoorChange, DoorState};

use super::bucket::Bucket;
use super::fault::{bad_parameter, too_many_reports};
use crate::clock::{BootTime, WallTime};
use crate::people::access::DoorName;

/// Doors of one connection.
const DOORS: usize = 16;

/// Different names that one user may give to doors until the daemon starts again: each may be in lines of the audit log, and no
/// other user may take it.
const NAMES: usize = 64;

/// Faults that are kept of a door.
const FAULTS: usize = 8;

/// What is wrong while the case is open or a cable cut.
const TAMPERED: &str = "tampered with";

/// Reports of one user that are taken at once: all that 16 doors have to say at their start.
const REPORTS: u32 = 128;

/// Time after which one more is taken.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// All doors.
#[derive(Clone, Default)]
pub(super) struct Doors(Rc<RefCell<Table>>);

#[derive(Default)]
struct Table {
    attached: BTreeMap<DoorName, Attached>,
    callers: BTreeMap<u32, Known>,
    /// Number of the latest connection.
    latest: u64,
}

struct Attached {
    connection: u64,
    uid: u32,
    camera: Option<String>,
    last: Option<(DoorChange, WallTime)>,
    open: Option<bool>,
    faults: Vec<String>,
}

/// What is known of a user who attaches doors.
struct Known {
    names: BTreeSet<DoorName>,
    reports: Bucket,
}

/// A door, and its camera: the default one if it names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: DoorName,
    pub(super) camera: Option<String>,
}

/// Something that happened at a door.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) door: DoorName,
    pub(super) change: DoorChange,
    pub(super) note: Option<String>,
}

/// What one connection has attached; given back when dropped.
pub(super) struct Attachment {
    connection: u64,
    doors: Doors,
}

impl Doors {
    /// For a new connection, which has none yet.
    pub(super) fn attachment(&self) -> Attachment {
        let mut table = self.0.borrow_mut();
        table.latest += 1;
        Attachment { connection: table.latest, doors: self.clone() }
    }

    /// The door of this name; without one the only door.
    ///
    /// # Errors
    /// [`Fault::NotFound`], which names those that are attached.
    pub(super) fn find(&self, name: Option<&str>) -> Result<Place, Fault> {
        let table = self.0.borrow();
        let mut doors = table.attached.iter();
        let found = match name {
            Some(name) => doors.find(|(door, _)| door.as_str() == name),
            None => doors.next().filter(|_| table.attached.len() == 1),
        };
        match found {
            Some((name, door)) => Ok(Place { name: name.clone(), camera: door.camera.clone() }),
            None => Err(table.no_door(name)),
        }
    }

    /// The only door, if its camera is this one; `default` is the name of the default camera.
    pub(super) fn only(&self, camera: Option<&str>, default: &str) -> Option<DoorName> {
        let table = self.0.borrow();
        let (name, door) = table.attached.first_key_value().filter(|_| table.attached.len() == 1)?;
        (door.camera.as_deref().unwrap_or(default) == camera.unwrap_or(default)).then(|| name.clone())
    }

    /// Takes note of what a user reports of a door of theirs.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::PermissionDenied`] if another user has attached it, [`Fault::Busy`].
    pub(super) fn report(&self, uid: u32, report: &Report, now: (BootTime, WallTime)) -> Result<(), Fault> {
        let table = &mut *self.0.borrow_mut();
        let Some(door) = table.attached.get_mut(&report.door) else {
            return Err(table.no_door(Some(report.door.as_str())));
        };
        if door.uid != uid {
            let message =
                format!("door {}: another user has attached it, and only they may report", report.door);
            return Err(Fault::PermissionDenied { message });
        }
        let reports = table.callers.get_mut(&uid).map(|known| known.reports.take(now.0, 0));
        reports.unwrap_or(Ok(())).map_err(too_many_reports)?;
        door.saw(report, now.1);
        Ok(())
    }

    /// All doors as they were last reported; `default` is the name of the default camera.
    pub(super) fn states(&self, default: &str) -> Vec<DoorState> {
        let table = self.0.borrow();
        let state = |(name, door): (&DoorName, &Attached)| DoorState {
            name: name.to_string(),
            camera: door.camera.as_deref().unwrap_or(default).to_owned(),
            change: door.last.map(|(change, _)| change),
            time: door.last.map(|(_, time)| time.0),
            open: door.open,
            faults: door.faults.clone(),
        };
        table.attached.iter().map(state).collect()
    }
}

impl Table {
    fn no_door(&self, name: Option<&str>) -> Fault {
        let names: Vec<&str> = self.attached.keys().map(DoorName::as_str).collect();
        let there = match names.as_slice() {
            [] => "none is attached; start facelatch-door".to_owned(),
            names => format!("attached are {}", names.join(", ")),
        };
        let message = match name {
            Some(name) => format!("door {:?}: not attached; {there}", printable(name)),
            None if names.is_empty() => format!("door: {there}"),
            None => format!("door: there are several, so name one; {there}"),
        };
        Fault::NotFound { message }
    }
}

impl Attached {
    fn saw(&mut self, report: &Report, time: WallTime) {
        let Report { change, note, .. } = report;
        self.last = Some((*change, time));
        // A fault is told by what the note begins with, such as "contact: ".
        let about = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        let of = note.as_deref().map(about);
        match change {
            DoorChange::Opened | DoorChange::Forced | DoorChange::Held => self.open = Some(true),
            DoorChange::Closed => self.open = Some(false),
            DoorChange::Tampered => self.fault(TAMPERED.to_owned()),
            DoorChange::Untampered => self.faults.retain(|fault| fault != TAMPERED),
            DoorChange::Fault => {
                self.faults.retain(|fault| Some(about(fault)) != of);
                self.fault(note.clone().unwrap_or_else(|| change.to_string()));
            }
            DoorChange::FaultOver => {
                self.faults.retain(|fault| fault == TAMPERED || (of.is_some() && Some(about(fault)) != of))
            }
            _ => {}
        }
    }

    fn fault(&mut self, text: String) {
        if self.faults.len() < FAULTS && !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }
}

impl Attachment {
    /// Attaches these doors, in place of those that this connection had. The owner may use any number of names.
    ///
    /// # Errors
    /// [`Fault::BadParameter`] for doors that another connection has, for one that is named twice, and for too many.
    pub(super) fn set(&self, uid: u32, is_owner: bool, places: Vec<Place>) -> Result<(), Fault> {
        let refused = |why: String| Err(bad_parameter("doors", &why));
        let table = &mut *self.doors.0.borrow_mut();
        let names: BTreeSet<DoorName> = places.iter().map(|place| place.name.clone()).collect();
        if places.len() > DOORS {
            return refused(format!("doors: {} of them; one connection may attach {DOORS}", places.len()));
        }
        if names.len() < places.len() {
            return refused("doors: two have the same name; give each its own".to_owned());
        }
        let theirs = |name: &&DoorName| {
            table.attached.get(*name).is_some_and(|door| door.connection != self.connection)
        };
        if let Some(name) = names.iter().find(theirs) {
            return refused(format!(
                "door {name}: another connection has attached it; is facelatch-door running twice?"
            ));
        }
        // Also while that user's program is away: they could have people judged for its door through another camera.
        let others = || table.callers.iter().filter(|(other, _)| **other != uid);
        let is_others = |name: &&DoorName| others().any(|(_, known)| known.names.contains(*name));
        if let Some(name) = names.iter().find(is_others).filter(|_| !is_owner) {
            return refused(format!(
                "door {name}: it is another user's since the daemon started; give it another name, or restart the daemon"
            ));
        }
        let known = table.callers.entry(uid).or_insert_with(|| Known {
            names: BTreeSet::new(),
            reports: Bucket::new(REPORTS, REPORT_INTERVAL),
        });
        if known.names.union(&names).count() > NAMES && !is_owner {
            return refused(format!("doors: more than {NAMES} names since the daemon started; restart it"));
        }
        if !is_owner {
            known.names.extend(names.iter().cloned());
        }
        let mut before = self.take(table);
        for Place { name, camera } in places {
            let door = match before.remove(&name) {
                Some(door) => Attached { camera, ..door },
                None => Attached {
                    connection: self.connection,
                    uid,
                    camera,
                    last: None,
                    open: None,
                    faults: Vec::new(),
                },
            };
            table.attached.insert(name, door);
        }
        Ok(())
    }

    /// Takes away what this connection has attached.
    fn take(&self, table: &mut Table) -> BTreeMap<DoorName, Attached> {
        let all = std::mem::take(&mut table.attached);
        let (own, others) = all.into_iter().partition(|(_, door)| door.connection == self.connection);
        table.attached = others;
        own
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.take(&mut self.doors.0.borrow_mut());
    }
}

#[cfg(test)]
mod tests;
