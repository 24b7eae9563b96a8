//! Which of the board's parts work: a line, or the watch over a camera. No clock and no I/O.

use std::collections::BTreeMap;

/// Each part that was heard of, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Parts(BTreeMap<(usize, &'static str), Option<String>>);

/// What is new about a part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It does not work, or for another reason than before.
    Fault(String),
    /// It works again.
    Over,
}

impl Parts {
    /// Takes note of how a part of the door with this number is.
    pub(crate) fn heard(&mut self, door: usize, part: &'static str, lost: Option<String>) -> Option<Change> {
        let before = self.0.insert((door, part), lost.clone()).flatten();
        match (before, lost) {
            (before, Some(now)) if before.as_ref() != Some(&now) => Some(Change::Fault(now)),
            (Some(_), None) => Some(Change::Over),
            _ => None,
        }
    }

    /// How many were heard of.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Door and name of each that does not work, and why.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (usize, &'static str, &str)> {
        self.0.iter().filter_map(|((door, part), lost)| Some((*door, *part, lost.as_deref()?)))
    }
}
