//! The one thread that looks and opens: attempts run here, one after another, behind a short queue.
//!
//! The socket side hands in a [`Job`] and hears of it over channels; it never waits on this thread itself.
//! Who drops his [`Ongoing`] gives the job up.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use facelatch_wire::reply::{Event, Judging};
use facelatch_wire::{Fault, Word};
use tokio::sync::broadcast;

use super::line::{self, Line, News, Ongoing, busy, stopping};
use super::replies;
use super::turns::{self, Turn, Turns};
use super::unjudged::Unjudged;
use crate::camera::CameraError;
use crate::clock::{BootTime, Clock};
use crate::config::OpensOn;
use crate::latch::Latch;
use crate::people::UserName;
use crate::pipeline::{About, EnrollError, EnrollRequest, Enrolled, Pipeline, Progress, Verdict};
use crate::store::audit::{Audit, Entry};

/// Jobs that may wait behind the running one.
const QUEUE: usize = 2 * turns::MOST;

/// Events that a slow listener may fall behind.
const EVENTS: usize = 256;

/// How often the idle thread looks around.
const TICK: Duration = Duration::from_millis(500);

/// How often a camera that is not there is looked for.
const REPROBE: Duration = Duration::from_secs(5);

/// What the engine does for somebody.
pub(super) enum Job {
    /// Looks who is there.
    Judge(Question, Line<Judging>),
    /// Adds templates.
    Enroll(EnrollRequest, u32, Line<Result<Enrolled, EnrollError>>),
    /// Looks for the camera.
    Probe(Line<()>),
}

/// What an attempt is about.
pub(super) struct Question {
    /// 1:1; `None` is 1:n.
    pub(super) claimed: Option<UserName>,
    /// A match may open the latch; a login only wants the answer.
    pub(super) may_open: bool,
    /// User id of whoever asks.
    pub(super) by: u32,
}

/// The socket side's handle. The thread ends when it is dropped.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// Whoever is not the owner submits a job only with a turn.
    pub(super) turns: Turns,
    /// What both sides know.
    pub(super) shared: Arc<Shared>,
    /// What happens at the door.
    pub(super) events: broadcast::Sender<Event>,
}

/// What the socket side may look at without waiting.
pub(super) struct Shared {
    /// What is loaded.
    pub(super) about: About,
    /// Name of the latch.
    pub(super) latch: String,
    camera: Mutex<Camera>,
    camera_hangs: AtomicBool,
    busy: AtomicBool,
    ticks: AtomicU64,
}

/// The camera as last seen.
#[derive(Debug, Clone)]
pub(super) struct Camera {
    /// Path or name.
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) trouble: Option<String>,
}

/// What the thread owns.
pub(super) struct Works {
    /// Frames to verdicts.
    pub(super) pipeline: Pipeline,
    /// What a grant opens, if anything.
    pub(super) latch: Option<Box<dyn Latch>>,
    /// Which grants open it.
    pub(super) opens_on: OpensOn,
    /// What time it is.
    pub(super) clock: Arc<dyn Clock>,
    /// The camera is closed so long after its last use.
    pub(super) idle_close: Duration,
    /// Where it is put on record what happened.
    pub(super) audit: Option<Arc<Audit>>,
}

