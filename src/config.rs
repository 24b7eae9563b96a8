//! The configuration file to a checked [`Config`]. Start at `config/settings.rs`: the table of all settings.

mod cameras;
mod check;
#[cfg(test)]
mod document;
mod settings;
mod table;
mod value;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use check::{holds, in_order, unknown_key};

use crate::bounded;

pub use check::Refused;
pub use settings::{
    AccessSettings, Adaptation, Attack, AttackLevel, Camera, ClockTrust, Config, Decision, Detect, Engine,
    ExecFormat, LatchChoice, LatchKind, Lockout, Models, OpensOn, QualityGate, Serve, Store, Templates,
};
pub use value::{Millis, Seconds};

/// The file that is read if no other is named.
pub const DEFAULT_PATH: &str = "/etc/facelatch/facelatch.toml";

/// A longer file is not a configuration.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What is wrong with a configuration. Each text names the file, the key and the fix.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {}: cannot be read; check the path and its permissions", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML, or a value has the wrong type.
    #[error("configuration {}: {why}", .path.display())]
    Malformed { path: PathBuf, why: String },
    /// A key that does not exist.
    #[error("configuration {}: unknown key `{key}`{suggestion}", .path.display())]
    UnknownKey { path: PathBuf, key: String, suggestion: String },
    /// A value that is not allowed.
    #[error("configuration {}: {refused}", .path.display())]
    Value { path: PathBuf, refused: Refused },
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

    /// Parses and checks the text of a configuration file; `path` appears only in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let malformed = |e: toml::de::Error| ConfigError::Malformed {
            path: path.into(),
            why: format!("{}{}", e.to_string().trim_end(), cameras::hint(&e, text)),
        };
        let typed: toml::Table = toml::from_str(text).map_err(malformed)?;
        let known = toml::Table::try_from(Self::default()).unwrap_or_default();
        if let Some((key, suggestion)) = unknown_key("", &typed, &known) {
            return Err(ConfigError::UnknownKey { path: path.into(), key, suggestion });
        }
        let mut config: Self = toml::from_str(text).map_err(malformed)?;
        config.other_cameras = cameras::others(text).map_err(malformed)?;
        config.check().map_err(|refused| ConfigError::Value { path: path.into(), refused })?;
        Ok(config)
    }

    /// Checks every value: its range, and what a range cannot say.
    ///
    /// # Errors
    /// The first value that is not allowed.
    pub fn check(&self) -> Result<(), Refused> {
        self.check_cameras()?;
        self.check_ranges()?;
        let Self { models, detect, quality, lockout, latch, store, serve, .. } = self;
        for (key, path) in [
            ("models.folder", &models.folder),
            ("store.folder", &store.folder),
            ("serve.socket", &serve.socket),
        ] {
            holds(!path.as_os_str().is_empty(), key, path, "a path")?;
        }
        holds(
            latch.kind != LatchKind::Hook || latch.hook.is_absolute(),
            "latch.hook",
            &latch.hook,
            "the absolute path of a command",
        )?;
        holds(detect.input_px.is_multiple_of(32), "detect.input_px", detect.input_px, "a multiple of 32")?;
        in_order(("quality.min_light", quality.min_light), ("quality.max_light", quality.max_light))?;
        in_order(("lockout.free_misses", lockout.free_misses), ("lockout.stop_at", lockout.stop_at))?;
        in_order(("lockout.free_attacks", lockout.free_attacks), ("lockout.stop_at", lockout.stop_at))?;
        in_order(
            ("lockout.first_wait_s", lockout.first_wait_s),
            ("lockout.longest_wait_s", lockout.longest_wait_s),
        )
    }

    /// Warnings about values that are allowed but make the published error rates worse. There are none for a head of
    /// the administrator's own, which may have been fitted for other numbers.
    pub fn notes(&self) -> Vec<String> {
        let (now, fitted) = (&self.decision, Decision::default());
        if !self.models.head.as_os_str().is_empty()
            || (now.frames >= fitted.frames && now.templates >= fitted.templates)
        {
            return Vec::new();
        }
        vec![format!(
            "decision.frames = {}, decision.templates = {}: the thresholds of the shipped heads were chosen for {} and {}, \
             and fewer make both kinds of error more frequent (docs/rates.md); use the defaults, or fit a head for \
             these numbers",
            now.frames, now.templates, fitted.frames, fitted.templates
        )]
    }
}

impl AccessSettings {
    /// Whether the clock counts as set whatever the system says.
    pub fn trusts_clock(&self) -> bool {
        self.clock == ClockTrust::Trust
    }
}

impl Attack {
    /// What is done about presentation attacks, and what to do where that is nothing.
    pub fn note(&self) -> String {
        let level = match self.level {
            AttackLevel::Off => {
                return "attacks: attack.level is \"off\": a photograph or a screen is compared like a face; set it to \
                        \"passive\" or \"challenge\""
                    .to_owned();
            }
            AttackLevel::Passive => "passive",
            AttackLevel::Challenge => "challenge",
        };
        format!("attacks: level {level}, network {}, bpcer {}", self.model, self.bpcer)
    }
}

impl Models {
    /// The head file: the configured one, or the one that ships for the embedder.
    pub fn head_path(&self) -> PathBuf {
        if self.head.as_os_str().is_empty() {
            return self.folder.join(format!("{}.head.toml", self.embedder));
        }
        self.head.clone()
    }
}

#[cfg(test)]
mod tests;
