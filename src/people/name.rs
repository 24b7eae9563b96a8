//! Names of people, as the account databases of this machine and of its directory write them.

use std::fmt;
use std::sync::Arc;

/// Longest name in bytes of UTF-8.
const MAX_NAME_BYTES: usize = 256;

/// Characters that show as nothing, or change how what stands around them is shown: two names that look alike must not be
/// two people. Unicode 16: bidirectional controls, default ignorable code points, other format characters.
const UNSEEN: [(char, char); 26] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Who a template belongs to: 1 to 256 bytes of UTF-8, compared byte by byte, without normalisation. Such as `alice`, `svc$`,
/// `CORP\alice` or `alice@corp.example`. Never a path or an option, and safe to show on a terminal. A copy shares
/// the text: tens of thousands of people are in several maps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(Arc<str>);

/// A name nobody can be enrolled under.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("user name {shown}: {why}; give it as `getent passwd` shows it, at most {MAX_NAME_BYTES} bytes")]
pub struct BadUserName {
    shown: String,
    why: &'static str,
}

impl UserName {
    /// Checks a name that came from outside.
    ///
    /// # Errors
    /// [`BadUserName`] says what is wrong; what cannot be seen is shown escaped.
    pub fn new(name: &str) -> Result<Self, BadUserName> {
        match objection(name) {
            None => Ok(Self(name.into())),
            Some(why) => {
                // `escape_default` leaves nothing but ASCII.
                let shown: String =
                    name.chars().take(MAX_NAME_BYTES).flat_map(char::escape_default).collect();
                Err(BadUserName { shown: format!("\"{shown}\""), why })
            }
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn objection(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > MAX_NAME_BYTES {
        Some("is too long")
    } else if matches!(name, "." | "..") || name.contains('/') {
        Some("looks like a path")
    } else if name.contains(':') {
        Some("has a `:`, which no account name has")
    } else if name.starts_with('-') {
        Some("begins like an option")
    } else if name.starts_with(' ') || name.ends_with(' ') {
        Some("begins or ends with a space")
    } else if name.chars().any(is_unseen) {
        Some("has a character that cannot be seen")
    } else {
        None
    }
}

/// Controls, spaces other than the common one, and [`UNSEEN`].
fn is_unseen(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
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
        for bad in ["", "a/b", ".", "..", "../x", "-x", "a:b", &"x".repeat(257), &"ä".repeat(129)] {
            assert!(UserName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["alice", "a", "j.doe", "svc_1", &"x".repeat(256)] {
            assert!(UserName::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn names_of_directories_are_taken_as_they_are() {
        for good in
            ["CORP\\alice", "alice@corp.example", "svc$", "CORP\\jo doe", "jörg", "алиса", "王芳", "4711"]
        {
            assert_eq!(UserName::new(good).expect(good).as_str(), good);
        }
        let (composed, decomposed) = (UserName::new("j\u{f6}rg"), UserName::new("jo\u{308}rg"));
        assert_ne!(composed.expect("valid"), decomposed.expect("valid"), "nothing is normalised");
    }

    #[test]
    fn a_name_with_a_part_that_cannot_be_seen_is_refused_and_shown_escaped() {
        for bad in [
            "a\nb",
            "a\0",
            "a\u{1b}[2J",
            "a\u{7f}",
            "a\u{85}",
            " a",
            "a ",
            "a\tb",
            "a\u{a0}b",
            "a\u{2028}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{ad}b",
            "a\u{feff}b",
            "a\u{3164}b",
            "a\u{e0041}b",
            "a\u{fe0f}",
        ] {
            let text = UserName::new(bad).expect_err(&bad.escape_debug().to_string()).to_string();
            assert!(text.is_ascii() && !text.contains(|c: char| c.is_control()), "{text:?}");
        }
    }
}
