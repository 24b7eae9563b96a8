//! Lines for the journal, with their priority in front as systemd reads it.

use crate::controller::Urgency;

/// Writes a line to standard error.
pub(crate) fn say(urgency: Urgency, text: &str) {
    let priority = match urgency {
        Urgency::Error => 3,
        Urgency::Alarm => 4,
        Urgency::Info => 6,
    };
    for line in text.lines() {
        eprintln!("<{priority}>{line}");
    }
}
