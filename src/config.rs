//! The configuration file to a checked [`Config`]. Units, ranges and defaults stand in `config/facelatch.toml`,
//! which equals [`Config::default`].

mod check;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::detect::quality::QualityGate;
use crate::judge::Lockout;
use crate::pipeline::{NetworkChoice, Rules};
use crate::store::portable;
use check::{Refused, in_order, unknown_key, within};

/// Where the configuration is when nobody says otherwise.
pub const DEFAULT_PATH: &str = "/etc/facelatch/facelatch.toml";

/// A configuration is a short text; anything longer is something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Everything that can be set. [`Config::parse`] and [`Config::load`] check it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is described in config/facelatch.toml")]
pub struct Config {
    pub camera: Camera,
    pub models: Models,
    pub detect: Detect,
    pub quality: Quality,
    pub decision: Decision,
    pub lockout: LockoutRule,
    pub latch: LatchChoice,
    pub store: Store,
    pub serve: Serve,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[expect(missing_docs, reason = "each field is described in config/facelatch.toml")]
        pub struct $name { $(pub $field: $kind,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

section! {
    /// Where frames come from.
    Camera {
        device: String = "auto".to_owned(),
        exec: Vec<String> = Vec::new(),
        exec_format: ExecFormat = ExecFormat::Mjpeg,
        replay: PathBuf = PathBuf::new(),
        width_px: u32 = 640,
        height_px: u32 = 480,
        skip_frames: u32 = 4,
        silence_ms: u64 = 2000,
        idle_close_ms: u64 = 3000,
    }
}

section! {
    /// Which networks and which head.
    Models {
        folder: PathBuf = "/usr/share/facelatch/models".into(),
        detector: String = "yunet".to_owned(),
        embedder: String = "sface".to_owned(),
        head: PathBuf = PathBuf::new(),
    }
}

section! {
    /// How faces are found.
    Detect {
        input_px: u32 = 320,
        min_confidence: f32 = 0.6,
    }
}

section! {
    /// What a face must be like to be judged.
    Quality {
        min_eye_distance_px: f32 = 24.0,
        min_light: f32 = 35.0,
        max_light: f32 = 225.0,
        min_sharpness: f32 = 0.004,
        max_turn: f32 = 0.35,
    }
}

section! {
    /// How much evidence a decision takes.
    Decision {
        frames: u32 = 3,
        templates: u32 = 5,
        deadline_ms: u64 = 4000,
        enroll_deadline_ms: u64 = 60_000,
    }
}

section! {
    /// The rate limit.
    LockoutRule {
        free_misses: u32 = 5,
        first_wait_s: u64 = 30,
        longest_wait_s: u64 = 3600,
        stop_at: u32 = 50,
    }
}

section! {
    /// What a grant opens.
    LatchChoice {
        kind: LatchKind = LatchKind::Print,
        hook: PathBuf = PathBuf::new(),
        hook_deadline_ms: u64 = 5000,
        opens_on: OpensOn = OpensOn::Any,
    }
}

section! {
    /// Where templates are kept.
    Store {
        folder: PathBuf = "/var/lib/facelatch/store".into(),
        key: PathBuf = PathBuf::new(),
        export_recipient: String = String::new(),
        audit_file_kb: u32 = 1024,
        audit_files: u32 = 8,
    }
}

section! {
    /// Who may ask, and where.
    Serve {
        socket: PathBuf = "/run/facelatch/facelatch.sock".into(),
        group: String = "facelatch".to_owned(),
        max_connections: u32 = 64,
        client_timeout_ms: u64 = 10_000,
    }
}

/// What the command of `camera.exec` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecFormat {
    /// JPEGs, one after another.
    Mjpeg,
    /// A plane of Y, then U and V at half the size.
    Yuv420,
    /// A plane of Y, then U and V by turns at half the size.
    Nv12,
    /// Y0 U Y1 V.
    Yuyv,
    /// One byte a pixel.
    Grey,
}

/// The kinds of latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatchKind {
    /// A grant opens nothing; callers such as PAM act on the reply.
    None,
    /// A line in the journal.
    Print,
    /// A command.
    Hook,
}

/// Which grants open the latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpensOn {
    /// All.
    Any,
    /// Those of a claimed user.
    Verify,
    /// Those of whoever was there.
    Identify,
}

