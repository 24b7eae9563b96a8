//! Failure to acquire by group: which gate refuses whose pictures.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;

use super::super::set::{Quality, Sample, Set};
use super::labels::Labels;
use facelatch::embed::Embedder;

/// Pictures of one group that the door does not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acquired {
    /// What people are parted by.
    pub by: String,
    /// Name of the group.
    pub group: String,
    /// Pictures of it.
    pub pictures: usize,
    /// How many are refused, by reason.
    pub refused: BTreeMap<String, usize>,
}

impl Acquired {
    /// Pictures refused for any reason.
    pub fn total(&self) -> usize {
        self.refused.values().sum()
    }
}

/// Why the door would not take this picture; `None` if it would.
pub fn refusal(sample: &Sample, embedder: &Embedder) -> Option<String> {
    match embedder.check(&sample.measures) {
        _ if sample.quality != Quality::GOOD => Some(sample.quality.name()),
        Ok(()) => None,
        Err(reason) => Some(format!("{reason} to the embedder").replace('-', " ")),
    }
}

/// Counts them. Pictures that no picture's reader could read are in none.
pub fn acquired(set: &Set, labels: &Labels, embedder: &Embedder) -> Vec<Acquired> {
    let person: HashMap<&str, usize> = set.people.iter().map(String::as_str).zip(0..).collect();
    let of_path = |path: &Path| {
        let parts: Vec<_> = path.iter().rev().take(2).filter_map(|part| part.to_str()).collect();
        let [file, folder] = parts.as_slice() else { return None };
        // A person is a folder, or a picture of its own.
        [(*folder).to_owned(), format!("{folder}/{file}"), (*file).to_owned()]
            .iter()
            .find_map(|name| person.get(name.as_str()).copied())
    };
    let lost =
        set.losses.no_face.iter().filter_map(|path| Some((of_path(path)?, Some("no face".to_owned()))));
    let taken = set.samples.iter().map(|sample| (sample.person, refusal(sample, embedder)));
    let all: Vec<(usize, Option<String>)> = taken.chain(lost).collect();
    let mut counted = Vec::new();
    for kind in &labels.kinds {
        for (group, _) in kind.groups() {
            let here = || all.iter().filter(|(person, _)| kind.group[*person].as_deref() == Some(group));
            let mut refused = BTreeMap::new();
            for reason in here().filter_map(|(_, reason)| reason.clone()) {
                *refused.entry(reason).or_insert(0) += 1;
            }
            let (by, group, pictures) = (kind.name.clone(), group.to_owned(), here().count());
            counted.push(Acquired { by, group, pictures, refused });
        }
    }
    counted
}
