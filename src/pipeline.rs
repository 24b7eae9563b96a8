//! One attempt from frames to a [`Verdict`].
//!
//! admit -> (frame -> face -> quality -> embedding) x frames -> live? -> vote -> judge -> keep the miss.
//! It runs on one plain thread, which borrows others while it embeds a face (`ahead`); it knows no socket and opens no latch.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::{Clock, KnownTime};
use crate::config::{self, Adaptation, AttackLevel, Config, Decision, Lockout, QualityGate};
use crate::detect::attack::{Need, Presentation};
use crate::detect::quality::RetryReason;
use crate::head::Probability;
use crate::judge::lockout::Ages;
use crate::judge::pin::Shown;
use crate::judge::{Admission, Evidence, Policy, Refusal, judge, would_grant};
use crate::people::access::DoorName;
use crate::people::{Accounts, UserName};
use crate::store::{StoreError, TemplateStore};

mod adapt;
mod admission;
mod ahead;
mod attack;
mod attempt;
mod camera;
mod capture;
mod challenge;
mod children;
mod compare;
mod enroll;
pub mod explain;
mod gallery;
mod infrared;
mod lookalikes;
mod misses;
mod networks;
mod turned;
mod verdict;
mod watch;

pub use adapt::SecondFactor;
pub use attempt::{Attempt, StageMs, Trace};
pub use camera::Camera;
pub use challenge::CHALLENGE_LIMIT;
pub use enroll::{EnrollError, EnrollRequest, Enrolled};
pub use networks::{LoadError, Networks};
pub use turned::upright;
pub use verdict::{Cause, DenyReason, Verdict};
pub use watch::WatchError;

use adapt::{Candidate, Faces};
use camera::Cameras;
use gallery::Gallery;
use misses::Tried;

/// The parts of the configuration that an attempt follows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How many threads work on it.
    pub engine: config::Engine,
    /// Evidence and time limits.
    pub decision: Decision,
    /// What a face must look like.
    pub quality: QualityGate,
    /// What is done about presentation attacks.
    pub attack: config::Attack,
    /// The rate limit.
    pub lockout: Lockout,
    /// When the time is known.
    pub access: config::AccessSettings,
    /// Whether faces become templates after a second factor.
    pub adapt: Adaptation,
}

impl Rules {
    /// The rules that a configuration sets.
    pub fn of(config: &Config) -> Self {
        let Config { engine, decision, quality, attack, lockout, access, templates, .. } = config.clone();
        Self { engine, decision, quality, attack, lockout, access, adapt: templates.adapt }
    }
}

/// Reported while an attempt or enrolment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The last frame could not be used, for this reason.
    Guidance(RetryReason),
    /// The person before the camera is asked to do this.
    Prompt(Need),
    /// Another good frame.
    Captured {
        /// Good frames so far.
        done: usize,
        /// Frames wanted.
        wanted: usize,
    },
    /// An enrolment rejected a frame that does not match the earlier ones.
    Outlier,
    /// Another frame was seen, of which there is nothing else to say.
    Frame,
    /// The camera gives no frames at present; the text says why.
    Camera(String),
}

/// Whose face it should be, if that is asked; and at which door, if it is one's.
type About<'a> = (Option<&'a UserName>, Option<&'a DoorName>);

/// Called with each [`Progress`]; returns `Break` to cancel because the caller has gone.
pub type Observer<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// The loaded networks, for `status`.
#[derive(Debug, Clone)]
pub struct NetworkInfo {
    /// Name of the embedder.
    pub embedder: String,
    /// SHA-256 of its file, lower-case hex.
    pub embedder_sha256: String,
    /// Values of an embedding.
    pub embedding_length: usize,
    /// Whether embeddings have unit length.
    pub unit_length: bool,
    /// Name of the detector.
    pub detector: String,
    /// What a decision has to reach. Only the owner may see it.
    pub threshold: Probability,
    /// What an identical pair scores. Only the owner may see it.
    pub identical_pair: Probability,
    /// Remarks on the networks, a sentence each.
    pub notes: Vec<String>,
}

/// 64 bits that nobody can know before.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Runs attempts one after another, each on one of the cameras, and keeps it open in between.
pub struct Pipeline {
    networks: Networks,
    rules: Rules,
    /// What a face must look like in this attempt.
    gate: QualityGate,
    cameras: Cameras,
    clock: Arc<dyn Clock>,
    known_time: KnownTime,
    store: Arc<dyn TemplateStore>,
    gallery: Gallery,
    ages: Ages,
    random: Random,
    /// Who has to show face and PIN, and has shown one.
    shown: Arc<Mutex<Shown>>,
    faces: Faces,
    candidate: Option<Candidate>,
}

