//! Each frame of each run against the templates of each user.

use facelatch::embed::Embedding;
use facelatch::head::{Head, LogOdds};
use facelatch::judge::vote;

use super::decisions::Group;
use super::runs::Run;
use crate::cores;

/// Somebody enrolled.
pub struct User<'a> {
    /// Number; one that is also a probe's is the same person.
    pub person: u32,
    /// Where they are from.
    pub group: Group,
    /// At least one.
    pub templates: Vec<&'a Embedding>,
}

/// Frames that are compared at once, and templates they are compared with at once: both stay in a core's second cache.
const BAND: usize = 16;
const ACROSS: usize = 8;

/// The log-odds of each frame with each user, by the daemon's vote over the templates.
pub struct Scores {
    users: usize,
    /// Where each run begins, in frames.
    starts: Vec<usize>,
    /// A row for each frame.
    z: Vec<f32>,
}

impl Scores {
    /// Computes them on all cores.
    pub fn of(probes: &[(u32, &Run)], users: &[User<'_>], head: &Head) -> Self {
        let mut starts = vec![0];
        let mut frames: Vec<&Embedding> = Vec::new();
        for (_, run) in probes {
            frames.extend(&run.frames);
            starts.push(frames.len());
        }
        let templates: Vec<&Embedding> =
            users.iter().flat_map(|user| user.templates.iter().copied()).collect();
        let project = |embeddings: &[&Embedding]| -> Vec<f32> {
            embeddings.iter().flat_map(|e| head.project(e).into_owned()).collect()
        };
        let templates = cores::map(templates.chunks(ACROSS), project);
        let rows =
            cores::map(frames.chunks(BAND), |band| rows(&project(band), band.len(), &templates, users, head));
        Self { users: users.len(), starts, z: rows.concat() }
    }

    /// Of the frames of a run with one user, in their order.
    pub fn of_run(&self, run: usize, user: usize) -> impl ExactSizeIterator<Item = f32> + '_ {
        (self.starts[run]..self.starts[run + 1]).map(move |frame| self.z[frame * self.users + user])
    }
}

/// The rows of a few frames.
fn rows(band: &[f32], frames: usize, templates: &[Vec<f32>], users: &[User<'_>], head: &Head) -> Vec<f32> {
    let length = band.len() / frames.max(1);
    // One list for each frame.
    let mut pairs = vec![Vec::new(); frames];
    for across in templates {
        let wide = across.len() / length.max(1);
        let mut tile = vec![0.0; frames * wide];
        head.formula().log_odds_between(band, across, &mut tile);
        pairs
            .iter_mut()
            .zip(tile.chunks_exact(wide))
            .for_each(|(row, part): (&mut Vec<f32>, _)| row.extend(part));
    }
    let of_frame = |pairs: &Vec<f32>| {
        let mut rest = pairs.as_slice();
        let mut row = Vec::with_capacity(users.len());
        for user in users {
            let (own, others) = rest.split_at(user.templates.len());
            rest = others;
            row.push(vote::combine(1, own.len(), |_, t| LogOdds(own[t])).map_or(f32::NEG_INFINITY, |z| z.0));
        }
        row
    };
    pairs.iter().flat_map(of_frame).collect()
}