/// What is wrong with a configuration. Each text names the file, the key and the fix.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {}: cannot be read; check the path and its permissions", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The text is no TOML, or a value is of another type.
    #[error("configuration {}: {why}", .path.display())]
    Malformed { path: PathBuf, why: String },
    /// A key that does not exist.
    #[error("configuration {}: unknown key `{key}`{suggestion}", .path.display())]
    UnknownKey { path: PathBuf, key: String, suggestion: String },
    /// A value that makes no sense.
    #[error("configuration {}: {key} = {got} is not allowed; use {allowed}", .path.display())]
    Value { path: PathBuf, key: &'static str, got: String, allowed: String },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file, the key and the fix.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = bounded::read_text(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
            ErrorKind::FileTooLarge => ConfigError::Malformed { path: path.into(), why: source.to_string() },
            _ => ConfigError::Read { path: path.into(), source },
        })?;
        Self::parse(path, &text)
    }

    /// A configuration from its text; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let malformed = |e: toml::de::Error| ConfigError::Malformed {
            path: path.into(),
            why: e.to_string().trim_end().to_owned(),
        };
        let typed: toml::Table = toml::from_str(text).map_err(malformed)?;
        let known = toml::Table::try_from(Self::default()).unwrap_or_default();
        if let Some((key, suggestion)) = unknown_key("", &typed, &known) {
            return Err(ConfigError::UnknownKey { path: path.into(), key, suggestion });
        }
        let config: Self = toml::from_str(text).map_err(malformed)?;
        config.check().map_err(|(key, got, allowed)| ConfigError::Value {
            path: path.into(),
            key,
            got,
            allowed,
        })?;
        Ok(config)
    }

    /// The first value outside its range, or at odds with another.
    fn check(&self) -> Result<(), Refused> {
        let Self { camera, detect, quality, decision, lockout, latch, store, serve, .. } = self;
        within("camera.width_px", camera.width_px, 160..=1920)?;
        within("camera.height_px", camera.height_px, 120..=1080)?;
        within("camera.skip_frames", camera.skip_frames, 0..=60)?;
        within("camera.silence_ms", camera.silence_ms, 200..=30_000)?;
        within("camera.idle_close_ms", camera.idle_close_ms, 0..=600_000)?;
        if let Some(command) = camera.exec.first().filter(|command| !command.starts_with('/')) {
            let allowed = "the absolute path of a command, then its arguments".to_owned();
            return Err(("camera.exec", format!("[{command:?}, ..]"), allowed));
        }
        within("detect.input_px", detect.input_px, 160..=640)?;
        if detect.input_px % 32 != 0 {
            return Err(("detect.input_px", detect.input_px.to_string(), "a multiple of 32".to_owned()));
        }
        within("detect.min_confidence", detect.min_confidence, 0.1..=0.99)?;
        within("quality.min_eye_distance_px", quality.min_eye_distance_px, 8.0..=500.0)?;
        within("quality.min_light", quality.min_light, 0.0..=255.0)?;
        within("quality.max_light", quality.max_light, 0.0..=255.0)?;
        within("quality.min_sharpness", quality.min_sharpness, 0.0..=1.0)?;
        within("quality.max_turn", quality.max_turn, 0.05..=1.0)?;
        within("decision.frames", decision.frames, 1..=10)?;
        within("decision.templates", decision.templates, 1..=32)?;
        within("decision.deadline_ms", decision.deadline_ms, 500..=30_000)?;
        within("decision.enroll_deadline_ms", decision.enroll_deadline_ms, 20_000..=600_000)?;
        within("lockout.free_misses", lockout.free_misses, 1..=10)?;
        within("lockout.first_wait_s", lockout.first_wait_s, 30..=3600)?;
        within("lockout.longest_wait_s", lockout.longest_wait_s, 30..=86_400)?;
        within("lockout.stop_at", lockout.stop_at, 5..=100)?;
        within("latch.hook_deadline_ms", latch.hook_deadline_ms, 100..=30_000)?;
        if latch.kind == LatchKind::Hook && !latch.hook.is_absolute() {
            let got = format!("{:?}", latch.hook.display().to_string());
            return Err(("latch.hook", got, "the absolute path of a command".to_owned()));
        }
        if !store.export_recipient.is_empty() && portable::check_recipient(&store.export_recipient).is_err() {
            let allowed = "a public key as `age-keygen` prints it, age1..., or \"\"".to_owned();
            return Err(("store.export_recipient", format!("{:?}", store.export_recipient), allowed));
        }
        within("store.audit_file_kb", store.audit_file_kb, 16..=102_400)?;
        within("store.audit_files", store.audit_files, 2..=100)?;
        within("serve.max_connections", serve.max_connections, 1..=1024)?;
        within("serve.client_timeout_ms", serve.client_timeout_ms, 100..=600_000)?;
        // Each in its range, but not together.
        in_order("quality.min_light", quality.min_light, "quality.max_light", quality.max_light)?;
        in_order(
            "lockout.first_wait_s",
            lockout.first_wait_s,
            "lockout.longest_wait_s",
            lockout.longest_wait_s,
        )
    }

    /// The numbers an attempt is run by.
    pub fn rules(&self) -> Rules {
        let Self { quality, decision, lockout, .. } = self;
        Rules {
            frames: decision.frames as usize,
            verify_deadline: Duration::from_millis(decision.deadline_ms),
            enroll_deadline: Duration::from_millis(decision.enroll_deadline_ms),
            quality: QualityGate {
                min_eye_distance_px: quality.min_eye_distance_px,
                min_light: quality.min_light,
                max_light: quality.max_light,
                min_sharpness: quality.min_sharpness,
                max_turn: quality.max_turn,
            },
            lockout: Lockout {
                free_misses: lockout.free_misses,
                first_wait: Duration::from_secs(lockout.first_wait_s),
                longest_wait: Duration::from_secs(lockout.longest_wait_s),
                stop_at: lockout.stop_at,
            },
        }
    }

    /// What is allowed but weaker than the published rates, for people. Who brings a head of his own fitted it for his numbers.
    pub fn notes(&self) -> Vec<String> {
        let (now, fitted) = (&self.decision, Decision::default());
        if !self.models.head.as_os_str().is_empty()
            || (now.frames >= fitted.frames && now.templates >= fitted.templates)
        {
            return Vec::new();
        }
        vec![format!(
            "decision.frames = {}, decision.templates = {}: the threshold of the shipped heads was chosen for {} and {}; with \
             fewer both errors are more frequent (docs/rates.md): leave them, or fit a head for these numbers",
            now.frames, now.templates, fitted.frames, fitted.templates
        )]
    }

    /// Which networks and which head to load.
    pub fn networks(&self) -> NetworkChoice {
        NetworkChoice {
            folder: self.models.folder.clone(),
            detector: self.models.detector.clone(),
            input_px: self.detect.input_px as usize,
            min_confidence: self.detect.min_confidence,
            embedder: self.models.embedder.clone(),
            head: self.head_path(),
        }
    }

    /// The head file: the configured one, or the one that ships for the embedder.
    fn head_path(&self) -> PathBuf {
        if self.models.head.as_os_str().is_empty() {
            return self.models.folder.join(format!("{}.head.toml", self.models.embedder));
        }
        self.models.head.clone()
    }
}

#[cfg(test)]
mod tests;
