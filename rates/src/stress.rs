//! What the product does with faces that its embedder was not made for: [`fault`]s of twenty kinds in five strengths are
//! put into pictures ([`pixels`]), the pictures go through the daemon's own stages ([`take`]), and decisions are made
//! of whatever those did not refuse ([`score`], [`table`]).

pub mod fault;
pub mod pixels;
pub mod score;
pub mod table;
pub mod take;

use serde::Serialize;

use super::acquire::Bench;
use super::people::{People, Person};
use super::{RatesError, cores};
use facelatch::detect::quality::RetryReason;
use facelatch::embed::Embedding;
use facelatch::head::Head;

use fault::Kind;
use score::Row;
use take::Shots;

/// One frame after all stages: an embedding that the daemon would judge, or why it would not.
pub type Taken = Result<Embedding, RetryReason>;

/// Which people, and how decisions are drawn.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plan {
    /// This many people at most.
    pub people: usize,
    /// This many are passed over, in the order of their names: those that limits were chosen on.
    pub skip: usize,
    /// Templates of a decision.
    pub templates: usize,
    /// Frames of a decision.
    pub frames: usize,
    /// Of everything random.
    pub seed: u64,
}

/// The measured table.
#[derive(Debug, Serialize)]
pub struct Stress {
    /// Name of the embedder.
    pub embedder: String,
    /// SHA-256 of its file.
    pub embedder_sha256: String,
    /// People measured.
    pub people: usize,
    /// How.
    pub plan: Plan,
    /// Without a fault first, then each kind in each strength.
    pub rows: Vec<Row>,
}

/// Measures these kinds of fault. `tell` hears how many people are done, of how many.
///
/// # Errors
/// [`RatesError`]: fewer than two people with two pictures that show a face, no frames or templates asked for, or a network
/// fails.
pub fn measure(
    bench: &Bench,
    head: &Head,
    people: &People,
    kinds: &[&Kind],
    plan: Plan,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Stress, RatesError> {
    let chosen = plan.choose(people)?;
    let shots = taken(bench, &chosen, kinds, &plan, tell)?;
    if shots.len() < 2 {
        let why = format!(
            "of {} people {} show their face in two pictures, at least two are needed",
            chosen.len(),
            shots.len()
        );
        return Err(RatesError::Asked(why));
    }
    Ok(Stress {
        embedder: bench.embedder.name().to_owned(),
        embedder_sha256: bench.embedder.model_sha256().to_owned(),
        people: shots.len(),
        plan,
        rows: score::rows(head, &shots, kinds),
    })
}

impl Plan {
    /// The people with two pictures or more whom it means.
    ///
    /// # Errors
    /// [`RatesError::Asked`]: fewer than two people, or no frames or templates.
    pub fn choose<'a>(&self, people: &'a People) -> Result<Vec<&'a Person>, RatesError> {
        if self.templates == 0 || self.frames == 0 {
            return Err(RatesError::Asked("a decision needs at least one template and one frame".to_owned()));
        }
        let with_two = || people.people.iter().filter(|person| person.pictures.len() >= 2);
        let chosen: Vec<&Person> = with_two().skip(self.skip).take(self.people).collect();
        if chosen.len() < 2 {
            let why = format!(
                "{} people have two pictures or more; after the first {} of them at least two are needed",
                with_two().count(),
                self.skip
            );
            return Err(RatesError::Asked(why));
        }
        Ok(chosen)
    }
}

/// Everyone's frames, in the order of the people.
fn taken(
    bench: &Bench,
    people: &[&Person],
    kinds: &[&Kind],
    plan: &Plan,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Shots>, RatesError> {
    let mut all: Vec<Option<Shots>> = people.iter().map(|_| None).collect();
    let mut done = 0;
    cores::each(
        people.iter().enumerate(),
        |(number, person)| (number, take::shots(bench, person, kinds, plan)),
        |(number, shots)| {
            all[number] = shots?;
            done += 1;
            tell(done, people.len());
            Ok(())
        },
    )?;
    Ok(all.into_iter().flatten().collect())
}
