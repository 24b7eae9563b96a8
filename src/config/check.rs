//! What values and keys are checked with.

use std::ops::RangeInclusive;

use super::value::Number;

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {got} is not allowed; use {allowed}")]
pub struct Refused {
    /// The key, with its section, or with its camera where there are several.
    pub key: String,
    /// The value as the file would have it.
    pub got: String,
    /// What to write instead.
    pub allowed: String,
}

impl Refused {
    /// The same, of this one of several cameras.
    pub(super) fn of_camera(self, name: &str) -> Self {
        let key = self.key.strip_prefix("camera.").unwrap_or(&self.key);
        Self { key: format!("camera {name:?}: {key}"), ..self }
    }
}

/// A number must be in its range; `allowed` is that range in words.
pub(super) fn within<T: Number>(
    key: &str,
    value: T,
    range: RangeInclusive<T::Plain>,
    allowed: &str,
) -> Result<(), Refused> {
    let value = value.plain();
    if range.contains(&value) {
        return Ok(());
    }
    Err(Refused { key: key.to_owned(), got: format!("{value:?}"), allowed: allowed.to_owned() })
}

/// The first of two numbers must not exceed the second.
pub(super) fn in_order<T: Number>(
    (key, value): (&str, T),
    (upper_key, upper): (&str, T),
) -> Result<(), Refused> {
    let (value, upper) = (value.plain(), upper.plain());
    if value <= upper {
        return Ok(());
    }
    Err(Refused {
        key: key.to_owned(),
        got: format!("{value:?}"),
        allowed: format!("at most {upper_key}, which is {upper:?}"),
    })
}

/// A text must pass `test`; `allowed` says what passes.
pub(super) fn holds(test: bool, key: &str, got: impl std::fmt::Debug, allowed: &str) -> Result<(), Refused> {
    if test {
        return Ok(());
    }
    Err(Refused { key: key.to_owned(), got: format!("{got:?}"), allowed: allowed.to_owned() })
}

/// The first key that does not exist, with its section, and a suggestion.
pub(super) fn unknown_key(
    prefix: &str,
    typed: &toml::Table,
    known: &toml::Table,
) -> Option<(String, String)> {
    for (key, value) in typed {
        let Some(counterpart) = known.get(key) else {
            if prefix.is_empty() && key == "door" {
                return Some((key.clone(), "; doors are in /etc/facelatch/door.toml".to_owned()));
            }
            let near = known.keys().map(|k| (strsim::damerau_levenshtein(key, k), k)).min();
            let suggestion = match near {
                Some((distance, near)) if distance <= 3 => format!("; did you mean `{prefix}{near}`?"),
                _ => format!("; known are {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Some((format!("{prefix}{key}"), suggestion));
        };
        let Some(known) = counterpart.as_table() else { continue };
        let unknown = |typed| unknown_key(&format!("{prefix}{key}."), typed, known);
        let found = match value {
            toml::Value::Table(typed) => unknown(typed),
            toml::Value::Array(each) => each.iter().zip(1..).find_map(|(typed, at)| {
                let typed = typed.as_table()?;
                let (found, suggestion) = unknown(typed)?;
                let name = typed.get("name").map_or_else(|| format!("{at}"), ToString::to_string);
                Some((found, format!(" of {key} {name}{suggestion}")))
            }),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
