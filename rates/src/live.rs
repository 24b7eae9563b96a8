//! Error rates of whole decisions as a camera gives them: frames that follow each other, against templates of one enrolment.
//!
//! Each person is [`enrol`]led by the daemon's own pipeline from a clip; later [`runs`] of frames of theirs are the probes. Every
//! run is compared with everybody's templates ([`scores`]), and with those of a background set of pictures: [`decisions`]. How
//! many independent frames a run is worth follows from how alike its scores are ([`effective`], [`different`]).

pub mod decisions;
pub mod different;
pub mod effective;
pub mod enrol;
pub mod report;
pub mod runs;
pub mod scores;
pub mod sequential;

use facelatch::embed::Embedding;
use facelatch::head::Head;
use serde::Serialize;

use crate::RatesError;
use crate::attack::clips::Clip;
use crate::set::Set;
use decisions::{Decided, Group};
use different::Different;
use effective::{Effective, Series};
use enrol::Enroller;
use runs::{Frames, Run};
use scores::{Scores, User};
use sequential::Sequential;

/// Frames in the longest decision measured.
pub const LONGEST: usize = 5;

/// Frames in a decision, the sizes that are measured.
pub const SIZES: [usize; 3] = [1, 3, LONGEST];

/// Frames in a decision of the daemon.
pub const SHIPPED: usize = 3;

/// How clips become decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Plan {
    /// Templates of an enrolment.
    pub templates: usize,
    /// From the last frame of an enrolment to the first probe in the same clip, in seconds.
    pub gap_s: f64,
    /// From the beginning of one run to that of the next at least, in seconds.
    pub every_s: f64,
    /// How long the daemon works on a frame, in seconds; frames that come meanwhile are lost. 0 takes each frame of a clip.
    pub work_s: f64,
    /// Longest time that a decision may take, in seconds: `decision.deadline_ms` of the daemon.
    pub deadline_s: f64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Live {
    /// How.
    pub plan: Plan,
    /// Name of the embedder.
    pub embedder: String,
    /// The head's threshold, as log-odds.
    pub threshold: f32,
    /// Who took part, and who could not.
    pub people: People,
    /// Everybody's name by their number: those in the clips, then the background.
    #[serde(skip)]
    pub names: Vec<String>,
    /// Decisions of frames that follow each other, then of frames far apart in the same clips.
    pub decided: Vec<Decided>,
    /// Decisions that end after two frames where those are far from the threshold.
    pub sequential: Vec<Sequential>,
    /// What consecutive frames of one's own are worth; `None` where the clips are too short to tell.
    pub genuine: Option<Effective>,
    /// What consecutive frames of a stranger are worth, likewise.
    pub impostor: Option<Effective>,
    /// Different pictures, for comparison; `None` without enough of them in a background set.
    pub different: Option<Different>,
}

/// Who took part.
#[derive(Debug, Clone, Default, Serialize)]
pub struct People {
    /// In the clips.
    pub all: usize,
    /// Enrolled.
    pub enrolled: usize,
    /// Those who could not be enrolled from any of their clips, and why, from the last one.
    pub refused: Vec<(String, String)>,
    /// Enrolled, with probes from other clips of theirs.
    pub other_clip: usize,
    /// Enrolled, with probes from later in the same clip.
    pub later: usize,
    /// Not enrolled or enrolled without probes of their own: as impostors, or as users, only.
    pub without_probes: Vec<String>,
    /// Runs that began.
    pub attempts: usize,
    /// Those that gave no [`SHIPPED`] frames in time.
    pub without_decision: usize,
}

/// One person with what is compared.
struct Taken {
    name: String,
    templates: Option<Vec<Embedding>>,
    runs: Vec<Run>,
}

/// Measures everybody in the clips, whose frames are embedded, and against the people of `background`.
///
/// # Errors
/// [`RatesError`]: a network fails, or fewer than two people can be enrolled.
pub fn measure(
    clips: &[Clip],
    plan: Plan,
    frames: &Frames,
    enroller: &mut Enroller,
    background: Option<&Set>,
) -> Result<Live, RatesError> {
    let head = enroller.head();
    let mut people = People::default();
    let mut taken = Vec::new();
    for clips in by_person(clips) {
        taken.push(take(&clips, &plan, frames, &head, enroller, &mut people)?);
    }
    if people.enrolled < 2 {
        let why = format!(
            "of {} people {} could be enrolled, at least two are needed; an enrolment takes a clip of {:.1} seconds or more",
            people.all,
            people.enrolled,
            0.4 * plan.templates as f64
        );
        return Err(RatesError::Asked(why));
    }
    Ok(compared(&taken, plan, &head, background, people, &enroller.embedder()))
}

