//! The table of settings, and the only place that knows their names, defaults, ranges and units. The structs, the
//! check of the ranges, `config/facelatch.toml` (`cargo xtask config`) and facelatch.toml(5) all come from it.
//!
//! An entry is `key: type = default;` or `key: type = default, low..=high "unit";`. The comment above it is what users
//! read in the shipped file and in the manual page.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::check::{Refused, within};
use super::table::{choices, settings};
use super::value::{Millis, Seconds};

settings! {
    /// Where frames come from. For several cameras write a `[[camera]]` for each, with all the keys that it needs: the first is the
    /// default, and the only one for logins. See docs/cameras.md.
    #[serde(deserialize_with = "super::cameras::first")]
    camera: Camera {
        /// What it is called, where there are several: 1 to 32 of the characters a to z, 0 to 9, - and _.
        name: String = "camera".into();
        /// The camera: "auto", a device path such as /dev/video0 or /dev/v4l/by-id/..., or "name:TEXT" for the first
        /// camera whose name contains TEXT.
        device: String = "auto".into();
        /// A command that writes frames to its standard output, for cameras on the CSI connector: an absolute path, then
        /// its arguments. If set, `device` is not used. See docs/cameras.md.
        exec: Vec<String> = Vec::new();
        /// The format of those frames.
        exec_format: ExecFormat = ExecFormat::Mjpeg;
        /// Read the pictures in this folder instead of a camera. Empty: use the camera.
        replay: PathBuf = PathBuf::new();
        /// Play those pictures at so many a second, as a film; a picture whose time has passed is left out. 0: each in turn,
        /// as fast as they are asked for.
        replay_fps: u32 = 0, 0..=120 "frames a second";
        /// Frame width to request. A device picks the nearest size that it supports; raw frames from `exec` must have
        /// exactly this one.
        width_px: u32 = 640, 160..=1920 "pixels";
        /// Frame height to request.
        height_px: u32 = 480, 120..=1080 "pixels";
        /// Turn each frame clockwise by this: 0, 90, 180 or 270. A camera that is mounted upside down needs 180. `width_px`
        /// and `height_px` are those before the turn. After a change nobody has to enrol again.
        rotate: u32 = 0, 0..=270 "degrees, in steps of 90";
        /// Swap left and right, after `rotate`: for a camera that shows people as a mirror does, so that writing in its picture
        /// reads backwards. With `attack.level = "challenge"` it must be right, or people answer to the wrong side.
        mirror: bool = false;
        /// Frames to drop at most after the camera opens, while its exposure settles: until two in a row are as light as
        /// each other.
        skip_frames: u32 = 4, 0..=60 "frames";
        /// Give up on a camera that sends no frame for this long.
        silence_ms: Millis = Millis(2000), 200..=30_000 "milliseconds";
        /// Close the camera after it has been idle for this long.
        idle_close_ms: Millis = Millis(3000), 0..=600_000 "milliseconds";
    }

    /// Neural networks and the head that turns their output into a probability.
    models: Models {
        /// The folder that holds MODELS.toml and the files it lists.
        folder: PathBuf = "/usr/share/facelatch/models".into();
        /// A second folder like that, for models of your own: `facelatch models add` writes it. It need not be there.
        own_folder: PathBuf = "/usr/local/share/facelatch/models".into();
        /// The face detector, by its name in MODELS.toml.
        detector: String = "yunet".into();
        /// The face embedder, by its name in MODELS.toml: "sface", or "mobilefacenet" where sface takes too long (a Pi Zero 2)
        /// and people stand close, upright and in good light: elsewhere it misses them often. After a change everybody has to
        /// enrol again.
        embedder: String = "sface".into();
        /// The head file. Empty: EMBEDDER.head.toml in `folder`.
        head: PathBuf = PathBuf::new();
    }

    /// Face detection.
    detect: Detect {
        /// Side of the square that a frame is scaled to for detection, a multiple of 32. Larger finds more distant faces
        /// and takes longer.
        input_px: u32 = 320, 160..=640 "pixels";
        /// Ignore faces that the detector is less sure of than this.
        min_confidence: f32 = 0.6, 0.1..=0.99;
    }

    /// What a face must look like to be compared. If it fails a test, the reply says what to change.
    quality: QualityGate {
        /// Reject faces whose eyes are closer together than this ("come closer").
        min_eye_distance_px: f32 = 24.0, 8.0..=500.0 "pixels";
        /// Reject faces whose mean brightness is below this ("too dark").
        min_light: f32 = 35.0, 0.0..=255.0 "grey levels";
        /// Reject faces whose mean brightness is above this ("too bright").
        max_light: f32 = 225.0, 0.0..=255.0 "grey levels";
        /// Reject faces that are less sharp than this ("hold still"): the variance of the Laplacian over the face,
        /// divided by the variance of its brightness.
        min_sharpness: f32 = 0.004, 0.0..=1.0;
        /// Reject faces whose nose is farther than this from the midpoint of the eyes ("look at the camera").
        max_turn: f32 = 0.35, 0.05..=1.0 "eye distances";
        /// The same at a door, where the smaller of both holds: people who want to come in look at the camera, and people who
        /// pass do not.
        max_turn_at_door: f32 = 0.16, 0.05..=1.0 "eye distances";
    }

    /// Presentation attacks: whether a live face is before the camera, or a picture of one. What is taken for an attack is
    /// compared with nobody and counts as a miss of its own kind. docs/attacks.md and docs/challenge.md say what still passes.
    attack: Attack {
        /// What is done about it.
        level: AttackLevel = AttackLevel::Passive;
        /// The share of live presentations that may be refused. A larger one refuses more pictures, and more people. The
        /// network must have a threshold for it: the one named `attack` has them from 0.01 on.
        bpcer: f32 = 0.05, 0.001..=0.2 "of live presentations";
        /// The network that tells live faces from pictures, by its name in MODELS.toml: `attack`, or one that
        /// `facelatch models add` wrote (docs/models.md).
        model: String = "attack".into();
        /// An infrared camera beside the default one, with an emitter of its own: a device path such as /dev/video2. Then nobody is
        /// judged whose face it does not see. Empty: there is none. See docs/cameras.md.
        infrared: PathBuf = PathBuf::new();
    }

    /// How much evidence a decision needs, and how long it may take.
    decision: Decision {
        /// Good frames per decision. With fewer than the default, the published error rates do not hold.
        frames: u32 = 3, 1..=10 "frames";
        /// Templates to store per enrolment. With fewer than the default, the published error rates do not hold.
        templates: u32 = 5, 1..=32 "templates";
        /// Time limit for an attempt, including the time to open the camera.
        deadline_ms: Millis = Millis(4000), 500..=30_000 "milliseconds";
        /// Time limit for an enrolment.
        enroll_deadline_ms: Millis = Millis(60_000), 20_000..=600_000 "milliseconds";
    }

    /// Templates that people get without an enrolment. docs/adaptation.md says what they are worth and cannot do.
    templates: Templates {
        /// Whether a face becomes a template when its owner shows a second factor right after it: the right password at a login
        /// that missed their face, or their PIN at a door. At most two a person, at most one a day. Not with `attack.level = "off"`.
        adapt: Adaptation = Adaptation::Off;
    }

    /// How much of the machine an attempt may use.
    engine: Engine {
        /// Threads that work on an attempt, never more than there are cores. While one embeds a face, a second judges whether it
        /// is live and looks for the face in the next frame; a third does these two at the same time. With any number the
        /// outcome is the same.
        threads: u32 = 2, 1..=3 "threads";
    }

    /// Rate limit after failed matches, as in NIST SP 800-63B. The password works regardless.
    lockout: Lockout {
        /// Consecutive misses before the first wait.
        free_misses: u32 = 5, 1..=10 "misses";
        /// The same for misses and refused attacks together.
        free_attacks: u32 = 10, 1..=10 "misses and attacks";
        /// The first wait. Each further miss doubles it.
        first_wait_s: Seconds = Seconds(30), 30..=3600 "seconds";
        /// The longest wait.
        longest_wait_s: Seconds = Seconds(3600), 30..=86_400 "seconds";
        /// After this many consecutive misses and attacks, face unlock stays off for the user until root runs "facelatch reset".
        stop_at: u32 = 50, 5..=100 "misses";
        /// Misses and refused attacks of one user in any 24 hours, whatever matches are in between: a quarter of them at once, the
        /// others as time goes by.
        user_misses_per_day: u32 = 40, 40..=100 "misses";
        /// The same for those of everybody together; beyond it identification waits.
        all_misses_per_day: u32 = 100, 100..=1000 "misses";
    }

    /// Who may come in when: docs/door.md. The rules themselves are in the store, set by `facelatch allow` and its like.
    access: AccessSettings {
        /// When the time is known. Rules with hours or dates let nobody in until then.
        clock: ClockTrust = ClockTrust::Check;
    }

    /// What happens after a match.
    latch: LatchChoice {
        /// The action.
        kind: LatchKind = LatchKind::Print;
        /// The command to run for "hook", an absolute path. It gets the user's name as its only argument.
        hook: PathBuf = PathBuf::new();
        /// Send the command SIGTERM if it runs longer than this, and SIGKILL 500 ms later.
        hook_deadline_ms: Millis = Millis(5000), 100..=30_000 "milliseconds";
        /// Which requests trigger the action.
        opens_on: OpensOn = OpensOn::Any;
    }

    /// Templates and the audit log on disk.
    store: Store {
        /// The folder that holds them. Templates are encrypted.
        folder: PathBuf = "/var/lib/facelatch/store".into();
        /// The key file. Empty: store.key next to `folder`. The systemd credential store-key takes precedence over both.
        key: PathBuf = PathBuf::new();
        /// The only public key (from age-keygen) that members of `serve.group` may export templates for. Empty: only
        /// root and the daemon's user may export. They may export for any key.
        export_recipient: String = String::new();
        /// Start a new audit file when the current one reaches this size.
        audit_file_kb: u32 = 1024, 16..=102_400 "KiB";
        /// Audit files to keep, of attempts and of changes.
        audit_files: u32 = 8, 2..=100 "files";
    }

    /// The socket that clients connect to.
    serve: Serve {
        /// Its path. A socket passed by systemd takes precedence.
        socket: PathBuf = "/run/facelatch/facelatch.sock".into();
        /// Members of this group may enrol, remove and identify people, and follow events.
        group: String = "facelatch".into();
        /// Members of this group may do what a door needs: follow events, have the camera look, report what happens at a door, and
        /// have a PIN checked.
        door_group: String = "facelatch-door".into();
        /// Refuse further clients while this many are connected, or half as many of the same user. An eighth is kept for root.
        max_connections: u32 = 64, 1..=1024 "connections";
        /// Disconnect a client that stays silent or stops in the middle of a message for this long.
        client_timeout_ms: Millis = Millis(10_000), 100..=600_000 "milliseconds";
    }
}

