//! What is known of a person apart from their face: [`UserName`], and their [`Misses`].

mod misses;

use std::fmt;

pub use misses::{Level, Misses};

/// Longest user name in bytes, as login names of Linux.
const MAX_NAME_BYTES: usize = 32;

/// Who a template belongs to: 1 to 32 of `A-Z a-z 0-9 . _ - @`, not led by `-` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

/// A name nobody can be enrolled under.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("user name {shown}: {why}; use 1 to 32 of a-z A-Z 0-9 . _ - @, not led by `-` or `.`")]
pub struct BadUserName {
    shown: String,
    why: &'static str,
}

impl UserName {
    /// Checks a name that came from outside.
    ///
    /// # Errors
    /// [`BadUserName`] says what is wrong; control characters are shown escaped.
    pub fn new(name: &str) -> Result<Self, BadUserName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let why = if name.is_empty() {
            "is empty"
        } else if name.len() > MAX_NAME_BYTES {
            "is too long"
        } else if !name.chars().all(allowed) {
            "has a character that is not allowed"
        } else if name.starts_with(['-', '.']) {
            "has a first character that is not allowed"
        } else {
            return Ok(Self(name.to_owned()));
        };
        let shown: String = name.chars().take(MAX_NAME_BYTES).collect();
        Err(BadUserName { shown: format!("{shown:?}"), why })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_paths_or_options_are_refused() {
        for bad in ["", "a/b", "..", "-x", "a\nb", "ä", "a b", "\u{0}", &"x".repeat(33)] {
            assert!(UserName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["alice", "a", "j.doe", "svc_1", "bob@example.org", &"x".repeat(32)] {
            assert!(UserName::new(good).is_ok(), "{good:?}");
        }
        let text = UserName::new("a\u{1b}[2J").expect_err("escape").to_string();
        assert!(!text.contains('\u{1b}'), "control characters must not reach a terminal: {text}");
    }
}