/// Live clips of each person, by name.
fn by_person(clips: &[Clip]) -> Vec<Vec<&Clip>> {
    let mut live: Vec<&Clip> = clips.iter().filter(|clip| clip.is_live()).collect();
    live.sort_by(|a, b| (&a.person, &a.name).cmp(&(&b.person, &b.name)));
    live.chunk_by(|a, b| a.person == b.person).map(<[&Clip]>::to_vec).collect()
}

fn take(
    clips: &[&Clip],
    plan: &Plan,
    frames: &Frames,
    head: &Head,
    enroller: &mut Enroller,
    people: &mut People,
) -> Result<Taken, RatesError> {
    let name = clips[0].person.clone();
    let enrolled = enroller.enrol(clips, plan.templates)?;
    people.all += 1;
    let (mut runs, mut attempts) = (Vec::new(), 0);
    let used = enrolled.as_ref().ok().map(|enrolled| (enrolled.clip, enrolled.last));
    for (number, clip) in clips.iter().enumerate() {
        let from = match used {
            // Another clip is nearer to another day than the rest of the same one.
            Some((used, _)) if used == number && clips.len() > 1 => continue,
            Some((used, last)) if used == number => last + 1 + (plan.gap_s * clip.fps).ceil() as usize,
            _ => 0,
        };
        let found = runs::of_clip(clip, from, frames, head, plan);
        attempts += found.len();
        runs.extend(found);
    }
    people.attempts += attempts;
    people.without_decision += runs.iter().filter(|run| run.frames.len() < SHIPPED).count();
    let has_probes = runs.iter().any(|run| run.frames.len() >= SHIPPED);
    match &enrolled {
        Ok(_) => people.enrolled += 1,
        Err(why) => people.refused.push((name.clone(), why.clone())),
    }
    match (&enrolled, has_probes) {
        (Ok(_), true) if clips.len() > 1 => people.other_clip += 1,
        (Ok(_), true) => people.later += 1,
        _ => people.without_probes.push(name.clone()),
    }
    Ok(Taken { name, templates: enrolled.ok().map(|enrolled| enrolled.templates), runs })
}

fn compared(
    taken: &[Taken],
    plan: Plan,
    head: &Head,
    background: Option<&Set>,
    people: People,
    embedder: &str,
) -> Live {
    let threshold = head.threshold().log_odds().0;
    let mut users: Vec<User<'_>> = Vec::new();
    for (number, person) in (0..).zip(taken) {
        let templates = person.templates.iter().flatten().collect();
        users.push(User { person: number, group: Group::Clips, templates });
    }
    users.retain(|user| !user.templates.is_empty());
    users.extend(
        background.into_iter().flat_map(|set| decisions::background(set, taken.len(), plan.templates)),
    );
    let probes: Vec<(u32, &Run)> =
        (0..).zip(taken).flat_map(|(p, person)| person.runs.iter().map(move |run| (p, run))).collect();
    let scores = Scores::of(&probes, &users, head);
    let consecutive = SIZES.map(|size| decisions::consecutive(&probes, &users, &scores, size));
    let apart = decisions::apart(&probes, &users, &scores, SHIPPED);
    let decided = consecutive.into_iter().chain([apart]).map(|all| all.decided(threshold)).collect();
    let sequential = sequential::measure(&probes, &users, &scores, threshold);
    let names =
        taken.iter().map(|person| &person.name).chain(background.into_iter().flat_map(|set| &set.people));
    let names = names.cloned().collect();
    let series = Series::all(&probes, &users, &scores);
    let worth = |same: bool| Effective::of(series.iter().filter(|s| (s.user == s.probe) == same), SHIPPED);
    let (genuine, impostor) = (worth(true), worth(false));
    let different = background
        .and_then(|set| different::of(set, head, plan.templates, [genuine.as_ref(), impostor.as_ref()]));
    Live {
        plan,
        embedder: embedder.to_owned(),
        threshold,
        people,
        names,
        decided,
        sequential,
        genuine,
        impostor,
        different,
    }
}