struct Running {
    works: Works,
    shared: Arc<Shared>,
    events: broadcast::Sender<Event>,
    last_use: Option<BootTime>,
    last_probe: BootTime,
    unjudged: Unjudged,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(works: Works) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = sync_channel(QUEUE);
        let camera = Camera { name: works.pipeline.camera_name(), trouble: None };
        let shared = Arc::new(Shared {
            about: works.pipeline.about(),
            latch: works.latch.as_ref().map_or_else(|| "none".to_owned(), |latch| latch.name()),
            camera: Mutex::new(camera),
            camera_hangs: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            ticks: AtomicU64::new(0),
        });
        let events = broadcast::Sender::new(EVENTS);
        let (last_probe, unjudged) = (works.clock.now(), Unjudged::default());
        let (shown, told) = (shared.clone(), events.clone());
        let mut running =
            Running { works, shared: shown, events: told, last_use: None, last_probe, unjudged };
        let thread =
            std::thread::Builder::new().name("engine".to_owned()).spawn(move || running.run(&queue))?;
        Ok((Self { jobs, turns: Turns::default(), shared, events }, thread))
    }

    /// Puts a job into the queue; the turn is given back when it has ended.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the queue is full, [`Fault::Stopping`] when the thread has ended.
    pub(super) fn submit<T>(
        &self,
        turn: Option<Turn>,
        job: impl FnOnce(Line<T>) -> Job,
    ) -> Result<Ongoing<T>, Fault> {
        let (line, ongoing) = line::pair(turn);
        match self.jobs.try_send(job(line)) {
            Ok(()) => Ok(ongoing),
            Err(TrySendError::Full(_)) => Err(busy()),
            Err(TrySendError::Disconnected(_)) => Err(stopping()),
        }
    }
}

impl Shared {
    /// An attempt or enrolment is running.
    pub(super) fn busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Grows as long as the thread lives.
    pub(super) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// When it was last looked at, a read that its driver never answers held the camera.
    pub(super) fn camera_hangs(&self) -> bool {
        self.camera_hangs.load(Ordering::Relaxed)
    }

