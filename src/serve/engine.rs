//! The one thread that looks: attempts run here, one after another, behind a short queue. A grant goes to the latch's own
//! thread, so that the next attempt does not wait for a hook.
//!
//! The socket side submits a [`Job`] and hears of it over channels; it never waits for this thread itself.

mod adapt;
mod explain;
mod matched;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use facelatch_wire::reply::{Event, EventKind, Explaining, Judging};
use facelatch_wire::{Fault, Outcome};
use tokio::sync::oneshot;

use super::camera_status::CameraStatus;
use super::engine_status::EngineStatus;
use super::fault::{busy, stopping};
use super::job::{self, JobHandle, JobReporter, JobUpdate};
use super::job_limit::{self, JobLimit, JobPermit};
use super::recorder::Recorder;
use super::to_wire;
use super::unjudged::Unjudged;
use super::watching::{Sights, Watch};
use crate::camera::CameraError;
use crate::clock::{BootTime, Clock};
use crate::config::OpensOn;
use crate::latch::Latch;
use crate::latch::thread::LatchThread;
use crate::people::access::DoorName;
use crate::people::{Accounts, UserName};
use crate::pipeline::{
    Cause, DenyReason, EnrollError, EnrollRequest, Enrolled, Observer, Pipeline, Progress, SecondFactor,
    Verdict,
};

use matched::Matched;

/// Jobs that may wait behind the running one.
const QUEUE: usize = 2 * job_limit::MAX_USER_JOBS;

/// Longest wait for a job, before a look at the cameras and the clock.
const TICK: Duration = Duration::from_millis(500);

/// How often to look for a camera that is missing.
const RECHECK: Duration = Duration::from_secs(5);

/// What the engine does for a caller.
pub(super) enum Job {
    /// Judges the face before the camera.
    Judge(Question, JobReporter<Judging>),
    /// The same to be explained.
    Explain(Question, JobReporter<Explaining>),
    /// Adds templates; the number is the caller's user id.
    Enroll(EnrollRequest, u32, JobReporter<Result<Enrolled, EnrollError>>),
    /// Takes note of a second factor; the number is the caller's user id. Nobody waits for what comes of it.
    Adapt(SecondFactor, u32),
    /// Checks the cameras.
    CheckCameras(JobReporter<()>),
    /// Watches the camera of this index, for as long as somebody receives what is seen.
    Watch(usize, JobReporter<Sights>),
}

/// What an attempt is about.
pub(super) struct Question {
    /// 1:1; `None` is 1:n.
    pub(super) claimed: Option<UserName>,
    /// At which door, if it is one's.
    pub(super) door: Option<DoorName>,
    /// Which accounts there are, and whether this is a login: then a match opens no latch.
    pub(super) accounts: Accounts,
    /// User id of the caller.
    pub(super) caller_uid: u32,
    /// Whether the caller is root or the daemon's user: only after their logins a second factor counts.
    pub(super) by_owner: bool,
    /// Name of the camera to look with; the default one if absent.
    pub(super) camera: Option<String>,
}

/// The socket side's handle. The thread ends when it is dropped.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// A caller who is not the owner submits a job only with a permit.
    pub(super) limit: JobLimit,
    pub(super) status: Arc<EngineStatus>,
}

/// What the engine is made of.
pub(super) struct EngineParts {
    /// Frames to verdicts.
    pub(super) pipeline: Pipeline,
    /// What a grant opens, if anything.
    pub(super) latch: Option<Box<dyn Latch>>,
    /// Which grants open it.
    pub(super) opens_on: OpensOn,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) recorder: Recorder,
}

/// The thread's own state.
struct Running {
    pipeline: Pipeline,
    latch: Option<LatchThread>,
    opens_on: OpensOn,
    clock: Arc<dyn Clock>,
    recorder: Recorder,
    status: Arc<EngineStatus>,
    last_check: BootTime,
    unjudged: Unjudged,
    watch: Watch,
}

impl Engine {
    /// Starts the thread, and one for the latch. The latch thread ends first.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(parts: EngineParts) -> std::io::Result<(Self, JoinHandle<()>)> {
        let EngineParts { mut pipeline, latch, opens_on, clock, recorder } = parts;
        let latch = latch.map(|latch| LatchThread::start(latch, clock.clone())).transpose()?;
        let latch_name = latch.as_ref().map_or("none", LatchThread::name).to_owned();
        let status = Arc::new(EngineStatus::new(
            pipeline.network_info(),
            latch_name,
            pipeline.cameras().iter().map(CameraStatus::new).collect(),
        ));
        let mut running = Running {
            watch: Watch::new(pipeline.cameras().len()),
            pipeline,
            latch,
            opens_on,
            last_check: clock.now(),
            clock,
            recorder,
            status: status.clone(),
            unjudged: Unjudged::default(),
        };
        let (jobs, queue) = sync_channel(QUEUE);
        let thread =
            std::thread::Builder::new().name("engine".to_owned()).spawn(move || running.run(&queue))?;
        Ok((Self { jobs, limit: JobLimit::default(), status }, thread))
    }

    /// Puts a job into the queue; the permit is given back when the engine is done with it.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the queue is full, [`Fault::Stopping`] when the thread has ended.
    pub(super) fn submit<T>(
        &self,
        permit: Option<JobPermit>,
        job: impl FnOnce(JobReporter<T>) -> Job,
    ) -> Result<JobHandle<T>, Fault> {
        let (reporter, handle) = job::pair(permit);
        match self.jobs.try_send(job(reporter)) {
            Ok(()) => Ok(handle),
            Err(TrySendError::Full(_)) => Err(busy()),
            Err(TrySendError::Disconnected(_)) => Err(stopping()),
        }
    }
}

