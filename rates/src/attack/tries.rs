//! One person's clips before the daemon's own pipeline: enrolled from the first live frames, then tried again and again.
//!
//! The pipeline runs with a bar that nothing is clear of, so that each try tells its scores for as many frames as may be; the bar
//! of the daemon is laid on afterwards ([`super::rates`]). All else is what the daemon does with its default configuration.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use facelatch::config::{AttackLevel, Config};
use facelatch::detect::attack::Score;
use facelatch::detect::attack::passive::{Bar, MAX_FRAMES, MIN_FRAMES};
use facelatch::detect::quality::RetryReason;
use facelatch::embed::{Embedding, TemplateKey};
use facelatch::head::project::SplitMix64;
use facelatch::people::{Account, Accounts, UserName};
use facelatch::pipeline::{
    Attempt, Camera, Cause, EnrollError, EnrollRequest, Networks, Pipeline, Rules, Verdict,
};
use facelatch::store::{StoreError, Template, TemplateStore};

use super::Load;
use super::answer::{self, Answering, Poses, Told};
use super::clips::Clip;
use super::stage::{Loop, Once, Stage};
use super::store::MemoryStore;
use crate::RatesError;

/// A try that the end of its clip cuts off earlier says nothing, in seconds.
const LEAST_S: f64 = 2.0;

/// How tries are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Templates of an enrolment.
    pub templates: usize,
    /// Good frames of a decision: `decision.frames` of the daemon.
    pub frames: u32,
    /// Least time from the beginning of one try to that of the next, in seconds.
    pub every_s: f64,
    /// Whether heads are asked to turn.
    pub challenge: Option<Challenges>,
}

/// How challenges are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Challenges {
    /// Tries of each attack, at random moments of its clip.
    pub attacks: usize,
    /// Of everything random.
    pub seed: u64,
}

/// What was found of one person before one camera.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    /// Whom the clips show.
    pub name: String,
    /// Where they are from.
    pub source: String,
    /// What the frames that they were enrolled from scored; `None` if they could not be enrolled.
    pub enrolled: Option<Vec<f32>>,
    /// What was put before the camera.
    pub presentations: Vec<Presentation>,
}

/// One clip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Presentation {
    /// [`super::clips::LIVE`], or the kind of attack.
    pub species: String,
    /// Name of the clip.
    pub clip: String,
    /// One after another.
    pub tries: Vec<Try>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// Log-odds that the presentation is live: by its first [`passive::MIN_FRAMES`](facelatch::detect::attack::passive::MIN_FRAMES)
    /// frontal frames, with each frame more, up to as many as may decide.
    pub scores: Vec<f32>,
    /// Frontal frames of the first of them.
    pub first: usize,
    /// The same at the end of a challenge; [`f32::NEG_INFINITY`] for an attack whatever the bar.
    #[serde(with = "infinite")]
    pub last: Option<f32>,
    /// The end of the clip cut it off, if its scores do not suffice.
    pub cut: bool,
    /// Whether it matched the person; `None` if nothing was compared, or nobody was enrolled.
    pub matched: Option<bool>,
    /// How it ended, in a word.
    pub outcome: String,
    /// The first and the last frame.
    pub frames: (usize, usize),
}

impl Try {
    /// Whether it is live, and by how many frontal frames. What is too close to tell at the daemon's deadline is judged without a
    /// margin, as there; `None` if the end of the clip cut it off before.
    pub fn judge(&self, bar: Bar) -> Option<(bool, usize)> {
        let refused = self.last.filter(|_| self.scores.is_empty()).map(|_| (false, MIN_FRAMES));
        let by = |bar: Bar, (score, n): (Score, usize)| Some((bar.judge(score, n)?, n));
        let at_end = self.counted().last().filter(|_| !self.cut);
        let (is_live, frames) = self
            .counted()
            .find_map(|counted| by(bar, counted))
            .or_else(|| by(bar.without_margin(), at_end?))
            .or(refused)?;
        let stays = self.last.is_none_or(|last| last >= bar.threshold);
        Some((is_live && stays, frames))
    }

