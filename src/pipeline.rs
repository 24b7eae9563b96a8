//! The story: one attempt from frames to a [`Verdict`].
//!
//! admit -> (frame -> face -> quality -> embedding) x frames -> vote -> judge -> remember the miss.
//! It runs on one plain thread; it knows no socket and opens no latch.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::camera::{CameraError, FrameSource};
use crate::clock::{BootTime, Clock};
use crate::config::{Config, Decision, Lockout, QualityGate};
use crate::detect::quality::RetryReason;
use crate::embed::Embedding;
use crate::head::Probability;
use crate::judge::lockout::Ages;
use crate::judge::{Cause, DenyReason, Evidence, Policy, UserName, Verdict, admit, judge, vote};
use crate::model::ModelError;
use crate::store::{StoreError, TemplateStore};

mod attempt;
mod enroll;
mod gallery;
mod look;
mod networks;

pub use attempt::{Attempt, StageMs};
pub use enroll::{EnrollError, EnrollRequest, Enrolled};
pub use networks::{LoadError, Networks};

use gallery::Gallery;

/// The parts of the configuration that an attempt follows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Evidence and time limits.
    pub decision: Decision,
    /// What a face must look like.
    pub quality: QualityGate,
    /// The rate limit.
    pub lockout: Lockout,
}

impl Rules {
    /// The rules that a configuration sets.
    pub fn of(config: &Config) -> Self {
        let Config { decision, quality, lockout, .. } = config.clone();
        Self { decision, quality, lockout }
    }
}

/// Word on how an attempt gets on, while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The last frame could not be used; what to do about it.
    Guidance(RetryReason),
    /// So many good frames of so many are there.
    Captured {
        /// Good frames so far.
        done: usize,
        /// Frames wanted.
        wanted: usize,
    },
    /// An enrolment refused a look that is not like the earlier ones.
    Outlier,
    /// The camera does not give frames just now: text for people.
    Camera(String),
}

/// Who listens to [`Progress`]; `Break` gives the attempt up because nobody listens any more.
pub type Listener<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// What is loaded, for `status`.
#[derive(Debug, Clone)]
pub struct About {
    /// Name of the embedder.
    pub embedder: String,
    /// SHA-256 of its file, lower-case hex.
    pub embedder_sha256: String,
    /// Values of an embedding.
    pub embedding_length: usize,
    /// Embeddings are scaled to length 1.
    pub unit_length: bool,
    /// Name of the detector.
    pub detector: String,
    /// What a decision has to reach. For root's eyes only.
    pub threshold: Probability,
    /// What an identical pair scores. For root's eyes only.
    pub identical_pair: Probability,
    /// What is worth knowing about the networks, for people.
    pub notes: Vec<String>,
}

/// Runs attempts, one after another, and keeps the camera in between.
pub struct Pipeline {
    networks: Networks,
    rules: Rules,
    frames: Box<dyn FrameSource>,
    clock: Arc<dyn Clock>,
    store: Arc<dyn TemplateStore>,
    gallery: Gallery,
    ages: Ages,
}

/// Why good frames could not be gathered.
enum Stop {
    Unavailable(Cause),
    Failed(String),
}

impl Pipeline {
    /// A pipeline over loaded networks and three of the four seams.
    pub fn new(
        networks: Networks,
        rules: Rules,
        frames: Box<dyn FrameSource>,
        clock: Arc<dyn Clock>,
        store: Arc<dyn TemplateStore>,
    ) -> Self {
        let gallery = Gallery::new(&networks.head);
        Self { networks, rules, frames, clock, store, gallery, ages: Ages::default() }
    }

    /// Is the face before the camera this user's?
    pub fn verify(&mut self, user: &UserName, listener: Listener<'_>) -> Attempt {
        self.attempt(Some(user), listener)
    }

    /// Whose face is before the camera?
    pub fn identify(&mut self, listener: Listener<'_>) -> Attempt {
        self.attempt(None, listener)
    }

    /// Lets go of the camera; the next attempt opens it again.
    pub fn close_camera(&mut self) {
        self.frames.close();
    }