impl Running {
    fn run(&mut self, queue: &Receiver<Job>) {
        self.check_cameras();
        loop {
            self.status.tick();
            let wait = self.watch.wait(self.clock.now()).unwrap_or(TICK).min(TICK);
            let job = match queue.recv_timeout(wait) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if catch_unwind(AssertUnwindSafe(|| self.round(job))).is_err() {
                tracing::error!("an attempt panicked; please report it");
                self.pipeline.close_cameras();
            }
            self.status.set_busy(false);
            if let Some(note) = self.unjudged.due(self.clock.now()) {
                self.recorder.record_unjudged(note);
            }
            self.recorder.record_repeats();
        }
        if let Some(note) = self.unjudged.take() {
            self.recorder.record_unjudged(note);
        }
        self.recorder.finish();
        self.pipeline.close_cameras();
    }

    /// A job, if there is one, and what has to be done from time to time: after jobs as well, since whoever asks for the
    /// status all the time must not keep a camera open.
    fn round(&mut self, job: Option<Job>) {
        if let Some(job) = job {
            self.work(job);
            self.watch.catch_up(&mut self.pipeline, &*self.clock, &self.status.cameras);
        } else {
            self.watch.step(&mut self.pipeline, &*self.clock, &self.status.cameras);
        }
        self.pipeline.close_idle_cameras();
        self.pipeline.forget_old_candidate();
        if self.clock.now().since(self.last_check) >= RECHECK {
            self.check_cameras();
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Judge(question, reporter) => {
                let (trusted, caller_uid) = (question.is_trusted(), question.caller_uid);
                self.judge(question, reporter);
                self.after_attempt(trusted, caller_uid);
            }
            Job::Explain(question, reporter) => self.explain(question, reporter),
            Job::Adapt(shown, caller_uid) => self.adapt(&shown, caller_uid),
            Job::Enroll(request, caller_uid, reporter) => self.enroll(request, caller_uid, reporter),
            Job::Watch(camera, reporter) => self.watch.admit(camera, reporter),
            Job::CheckCameras(reporter) => {
                self.check_cameras();
                drop(reporter.permit);
                // The caller may have stopped waiting.
                let _ = reporter.end.send(());
            }
        }
    }

