//! A whole daemon on a socket in a temporary folder. Only camera, clock, store, latch and the callers' roles are
//! scripted; networks, pipeline, judge and server are real.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use facelatch::camera::FrameSource;
use facelatch::camera::beside::Beside;
use facelatch::clock::{BootTime, Clock, WallTime};
use facelatch::config::{AttackLevel, Config, Millis};
use facelatch::detect::Detector;
use facelatch::embed::{ChildCue, Embedder};
use facelatch::head::Head;
use facelatch::head::file::Wanted;
use facelatch::model::{Manifest, Network};
use facelatch::pipeline::{Camera, Networks, Pipeline, Rules};
use facelatch::seam::Seams;
use facelatch::serve::enrolled::EnrolledFile;
use facelatch::serve::peer::Role;
use facelatch::serve::{self, Parts};
use facelatch::store::audit::{Audit, Limits};
use facelatch::store::{KeySource, Vault, VaultOptions};
use facelatch_wire::call::{Enroll, Verify};
use facelatch_wire::reply::{Enrolling, Judging};
use facelatch_wire::{Client, ClientError, Deadline, Method};
use tempfile::TempDir;

use crate::attack::scripted;
use crate::infrared::Infrared;
use crate::masks::Masks;
use crate::stage::{ALICE_ENROLS, NOBODY, ScriptedCamera, Stage};
use crate::store::VecStore;
use crate::tape::Tape;

/// Deadline far beyond what anything takes; a test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// From one look to the next of somebody who polls: the processor is for what they wait for.
const PAUSE: Duration = Duration::from_millis(1);

/// Polls until there is an answer.
pub fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    let deadline = Deadline::within(PATIENCE);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        deadline.left().expect("an answer in time");
        std::thread::park_timeout(PAUSE);
    }
}

/// A clock that moves only when the test advances it. Local time is UTC.
pub struct HandClock {
    /// Milliseconds since the start.
    now: AtomicU64,
    /// What the wall clock showed then, in seconds.
    wall: AtomicU64,
    is_unset: AtomicBool,
}

impl Default for HandClock {
    fn default() -> Self {
        Self { now: AtomicU64::new(0), wall: AtomicU64::new(1_000_000), is_unset: AtomicBool::new(false) }
    }
}

impl HandClock {
    /// Advances the clock.
    pub fn forward(&self, time: Duration) {
        self.now.fetch_add(u64::try_from(time.as_millis()).expect("short"), Ordering::SeqCst);
    }

    /// Sets the wall clock to so many seconds since 1970.
    pub fn show(&self, wall: WallTime) {
        self.wall.store(wall.0 - self.now.load(Ordering::SeqCst) / 1000, Ordering::SeqCst);
    }

