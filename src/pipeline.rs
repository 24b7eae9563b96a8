//! The story: one attempt from frames to a [`Verdict`].
//!
//! admit -> (frame -> face -> quality -> embedding) x frames -> vote -> judge -> remember the miss.
//! It runs on one plain thread; it knows no socket and opens no latch.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::camera::{CameraError, Frame, FrameSource};
use crate::clock::{BootTime, Clock};
use crate::detect::Face;
use crate::detect::quality::{QualityGate, RetryReason};
use crate::embed::{Embedding, align};
use crate::head::Probability;
use crate::judge::{Attempts, Cause, Evidence, Lockout, Policy, UserName, Verdict, admit, judge, vote};
use crate::model::ModelError;
use crate::store::{StoreError, TemplateStore};

mod attempt;
mod enroll;
mod gallery;
mod networks;

pub use attempt::{Attempt, StageMs};
pub use enroll::{EnrollError, EnrollRequest, Enrolled};
pub use networks::{LoadError, NetworkChoice, Networks};

use gallery::Gallery;

/// The numbers an attempt is run by; all from the configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Good frames in one decision.
    pub frames: usize,
    /// How long one attempt may take, camera start included.
    pub verify_deadline: Duration,
    /// How long an enrolment may take.
    pub enroll_deadline: Duration,
    /// What a face must be like to be judged.
    pub quality: QualityGate,
    /// The rate limit.
    pub lockout: Lockout,
}

/// Longest wait for one frame before we look whether anybody still wants it, and show that we are alive.
const GLANCE: Duration = Duration::from_secs(5);

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
}

/// A camera that gives only so many unusable frames in a row is broken.
const MAX_BAD_FRAMES: usize = 30;

/// Why good frames could not be gathered.
enum Stop {
    Unavailable(Cause),
    Failed(String),
}

/// A frame that passed the quality gate, and what it gave.
struct Look {
    face: Face,
    embedding: Embedding,
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
        Self { networks, rules, frames, clock, store, gallery }
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
        let enrolled = match claimed {
            Some(user) => !self.gallery.of(user).is_empty(),
            None => !self.gallery.people().is_empty(),
        };
        if !enrolled {
            return Ok(Verdict::Unavailable(Cause::NotEnrolled));
        }
        let attempts = self.store.attempts(claimed)?;
        if let Err(reason) = admit(&self.rules.lockout, &attempts, self.clock.wall()) {
            return Ok(Verdict::Denied(reason));
        }
        let looks = self.look(listener, attempt)?;

        let scoring = self.clock.now();
        let probes: Vec<Embedding> = looks.into_iter().map(|look| look.embedding).collect();
        let Some((evidence, policy)) = self.compare(claimed, &probes) else {
            return Ok(Verdict::Unavailable(Cause::NotEnrolled));
        };
        attempt.score_ms = self.ms_since(scoring);
        attempt.probability = Some(evidence.probability);
        attempt.threshold = Some(policy.threshold());
        self.verdict(claimed, evidence, policy, attempts)
    }

    /// Judges, and has the outcome on the disk before anybody hears of it: pulling the plug buys no free try.
    fn verdict(
        &self,
        claimed: Option<&UserName>,
        evidence: Evidence,
        policy: Policy,
        before: Attempts,
    ) -> Result<Verdict, Stop> {
        let now = (self.clock.now(), self.clock.wall());
        let (verdict, after) = judge(evidence, policy, before, now);
        self.store.set_attempts(claimed, after)?;
        Ok(verdict)
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

    /// Good frames of one and the same face, as many as a decision needs.
    fn look(&mut self, listener: Listener<'_>, attempt: &mut Attempt) -> Result<Vec<Look>, Stop> {
        let deadline = self.clock.now().after(self.rules.verify_deadline);
        let wanted = self.rules.frames;
        let mut looks: Vec<Look> = Vec::with_capacity(wanted);
        while looks.len() < wanted {
            let look = self.good_frame(deadline, listener, attempt)?;
            if looks.last().is_some_and(|last| !self.same_face(last, &look)) {
                looks.clear();
            }
            looks.push(look);
            attempt.frames = looks.len();
            tell(listener, Progress::Captured { done: looks.len(), wanted })?;
        }
        Ok(looks)
    }

    /// Frames of two people must never be judged together: the face stays in its place or keeps its look.
    fn same_face(&self, one: &Look, other: &Look) -> bool {
        const SAME_PLACE_OVERLAP: f32 = 0.3;
        let head = self.gallery.head();
        one.face.bbox.overlap(&other.face.bbox) >= SAME_PLACE_OVERLAP
            || head.probability(&one.embedding, &other.embedding) >= head.threshold()
    }

    /// The next frame that passes the quality gate. Gives up at `deadline` with what was wrong last.
    fn good_frame(
        &mut self,
        deadline: BootTime,
        listener: Listener<'_>,
        attempt: &mut Attempt,
    ) -> Result<Look, Stop> {
        let (mut last, mut bad_frames) = (None, 0);
        loop {
            if self.clock.now() >= deadline {
                return Err(Stop::Unavailable(last.unwrap_or(Cause::Retry(RetryReason::NoFace))));
            }
            let glance = self.clock.now().after(GLANCE).min(deadline);
            let frame = match self.frames.next_frame(glance) {
                Ok(frame) => frame,
                Err(error @ CameraError::Silent { .. })
                    if glance < deadline && self.clock.now() >= glance =>
                {
                    let why = error.to_string();
                    last.get_or_insert(Cause::Camera(why.clone()));
                    tell(listener, Progress::Camera(why))?;
                    continue;
                }
                Err(error) if error.is_passing() && bad_frames < MAX_BAD_FRAMES => {
                    bad_frames += 1;
                    tell(listener, Progress::Camera(error.to_string()))?;
                    continue;
                }
                Err(error) => {
                    let silent = matches!(error, CameraError::Silent { .. });
                    let why = last.filter(|_| silent).unwrap_or(Cause::Camera(error.to_string()));
                    return Err(Stop::Unavailable(why));
                }
            };
            attempt.picture = frame.origin().map(str::to_owned);
            match self.examine(&frame, attempt)? {
                Ok(look) => return Ok(look),
                Err(reason) => {
                    last = Some(Cause::Retry(reason));
                    tell(listener, Progress::Guidance(reason))?;
                }
            }
        }
    }

    /// Frame to face to embedding, each stage timed.
    fn examine(&self, frame: &Frame, attempt: &mut Attempt) -> Result<Result<Look, RetryReason>, Stop> {
        let Networks { detector, embedder, .. } = &self.networks;
        let start = self.clock.now();
        let faces = detector.detect(frame)?;
        attempt.means.detect.add(self.ms_since(start));
        attempt.face = faces.first().copied();
        let face = match self.rules.quality.choose(frame, &faces) {
            Ok(face) => face,
            Err(reason) => return Ok(Err(reason)),
        };
        let start = self.clock.now();
        let chip = align::align(frame, &face);
        attempt.means.align.add(self.ms_since(start));
        let start = self.clock.now();
        // From here on the face is known in the device's own axes only.
        let embedding = self.gallery.turn().apply(&embedder.embed(&chip)?);
        attempt.means.embed.add(self.ms_since(start));
        Ok(Ok(Look { face, embedding }))
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