impl Pipeline {
    /// A pipeline over loaded networks, the default camera and all seams but the latch.
    pub fn new(
        networks: Networks,
        rules: Rules,
        camera: Camera,
        clock: Arc<dyn Clock>,
        store: Arc<dyn TemplateStore>,
        random: Random,
    ) -> Self {
        let gallery = Gallery::new(&networks.head, networks.embedder.child());
        let cameras = Cameras::new(camera);
        let known_time = KnownTime::new(clock.clone(), rules.access.trusts_clock());
        let (ages, shown) = (Ages::default(), Arc::default());
        let (faces, candidate) = (Faces::default(), None);
        let gate = rules.quality.clone();
        Self {
            networks,
            rules,
            gate,
            cameras,
            clock,
            known_time,
            store,
            gallery,
            ages,
            random,
            shown,
            faces,
            candidate,
        }
    }

    /// Shares what was shown at doors with whoever judges PINs.
    #[must_use]
    pub fn with_pins(self, shown: Arc<Mutex<Shown>>) -> Self {
        Self { shown, ..self }
    }

    /// Is the face before the camera this user's? Without a name of a camera: the default one.
    pub fn verify(
        &mut self,
        camera: Option<&str>,
        user: &UserName,
        accounts: &Accounts,
        observer: Observer<'_>,
    ) -> Attempt {
        self.attempt(camera, (Some(user), None), accounts, observer, Trace::default())
    }

    /// Whose face is before the camera, at this door if it is one's? Without a name of a camera: the default one.
    pub fn identify(
        &mut self,
        camera: Option<&str>,
        door: Option<&DoorName>,
        accounts: &Accounts,
        observer: Observer<'_>,
    ) -> Attempt {
        self.attempt(camera, (None, door), accounts, observer, Trace::default())
    }

    /// The loaded networks.
    pub fn network_info(&self) -> NetworkInfo {
        let Networks { detector, embedder, head, .. } = &self.networks;
        NetworkInfo {
            embedder: embedder.name().to_owned(),
            embedder_sha256: embedder.model_sha256().to_owned(),
            embedding_length: embedder.length(),
            unit_length: embedder.has_unit_length(),
            detector: detector.name().to_owned(),
            threshold: head.threshold(),
            identical_pair: head.identical_pair(),
            notes: [detector.notes(), &embedder.notes()].concat(),
        }
    }

    /// Brings the gallery up to date with the store.
    fn refresh(&mut self) -> Result<(), StoreError> {
        let Networks { head, embedder, .. } = &self.networks;
        self.gallery.refresh(&*self.store, head, embedder.child())
    }

    fn attempt(
        &mut self,
        camera: Option<&str>,
        about: About<'_>,
        accounts: &Accounts,
        observer: Observer<'_>,
        mut trace: Trace,
    ) -> Attempt {
        self.forget_candidate();
        let quality = self.rules.quality.clone();
        self.gate = if about.1.is_some() { quality.at_door() } else { quality };
        let picked = self.cameras.pick(camera);
        let run = picked.and_then(|()| self.run(about, accounts, observer, &mut trace));
        self.gate.clone_from(&self.rules.quality);
        self.faces = Faces::default();
        self.release_camera();
        Attempt { verdict: run.unwrap_or_else(Verdict::Unavailable), trace }
    }

