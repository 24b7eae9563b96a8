//! Frames of clips to runs: frames that follow each other as the daemon takes them for one decision.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use facelatch::embed::Embedding;
use facelatch::head::Head;
use sha2::{Digest, Sha256};

use super::{LONGEST, Plan};
use crate::acquire::{Bench, OnPicture};
use crate::attack::clips::Clip;
use crate::people::{FileHash, People, Person, Picture};
use crate::set::Quality;
use crate::{RatesError, cores};

/// Frames that the daemon would judge, one after another; up to [`LONGEST`].
pub struct Run {
    /// Their embeddings.
    pub frames: Vec<Embedding>,
}

/// Embeddings of all frames that the daemon would judge.
pub struct Frames(HashMap<PathBuf, Embedding>);

impl Frames {
    /// Embeds the live clips through the cache.
    ///
    /// # Errors
    /// As [`Bench::acquire`].
    pub fn embed(
        clips: &[Clip],
        bench: &Bench,
        cache: &Path,
        tell: OnPicture<'_>,
    ) -> Result<Self, RatesError> {
        let mut set = bench.acquire(&people(clips)?, cache, tell)?;
        set.heed_limits(&bench.embedder);
        let judged =
            set.samples.into_iter().filter(|s| s.believed && s.quality == Quality::GOOD && !s.bordered);
        Ok(Self(judged.map(|sample| (sample.path, sample.embedding)).collect()))
    }

    /// Those of a test.
    #[cfg(test)]
    pub(crate) fn of(frames: impl IntoIterator<Item = (PathBuf, Embedding)>) -> Self {
        Self(frames.into_iter().collect())
    }
}

/// The frames as pictures of people. Frames that are the same file are one to the cache and stay two here.
fn people(clips: &[Clip]) -> Result<People, RatesError> {
    let live: Vec<&Clip> = clips.iter().filter(|clip| clip.is_live()).collect();
    let paths: Vec<&PathBuf> = live.iter().flat_map(|clip| &clip.frames).collect();
    let hash = |path: &PathBuf| -> Result<FileHash, RatesError> {
        Ok(Sha256::digest(std::fs::read(path).map_err(RatesError::file(path))?).into())
    };
    let mut hashes = cores::map(paths.iter(), |path| hash(path)).into_iter();
    let mut people: Vec<Person> = Vec::new();
    for clip in live {
        let pictures = clip.frames.iter().zip(hashes.by_ref());
        let picture = |(path, sha256): (&PathBuf, Result<FileHash, RatesError>)| {
            Ok(Picture { path: path.clone(), sha256: sha256? })
        };
        let pictures = pictures.map(picture).collect::<Result<_, RatesError>>()?;
        people.push(Person { name: clip.person.clone(), pictures });
    }
    Ok(People { people, ..People::default() })
}

/// The runs of a clip from this frame on: each begins [`Plan::every_s`] after the last one began, or after it ended, and takes up
/// to [`LONGEST`] frames within [`Plan::deadline_s`]. A frame unlike the one before begins the run again, as in the daemon. A run
/// that the end of the clip cuts off before it has a frame, or within the deadline before it has enough, is left out.
pub fn of_clip(clip: &Clip, from: usize, frames: &Frames, head: &Head, plan: &Plan) -> Vec<Run> {
    let at = |seconds: f64| (seconds * clip.fps).ceil() as usize;
    let (step, deadline) = (at(plan.work_s).max(1), at(plan.deadline_s).max(1));
    let mut runs = Vec::new();
    let mut start = from;
    while start < clip.frames.len() {
        let mut taken: Vec<Embedding> = Vec::new();
        let (mut next, end) = (start, start + deadline);
        while next < end.min(clip.frames.len()) && taken.len() < LONGEST {
            if let Some(frame) = frames.0.get(&clip.frames[next]) {
                let is_like = |last| head.log_odds(last, frame) >= head.threshold().log_odds();
                if taken.last().is_some_and(|last| !is_like(last)) {
                    taken.clear();
                }
                taken.push(frame.clone());
            }
            next += step;
        }
        let is_cut_off = end > clip.frames.len() && taken.len() < LONGEST;
        if !is_cut_off || taken.len() >= super::SHIPPED {
            runs.push(Run { frames: taken });
        }
        start = (start + at(plan.every_s)).max(next);
    }
    runs
}

#[cfg(test)]
mod tests;
