//! Talking: to the daemon, and to the person.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use facelatch_wire::{Client, Deadline, Word};
use serde::Serialize;

/// How long the daemon may take for what needs no camera.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How long it may take to judge a face: others may be before us.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(90);

/// Where the daemon is and how its words are shown.
pub(crate) struct Daemon {
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// Show JSON.
    pub(crate) json: bool,
}

impl Daemon {
    /// Connects; the whole conversation may take `time`.
    pub(crate) fn ask(&self, time: Duration) -> Result<Client> {
        Ok(Client::connect(&self.socket, Deadline::within(time))?)
    }

    /// Connects for as long as the person likes.
    pub(crate) fn follow(&self) -> Result<Client> {
        Ok(Client::connect(&self.socket, Deadline::never())?)
    }
}

/// One line on standard output.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// One object on a line of standard output.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// What a person should do about a picture that cannot be used.
pub(crate) fn guidance(word: Word) -> &'static str {
    match word {
        Word::NoFace => "look at the camera",
        Word::SeveralFaces => "one person at a time, please",
        Word::TooDark => "more light, please",
        Word::TooBright => "less light, please",
        Word::TooFar => "come closer",
        Word::TooBlurred => "hold still",
        Word::TurnedAway => "face the camera",
        Word::NotCentred => "move to the middle of the picture",
        _ => "one moment",
    }
}

/// A time in seconds since 1970 as a date in UTC.
pub(crate) fn date(seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.map_or_else(|| seconds.to_string(), |time| humantime::format_rfc3339_seconds(time).to_string())
}