    /// The attempt itself; fills in the trace on the way.
    fn run(
        &mut self,
        (claimed, door): About<'_>,
        accounts: &Accounts,
        observer: Observer<'_>,
        trace: &mut Trace,
    ) -> Result<Verdict, Cause> {
        self.check_switched_on()?;
        self.refresh()?;
        self.gallery.leave_out(|user, account| !accounts.may_match(user, account));
        if let Some((user, account)) = self.gallery.left_out(claimed) {
            return Err(Cause::OtherAccount(accounts.standing(user, account)));
        }
        self.check_grantable(claimed)?;
        if let Some(reason) = self.locked_out(claimed)? {
            return Ok(Verdict::Denied(reason));
        }
        let mut captured = self.capture(claimed, observer, trace)?;
        self.judged(&captured, trace);
        let mut is_child = self.admit_child(claimed, &captured, trace)?;
        if self.rules.attack.level == AttackLevel::Challenge
            && matches!(captured.presentation, Presentation::Live(_))
        {
            captured = self.challenge(claimed, captured, observer, trace)?;
            if matches!(captured.presentation, Presentation::Live(_)) {
                trace.answered = captured.stage.total(&self.cameras.used().scene);
            }
            self.judged(&captured, trace);
            is_child |= self.admit_child(claimed, &captured, trace)?;
        }
        self.store.prove_room_for_miss()?;
        match captured.presentation {
            Presentation::Live(_) => {}
            Presentation::Attack(species) => return self.refuse_attack(claimed, species),
            Presentation::MoreNeeded(need) => return Err(self.lacks(need)),
        }
        let scoring = self.clock.now();
        let (evidence, policy) =
            self.compare((claimed, is_child), &captured.probes, trace)?.ok_or(Cause::NotEnrolled)?;
        trace.score_ms = ms(self.clock.now().since(scoring));
        trace.probability = Some(evidence.z.probability());
        trace.threshold = Some(policy.threshold());
        self.decide((claimed, door), evidence, policy, accounts.login, trace)
    }

    /// Fails if nobody could be granted, whoever is there. Asked before any frame is taken, so that it costs no miss.
    fn check_grantable(&self, claimed: Option<&UserName>) -> Result<(), Cause> {
        let (head, people) = (self.gallery.head(), self.gallery.people());
        let enrolled = claimed.map_or(!people.is_empty(), |user| people.contains_key(user));
        if !enrolled {
            return Err(Cause::NotEnrolled);
        }
        let policy = Policy::identify(head.threshold(), people.len());
        if claimed.is_none() && policy.threshold() > head.identical_pair() {
            return Err(Cause::Failed(format!(
                "identification among {} people: with this head even the picture somebody was enrolled from would not \
                 match; fit a head with a larger b (`facelatch-rates fit`), or verify named users",
                people.len()
            )));
        }
        Ok(())
    }

    /// Judges, and writes the result to the disk before anybody is told: pulling the plug buys no free try. The store is
    /// read again: people may have been removed, and misses reset, during the capture.
    fn decide(
        &mut self,
        (claimed, door): About<'_>,
        evidence: Evidence,
        policy: Policy,
        login: bool,
        trace: &mut Trace,
    ) -> Result<Verdict, Cause> {
        let passes = policy.check(&evidence).is_ok();
        let tried = if passes { Tried::Match } else { Tried::Miss };
        if passes || claimed.is_some() {
            self.check_not_removed(&evidence.user, (claimed, tried))?;
        }
        // Identification must not bypass the lockout of the user it finds.
        if passes
            && claimed.is_none()
            && let Some(reason) = self.locked_out(Some(&evidence.user))?
        {
            return Ok(Verdict::Denied(reason));
        }
        let user = evidence.user.clone();
        let admission =
            if passes { self.admission(&user, door, login, trace)? } else { Admission::NotAllowed };
        let decision = if trace.is_explained() {
            would_grant(&evidence, policy, admission).map(|()| Verdict::Matched(user.clone()))
        } else {
            judge(evidence, policy, admission, self.clock.now()).map(Verdict::Granted)
        };
        match &decision {
            Ok(_) => self.keep_misses(claimed, Tried::Match)?,
            Err(refusal) if refusal.is_miss() => self.keep_misses(claimed, Tried::Miss)?,
            Err(_) => {}
        }
        match &decision {
            // At a login the face is enough, and nothing else is asked.
            Err(Refusal::NoMatch) if login && claimed.is_some() => {
                self.keep_candidate(user.clone(), None, false);
            }
            Err(Refusal::EnterPin) if door.is_some() => self.keep_candidate(user.clone(), door, false),
            Ok(_) if trace.has_pin => self.keep_candidate(user.clone(), door, true),
            _ => {}
        }
        Ok(match decision {
            Ok(verdict) => verdict,
            Err(refusal) => Verdict::Denied(match refusal {
                Refusal::NoMatch => DenyReason::NoMatch,
                Refusal::Ambiguous => DenyReason::Ambiguous,
                Refusal::NotAllowed => DenyReason::NotAllowed(user),
                Refusal::ClockUnset => DenyReason::ClockUnset(user),
                Refusal::EnterPin => DenyReason::EnterPin(user),
            }),
        })
    }
}

/// Milliseconds.
fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// Reports progress; fails when the caller has gone.
fn report(observer: Observer<'_>, progress: Progress) -> Result<(), Cause> {
    match observer(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cause::Cancelled),
    }
}
