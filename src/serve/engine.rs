//! The one thread that looks: attempts run here, one after another, behind a short queue. A grant goes to the latch's own
//! thread, so that the next attempt does not wait for a hook.
//!
//! The socket side submits a [`Job`] and hears of it over channels; it never waits for this thread itself.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use facelatch_wire::reply::{Event, EventKind, Judging, LatchState};
use facelatch_wire::{Fault, Kind, Outcome};
use tokio::sync::oneshot;

use super::job::{self, JobHandle, JobReporter, JobUpdate, busy, stopping};
use super::job_limit::{self, JobLimit, JobPermit};
use super::recorder::Recorder;
use super::shared::Shared;
use super::to_wire;
use super::unjudged::Unjudged;
use crate::camera::CameraError;
use crate::clock::{BootTime, Clock};
use crate::config::OpensOn;
use crate::judge::Grant;
use crate::latch::Latch;
use crate::latch::LatchError;
use crate::latch::thread::{LatchThread, Waiting};
use crate::people::UserName;
use crate::pipeline::{EnrollError, EnrollRequest, Enrolled, Observer, Pipeline, Progress, Verdict};

/// Jobs that may wait behind the running one.
const QUEUE: usize = 2 * job_limit::MOST;

/// How often the idle thread checks the camera and the clock.
const TICK: Duration = Duration::from_millis(500);

/// How often to look for a camera that is missing.
const REPROBE: Duration = Duration::from_secs(5);

/// What the engine does for a caller.
pub(super) enum Job {
    /// Judges the face before the camera.
    Judge(Question, JobReporter<Judging>),
    /// Adds templates, as asked for by the caller with this user id.
    Enroll(EnrollRequest, u32, JobReporter<Result<Enrolled, EnrollError>>),
    /// Checks the camera.
    Probe(JobReporter<()>),
}

/// What an attempt is about.
pub(super) struct Question {
    /// 1:1; `None` is 1:n.
    pub(super) claimed: Option<UserName>,
    /// A match may open the latch; a login only wants the answer.
    pub(super) may_open: bool,
    /// User id of the caller.
    pub(super) by: u32,
}

/// The socket side's handle. The thread ends when it is dropped.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// A caller who is not the owner submits a job only with a permit.
    pub(super) limit: JobLimit,
    pub(super) shared: Arc<Shared>,
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
    /// Close the camera after it has been idle this long.
    pub(super) idle_close: Duration,
    pub(super) recorder: Recorder,
}

/// The thread's own state.
struct Running {
    pipeline: Pipeline,
    latch: Option<LatchThread>,
    opens_on: OpensOn,
    clock: Arc<dyn Clock>,
    idle_close: Duration,
    recorder: Recorder,
    shared: Arc<Shared>,
    last_use: Option<BootTime>,
    last_probe: BootTime,
    unjudged: Unjudged,
}