    /// Whether anything has set the wall clock since the machine started.
    pub fn unset(&self, is_unset: bool) {
        self.is_unset.store(is_unset, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> BootTime {
        BootTime(Duration::from_millis(self.now.load(Ordering::SeqCst)))
    }

    fn wall(&self) -> WallTime {
        WallTime(self.wall.load(Ordering::SeqCst) + self.now.load(Ordering::SeqCst) / 1000)
    }

    fn is_set(&self) -> bool {
        !self.is_unset.load(Ordering::SeqCst)
    }
}

/// A running daemon and its surroundings.
pub struct World {
    /// Where the daemon listens.
    pub socket: PathBuf,
    /// What its camera sees.
    pub stage: Stage,
    /// What each further camera sees, where `other_cameras` has one.
    pub second: Stage,
    /// The infrared camera beside the first one, where `attack.infrared` names one.
    pub infrared: Infrared,
    /// Its clock.
    pub clock: Arc<HandClock>,
    /// Its store, unless the world is [`World::sealed`].
    pub store: Arc<VecStore>,
    /// Its latch.
    pub tape: Tape,
    /// The identities of its callers.
    pub masks: Arc<Masks>,
    /// What a challenge is drawn from.
    pub random: Arc<AtomicU64>,
    /// Replaces the shipped head.
    head: Option<Head>,
    /// Replaces the shipped cue.
    child: Option<ChildCue>,
    /// Replaces the store in memory.
    vault: Option<(Arc<Vault>, Arc<Audit>)>,
    enrolled: Option<EnrolledFile>,
    config: Config,
    running: Option<(tokio::sync::oneshot::Sender<()>, JoinHandle<()>)>,
    _folder: TempDir,
}

impl Default for World {
    fn default() -> Self {
        Self::with(|_| {})
    }
}

impl World {
    /// A daemon with the shipped configuration, except for two frames per decision, three templates, attacks, which are
    /// not looked for, and silent clients, which are kept as long as a test may take.
    pub fn new() -> Self {
        Self::default()
    }

    /// A daemon with the given configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.decision.frames = 2;
        config.decision.templates = 3;
        config.attack.level = AttackLevel::Off;
        // On some of the bundled pictures people look past the camera.
        config.quality.max_turn_at_door = config.quality.max_turn;
        config.serve.client_timeout_ms = Millis(PATIENCE.as_secs() * 1000);
        change(&mut config);
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut world = Self {
            socket: folder.path().join("s"),
            stage: Stage::default(),
            second: Stage::default(),
            infrared: Infrared::default(),
            clock: Arc::default(),
            store: Arc::default(),
            tape: Tape::default(),
            masks: Arc::default(),
            random: Arc::default(),
            head: None,
            child: None,
            vault: None,
            enrolled: None,
            config,
            running: None,
            _folder: folder,
        };
        world.stage.shows(NOBODY);
        world.second.shows(NOBODY);
        world.start();
        world
    }

    /// Everything scripted, of this world.
    fn seams(&self) -> Seams {
        let attack = &self.config.attack;
        let has_infrared = attack.level != AttackLevel::Off && !attack.infrared.as_os_str().is_empty();
        let infrared = has_infrared.then(|| self.infrared.clone());
        let camera = |stage: &Stage, infrared, device| {
            let (stage, clock) = (stage.clone(), self.clock.clone());
            Box::new(ScriptedCamera { stage, clock, infrared, device }) as Box<dyn FrameSource>
        };
        let second = |_| camera(&self.second, None, "second stage");
        let random = self.random.clone();
        Seams {
            frames: camera(&self.stage, infrared.clone(), "stage"),
            other_frames: self.config.other_cameras.iter().map(second).collect(),
            infrared: infrared.map(|infrared| Box::new(infrared) as Box<dyn FrameSource>),
            clock: self.clock.clone(),
            random: Arc::new(move || random.load(Ordering::SeqCst)),
            store: match &self.vault {
                Some((vault, _)) => vault.clone(),
                None => self.store.clone(),
            },
            latch: Box::new(self.tape.clone()),
        }
    }

    fn networks(&self) -> Networks {
        let shipped = networks();
        let passive =
            (self.config.attack.level != AttackLevel::Off).then(|| scripted(self.config.attack.bpcer));
        let head = self.head.clone().unwrap_or(shipped.head);
        let embedder = match &self.child {
            Some(cue) => shipped.embedder.with_child(Some(cue.clone())),
            None => shipped.embedder,
        };
        Networks { head, passive, embedder, ..shipped }
    }

    /// A pipeline over the same cameras and store, without a daemon; a daemon beside it would take infrared frames away.
    pub fn pipeline(&self) -> Pipeline {
        let Seams { frames, infrared, clock, random, store, .. } = self.seams();
        let mut camera = Camera::new(&self.config.camera, frames);
        if let Some(source) = infrared {
            camera = camera.with_infrared(Beside::new(source, clock.clone()).expect("a thread"));
        }
        Pipeline::new(self.networks(), Rules::of(&self.config), camera, clock, store, random)
    }

    fn start(&mut self) {
        let listener = UnixListener::bind(&self.socket).expect("socket");
        let parts = Parts {
            config: self.config.clone(),
            networks: self.networks(),
            seams: self.seams(),
            peers: self.masks.clone(),
            audit: self.vault.as_ref().map(|(_, audit)| audit.clone()),
            notes: Vec::new(),
            enrolled: self.enrolled.clone(),
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serve = move || {
            let stopped = async move {
                let _ = stopped.await;
            };
            serve::run(vec![listener], parts, stopped).expect("serves");
        };
        self.running = Some((stop, std::thread::spawn(serve)));
    }

    /// A daemon with the real store and its audit log, in a temporary folder.
    pub fn sealed(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::with(change);
        world.stop();
        let networks = networks();
        let folder = world._folder.path().join("state/store");
        let vault = Vault::open(&VaultOptions {
            folder: &folder,
            keys: KeySource::new(&folder, Path::new(""), None),
            embedder_sha256: networks.embedder.model_sha256(),
            template_key: networks.template_key(),
            now: world.clock.wall(),
        });
        let vault = vault.expect("opens");
        let limits = Limits { file_bytes: 1 << 20, files: 3 };
        let audit = Audit::open(&folder.join("audit"), &vault, limits, world.clock.wall()).expect("opens");
        world.vault = Some((Arc::new(vault), Arc::new(audit)));
        world.start();
        world
    }

    /// The folder of the real store.
    pub fn store_folder(&self) -> PathBuf {
        self._folder.path().join("state/store")
    }

    /// Stops the daemon and waits until its threads have ended.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let _ = std::fs::remove_file(&self.socket);
            thread.join().expect("the daemon ends without a panic");
        }
    }