    /// Runs a job that uses the camera, unless nobody waits for it any more. Returns its result, and where to send it.
    fn on_camera<R, T>(
        &mut self,
        reporter: JobReporter<R>,
        prompted: impl Fn(Outcome),
        run: impl FnOnce(&mut Pipeline, Observer<'_>) -> T,
    ) -> Option<(T, oneshot::Sender<R>)> {
        let JobReporter { updates, end, permit } = reporter;
        if end.is_closed() || updates.try_send(JobUpdate::Started).is_err() {
            return None;
        }
        self.status.set_busy(true);
        let status = self.status.clone();
        let mut observer = |progress: Progress| {
            status.tick();
            if end.is_closed() {
                return ControlFlow::Break(());
            }
            if progress == Progress::Frame {
                return ControlFlow::Continue(());
            }
            if let Progress::Prompt(need) = &progress {
                prompted(to_wire::prompt(*need));
            }
            // A full channel means a slow client: it misses an update, and nobody waits.
            let _ = updates.try_send(JobUpdate::Progress(progress));
            ControlFlow::Continue(())
        };
        let result = run(&mut self.pipeline, &mut observer);
        for (camera, seen) in self.pipeline.cameras().iter().zip(&self.status.cameras) {
            seen.saw_turned(camera.turned());
        }
        // Not busy, and the permit given back, before the caller can know that it has ended.
        self.status.set_busy(false);
        drop(permit);
        Some((result, end))
    }

    fn judge(&mut self, question: Question, reporter: JobReporter<Judging>) {
        let Question { claimed, accounts, caller_uid, camera, door, by_owner: _ } = question;
        let camera = camera.as_deref();
        let named = door.as_ref().map(ToString::to_string);
        let place = Event { camera: self.status.named(camera), door: named, ..Event::default() };
        let kind = if claimed.is_some() { EventKind::Verify } else { EventKind::Identify };
        let (recorder, about) = (self.recorder.clone(), claimed.as_ref().map(ToString::to_string));
        let prompted = |prompt| recorder.announce_prompt(about.clone(), prompt, &place);
        let judged = self.on_camera(reporter, prompted, |pipeline, observer| match &claimed {
            Some(user) => pipeline.verify(camera, user, &accounts, observer),
            None => pipeline.identify(camera, door.as_ref(), &accounts, observer),
        });
        let Some((attempt, end)) = judged else { return };
        self.saw_camera(camera, &attempt.verdict);
        let judging = to_wire::judging(&attempt, claimed.as_ref());
        let event = self.recorder.event(kind, judging.user.clone());
        let duress = attempt.trace.duress.then_some(true);
        let event =
            Event { verdict: judging.verdict, camera: place.camera, door: place.door, duress, ..event };
        if let Verdict::Denied(DenyReason::Attack(species)) = attempt.verdict {
            self.status.saw_attack();
            self.recorder.record_attack(event, caller_uid, to_wire::species(species));
            let _ = end.send(judging);
            return;
        }
        if let Verdict::Granted(grant) = attempt.verdict
            && !accounts.login
            && let Some(latch) = self.latch_for(kind)
        {
            // Only the caller waits for what becomes of it.
            let recorder = self.recorder.clone();
            latch.open(grant, Box::new(Matched { judging, event, caller_uid, end, recorder }));
            return;
        }
        if attempt.trace.probability.is_some() {
            self.recorder.record_and_announce(event, caller_uid);
        } else {
            self.unjudged.add(&event, caller_uid, self.clock.now());
            self.recorder.announce_only(event, caller_uid);
        }
        let _ = end.send(judging);
    }

    /// The latch, if there is one that opens on grants of this kind.
    fn latch_for(&self, kind: EventKind) -> Option<&LatchThread> {
        let wanted = match self.opens_on {
            OpensOn::Any => true,
            OpensOn::Verify => kind == EventKind::Verify,
            OpensOn::Identify => kind == EventKind::Identify,
        };
        self.latch.as_ref().filter(|_| wanted)
    }

    fn enroll(
        &mut self,
        request: EnrollRequest,
        caller_uid: u32,
        reporter: JobReporter<Result<Enrolled, EnrollError>>,
    ) {
        let (user, camera) = (request.user.to_string(), request.camera.clone());
        let camera = camera.as_deref();
        let enrolled =
            self.on_camera(reporter, |_| (), |pipeline, observer| pipeline.enroll(request, observer));
        let Some((result, end)) = enrolled else { return };
        let event = self.recorder.event(EventKind::Enroll, Some(user));
        let event = Event { camera: self.status.named(camera), ..event };
        match &result {
            Err(EnrollError::Unavailable(cause)) => self.update_camera_state(camera, Some(cause)),
            _ => self.update_camera_state(camera, None),
        }
        match &result {
            Ok(_) => self.recorder.record_and_announce(event, caller_uid),
            Err(EnrollError::Attack(species)) => {
                self.status.saw_attack();
                let event = Event { verdict: Some(Outcome::Attack), ..event };
                self.recorder.record_attack(event, caller_uid, to_wire::species(*species));
            }
            Err(_) => {}
        }
        let _ = end.send(result);
    }

    /// Updates what is known of the camera that an attempt used.
    fn saw_camera(&mut self, camera: Option<&str>, verdict: &Verdict) {
        match verdict {
            Verdict::Denied(DenyReason::LockedOut { .. }) => {}
            Verdict::Unavailable(cause) => self.update_camera_state(camera, Some(cause)),
            Verdict::Granted(_) | Verdict::Matched(_) | Verdict::Denied(_) => {
                self.update_camera_state(camera, None);
            }
        }
    }

    /// Updates what is known of the camera that a job used; `cause` is why there was no result, `None` if there was one. A job
    /// that did not use it, was cancelled or failed elsewhere changes nothing.
    fn update_camera_state(&mut self, camera: Option<&str>, cause: Option<&Cause>) {
        let problem = match cause {
            Some(Cause::Camera(text)) => Some(text.clone()),
            Some(Cause::Retry(_)) | None => None,
            Some(
                Cause::NotEnrolled
                | Cause::OtherAccount(_)
                | Cause::SwitchedOff
                | Cause::Cancelled
                | Cause::Failed(_),
            ) => return,
        };
        let Some(seen) = self.status.camera(camera) else { return };
        let Some(used) = self.pipeline.cameras().iter().find(|used| used.name() == seen.name) else { return };
        let infrared = used.check_infrared().err().map(|why| why.to_string());
        // The second camera's fault is not the first one's.
        let problem = problem.filter(|_| infrared.is_none());
        seen.saw_infrared(infrared);
        seen.saw(used.device(), problem);
    }

    /// Looks whether each camera is there.
    fn check_cameras(&mut self) {
        let mut hangs = false;
        let cameras = self.pipeline.cameras().iter_mut().zip(&self.status.cameras);
        for (index, (camera, seen)) in cameras.enumerate() {
            let problem = camera.check().err();
            hangs |= matches!(problem, Some(CameraError::Stuck { .. }));
            let problem = problem.map(|error| error.to_string()).or_else(|| self.watch.problem(index));
            seen.saw(camera.device(), problem);
            seen.saw_infrared(camera.check_infrared().err().map(|error| error.to_string()));
        }
        self.status.set_camera_hangs(hangs);
        self.last_check = self.clock.now();
    }
}