impl Engine {
    /// Starts the thread, and one for the latch; the first ends after the second.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(parts: EngineParts) -> std::io::Result<(Self, JoinHandle<()>)> {
        let EngineParts { pipeline, latch, opens_on, clock, idle_close, recorder } = parts;
        let latch = latch.map(|latch| LatchThread::start(latch, clock.clone())).transpose()?;
        let latch_name = latch.as_ref().map_or("none", LatchThread::name).to_owned();
        let shared = Arc::new(Shared::new(pipeline.about(), latch_name, pipeline.camera_name()));
        let mut running = Running {
            pipeline,
            latch,
            opens_on,
            last_probe: clock.now(),
            clock,
            idle_close,
            recorder,
            shared: shared.clone(),
            last_use: None,
            unjudged: Unjudged::default(),
        };
        let (jobs, queue) = sync_channel(QUEUE);
        let thread =
            std::thread::Builder::new().name("engine".to_owned()).spawn(move || running.run(&queue))?;
        Ok((Self { jobs, limit: JobLimit::default(), shared }, thread))
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
        self.probe();
        loop {
            self.shared.tick();
            match queue.recv_timeout(TICK) {
                Ok(job) => {
                    if catch_unwind(AssertUnwindSafe(|| self.work(job))).is_err() {
                        tracing::error!("an attempt panicked; please report it");
                        self.pipeline.close_camera();
                    }
                    self.shared.set_busy(false);
                }
                Err(RecvTimeoutError::Timeout) => self.check_camera(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(note) = self.unjudged.due(self.clock.now()) {
                self.recorder.unjudged(note);
            }
        }
        if let Some(note) = self.unjudged.take() {
            self.recorder.unjudged(note);
        }
        self.pipeline.close_camera();
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Judge(question, reporter) => self.judge(question, reporter),
            Job::Enroll(request, by, reporter) => self.enroll(request, by, reporter),
            Job::Probe(reporter) => {
                self.probe();
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
        run: impl FnOnce(&mut Pipeline, Observer<'_>) -> T,
    ) -> Option<(T, oneshot::Sender<R>)> {
        let JobReporter { updates, end, permit } = reporter;
        if end.is_closed() || updates.try_send(JobUpdate::Started).is_err() {
            return None;
        }
        self.shared.set_busy(true);
        let shared = self.shared.clone();
        let mut observer = |progress: Progress| {
            shared.tick();
            if end.is_closed() {
                return ControlFlow::Break(());
            }
            // A full channel means a slow client: it misses an update, and nobody waits.
            let _ = updates.try_send(JobUpdate::Progress(progress));
            ControlFlow::Continue(())
        };
        let result = run(&mut self.pipeline, &mut observer);
        self.last_use = Some(self.clock.now());
        // Not busy, and the permit given back, before the caller can know that it has ended.
        self.shared.set_busy(false);
        drop(permit);
        Some((result, end))
    }

    fn judge(&mut self, question: Question, reporter: JobReporter<Judging>) {
        let Question { claimed, may_open, by } = question;
        let judged = self.on_camera(reporter, |pipeline, observer| match &claimed {
            Some(user) => pipeline.verify(user, observer),
            None => pipeline.identify(observer),
        });
        let Some((attempt, end)) = judged else { return };
        let judging = to_wire::judging(&attempt, claimed.as_ref());
        self.learn(judging.verdict, judging.message.as_deref());
        let kind = if claimed.is_some() { EventKind::Verify } else { EventKind::Identify };
        let event = Event { verdict: judging.verdict, ..self.recorder.event(kind, judging.user.clone()) };
        match attempt.verdict {
            Verdict::Granted(grant) if may_open && self.opens(kind) => {
                self.open(grant, judging, event, by, end)
            }
            _ => {
                if attempt.trace.probability.is_some() {
                    self.recorder.publish(event, by);
                } else {
                    self.unjudged.add(&event, by, self.clock.now());
                    self.recorder.announce(event, by);
                }
                let _ = end.send(judging);
            }
        }
    }

    /// Whether there is a latch that opens on grants of this kind.
    fn opens(&self, kind: EventKind) -> bool {
        let wanted = match self.opens_on {
            OpensOn::Any => true,
            OpensOn::Verify => kind == EventKind::Verify,
            OpensOn::Identify => kind == EventKind::Identify,
        };
        wanted && self.latch.is_some()
    }

    /// Hands the grant to the latch. Only the caller waits for what becomes of it.
    fn open(&self, grant: Grant, judging: Judging, event: Event, by: u32, end: oneshot::Sender<Judging>) {
        let Some(latch) = &self.latch else { return };
        latch.open(grant, Box::new(Matched { judging, event, by, end, recorder: self.recorder.clone() }));
    }

    fn enroll(
        &mut self,
        request: EnrollRequest,
        by: u32,
        reporter: JobReporter<Result<Enrolled, EnrollError>>,
    ) {
        let user = request.user.to_string();
        let enrolled = self.on_camera(reporter, |pipeline, observer| pipeline.enroll(request, observer));
        let Some((result, end)) = enrolled else { return };
        match &result {
            Err(EnrollError::Unavailable(cause)) => {
                self.learn(Some(to_wire::outcome(cause)), Some(&to_wire::cause_text(cause)));
            }
            _ => self.learn(None, None),
        }
        if result.is_ok() {
            self.recorder.done(EventKind::Enroll, Some(user), by);
        }
        let _ = end.send(result);
    }

    /// What an attempt tells about the camera: nothing, if it was not used or frames came and something else failed.
    fn learn(&mut self, outcome: Option<Outcome>, message: Option<&str>) {
        let trouble = match outcome.map(|outcome| (outcome, outcome.kind())) {
            Some((Outcome::CameraUnavailable, _)) => message.map(str::to_owned),
            Some((_, Kind::Locked | Kind::NotEnrolled | Kind::Unavailable)) => return,
            _ => None,
        };
        self.shared.saw_camera(self.pipeline.camera_name(), trouble);
    }

    fn probe(&mut self) {
        let trouble = self.pipeline.probe_camera().err();
        self.shared.set_camera_hangs(matches!(trouble, Some(CameraError::Stuck { .. })));
        self.shared.saw_camera(self.pipeline.camera_name(), trouble.map(|error| error.to_string()));
        self.last_probe = self.clock.now();
    }

    fn check_camera(&mut self) {
        let now = self.clock.now();
        if self.last_use.is_some_and(|at| now.since(at) >= self.idle_close) {
            self.pipeline.close_camera();
            self.last_use = None;
        }
        if now.since(self.last_probe) >= REPROBE {
            self.probe();
        }
    }
}

/// A match whose grant is at the latch.
struct Matched {
    judging: Judging,
    event: Event,
    by: u32,
    end: oneshot::Sender<Judging>,
    recorder: Recorder,
}

impl Waiting for Matched {
    fn waits(&self) -> bool {
        !self.end.is_closed()
    }

    fn done(self: Box<Self>, opened: Result<(), LatchError>) {
        let Self { mut judging, mut event, by, end, recorder } = *self;
        event.latch = Some(if opened.is_ok() { LatchState::Opened } else { LatchState::Failed });
        if let Err(error) = opened {
            tracing::error!(user = event.user, "{error}");
            judging.latch_error = Some(error.to_string());
        }
        recorder.publish(event, by);
        // The caller may have gone.
        let _ = end.send(judging);
    }
}
