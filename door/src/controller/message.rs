//! What the controller hears, and what it orders.

use facelatch_wire::Outcome;
use facelatch_wire::journal;
use facelatch_wire::reply::Event;

use crate::door::{LineState, Role};
use crate::keypad;
use crate::reports::Report;
use crate::signal::Signal;

/// Something that happened. A door is meant by its number in the configuration.
#[derive(Debug)]
pub(crate) enum Message {
    /// To an input.
    Input { door: usize, role: Role, state: LineState },
    /// To the line of a strike: it can be used, or why not.
    Strike { door: usize, lost: Option<String> },
    /// To the line of a lamp or buzzer.
    Signal { door: usize, signal: Signal, lost: Option<String> },
    /// To the keypad, or to a PIN that was typed there.
    Keypad { door: usize, news: keypad::News },
    /// At the daemon.
    Event(Event),
    /// To the connection with the daemon: events come in, or why not.
    Daemon { lost: Option<String> },
    /// To the watch over the camera: it is kept, or why not.
    Watch { door: usize, lost: Option<String> },
    /// Something moves before the camera, and a face is in sight.
    Sight { door: usize },
    /// A look ended, or there was no reply.
    Looked { door: usize, ended: Result<Outcome, String> },
}

/// What is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Let this door open for a pulse.
    Open(usize),
    /// End its pulse.
    Lock(usize),
    /// Ask the daemon to look at it.
    Look(usize),
    /// Switch a lamp or the buzzer on, for its time at most, or off.
    Show(usize, Signal, bool),
    /// Put a line in the journal.
    Say(Note, String),
    /// Tell the daemon.
    Report(Report),
}

/// What a line of the journal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Somebody should look into what happened at a door.
    Alarm,
    /// Something else happened there.
    Changed,
    PartLost,
    PartBack,
    DaemonLost,
    DaemonBack,
    /// A face or a PIN was judged, or not.
    Judged,
    NotJudged,
    /// A match is for no door here.
    NotOpened,
    /// A match came too late, or not at all.
    Missed,
    /// The daemon does not know of something that happened.
    NotTold,
    /// The configuration is wrong, or no copy of it can be kept.
    ConfigRefused,
    NoCopy,
    /// A line could not be switched off.
    NotOff,
    /// The program ends.
    Ended,
}

impl Note {
    /// How urgent it is, and its id in the journal's catalogue.
    pub(crate) fn entry(self) -> (Urgency, &'static str) {
        match self {
            Self::Alarm => (Urgency::Alarm, journal::DOOR_ALARM),
            Self::Changed => (Urgency::Info, journal::DOOR_CHANGED),
            Self::PartLost => (Urgency::Error, journal::DOOR_PART_LOST),
            Self::PartBack => (Urgency::Info, journal::DOOR_PART_BACK),
            Self::DaemonLost => (Urgency::Error, journal::DOOR_DAEMON_LOST),
            Self::DaemonBack => (Urgency::Info, journal::DOOR_DAEMON_BACK),
            Self::Judged => (Urgency::Info, journal::DOOR_JUDGED),
            Self::NotJudged => (Urgency::Error, journal::DOOR_NOT_JUDGED),
            Self::NotOpened => (Urgency::Info, journal::DOOR_NOT_OPENED),
            Self::Missed => (Urgency::Error, journal::DOOR_MISSED),
            Self::NotTold => (Urgency::Error, journal::DOOR_NOT_TOLD),
            Self::ConfigRefused => (Urgency::Error, journal::DOOR_CONFIG_REFUSED),
            Self::NoCopy => (Urgency::Error, journal::DOOR_NO_COPY),
            Self::NotOff => (Urgency::Error, journal::DOOR_NOT_OFF),
            Self::Ended => (Urgency::Error, journal::DOOR_ENDED),
        }
    }
}

/// How urgent a line of the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Something does not work.
    Error,
    /// Somebody should look into it.
    Alarm,
    Info,
}
