//! What values and keys are checked with.

use std::ops::RangeInclusive;

use super::value::Number;

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {got} is not allowed; use {allowed}")]
pub struct Refused {
    /// The key, with its section.
    pub key: &'static str,
    /// The value as the file would have it.
    pub got: String,
    /// What to write instead.
    pub allowed: String,
}

/// A number must be in its range; `allowed` is that range in words.
pub(super) fn within<T: Number>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T::Plain>,
    allowed: &str,
) -> Result<(), Refused> {
    let value = value.plain();
    if range.contains(&value) {
        return Ok(());
    }
    Err(Refused { key, got: format!("{value:?}"), allowed: allowed.to_owned() })
}

/// The first of two numbers must not exceed the second.
pub(super) fn in_order<T: Number>(
    (key, value): (&'static str, T),
    (upper_key, upper): (&str, T),
) -> Result<(), Refused> {
    let (value, upper) = (value.plain(), upper.plain());
    if value <= upper {
        return Ok(());
    }
    Err(Refused {
        key,
        got: format!("{value:?}"),
        allowed: format!("at most {upper_key}, which is {upper:?}"),
    })
}

/// A text must pass `test`; `allowed` says what passes.
pub(super) fn holds(
    test: bool,
    key: &'static str,
    got: impl std::fmt::Debug,
    allowed: &str,
) -> Result<(), Refused> {
    if test {
        return Ok(());
    }
    Err(Refused { key, got: format!("{got:?}"), allowed: allowed.to_owned() })
}

/// The first key that does not exist, with its section, and a suggestion.
pub(super) fn unknown_key(
    prefix: &str,
    typed: &toml::Table,
    known: &toml::Table,
) -> Option<(String, String)> {
    for (key, value) in typed {
        let Some(counterpart) = known.get(key) else {
            let near = known.keys().map(|k| (strsim::damerau_levenshtein(key, k), k)).min();
            let suggestion = match near {
                Some((distance, near)) if distance <= 3 => format!("; did you mean `{prefix}{near}`?"),
                _ => format!("; known are {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Some((format!("{prefix}{key}"), suggestion));
        };
        if let (Some(typed), Some(known)) = (value.as_table(), counterpart.as_table()) {
            let unknown = unknown_key(&format!("{prefix}{key}."), typed, known);
            if unknown.is_some() {
                return unknown;
            }
        }
    }
    None
}
