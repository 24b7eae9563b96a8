//! Talks to the daemon and to the person.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use facelatch_wire::{Client, Deadline, Kind, Outcome};
use serde::Serialize;

/// How long the daemon may take for what needs no camera.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How long it may take to judge a face: others may be ahead of us.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(90);

/// Where the daemon is, and how to show its replies.
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

    /// Connects without a deadline.
    pub(crate) fn follow(&self) -> Result<Client> {
        Ok(Client::connect(&self.socket, Deadline::never())?)
    }
}

/// Text on standard output. Whatever a daemon says, no control character reaches a terminal.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<()> {
    let mut shown = String::new();
    for c in text.to_string().chars() {
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Ok(writeln!(std::io::stdout(), "{shown}")?)
}

/// One object on a line of standard output.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// What a person should do about a frame that cannot be used.
pub(crate) fn guidance(outcome: Outcome) -> &'static str {
    match outcome.advice() {
        "" if outcome.kind() == Kind::Prompt => outcome.text(),
        "" => "one moment",
        advice => advice,
    }
}

/// "1 person", "2 people".
pub(crate) fn people(number: u64) -> String {
    format!("{number} {}", if number == 1 { "person" } else { "people" })
}

/// "1 template", "2 templates".
pub(crate) fn templates(number: u64) -> String {
    format!("{number} template{}", if number == 1 { "" } else { "s" })
}

/// A time in seconds since 1970 as a date in UTC.
pub(crate) fn date(seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    time.map_or_else(|| seconds.to_string(), |time| humantime::format_rfc3339_seconds(time).to_string())
}