    /// Restarts the daemon with another head.
    pub fn with_head(mut self, head: Head) -> Self {
        self.head = Some(head);
        self.restart();
        self
    }

    /// Restarts the daemon with another cue for small children.
    #[must_use]
    pub fn with_child(mut self, cue: ChildCue) -> Self {
        self.child = Some(cue);
        self.restart();
        self
    }

    /// Restarts the daemon, and has it say in this file which accounts have a face.
    #[must_use]
    pub fn says_who_is_enrolled(mut self, file: EnrolledFile) -> Self {
        self.enrolled = Some(file);
        self.restart();
        self
    }

    /// Restarts the daemon; only the store is kept.
    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Restarts the daemon with another configuration.
    #[must_use]
    pub fn reconfigured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.stop();
        change(&mut self.config);
        self.start();
        self
    }

    /// From now on connections come from this user.
    pub fn called_by(&self, name: &str, role: Role) {
        self.masks.put_on(name, role);
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(&self.socket, Deadline::within(PATIENCE)).expect("the daemon listens")
    }

    /// One call on a new connection.
    pub fn ask<M: Method>(&self, request: &M) -> Result<M::Reply, ClientError> {
        self.client().call(request)
    }

    /// Enrols the person before the camera.
    pub fn enroll(&self, user: &str) -> Result<Enrolling, ClientError> {
        self.ask(&Enroll { user: user.into(), label: None, templates: None, door: None, ..Enroll::default() })
    }

    /// A world where alice is enrolled.
    pub fn knows_alice(self) -> Self {
        self.stage.shows(ALICE_ENROLS);
        let enrolled = self.enroll("alice").expect("enrolled");
        assert_eq!(enrolled.added, Some(3));
        self
    }

    /// Asks whether the person before the camera is this user.
    pub fn verify(&self, user: &str) -> Judging {
        self.ask(&Verify { user: Some(user.into()), latch: None, camera: None }).expect("a verdict")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stage.let_go();
        self.masks.silence(false);
        self.masks.silence_accounts(false);
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// The shipped networks, loaded once for all tests of this program.
pub fn networks() -> Networks {
    static LOADED: OnceLock<(Network, Network, Head)> = OnceLock::new();
    let (detector, embedder, head) = LOADED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        let manifest = Manifest::load(&folder).expect("models");
        let detector = manifest.detector("yunet", 320).expect("loads");
        let network = manifest.embedder("sface").expect("loads");
        let embedder = Embedder::new(network.clone());
        let wanted = Wanted::of(&embedder);
        let head = Head::load(&folder.join("sface.head.toml"), wanted).expect("loads");
        (detector, network, head)
    });
    Networks {
        detector: Detector::new(detector.clone(), 0.6).expect("YuNet"),
        embedder: Embedder::new(embedder.clone()),
        head: head.clone(),
        passive: None,
    }
}
