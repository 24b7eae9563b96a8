//! One door, as a state machine: what its lines and the daemon say, and what is done about it. No clock and no I/O.

use std::fmt;
use std::time::Duration;

use facelatch_wire::reply::DoorChange;

use crate::clock::Moment;
use crate::config;
use crate::grant::Grant;

/// A door may still open this long after a pulse without a forced-open alarm: the bolt is slower than the line, and the
/// contact is debounced.
const GRACE: Duration = Duration::from_secs(1);

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Let the door open, for the length of a pulse.
    Open,
    /// End the pulse.
    Lock,
    Tell(News),
}

/// What happened at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Granted(String),
    LeftOpenFor(String),
    Exit,
    Locked,
    Opened,
    Closed,
    Forced,
    Held,
    Tampered,
    TamperOver,
    Refused(String, Why),
    ExitFailed,
}

/// Why a grant opened nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    NoStrike,
    NoContact,
    Rearm,
}

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Contact,
    Exit,
    Trigger,
    Tamper,
}

impl Role {
    /// Its section in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Exit => "exit",
            Self::Trigger => "trigger",
            Self::Tamper => "tamper",
        }
    }
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineState {
    /// It can be used, and is active or not. This may be the end of a failure.
    There(bool),
    /// It became active or inactive.
    Edge(bool),
    /// It cannot be used, and why.
    Lost(String),
}

/// The door as its contact shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    /// It has none.
    None,
    /// It has one that cannot be read.
    Lost,
    Closed,
    Open {
        since: Moment,
        told: bool,
    },
}

/// A pulse that runs.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    until: Moment,
    /// The door was opened since it began.
    opened: bool,
}

/// A door.
#[derive(Debug)]
pub(crate) struct Door {
    pulse_time: Duration,
    rearm: Duration,
    held_open: Duration,
    has_strike: bool,
    contact: Contact,
    pulse: Option<Pulse>,
    /// No grant opens before.
    armed_from: Moment,
    /// The door may be opened until then.
    may_open_until: Option<Moment>,
    tampered: bool,
}

impl Door {
    /// A door whose lines are not there yet.
    pub(crate) fn new(door: &config::Door) -> Self {
        Self {
            pulse_time: door.strike.pulse(),
            rearm: door.rearm(),
            held_open: door.held_open(),
            has_strike: false,
            contact: if door.contact.is_some() { Contact::Lost } else { Contact::None },
            pulse: None,
            armed_from: Moment::default(),
            may_open_until: None,
            tampered: false,
        }
    }

    /// Whether the line of its strike can be used.
    pub(crate) fn strike(&mut self, is_there: bool) {
        self.has_strike = is_there;
    }

    /// Uses a grant up. At most it opens the door once.
    pub(crate) fn grant(&mut self, grant: Grant, now: Moment) -> Vec<Act> {
        let user = grant.user().to_owned();
        let refused = match self.contact {
            _ if !self.has_strike => Some(Why::NoStrike),
            Contact::Lost => Some(Why::NoContact),
            _ if self.pulse.is_some() => return vec![Act::Tell(News::LeftOpenFor(user))],
            _ if now < self.armed_from => Some(Why::Rearm),
            _ => None,
        };
        if let Some(why) = refused {
            return vec![Act::Tell(News::Refused(user, why))];
        }
        self.begin_pulse(now);
        vec![Act::Open, Act::Tell(News::Granted(user))]
    }

    /// Somebody wants out: neither the daemon nor the contact nor the wait after a pulse is in the way.
    fn exit(&mut self, now: Moment) -> Vec<Act> {
        if !self.has_strike {
            return vec![Act::Tell(News::ExitFailed)];
        }
        if self.pulse.is_some() {
            return vec![Act::Tell(News::Exit)];
        }
        self.begin_pulse(now);
        vec![Act::Open, Act::Tell(News::Exit)]
    }

    fn begin_pulse(&mut self, now: Moment) {
        let until = now.after(self.pulse_time);
        self.pulse = Some(Pulse { until, opened: false });
        self.may_open_until = Some(until.after(GRACE));
    }

    /// Something about one of its inputs. A trigger concerns [`crate::looks::Looks`] alone.
    pub(crate) fn input(&mut self, role: Role, state: &LineState, now: Moment) -> Vec<Act> {
        match (role, state) {
            (Role::Contact, LineState::Lost(_)) => {
                self.contact = Contact::Lost;
                Vec::new()
            }
            (Role::Contact, LineState::There(closed) | LineState::Edge(closed)) => self.contact(*closed, now),
            // Pressed when it is first read means stuck or shorted, not a wish to leave.
            (Role::Exit, LineState::Edge(true)) => self.exit(now),
            (Role::Tamper, LineState::There(on) | LineState::Edge(on)) if *on != self.tampered => {
                self.tampered = *on;
                vec![Act::Tell(if *on { News::Tampered } else { News::TamperOver })]
            }
            _ => Vec::new(),
        }
    }

