//! What the daemon replies, where several methods or several types share it; see `call` for the rest. A field that a
//! caller may not see, or that does not apply, is absent.

mod audit;
mod explained;
mod kinds;

use crate::Outcome;
use crate::message::message;

pub use audit::{AuditLine, AuditLog};
pub use explained::{
    ComparedPerson, ComparedTemplate, Decision, ExplainedFrame, Explaining, Explanation, LiveEvidence,
    Measure, Measured,
};
pub use kinds::{
    AccountState, CameraState, DoorChange, EventKind, Factor, FrameUse, LatchState, Seen, State, StoreState,
};

message! {
    /// Reply of `Verify`, `Identify`, `Look` and `VerifyPin`. While `verdict` is absent it reports progress.
    Judging {
        /// How it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        verdict: Option<Outcome>,
        /// Who was asked about, or who was recognised.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The verdict or guidance as text, with what to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// What is wrong with the picture just now, or what the person is asked to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        guidance: Option<Outcome>,
        /// Good frames so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        /// Good frames wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        wanted: Option<u64>,
        /// Seconds until the next attempt counts, for the verdict `wait`.
        #[serde(skip_serializing_if = "Option::is_none")]
        wait_s: Option<u64>,
        /// Why the latch stayed closed in spite of a match. Managers only.
        #[serde(skip_serializing_if = "Option::is_none")]
        latch_error: Option<String>,
        /// Probability that the face is this user's. Owner only, as all that follows.
        #[serde(skip_serializing_if = "Option::is_none")]
        p: Option<f64>,
        /// What `p` had to reach.
        #[serde(skip_serializing_if = "Option::is_none")]
        threshold: Option<f64>,
        /// Time by stage.
        #[serde(skip_serializing_if = "Option::is_none")]
        ms: Option<Milliseconds>,
        /// Frames judged.
        #[serde(skip_serializing_if = "Option::is_none")]
        frames: Option<u64>,
        /// File name of the last picture, where the camera is a folder of pictures.
        #[serde(skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
        /// Where the face was in the last picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        face: Option<Face>,
    }

    /// Milliseconds by stage: the mean of a frame for detect, align and embed, the whole of the comparison for score.
    Milliseconds {
        /// Finding the face.
        detect: f64,
        /// Cutting it out.
        align: f64,
        /// Embedding it.
        embed: f64,
        /// Comparing it.
        score: f64,
    }

    /// A face in a picture: its box, then eyes, nose and corners of the mouth.
    Face {
        /// Left edge.
        x: f64,
        /// Upper edge.
        y: f64,
        /// Width.
        w: f64,
        /// Height.
        h: f64,
        /// Eyes, nose, corners of the mouth.
        landmarks: Vec<Point>,
    }

    /// A point in a picture, in pixels from the upper left corner.
    Point {
        /// To the right.
        x: f64,
        /// Down.
        y: f64,
    }

    /// Reply of `Enroll`. While `added` is absent it reports progress.
    Enrolling {
        /// Who.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Good frames so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        /// Good frames wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        wanted: Option<u64>,
        /// What is wrong with the picture just now.
        #[serde(skip_serializing_if = "Option::is_none")]
        guidance: Option<Outcome>,
        /// The guidance as text, with what to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Templates added; they are on the disk.
        #[serde(skip_serializing_if = "Option::is_none")]
        added: Option<u64>,
        /// Earlier templates that are gone: of the same label, or for another account.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<u64>,
        /// Their ids.
        #[serde(skip_serializing_if = "Option::is_none")]
        ids: Option<Vec<String>>,
        /// What could be better about them, for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        warnings: Option<Vec<String>>,
    }

    /// Reply of `Status`.
    Status {
        /// Whether attempts work at present.
        state: State,
        /// Version of the daemon.
        version: String,
        /// Seconds since it started.
        uptime_s: u64,
        /// The default camera.
        camera: Camera,
        /// All cameras by name, the default one first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cameras: Vec<Camera>,
        /// Doors that are attached.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        doors: Vec<DoorState>,
        /// Face unlock is switched on.
        #[serde(skip_serializing_if = "Option::is_none")]
        face: Option<bool>,
        /// Name of the embedding network.
        embedder: String,
        /// SHA-256 of its file.
        embedder_sha256: String,
        /// Name of the detecting network.
        detector: String,
        /// People enrolled.
        users: u64,
        /// Templates of all of them.
        templates: u64,
        /// An attempt or enrolment is running.
        busy: bool,
        /// What a match opens.
        latch: String,
        /// The store.
        #[serde(default)]
        store: Store,
        /// What a person should know about this setup.
        #[serde(default)]
        notes: Vec<String>,
        /// What a decision has to reach. Owner only.
        #[serde(skip_serializing_if = "Option::is_none")]
        threshold: Option<f64>,
        /// What two identical faces score. Owner only.
        #[serde(skip_serializing_if = "Option::is_none")]
        identical_pair_p: Option<f64>,
    }

    /// A camera; the message says why it is unavailable and what to do. In `cameras`, `name` is what the configuration calls it.
    Camera {
        /// Path or name of its device; in `cameras` what the configuration calls it.
        name: String,
        /// Path or name of its device, in `cameras`.
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// Whether it gives pictures.
        state: CameraState,
        /// Why it is unavailable and what to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }

    /// The store; the notes say what was found and done. `restored`: from its second copy, and nothing is missing;
    /// `behind`: a copy cannot be written at present; `lossy`: something is lost.
    Store {
        /// How it is.
        state: StoreState,
        /// What was found and done, a sentence each.
        #[serde(default)]
        notes: Vec<String>,
    }

    /// Reply of `List`.
    Listed {
        /// Oldest first. No biometric data.
        templates: Vec<Template>,
        /// There are more than fit one message; ask user by user.
        #[serde(default)]
        truncated: bool,
    }

    /// What may be told about a template. `created_at` counts seconds since 1970-01-01 UTC.
    Template {
        /// For `Remove`.
        id: String,
        /// Whose.
        user: String,
        /// What its set is called.
        label: String,
        /// Seconds since 1970-01-01 UTC.
        created_at: u64,
        /// How the account stands that it is for.
        #[serde(default)]
        account: AccountState,
        /// User id of that account when this was enrolled; absent if it is for none.
        #[serde(skip_serializing_if = "Option::is_none")]
        uid: Option<u64>,
        /// Faces that look like a small child's are compared with it.
        #[serde(default)]
        allow_child: bool,
        /// Nobody enrolled it: it was taken after a second factor.
        #[serde(default)]
        adapted: bool,
    }

    /// A door, and the camera before it: the default one if it names none.
    DoorPlace {
        /// Its name.
        name: String,
        /// Name of its camera.
        #[serde(skip_serializing_if = "Option::is_none")]
        camera: Option<String>,
    }

    /// A door as it was last reported. `time` counts seconds since 1970-01-01 UTC.
    DoorState {
        /// Its name.
        name: String,
        /// Name of its camera.
        camera: String,
        /// What happened last.
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<DoorChange>,
        /// When.
        #[serde(skip_serializing_if = "Option::is_none")]
        time: Option<u64>,
        /// Whether its contact says that it is open.
        #[serde(skip_serializing_if = "Option::is_none")]
        open: Option<bool>,
        /// What is wrong there now, a sentence each.
        #[serde(default)]
        faults: Vec<String>,
    }

    /// When and how a person may come in. Times are local ones.
    Rule {
        /// Whom it is about.
        user: String,
        /// Which door; every door without a rule of its own if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        door: Option<String>,
        /// Whether they may come in at all.
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed: Option<bool>,
        /// What they have to show.
        #[serde(skip_serializing_if = "Option::is_none")]
        factor: Option<Factor>,
        /// From when on, as `2026-12-24` or `2026-12-24T18:00`.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Until when; a day is meant with its evening.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// Weekly hours, such as `mon-fri 08:00-18:00` or `holiday 10:00-12:00`; at any time if empty.
        #[serde(default)]
        hours: Vec<String>,
    }

    /// What is seen while a camera is watched.
    Sight {
        /// Why it was sent.
        seen: Seen,
    }

    /// Something that happened at the door. Never holds a score.
    Event {
        /// What it was.
        kind: EventKind,
        /// Seconds since 1970-01-01 UTC.
        time: u64,
        /// Who was asked about, or who was recognised.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// How it ended, for `verify`, `identify` and `pin`.
        #[serde(skip_serializing_if = "Option::is_none")]
        verdict: Option<Outcome>,
        /// What the person before the camera is asked to do, for `prompt`.
        #[serde(skip_serializing_if = "Option::is_none")]
        guidance: Option<Outcome>,
        /// What the latch did, if it was given a grant.
        #[serde(skip_serializing_if = "Option::is_none")]
        latch: Option<LatchState>,
        /// At which door, for a look, a PIN, and `door`.
        #[serde(skip_serializing_if = "Option::is_none")]
        door: Option<String>,
        /// Through which camera, if there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        camera: Option<String>,
        /// What happened there, for `door`.
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<DoorChange>,
        /// More about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The PIN for duress was typed.
        #[serde(skip_serializing_if = "Option::is_none")]
        duress: Option<bool>,
        /// Events lost before this one because the client read too slowly.
        #[serde(skip_serializing_if = "Option::is_none")]
        lost: Option<u64>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_take_no_room() {
        assert_eq!(serde_json::to_string(&Judging::default()).expect("serialises"), "{}");
    }

    #[test]
    fn a_kind_from_a_newer_daemon_is_unknown() {
        let event: Event = serde_json::from_str(r#"{"kind":"reboot","time":7}"#).expect("reads");
        assert_eq!(event.kind, EventKind::Unknown);
    }
}