    /// The camera as last seen.
    pub(super) fn camera(&self) -> Camera {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Camera> {
        // Whole values are put in, so a panic elsewhere leaves nothing half done.
        self.camera.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    fn saw_camera(&self, name: String, trouble: Option<String>) {
        let mut camera = self.lock();
        match (&camera.trouble, &trouble) {
            (before, Some(now)) if before.as_ref() != Some(now) => tracing::warn!("degraded: {now}"),
            (Some(_), None) => tracing::info!("camera {name}: back"),
            _ => {}
        }
        *camera = Camera { name, trouble };
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
                        self.works.pipeline.close_camera();
                    }
                    self.shared.busy.store(false, Ordering::Release);
                }
                Err(RecvTimeoutError::Timeout) => self.look_around(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let due = self.unjudged.due(self.works.clock.now());
            self.record_unjudged(due);
        }
        let rest = self.unjudged.take();
        self.record_unjudged(rest);
        self.works.pipeline.close_camera();
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Judge(question, line) => self.on_camera(line, |me, listener| me.judge(question, listener)),
            Job::Enroll(request, by, line) => {
                self.on_camera(line, |me, listener| me.enroll(request, by, listener));
            }
            Job::Probe(line) => {
                self.probe();
                drop(line.turn);
                // Whoever asked may have stopped waiting.
                let _ = line.end.send(());
            }
        }
    }

    /// Runs a job that uses the camera, unless nobody waits for it any more.
    fn on_camera<T>(
        &mut self,
        line: Line<T>,
        run: impl FnOnce(&mut Self, &mut dyn FnMut(Progress) -> ControlFlow<()>) -> T,
    ) {
        if line.end.is_closed() || line.news.try_send(News::Started).is_err() {
            return;
        }
        self.shared.busy.store(true, Ordering::Release);
        let shared = self.shared.clone();
        let mut listener = |progress: Progress| {
            shared.tick();
            if line.end.is_closed() {
                return ControlFlow::Break(());
            }
            // A full channel means a slow client: he misses a word, nobody waits.
            let _ = line.news.try_send(News::Progress(progress));
            ControlFlow::Continue(())
        };
        let end = run(self, &mut listener);
        self.last_use = Some(self.works.clock.now());
        // Not busy, and his next turn, before the caller can know that it has ended.
        self.shared.busy.store(false, Ordering::Release);
        drop(line.turn);
        let _ = line.end.send(end);
    }

    fn judge(
        &mut self,
        Question { claimed, may_open, by }: Question,
        listener: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Judging {
        let mut attempt = match &claimed {
            Some(user) => self.works.pipeline.verify(user, listener),
            None => self.works.pipeline.identify(listener),
        };
        let mut judging = replies::judging(&mut attempt, claimed.as_ref());
        self.learn(judging.verdict, judging.message.as_deref());
        let kind = if claimed.is_some() { "verify" } else { "identify" };
        let mut event = self.event(kind, judging.user.clone());
        event.verdict = judging.verdict;
        if may_open && let Some(opened) = self.open(attempt.verdict, claimed.is_some()) {
            event.latch = Some(if opened.is_ok() { "opened" } else { "failed" }.to_owned());
            judging.latch_error = opened.err();
        }
        // A latch is tried only after a face was judged.
        if attempt.trace.probability.is_some() {
            self.record(&event, by);
        } else {
            self.unjudged.add(&event, by, self.works.clock.now());
        }
        self.publish(event, by);
        judging
    }

    /// Hands a grant to the latch. `None` when there is nothing to open.
    fn open(&mut self, verdict: Verdict, claimed: bool) -> Option<Result<(), String>> {
        let Verdict::Granted(grant) = verdict else { return None };
        let wanted = match self.works.opens_on {
            OpensOn::Any => true,
            OpensOn::Verify => claimed,
            OpensOn::Identify => !claimed,
        };
        let latch = self.works.latch.as_mut().filter(|_| wanted)?;
        let user = grant.user().clone();
        Some(latch.open(grant).map_err(|error| {
            tracing::error!(%user, "{error}");
            error.to_string()
        }))
    }

    fn enroll(
        &mut self,
        request: EnrollRequest,
        by: u32,
        listener: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Enrolled, EnrollError> {
        let user = request.user.to_string();
        let result = self.works.pipeline.enroll(request, listener);
        if let Err(EnrollError::Unavailable(cause)) = &result {
            self.learn(Some(replies::word(cause)), Some(&replies::cause_text(cause)));
        } else {
            self.learn(None, None);
        }
        if result.is_ok() {
            let event = self.event("enroll", Some(user));
            self.record(&event, by);
            self.publish(event, by);
        }
        result
    }

    /// What an attempt tells about the camera.
    fn learn(&mut self, word: Option<Word>, message: Option<&str>) {
        match word {
            Some(Word::CameraUnavailable) => {
                let name = self.works.pipeline.camera_name();
                self.shared.saw_camera(name, message.map(str::to_owned));
            }
            // Frames came, or the camera was not used at all.
            Some(Word::Wait | Word::Stopped | Word::NotEnrolled | Word::Cancelled | Word::Failed) => {}
            _ => self.shared.saw_camera(self.works.pipeline.camera_name(), None),
        }
    }

    fn event(&self, kind: &str, user: Option<String>) -> Event {
        Event { kind: kind.to_owned(), time: self.works.clock.wall().0, user, ..Event::default() }
    }

    /// Puts it on record, before anybody hears of it.
    fn record(&self, event: &Event, by: u32) {
        if let Some(audit) = &self.works.audit {
            audit.record(replies::audited(event, by));
        }
    }

    fn record_unjudged(&self, note: Option<String>) {
        if let (Some(audit), Some(_)) = (&self.works.audit, &note) {
            let (time, kind) = (self.works.clock.wall(), "unjudged".to_owned());
            audit.record(Entry { time, kind, note, ..Entry::default() });
        }
    }

    fn publish(&self, event: Event, by: u32) {
        let verdict = event.verdict.map(Word::as_str);
        tracing::info!(user = event.user, by, verdict, latch = event.latch, "{}", event.kind);
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    fn probe(&mut self) {
        let trouble = self.works.pipeline.probe_camera().err();
        let hangs = matches!(trouble, Some(CameraError::Stuck { .. }));
        self.shared.camera_hangs.store(hangs, Ordering::Relaxed);
        self.shared.saw_camera(self.works.pipeline.camera_name(), trouble.map(|error| error.to_string()));
        self.last_probe = self.works.clock.now();
    }

    fn look_around(&mut self) {
        let now = self.works.clock.now();
        if self.last_use.is_some_and(|at| now.since(at) >= self.works.idle_close) {
            self.works.pipeline.close_camera();
            self.last_use = None;
        }
        if now.since(self.last_probe) >= REPROBE {
            self.probe();
        }
    }
}
