//! What the values of a configuration are held against.

use std::ops::RangeInclusive;

/// Key, value, what is allowed.
pub(super) type Refused = (&'static str, String, String);

/// A value must lie in its range.
pub(super) fn within<T: PartialOrd + std::fmt::Debug>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Refused> {
    if range.contains(&value) {
        return Ok(());
    }
    Err((key, format!("{value:?}"), format!("{:?} to {:?}", range.start(), range.end())))
}

/// Two values that must not be the wrong way round.
pub(super) fn in_order<T: PartialOrd + std::fmt::Debug>(
    key: &'static str,
    value: T,
    upper_key: &str,
    upper: T,
) -> Result<(), Refused> {
    if value <= upper {
        return Ok(());
    }
    Err((key, format!("{value:?}"), format!("at most {upper_key}, which is {upper:?}")))
}

/// The first key that does not exist, with its whole path, and the one that was probably meant.
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