    fn contact(&mut self, closed: bool, now: Moment) -> Vec<Act> {
        match (self.contact, closed) {
            (Contact::Closed, false) => self.opened(now),
            (Contact::Open { .. }, true) => self.closed(now),
            (Contact::Lost, _) => {
                // Nobody saw how it came to be so: no alarm, but the time that it stands open counts from here.
                self.contact =
                    if closed { Contact::Closed } else { Contact::Open { since: now, told: false } };
                vec![Act::Tell(if closed { News::Closed } else { News::Opened })]
            }
            _ => Vec::new(),
        }
    }

    fn opened(&mut self, now: Moment) -> Vec<Act> {
        self.contact = Contact::Open { since: now, told: false };
        if let Some(pulse) = &mut self.pulse {
            pulse.opened = true;
        }
        let allowed = self.may_open_until.is_some_and(|until| now <= until);
        vec![Act::Tell(if allowed { News::Opened } else { News::Forced })]
    }

    fn closed(&mut self, now: Moment) -> Vec<Act> {
        self.contact = Contact::Closed;
        let mut acts = vec![Act::Tell(News::Closed)];
        if self.pulse.is_some_and(|pulse| pulse.opened) {
            acts.extend([Act::Lock, Act::Tell(News::Locked)]);
            self.end_pulse(now);
            // Whoever was let in is in.
            self.may_open_until = Some(now.after(GRACE));
        }
        acts
    }

    fn end_pulse(&mut self, at: Moment) {
        self.pulse = None;
        self.armed_from = at.after(self.rearm);
    }

    /// What its lines say, for whoever has not heard it.
    pub(crate) fn state(&self) -> Vec<News> {
        let contact = match self.contact {
            Contact::None | Contact::Lost => None,
            Contact::Closed => Some(News::Closed),
            Contact::Open { .. } => Some(News::Opened),
        };
        contact.into_iter().chain(self.tampered.then_some(News::Tampered)).collect()
    }

    /// What is due by now.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Act> {
        let mut acts = Vec::new();
        if let Some(pulse) = self.pulse.filter(|pulse| pulse.until <= now) {
            // The strike's own thread has ended it.
            self.end_pulse(pulse.until);
            acts.push(Act::Tell(News::Locked));
        }
        match &mut self.contact {
            Contact::Open { since, told } if !*told && since.after(self.held_open) <= now => {
                *told = true;
                acts.push(Act::Tell(News::Held));
            }
            _ => {}
        }
        acts
    }

    /// When [`Door::tick`] has something to do next.
    pub(crate) fn next(&self) -> Option<Moment> {
        let held = match self.contact {
            Contact::Open { since, told: false } => Some(since.after(self.held_open)),
            _ => None,
        };
        [self.pulse.map(|pulse| pulse.until), held].into_iter().flatten().min()
    }
}

impl News {
    /// Whether somebody should look into it.
    pub(crate) fn is_alarm(&self) -> bool {
        matches!(self, Self::Forced | Self::Held | Self::Tampered | Self::ExitFailed)
    }

    /// What the daemon is told: the change, who was let in or not, and more about it.
    pub(crate) fn report(&self) -> (DoorChange, Option<&str>, Option<String>) {
        match self {
            Self::Granted(user) => (DoorChange::Unlocked, Some(user), None),
            Self::LeftOpenFor(user) => {
                (DoorChange::Unlocked, Some(user), Some("it was unlocked already".to_owned()))
            }
            Self::Exit => (DoorChange::Exit, None, None),
            Self::Locked => (DoorChange::Locked, None, None),
            Self::Opened => (DoorChange::Opened, None, None),
            Self::Closed => (DoorChange::Closed, None, None),
            Self::Forced => (DoorChange::Forced, None, None),
            Self::Held => (DoorChange::Held, None, None),
            Self::Tampered => (DoorChange::Tampered, None, None),
            Self::TamperOver => (DoorChange::Untampered, None, None),
            Self::Refused(user, why) => (DoorChange::Refused, Some(user), Some(why.to_string())),
            Self::ExitFailed => (DoorChange::Refused, None, Some(self.to_string())),
        }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(user) => write!(f, "unlocked for {user:?}"),
            Self::LeftOpenFor(user) => write!(f, "unlocked already, also for {user:?}"),
            Self::Exit => f.write_str("unlocked by the exit button"),
            Self::Locked => f.write_str("locked"),
            Self::Opened => f.write_str("opened"),
            Self::Closed => f.write_str("closed"),
            Self::Forced => f.write_str("forced: opened without a grant or the exit button"),
            Self::Held => f.write_str("held open for too long"),
            Self::Tampered => f.write_str("tampered with"),
            Self::TamperOver => f.write_str("tampering is over"),
            Self::Refused(user, why) => write!(f, "stays locked for {user:?}: {why}"),
            Self::ExitFailed => {
                f.write_str("the exit button was pressed, but the line of the strike cannot be used")
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStrike => "the line of the strike cannot be used",
            Self::NoContact => "the contact cannot be read",
            Self::Rearm => "the last pulse ended less than rearm_s ago",
        })
    }
}

#[cfg(test)]
mod tests;
