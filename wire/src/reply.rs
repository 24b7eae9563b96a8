//! What the daemon replies. A field that a caller may not see, or that does not apply, is absent.

use serde::{Deserialize, Serialize};

/// How an attempt ended, or what is wrong with the picture meanwhile. The words are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// The face is this user's: the only word that lets anybody in.
    Match,
    /// A face was judged and is not this user's.
    NoMatch,
    /// Nobody there.
    NoFace,
    /// More than one person there.
    SeveralFaces,
    /// More light is needed.
    TooDark,
    /// Less light is needed.
    TooBright,
    /// Come closer.
    TooFar,
    /// Hold still.
    TooBlurred,
    /// Look at the camera.
    TurnedAway,
    /// Move to the middle of the picture.
    NotCentred,
    /// Too many misses; try again after `wait_s`.
    Wait,
    /// Too many misses; another factor is needed.
    Stopped,
    /// Nobody of that name, or nobody at all, is enrolled.
    NotEnrolled,
    /// No pictures.
    CameraUnavailable,
    /// Given up because whoever asked has gone, or because the daemon stops.
    Cancelled,
    /// Model or store failed.
    Failed,
    /// A word that this client is too old for. It lets nobody in.
    #[serde(other)]
    Unknown,
}

impl Word {
    /// Every word that a daemon says.
    pub const ALL: [Self; 16] = [
        Self::Match,
        Self::NoMatch,
        Self::NoFace,
        Self::SeveralFaces,
        Self::TooDark,
        Self::TooBright,
        Self::TooFar,
        Self::TooBlurred,
        Self::TurnedAway,
        Self::NotCentred,
        Self::Wait,
        Self::Stopped,
        Self::NotEnrolled,
        Self::CameraUnavailable,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The word as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::NoMatch => "no-match",
            Self::NoFace => "no-face",
            Self::SeveralFaces => "several-faces",
            Self::TooDark => "too-dark",
            Self::TooBright => "too-bright",
            Self::TooFar => "too-far",
            Self::TooBlurred => "too-blurred",
            Self::TurnedAway => "turned-away",
            Self::NotCentred => "not-centred",
            Self::Wait => "wait",
            Self::Stopped => "stopped",
            Self::NotEnrolled => "not-enrolled",
            Self::CameraUnavailable => "camera-unavailable",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reply of `Verify` and `Identify`. While `verdict` is absent it is a word on how the attempt gets on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judging {
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// Who was asked about, or who was recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The same for people, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What is wrong with the picture just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Word>,
    /// Good frames so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Good frames wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
    /// Seconds until the next attempt counts, for the verdict `wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
    /// Why the latch stayed closed in spite of a match. Managers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latch_error: Option<String>,
    /// Probability that the face is this user's. Owner only, as all that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// What `p` had to reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Time by stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<Milliseconds>,
    /// Frames judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// File name of the last picture, where the camera is a folder of pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Where the face was in the last picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face: Option<Face>,
}

/// Milliseconds by stage: the mean of a frame, but the whole of the comparison for `score`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Milliseconds {
    /// Finding the face.
    pub detect: f64,
    /// Cutting it out.
    pub align: f64,
    /// Embedding it.
    pub embed: f64,
    /// Comparing it.
    pub score: f64,
}

/// A face in a picture, in pixels from the upper left corner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
    /// Eyes, nose, corners of the mouth.
    pub landmarks: Vec<Point>,
}

/// A point in a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// Reply of `Enroll`. While `added` is absent it is a word on how it gets on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Enrolling {
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Good frames so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Good frames wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u64>,
    /// What is wrong with the picture just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Word>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Templates added; they are on the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// Their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// What could be better about them, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Reply of `Status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `ready`, or `degraded` when attempts cannot work just now.
    pub state: String,
    /// Version of the daemon.
    pub version: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Its camera.
    pub camera: Camera,
    /// Name of the embedding network.
    pub embedder: String,
    /// SHA-256 of its file.
    pub embedder_sha256: String,
    /// Name of the detecting network.
    pub detector: String,
    /// People enrolled.
    pub users: u64,
    /// Templates of all of them.
    pub templates: u64,
    /// An attempt or enrolment is running.
    pub busy: bool,
    /// What a match opens.
    pub latch: String,
    /// Its store.
    #[serde(default)]
    pub store: Store,
    /// What is worth knowing about this setup, for people.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a decision has to reach. Owner only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What two identical faces score. Owner only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identical_pair_p: Option<f64>,
}

/// The camera in a status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Camera {
    /// Path or name.
    pub name: String,
    /// `ready` or `unavailable`.
    pub state: String,
    /// Why it is unavailable and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The store in a status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// `whole`; `restored` from its second copy, nothing missing; `behind` while a copy cannot be written; `lossy`
    /// when something is lost.
    pub state: String,
    /// What was found and done, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Reply of `List`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Oldest first. No biometric data.
    pub templates: Vec<Template>,
    /// There were more than fit one message; ask user by user.
    #[serde(default)]
    pub truncated: bool,
}

/// What may be told about a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// For `Remove`.
    pub id: String,
    /// Whose.
    pub user: String,
    /// What this look is called.
    pub label: String,
    /// Seconds since 1970-01-01 UTC.
    pub created_at: u64,
}

/// Reply of `Remove`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// How many templates are gone.
    pub removed: u64,
}

/// Reply of `Export`: parts of the file, then how much is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exporting {
    /// Base64, without padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// People in it; in the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
    /// Templates of all of them; in the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<u64>,
}

/// Reply of `Import`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Templates added; they are on the disk.
    pub added: u64,
    /// Of whom.
    pub users: Vec<String>,
    /// People who were left out, because they are enrolled already.
    #[serde(default)]
    pub skipped: Vec<String>,
}

/// Reply of `Renew`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// Templates that were issued anew; 0 for a new store key, which changes none.
    pub templates: u64,
}

/// Reply of `CheckAudit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Lines that are as they were written.
    pub entries: u64,
    /// Files.
    pub files: u64,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// Reply of `Reset` and `Upload`: nothing to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// Something that happened at the door. Never holds a score.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `listening` (the first one: from here on none is missed), `verify`, `identify`, `enroll`, `remove`, `reset`,
    /// `export`, `import`, `renew`.
    pub kind: String,
    /// Seconds since 1970-01-01 UTC.
    pub time: u64,
    /// Who was asked about, or who was recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How it ended, for `verify` and `identify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// `opened` or `failed`, if there was a grant for the latch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latch: Option<String>,
    /// So many events before this one were lost because the client read too slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_reads_as_it_writes() {
        for word in Word::ALL {
            let text = serde_json::to_string(&word).expect("serialises");
            assert_eq!(text, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<Word>(&text).expect("reads"), word);
        }
    }

    #[test]
    fn a_word_from_a_newer_daemon_is_unknown_and_not_a_match() {
        let word: Word = serde_json::from_str("\"sleepy\"").expect("reads");
        assert_eq!(word, Word::Unknown);
    }

    #[test]
    fn absent_fields_take_no_room() {
        assert_eq!(serde_json::to_string(&Judging::default()).expect("serialises"), "{}");
    }
}