    /// The highest threshold under which it is live; `None` without a decision under any.
    pub fn highest(&self, margin: f32) -> Option<f32> {
        // Live under a threshold: the scores stay above the margin below it until one is above the margin over it.
        let (mut least, mut highest) = (f32::INFINITY, f32::NEG_INFINITY);
        let end = self.counted().last().map(|(_, frames)| frames).filter(|_| !self.cut);
        for (Score(score), frames) in self.counted() {
            let margin = if frames < MAX_FRAMES && end != Some(frames) { margin } else { 0.0 };
            highest = highest.max(least.min(score - margin));
            least = least.min(score + margin);
        }
        let is_whole = end.is_some() || self.first + self.scores.len() > MAX_FRAMES;
        let last = self.last.unwrap_or(f32::INFINITY);
        (is_whole || self.last.is_some()).then_some(highest.min(last))
    }

    /// Each score, and the frontal frames that it is of.
    fn counted(&self) -> impl Iterator<Item = (Score, usize)> {
        self.scores.iter().copied().map(Score).zip(self.first..)
    }
}

/// JSON has no infinity.
mod infinite {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(score: &Option<f32>, to: S) -> Result<S::Ok, S::Error> {
        score.map(|score| score.max(f32::MIN)).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<f32>, D::Error> {
        let score = Option::<f32>::deserialize(from)?;
        Ok(score.map(|score| if score == f32::MIN { f32::NEG_INFINITY } else { score }))
    }
}

/// The daemon before one camera.
pub(super) struct Door {
    pub(super) stage: Stage,
    pub(super) pipeline: Pipeline,
    pub(super) owner: UserName,
    store: Arc<MemoryStore>,
    is_enrolled: bool,
    /// Good frames of a decision.
    frames: usize,
}

impl Door {
    /// With these networks and nobody enrolled. `seed` is where challenges are drawn from.
    fn new(networks: Networks, source: &str, config: &Config, seed: u64) -> Result<Self, RatesError> {
        let owner = UserName::new("owner").map_err(|e| RatesError::Asked(e.to_string()))?;
        let (stage, store) = (Stage::of(source), Arc::new(MemoryStore::default()));
        let pipeline = pipeline(networks, &stage, &store, config, seed);
        let frames = config.decision.frames as usize;
        Ok(Self { stage, pipeline, owner, store, is_enrolled: false, frames })
    }

    /// The camera stands elsewhere: what the daemon knows of the room is gone, the people stay.
    fn move_camera(&mut self, networks: Networks, config: &Config, seed: u64) {
        self.pipeline = pipeline(networks, &self.stage, &self.store, config, seed);
    }

    /// Enrols the person from their live clips: the first that suffices. Returns the clip and its first frame that is left.
    pub(super) fn enrol(
        &mut self,
        clips: &[&Clip],
        templates: usize,
    ) -> Result<Option<(usize, usize)>, RatesError> {
        for (number, clip) in clips.iter().enumerate() {
            self.stage.play(clip, Box::new(Once::from(0, clip)));
            let (user, account, label) = (self.owner.clone(), Account::Door, String::new());
            let request = EnrollRequest { user, account, label, templates, camera: None, allow_child: false };
            match self.pipeline.enroll(request, &mut |_| ControlFlow::Continue(())) {
                Ok(_) => {
                    self.is_enrolled = true;
                    return Ok(Some((number, self.stage.shown().0.map_or(0, |last| last + 1))));
                }
                Err(EnrollError::Store(error)) => return Err(failed(&error)),
                Err(EnrollError::Unavailable(Cause::Failed(why))) => return Err(RatesError::Asked(why)),
                Err(_) => {}
            }
        }
        self.enrol_nobody()?;
        Ok(None)
    }

