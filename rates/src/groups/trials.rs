//! Compares the people of one group: picture with picture, or whole decisions with as many templates as there are.

use std::fmt;

use super::super::set::Set;
use super::super::table::Table;
use super::super::tally::Spread;
use super::super::trials::{Trial, decide};
use super::{Compared, Question};
use facelatch::head::project::SplitMix64;

/// Seed of what is drawn.
const SEED: u64 = 5;

/// Genuine decisions drawn of each person.
const DRAWS: usize = 20;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each picture with each.
    Pairs,
    /// So many frames with the templates, as the daemon decides.
    Frames(usize),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pairs => write!(f, "single pairs"),
            Self::Frames(1) => write!(f, "decisions of 1 frame"),
            Self::Frames(frames) => write!(f, "decisions of {frames} frames"),
        }
    }
}

/// Pairs, and decisions where somebody has a second picture.
pub fn ways(set: &Set, question: &Question) -> Vec<Way> {
    let several = set.by_person().iter().any(|samples| samples.len() > 1);
    let frames = question.frames.iter().filter(|_| several).map(|frames| Way::Frames(*frames));
    std::iter::once(Way::Pairs).chain(frames).collect()
}

/// Compares the people with these numbers.
pub fn compared(set: &Set, table: &Table, people: &[usize], way: Way, question: &Question) -> Compared {
    let all = set.by_person();
    let members: Vec<(u32, Vec<usize>)> = people
        .iter()
        .map(|person| (*person as u32, all[*person].clone()))
        .filter(|(_, samples)| !samples.is_empty())
        .collect();
    let mut compared = Compared { people: members.len(), ..Compared::default() };
    match way {
        Way::Pairs => pairs(set, table, &members, question.repeats, &mut compared),
        Way::Frames(frames) => decisions(table, members, frames, question.templates, &mut compared),
    }
    compared
}

fn pairs(
    set: &Set,
    table: &Table,
    members: &[(u32, Vec<usize>)],
    repeats: Option<f32>,
    compared: &mut Compared,
) {
    let trial = |a: usize, b: usize, people| Trial { z: table.at(a, b), people };
    for (number, (person, own)) in members.iter().enumerate() {
        for (at, a) in own.iter().enumerate() {
            compared.scored.genuine.extend(own[at + 1..].iter().map(|b| trial(*a, *b, (*person, *person))));
        }
        for (other, theirs) in &members[number + 1..] {
            let both = || own.iter().flat_map(|a| theirs.iter().map(move |b| (*a, *b)));
            if repeats.is_some_and(|alike| both().any(|(a, b)| set.cosine(a, b) > alike)) {
                compared.repeats += 1;
                continue;
            }
            compared.scored.impostor.extend(both().map(|(a, b)| trial(a, b, (*person, *other))));
        }
    }
    if compared.repeats == 0 {
        let mut pictures = vec![0; set.people.len()];
        members.iter().for_each(|(person, own)| pictures[*person as usize] = own.len() as u32);
        compared.spread = Some(Spread::Crossed(pictures));
    }
}

/// Each person's templates with the frames of each other person once, and with other pictures of their own as often as
/// [`DRAWS`] says.
fn decisions(
    table: &Table,
    mut members: Vec<(u32, Vec<usize>)>,
    frames: usize,
    templates: usize,
    compared: &mut Compared,
) {
    let mut random = SplitMix64(SEED);
    let z = |a: usize, b: usize| table.at(a, b);
    for (person, own) in &mut members {
        for _ in 0..if own.len() > frames { DRAWS } else { 0 } {
            random.shuffle(own);
            let (seen, rest) = own.split_at(frames);
            let z = decide(&rest[..rest.len().min(templates)], seen, &z).unwrap_or(f32::NEG_INFINITY);
            compared.scored.genuine.push(Trial { z, people: (*person, *person) });
        }
    }
    for (user, own) in &members {
        let enrolled = &own[..own.len().min(templates)];
        for (other, theirs) in
            members.iter().filter(|(other, theirs)| other != user && theirs.len() >= frames)
        {
            let z = decide(enrolled, &theirs[..frames], &z).unwrap_or(f32::NEG_INFINITY);
            compared.scored.impostor.push(Trial { z, people: (*user, *other) });
        }
    }
    let probes = members.iter().map(|(person, own)| (*person, u32::from(own.len() >= frames)));
    compared.spread = Some(Spread::Probed(probes.collect()));
}
