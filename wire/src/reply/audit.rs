//! What the audit log holds.

use crate::message::message;

message! {
    /// A series of files of the audit log. Times are seconds since 1970-01-01 UTC.
    AuditLog {
        /// Name of its current file.
        name: String,
        /// Lines that are as they were written.
        entries: u64,
        /// Files.
        files: u64,
        /// Earlier lines that are gone, because newer ones needed the room.
        dropped: u64,
        /// When the very first line was written, kept or not.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// When the oldest line kept was written.
        #[serde(skip_serializing_if = "Option::is_none")]
        kept_since: Option<u64>,
    }

    /// A line of the audit log. Never holds a score.
    AuditLine {
        /// Seconds since 1970-01-01 UTC.
        time: u64,
        /// What happened: the kind of an event, or `start`, `unjudged`, `repair`.
        kind: String,
        /// Whose face, templates, rules or PIN it was about.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// User id of the caller.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<u64>,
        /// How it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        verdict: Option<String>,
        /// What became of the latch.
        #[serde(skip_serializing_if = "Option::is_none")]
        latch: Option<String>,
        /// At which door.
        #[serde(skip_serializing_if = "Option::is_none")]
        door: Option<String>,
        /// What happened there.
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<String>,
        /// More about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Lines before this one that could not be written.
        #[serde(skip_serializing_if = "Option::is_none")]
        lost: Option<u64>,
        /// How many like it there were since the last of its kind was written, with this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        times: Option<u64>,
    }
}
