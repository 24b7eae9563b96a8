//! Error rates of presentation attack detection, in the terms of ISO/IEC 30107-3: [`clips`] of live faces and of attacks are
//! put before the daemon's own pipeline ([`stage`], [`tries`], [`answer`]), and its decisions are counted ([`rates`],
//! [`left_out`], [`report`]).
//!
//! APCER: share of the attacks of one species that are taken for live, among those that got a decision. BPCER: share of live
//! presentations that are taken for attacks, likewise. APNRR, BPNRR: shares that got no decision. IAPAR: share of attacks on
//! an enrolled person that are taken for live and match. FRR: share of an enrolled person's own tries that do not end in a
//! match, whatever the reason. RIAPAR: IAPAR + FRR.

pub mod answer;
pub mod clips;
pub mod kept;
pub mod left_out;
pub mod rates;
pub mod report;
pub mod stage;
pub(crate) mod store;
mod table;
pub mod tries;

use std::sync::Arc;

use facelatch::detect::attack::FrameScore;
use facelatch::detect::attack::passive::PassiveDetector;
use facelatch::model::OperatingPoints;
use facelatch::pipeline::{Networks, Progress};

use super::{RatesError, cores};
use clips::Clip;
use kept::Kept;
use tries::{Person, Plan};

type Observer<'a> = &'a mut dyn FnMut(Progress) -> std::ops::ControlFlow<()>;

/// Loads the networks for one person, with [`scoring`] in them.
pub type Load<'a> = &'a (dyn Fn() -> Result<Networks, RatesError> + Sync);

/// A detector with this network that takes everything for live, but not before it has seen as many frames as may decide.
pub fn scoring(network: Arc<dyn FrameScore>) -> Option<PassiveDetector> {
    let points = OperatingPoints {
        bpcer: vec![0.5],
        threshold: vec![f32::MIN],
        live_median: 0.0,
        margin: f32::INFINITY,
    };
    PassiveDetector::new(network, &points, 0.5)
}

/// Puts everyone's clips before the daemon. `tell` hears how many people are done, of how many.
///
/// # Errors
/// [`RatesError`]: a network fails.
pub fn measure(
    clips: &[Clip],
    plan: &Plan,
    load: Load<'_>,
    kept: &Kept,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Person>, RatesError> {
    let people = by_person(clips);
    let mut found: Vec<Option<Person>> = people.iter().map(|_| None).collect();
    let mut done = 0;
    tell(done, people.len());
    cores::each(
        people.iter().enumerate(),
        |(number, clips)| (number, person(clips, plan, load, kept)),
        |(number, person)| {
            found[number] = Some(person?);
            done += 1;
            tell(done, people.len());
            Ok(())
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

fn person(clips: &[Clip], plan: &Plan, load: Load<'_>, kept: &Kept) -> Result<Person, RatesError> {
    if let Some(person) = kept.find(clips) {
        return Ok(person);
    }
    let person = tries::of_person(load, clips, plan)?;
    kept.keep(clips, &person)?;
    Ok(person)
}

/// Clips of each person before each camera, by name.
fn by_person(clips: &[Clip]) -> Vec<Vec<Clip>> {
    let mut clips = clips.to_vec();
    clips.sort_by(|a, b| (&a.person, &a.source).cmp(&(&b.person, &b.source)));
    let same = |a: &Clip, b: &Clip| (&a.person, &a.source) == (&b.person, &b.source);
    clips.chunk_by(same).map(<[Clip]>::to_vec).collect()
}
