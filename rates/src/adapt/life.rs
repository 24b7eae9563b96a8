//! People who come again and again: how often they are missed, with and without adapted templates, and whom such templates
//! let in.

use facelatch::head::project::SplitMix64;
use facelatch::head::{Head, LogOdds};
use facelatch::judge::adapt::Reach;
use serde::Serialize;

use super::{Bank, Crowd, Face, Rule};
use crate::cores;
use crate::rate::Rates;
use crate::tally::Tally;
use crate::trials::Trial;

/// How lives are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Enrolled templates.
    pub templates: usize,
    /// Frames of an attempt.
    pub frames: usize,
    /// Lives of each person, with other pictures enrolled.
    pub rounds: usize,
    /// How far adapted templates reach.
    pub reach: Reach,
    /// Of everything random.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Life {
    /// How far adapted templates reach, in log-odds.
    pub reach: f32,
    /// People.
    pub people: usize,
    /// Lives in which a template was adapted.
    pub adapted: usize,
    /// All lives.
    pub lives: usize,
    /// Rates of the later half of all attempts without adapted templates.
    pub before: Rates,
    /// The same with them.
    pub after: Rates,
}

/// One life: its attempts in the later half without adapted templates, then with them.
struct Lived {
    adapted: bool,
    genuine: Vec<[Trial; 2]>,
    impostor: Vec<[Trial; 2]>,
}

/// Lets everybody live. In the first half of their attempts a face is taken where the attempt missed and its best frame is
/// within the rule; the second half is judged. Impostors are everybody else, with one attempt a life.
pub fn live(crowd: &Crowd, head: &Head, plan: Plan) -> Life {
    let jobs: Vec<(usize, usize)> =
        (0..crowd.people.len()).flat_map(|p| (0..plan.rounds).map(move |r| (p, r))).collect();
    let lives = cores::map(jobs.into_iter(), |(user, round)| one(crowd, head, plan, user, round));
    let side = |of: &dyn Fn(&Lived) -> &Vec<[Trial; 2]>, at: usize| -> Vec<Trial> {
        lives.iter().flat_map(|life| of(life).iter().map(move |pair| pair[at])).collect()
    };
    let z = head.threshold().log_odds().0;
    let rates = |at| {
        let (genuine, impostor) = (side(&|life| &life.genuine, at), side(&|life| &life.impostor, at));
        Rates::of(&Tally::of(&genuine, |t| t.z < z), &Tally::of(&impostor, |t| t.z >= z))
    };
    Life {
        reach: plan.reach.0,
        people: crowd.people.len(),
        adapted: lives.iter().filter(|life| life.adapted).count(),
        lives: lives.len(),
        before: rates(0),
        after: rates(1),
    }
}

fn one(crowd: &Crowd, head: &Head, plan: Plan, user: usize, round: usize) -> Lived {
    let rule = Rule::Limited(plan.reach);
    let threshold = head.threshold().log_odds();
    let mut random = SplitMix64(plan.seed ^ ((user as u64) << 20 | round as u64));
    let (number, faces) = &crowd.people[user];
    let mut faces: Vec<Face<'_>> = faces.iter().map(Vec::as_slice).collect();
    random.shuffle(&mut faces);
    let (enrolled, rest) = faces.split_at(plan.templates);
    let attempts: Vec<&[Face<'_>]> = rest.chunks_exact(plan.frames).collect();
    let (early, late) = attempts.split_at(attempts.len() / 2);
    let plain = Bank::new(enrolled.to_vec());
    let mut bank = plain.clone();
    let mut adapted = false;
    for attempt in early {
        if bank.decide(head, rule, attempt).0 >= threshold.0 {
            continue;
        }
        // The frame nearest to the enrolled templates, as in the daemon.
        let near = |face: &Face<'_>| plain.enrolled_only(head, &[*face]).0;
        let Some(best) = attempt.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b))) else { continue };
        adapted |= bank.offer(head, rule, best, || other(crowd, head, plan, user, best));
    }
    let both = |frames: &[Face<'_>], people| {
        [&plain, &bank].map(|bank| Trial { z: bank.decide(head, rule, frames).0, people })
    };
    let own = *number as u32;
    let genuine = late.iter().map(|attempt| both(attempt, (own, own))).collect();
    let mut impostor = Vec::new();
    for (other, theirs) in crowd.people.iter().filter(|(other, _)| other != number) {
        let mut frames: Vec<Face<'_>> = theirs.iter().map(Vec::as_slice).collect();
        random.shuffle(&mut frames);
        impostor.push(both(&frames[..plan.frames], (own, *other as u32)));
    }
    Lived { adapted, genuine, impostor }
}

/// The best score of a face against anybody but `user`, who are all enrolled as well.
fn other(crowd: &Crowd, head: &Head, plan: Plan, user: usize, face: Face<'_>) -> Option<LogOdds> {
    let others = crowd.people.iter().enumerate().filter(|(other, _)| *other != user);
    let best = others.map(|(_, (_, faces))| {
        let enrolled = faces.iter().take(plan.templates).map(Vec::as_slice).collect();
        Bank::new(enrolled).enrolled_only(head, &[face]).0
    });
    best.max_by(f32::total_cmp).map(LogOdds)
}
