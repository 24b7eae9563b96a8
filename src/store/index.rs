//! What the ledger holds, entry by entry. Of a record only a keyed tag is in memory, and where the change log has it: the
//! templates of many people would be there twice, sealed and opened. All else is small and held whole.
//!
//! A record is read again when it is needed, and counts only if it has the tag that it had when it was verified.

use std::collections::BTreeMap;

use super::files::Reader;
use super::manifest::{Change, Tag, Tagger};
use super::{misses, rules};

/// Entries by key.
#[derive(Default)]
pub(super) struct Index(BTreeMap<Box<[u8]>, Entry>);

/// What is kept of an entry.
struct Entry {
    tag: Tag,
    value: Value,
}

/// An entry's value.
enum Value {
    Here(Box<[u8]>),
    Logged(Place),
}

/// Where in the change log a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    at: u64,
    length: u32,
}

impl Place {
    /// The value there.
    pub(super) fn read(self, log: &dyn Reader) -> std::io::Result<Vec<u8>> {
        let mut value = vec![0; self.length as usize];
        log.read_at(self.at, &mut value)?;
        Ok(value)
    }

    /// The offset of its first byte, and how many it has.
    pub(super) fn parts(self) -> (u64, usize) {
        (self.at, self.length as usize)
    }
}

impl Index {
    /// Puts or removes an entry; the log has the value at this offset.
    pub(super) fn put(&mut self, tagger: &Tagger<'_>, key: &[u8], value: Option<(&[u8], u64)>) {
        let Some((value, at)) = value else {
            self.0.remove(key);
            return;
        };
        let tag = tagger.tag(key, value);
        let value = if misses::is_key(key) || rules::is_key(key) {
            Value::Here(value.into())
        } else {
            Value::Logged(Place { at, length: value.len() as u32 })
        };
        self.0.insert(key.into(), Entry { tag, value });
    }

    /// Carries out a change, whose values the log has at these offsets.
    pub(super) fn apply(&mut self, tagger: &Tagger<'_>, change: &Change, at: &[u64]) {
        for ((key, value), at) in change.iter().zip(at) {
            self.put(tagger, key, value.as_ref().map(|value| (&value[..], *at)));
        }
    }

    /// The log was written anew and has the values at these offsets, in the order of [`Index::keys`].
    pub(super) fn move_to(&mut self, at: &[u64]) {
        for (entry, at) in self.0.values_mut().zip(at) {
            if let Value::Logged(place) = &mut entry.value {
                place.at = *at;
            }
        }
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is an entry with this key.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.0.contains_key(key)
    }

    /// Keys, in order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.keys().map(|key| &**key)
    }

    /// An entry's tag.
    pub(super) fn tag(&self, key: &[u8]) -> Option<&Tag> {
        self.0.get(key).map(|entry| &entry.tag)
    }

    /// The value of an entry that is no record.
    pub(super) fn in_memory(&self, key: &[u8]) -> Option<&[u8]> {
        match &self.0.get(key)?.value {
            Value::Here(value) => Some(value),
            Value::Logged(_) => None,
        }
    }

    /// Entries that are no records.
    pub(super) fn all_in_memory(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.0.iter().filter_map(|(key, entry)| match &entry.value {
            Value::Here(value) => Some((&**key, &**value)),
            Value::Logged(_) => None,
        })
    }

    /// Records: key, tag, and where the log has them.
    pub(super) fn records(&self) -> impl Iterator<Item = (&[u8], &Tag, Place)> {
        self.0.iter().filter_map(|(key, entry)| match &entry.value {
            Value::Here(_) => None,
            Value::Logged(place) => Some((&**key, &entry.tag, *place)),
        })
    }

    /// The value of an entry, from memory or else from the log. `None` if there is no such entry.
    ///
    /// # Errors
    /// Text, if the log does not have it any more.
    pub(super) fn read(
        &self,
        tagger: &Tagger<'_>,
        key: &[u8],
        log: &dyn Reader,
    ) -> Option<Result<Vec<u8>, String>> {
        let entry = self.0.get(key)?;
        let Value::Logged(place) = &entry.value else {
            return self.in_memory(key).map(|value| Ok(value.to_vec()));
        };
        let value = place.read(log).map_err(|e| e.to_string());
        Some(value.and_then(|value| {
            if tagger.tag(key, &value) == entry.tag { Ok(value) } else { Err("it was changed".to_owned()) }
        }))
    }

    /// What turns entries with these tags into these.
    ///
    /// # Errors
    /// Those of `read`, which gives the value of an entry that there is.
    pub(super) fn difference<E>(
        &self,
        from: &BTreeMap<Vec<u8>, Tag>,
        read: impl Fn(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Change, E> {
        let gone = from.keys().filter(|key| !self.contains(key)).map(|key| Ok((key.clone(), None)));
        let new = self.0.iter().filter(|(key, entry)| from.get(&***key) != Some(&entry.tag));
        gone.chain(new.map(|(key, _)| Ok((key.to_vec(), Some(read(key)?))))).collect()
    }
}