choices! {
    /// Formats that the command of `camera.exec` may write.
    ExecFormat {
        /// JPEG pictures, one after another
        Mjpeg,
        /// the Y plane, then U and V at half the width and height
        Yuv420,
        /// the Y plane, then U and V interleaved at half the width and height
        Nv12,
        /// Y0 U Y1 V for each pair of pixels
        Yuyv,
        /// U Y0 V Y1 for each pair of pixels
        Uyvy,
        /// Y0 V Y1 U for each pair of pixels
        Yvyu,
        /// one byte per pixel
        Grey,
    }

    /// What is done about presentation attacks.
    AttackLevel {
        /// nothing: a photograph or a screen is compared like a face
        Off,
        /// frames are judged as they come
        Passive,
        /// as passive, and then the person is asked to turn their head; advised for a door
        Challenge,
    }

    /// When a face becomes a template without an enrolment.
    Adaptation {
        /// never
        Off,
        /// after a second factor, if it is close enough to the enrolled templates
        Confirmed,
    }

    /// When the time is known.
    ClockTrust {
        /// after a clock with a battery or systemd-timesyncd has set it
        Check,
        /// always: for a machine whose clock something else sets before facelatchd starts, such as chrony
        Trust,
    }

    /// What a grant does.
    LatchKind {
        /// do nothing; PAM acts on the reply
        None,
        /// write a line to the journal
        Print,
        /// run the command in `hook`
        Hook,
    }

    /// Which grants open the latch.
    OpensOn {
        /// all requests
        Any,
        /// only requests to verify one user
        Verify,
        /// only requests to identify whoever is there
        Identify,
    }
}