    /// A template that nothing matches, so that attempts are made.
    fn enrol_nobody(&self) -> Result<(), RatesError> {
        let info = self.pipeline.network_info();
        let mut values = vec![0.0; info.embedding_length];
        values[0] = 1.0;
        let embedding = Embedding::new(values).map_err(|e| RatesError::Asked(e.to_string()))?;
        let template = Template {
            id: "0".repeat(32),
            user: self.owner.clone(),
            label: String::new(),
            created_at: Default::default(),
            account: Account::Door,
            embedder_sha256: info.embedder_sha256,
            allow_child: false,
            live: None,
            adapted: false,
            embedding: TemplateKey::identity().apply(&embedding),
        };
        self.store.add(&[template]).map_err(|e| failed(&e))
    }

    /// What the enrolled frames scored.
    pub(super) fn enrolled_scores(&self) -> Result<Vec<f32>, RatesError> {
        let templates = self.store.templates(None).map_err(|e| failed(&e))?;
        Ok(templates.iter().filter_map(|template| template.live).map(|live| live.score).collect())
    }

    /// One try, of what is on the stage. `None` if the clip ended before it could say anything.
    pub(super) fn attempt(
        &mut self,
        clip: &Clip,
        start: usize,
        observer: super::Observer<'_>,
    ) -> Result<Option<Try>, RatesError> {
        let Attempt { verdict, trace } =
            self.pipeline.verify(None, &self.owner, &Accounts::default(), observer);
        let (shown, ended) = self.stage.shown();
        let shown = shown.unwrap_or(start);
        let cut = ended && shown.abs_diff(start) as f64 / clip.fps < LEAST_S;
        // With more frames a decision, none is made before.
        let first = MIN_FRAMES.max(self.frames);
        let scores: Vec<f32> = trace.scores.iter().skip(first - MIN_FRAMES).map(|score| score.0).collect();
        let answered = trace.answered.map(|score| score.0);
        let (last, matched, outcome) = match verdict {
            Verdict::Granted(_) | Verdict::Matched(_) => (answered, Some(true), "match".to_owned()),
            Verdict::Denied(facelatch::pipeline::DenyReason::Attack(species)) => {
                (Some(f32::NEG_INFINITY), None, format!("attack: {species:?}"))
            }
            Verdict::Denied(_) => (answered, Some(false), "no match".to_owned()),
            // As the daemon counts it.
            Verdict::Unavailable(Cause::Retry(RetryReason::NoAnswer)) => {
                (Some(f32::NEG_INFINITY), None, "no answer".to_owned())
            }
            Verdict::Unavailable(Cause::Failed(why)) => return Err(RatesError::Asked(why)),
            Verdict::Unavailable(_) if cut && scores.is_empty() => return Ok(None),
            Verdict::Unavailable(Cause::Retry(reason)) => (None, None, format!("{reason:?}")),
            Verdict::Unavailable(cause) => (None, None, format!("{cause:?}")),
        };
        let matched = matched.filter(|_| self.is_enrolled);
        Ok(Some(Try { scores, first, last, cut, matched, outcome, frames: (start, shown) }))
    }
}

fn pipeline(
    networks: Networks,
    stage: &Stage,
    store: &Arc<MemoryStore>,
    config: &Config,
    seed: u64,
) -> Pipeline {
    let random = Mutex::new(SplitMix64(seed));
    let random = Arc::new(move || random.lock().unwrap_or_else(PoisonError::into_inner).bits());
    let camera = Camera::new(&config.camera, Box::new(stage.clone()));
    let clock = Arc::new(stage.clone());
    Pipeline::new(networks, Rules::of(config), camera, clock, store.clone(), random)
}

fn failed(error: &StoreError) -> RatesError {
    RatesError::Asked(error.to_string())
}

/// All clips of one person in one source.
pub(super) fn of_person(load: Load<'_>, clips: &[Clip], plan: &Plan) -> Result<Person, RatesError> {
    let networks = load()?;
    let (level, seed) = match plan.challenge {
        Some(Challenges { seed, .. }) => (AttackLevel::Challenge, seed),
        None => (AttackLevel::Passive, 0),
    };
    let mut config = Config::default();
    (config.attack.level, config.decision.frames) = (level, plan.frames);
    let poses = |clip: &Clip| match plan.challenge {
        Some(_) if clip.is_live() => answer::poses(&networks.detector, clip).map(Some),
        _ => Ok(None),
    };
    let poses = clips.iter().map(poses).collect::<Result<Vec<Option<Poses>>, RatesError>>()?;
    let Clip { person, source, .. } = &clips[0];
    let mut door = Door::new(networks, source, &config, seed)?;
    let live: Vec<&Clip> = clips.iter().filter(|clip| clip.is_live()).collect();
    let used = door.enrol(&live, plan.templates)?;
    let enrolled = used.map(|_| door.enrolled_scores()).transpose()?;
    let enrolment = used.map(|(number, frame)| (live[number], frame));
    let mut presentations = Vec::new();
    for ((clip, poses), number) in clips.iter().zip(poses).zip(1..) {
        let start = match enrolment {
            Some((used, frame)) if used == clip => frame,
            _ => 0,
        };
        if start == 0 {
            door.move_camera(load()?, &config, seed ^ number);
        }
        let tries = match (plan.challenge, poses) {
            (None, _) => passive(&mut door, clip, start, plan)?,
            (Some(_), Some(poses)) => answering(&mut door, clip, (start, &poses), plan)?,
            (Some(challenges), None) => film(&mut door, clip, challenges)?,
        };
        presentations.push(Presentation { species: clip.species.clone(), clip: clip.name.clone(), tries });
    }
    Ok(Person { name: person.clone(), source: source.clone(), enrolled, presentations })
}

fn step(clip: &Clip, plan: &Plan) -> usize {
    ((plan.every_s * clip.fps).ceil() as usize).max(1)
}

/// Tries one after another, each of the frames that come.
fn passive(door: &mut Door, clip: &Clip, mut start: usize, plan: &Plan) -> Result<Vec<Try>, RatesError> {
    let mut tries = Vec::new();
    while start < clip.frames.len() {
        door.stage.play(clip, Box::new(Once::from(start, clip)));
        let made = door.attempt(clip, start, &mut |_| ControlFlow::Continue(()))?;
        let last = door.stage.shown().0.unwrap_or(start);
        tries.extend(made);
        start = (start + step(clip, plan)).max(last + 1);
    }
    Ok(tries)
}

/// A live person who answers, from each straight face on; void tries are left out.
fn answering(
    door: &mut Door,
    clip: &Clip,
    (start, poses): (usize, &Poses),
    plan: &Plan,
) -> Result<Vec<Try>, RatesError> {
    let mut tries = Vec::new();
    // Few moments of a clip lie beside a turn.
    let starts = (start..clip.frames.len()).step_by(step(clip, plan).div_ceil(3));
    for start in starts.filter(|start| answer::may_begin(poses, *start)) {
        let told = Told::default();
        door.stage.play(clip, Box::new(Answering::from(start, clip, poses, told.clone())));
        let mut hear = |progress| {
            told.hear(&progress);
            // The clip cannot answer: the person walks away, and nothing is said of them.
            if told.could_answer() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let made = door.attempt(clip, start, &mut hear)?;
        tries.extend(made.filter(|_| told.could_answer()));
    }
    Ok(tries)
}

/// An attack that plays on whatever is asked.
fn film(
    door: &mut Door,
    clip: &Clip,
    Challenges { attacks, seed }: Challenges,
) -> Result<Vec<Try>, RatesError> {
    let mut random = SplitMix64(seed);
    let mut tries = Vec::new();
    for _ in 0..attacks {
        let start = random.below(clip.frames.len());
        door.stage.play(clip, Box::new(Loop::from(start, clip)));
        tries.extend(door.attempt(clip, start, &mut |_| ControlFlow::Continue(()))?);
    }
    Ok(tries)
}