    /// Is the camera there? Takes no frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn probe_camera(&mut self) -> Result<(), CameraError> {
        self.frames.probe()
    }

    /// Which camera it is, for people.
    pub fn camera_name(&self) -> String {
        self.frames.name()
    }

    /// What is loaded.
    pub fn about(&self) -> About {
        let Networks { detector, embedder, head } = &self.networks;
        About {
            embedder: embedder.name().to_owned(),
            embedder_sha256: embedder.model_sha256().to_owned(),
            embedding_length: embedder.length(),
            unit_length: embedder.has_unit_length(),
            detector: detector.name().to_owned(),
            threshold: head.threshold(),
            identical_pair: head.identical_pair(),
            notes: [detector.notes(), embedder.notes()].concat(),
        }
    }

    /// Everybody as the store has them now.
    fn refresh(&mut self) -> Result<(), StoreError> {
        self.gallery.refresh(&*self.store, &self.networks.head)
    }

    fn attempt(&mut self, claimed: Option<&UserName>, listener: Listener<'_>) -> Attempt {
        let mut attempt = Attempt::unavailable(Cause::NotEnrolled);
        match self.judged(claimed, listener, &mut attempt) {
            Ok(verdict) => attempt.verdict = verdict,
            Err(stop) => attempt.verdict = Verdict::Unavailable(stop.into()),
        }
        attempt
    }

    /// The story itself; fills in what it learns on the way.
    fn judged(
        &mut self,
        claimed: Option<&UserName>,
        listener: Listener<'_>,
        attempt: &mut Attempt,
    ) -> Result<Verdict, Stop> {
        self.refresh()?;
        if let Some(cause) = self.in_vain(claimed) {
            return Ok(Verdict::Unavailable(cause));
        }
        if let Some(reason) = self.barred(claimed)? {
            return Ok(Verdict::Denied(reason));
        }
        let probes = self.look(listener, attempt)?;

        let scoring = self.clock.now();
        let Some((evidence, policy)) = self.compare(claimed, &probes) else {
            return Ok(Verdict::Unavailable(Cause::NotEnrolled));
        };
        attempt.score_ms = self.ms_since(scoring);
        attempt.probability = Some(evidence.probability);
        attempt.threshold = Some(policy.threshold());
        self.verdict(claimed, evidence, policy, attempt)
    }

    /// Why nobody could be granted, whoever comes. Told without looking, so that it costs nobody a miss.
    fn in_vain(&self, claimed: Option<&UserName>) -> Option<Cause> {
        let (head, people) = (self.gallery.head(), self.gallery.people());
        let policy = Policy::identify(head.threshold(), people.len());
        match claimed {
            Some(user) => self.gallery.of(user).is_empty().then_some(Cause::NotEnrolled),
            None if people.is_empty() => Some(Cause::NotEnrolled),
            None => (policy.threshold() > head.identical_pair()).then(|| {
                Cause::Failed(format!(
                    "identification among {} people: this head would not even grant the very picture somebody is \
                     enrolled from; fit a head with a larger b (`facelatch-rates fit`), or verify named users",
                    people.len()
                ))
            }),
        }
    }

    /// Why `user` may not be judged now because of earlier misses.
    fn barred(&mut self, user: Option<&UserName>) -> Result<Option<DenyReason>, StoreError> {
        let attempts = self.store.attempts(user)?;
        let age = self.ages.of(user, attempts, (self.clock.now(), self.clock.wall()));
        Ok(admit(&self.rules.lockout, &attempts, age).err())
    }

    /// Judges, and has the outcome on the disk before anybody hears of it: pulling the plug buys no free try. The
    /// store is asked anew: people may have been removed, and misses reset, while we looked.
    fn verdict(
        &mut self,
        claimed: Option<&UserName>,
        evidence: Evidence,
        policy: Policy,
        attempt: &mut Attempt,
    ) -> Result<Verdict, Stop> {
        let passes = policy.is_met_by(&evidence);
        if (passes || claimed.is_some()) && self.was_removed(&evidence.user)? {
            return Ok(Verdict::Unavailable(Cause::NotEnrolled));
        }
        // An identification is no way round the wait of whom it finds.
        if passes
            && claimed.is_none()
            && let Some(reason) = self.barred(Some(&evidence.user))?
        {
            attempt.barred = Some(evidence.user);
            return Ok(Verdict::Denied(reason));
        }
        let now = (self.clock.now(), self.clock.wall());
        let (verdict, after) = judge(evidence, policy, self.store.attempts(claimed)?, now);
        self.store.set_attempts(claimed, after)?;
        Ok(verdict)
    }

    /// Somebody has removed the last template of `user` since the looks were begun.
    fn was_removed(&self, user: &UserName) -> Result<bool, StoreError> {
        Ok(!self.gallery.is_as_of(self.store.revision()) && self.store.templates(Some(user))?.is_empty())
    }

    /// The best evidence and what it has to reach; `None` if nobody is left to compare with.
    fn compare(&self, claimed: Option<&UserName>, probes: &[Embedding]) -> Option<(Evidence, Policy)> {
        let head = self.gallery.head();
        let probes = vote::project(head, probes.iter());
        let score = |templates: &[Embedding]| vote::decide_projected(head, &probes, templates.iter());
        if let Some(user) = claimed {
            let probability = score(self.gallery.of(user))?.probability();
            return Some((Evidence { user: user.clone(), probability }, Policy::verify(head.threshold())));
        }
        let people = self.gallery.people();
        let scored = people.iter().filter_map(|(user, templates)| Some((user, score(templates)?)));
        let (user, z) = scored.max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))?;
        let evidence = Evidence { user: user.clone(), probability: z.probability() };
        Some((evidence, Policy::identify(head.threshold(), people.len())))
    }

    fn ms_since(&self, start: BootTime) -> f64 {
        self.clock.now().since(start).as_secs_f64() * 1e3
    }
}

/// Passes the word on; stops when nobody listens any more.
fn tell(listener: Listener<'_>, progress: Progress) -> Result<(), Stop> {
    match listener(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Stop::Unavailable(Cause::Cancelled)),
    }
}

impl From<Stop> for Cause {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Unavailable(cause) => cause,
            Stop::Failed(why) => Self::Failed(why),
        }
    }
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}
