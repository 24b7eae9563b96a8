//! A scripted camera that shows bundled pictures, controlled by the test.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch::camera::decode::decode_picture;
use facelatch::camera::grey::Grey;
use facelatch::camera::{CameraError, Frame, FrameSource, GLANCE_CELLS};
use facelatch::clock::{BootTime, Clock};

use crate::infrared::Infrared;
use crate::spoil::{Pixels, Spoil, spoilt};
use crate::world::{HandClock, PATIENCE};

/// Pictures that alice enrols with.
pub const ALICE_ENROLS: &[Shot] =
    &[Shot::Show("obama-1.jpg"), Shot::Show("obama-enrol-1.jpg"), Shot::Show("obama-2.jpg")];
/// Other pictures of alice.
pub const ALICE: &[Shot] =
    &[Shot::Show("obama-3.jpg"), Shot::Show("obama-3b.jpg"), Shot::Show("obama-3c.jpg")];
/// Another person.
pub const BOB: &[Shot] = &[Shot::Show("biden.jpg")];
/// An empty room.
pub const NOBODY: &[Shot] = &[Shot::Show("coffee.jpg")];

const FRAME_TIME: Duration = Duration::from_millis(400);
const LIVE_FRAME_TIME: Duration = Duration::from_millis(100);

/// What the camera sees when it is asked for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shot {
    /// A bundled picture.
    Show(&'static str),
    /// The same as from a real camera: after a moment, and without a picture name.
    Live(&'static str),
    /// A bundled picture with a fault.
    Spoilt(&'static str, Spoil),
    /// The same as from a real camera.
    LiveSpoilt(&'static str, Spoil),
    /// The last frame from a real camera once more: the same pixels, taken at the same moment.
    Again,
    /// No frame until the deadline.
    Silent,
    /// The camera is unplugged.
    Unplugged,
    /// Blocks until the test releases it, then shows the next shot.
    Hold,
}

/// The test's handle on the camera.
#[derive(Clone, Default)]
pub struct Stage(Arc<(Mutex<Scene>, Condvar)>);

#[derive(Default)]
struct Scene {
    shots: VecDeque<Shot>,
    held: bool,
    let_go: bool,
    closed: usize,
    /// Whole frames so far, and glances.
    taken: (usize, usize),
    /// How often it was asked for one while it was unplugged.
    missed: usize,
    /// Frames as from a real camera so far.
    live: u32,
    last: Option<Frame>,
}

impl Stage {
    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on shows these shots in a loop.
    pub fn shows(&self, shots: &[Shot]) {
        let mut scene = self.scene();
        scene.shots = shots.iter().copied().collect();
        scene.let_go = false;
    }

    /// How often the camera was closed.
    pub fn closed(&self) -> usize {
        self.scene().closed
    }

    /// Whole frames that were taken, which is how often the detector ran while nobody asked; and glances.
    pub fn taken(&self) -> (usize, usize) {
        self.scene().taken
    }

    /// How often a frame or a glance was asked for while it was unplugged.
    pub fn missed(&self) -> usize {
        self.scene().missed
    }

    /// Waits until the engine blocks in a [`Shot::Hold`].
    pub fn wait_until_held(&self) {
        let held = self.0.1.wait_timeout_while(self.scene(), PATIENCE, |scene| !scene.held);
        assert!(held.expect("lock").0.held, "the camera was never asked for a frame");
    }

    /// Ends the [`Shot::Hold`].
    pub fn let_go(&self) {
        self.scene().let_go = true;
        self.0.1.notify_all();
    }

    fn next(&self) -> Shot {
        let mut scene = self.scene();
        loop {
            let shot = scene.shots.pop_front().unwrap_or(Shot::Unplugged);
            scene.shots.push_back(shot);
            if shot != Shot::Hold {
                return shot;
            }
            scene.held = true;
            self.0.1.notify_all();
            let wait = self.0.1.wait_timeout_while(scene, PATIENCE, |scene| !scene.let_go);
            scene = wait.unwrap_or_else(PoisonError::into_inner).0;
            scene.held = false;
            scene.let_go = false;
            if scene.shots.iter().all(|shot| *shot == Shot::Hold) {
                return Shot::Unplugged;
            }
        }
    }
}

/// The camera that shows what its [`Stage`] is set to.
pub struct ScriptedCamera {
    /// What it sees.
    pub stage: Stage,
    /// Its clock.
    pub clock: Arc<HandClock>,
    /// The camera beside it, if there is one.
    pub infrared: Option<Infrared>,
    /// Its name as a device.
    pub device: &'static str,
}

impl ScriptedCamera {
    /// The picture, which the camera beside this one sees as well.
    fn sees(&self, name: &str, spoil: Option<Spoil>) -> Pixels {
        let picture = picture(name, spoil);
        self.infrared.iter().for_each(|infrared| infrared.film((name, spoil), &picture, self.clock.now()));
        picture
    }

    /// A frame with a little noise: no two of a real camera are the same to the last bit.
    fn live(&self, (width, height, mut rgb): Pixels) -> Result<Frame, CameraError> {
        let mut scene = self.stage.scene();
        scene.live += 1;
        let [noise, ..] = scene.live.to_le_bytes();
        rgb.last_mut().into_iter().for_each(|value| *value = noise);
        let frame = Frame::new(width, height, rgb, self.clock.now())?;
        scene.last = Some(frame.clone());
        Ok(frame)
    }

    fn missing(&self) -> CameraError {
        CameraError::Missing { camera: self.name(), fix: "plug it in".into() }
    }

    fn shoot(&self, deadline: BootTime) -> Result<Frame, CameraError> {
        let shot = self.stage.next();
        match shot {
            Shot::Live(_) | Shot::LiveSpoilt(..) => self.clock.forward(LIVE_FRAME_TIME),
            Shot::Silent => self.clock.forward(deadline.since(self.clock.now())),
            _ => self.clock.forward(FRAME_TIME),
        }
        let frame = |name, spoil| {
            let (width, height, rgb) = self.sees(name, spoil);
            Frame::new(width, height, rgb, self.clock.now())
        };
        match shot {
            Shot::Show(name) => Ok(frame(name, None)?.with_origin(name.to_owned())),
            Shot::Live(name) => self.live(self.sees(name, None)),
            Shot::Spoilt(name, spoil) => Ok(frame(name, Some(spoil))?.with_origin(name.to_owned())),
            Shot::LiveSpoilt(name, spoil) => self.live(self.sees(name, Some(spoil))),
            Shot::Again => self.stage.scene().last.clone().ok_or_else(|| self.missing()),
            Shot::Silent => Err(CameraError::Silent { camera: self.name(), waited: Duration::from_secs(5) }),
            Shot::Unplugged | Shot::Hold => {
                self.stage.scene().missed += 1;
                Err(self.missing())
            }
        }
    }
}

impl FrameSource for ScriptedCamera {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        let frame = self.shoot(deadline)?;
        self.stage.scene().taken.0 += 1;
        Ok(frame)
    }

    fn glance(&mut self, deadline: BootTime) -> Result<Grey, CameraError> {
        let frame = self.shoot(deadline)?;
        self.stage.scene().taken.1 += 1;
        Ok(Grey::of(&frame, GLANCE_CELLS))
    }

    fn close(&mut self) {
        self.stage.scene().closed += 1;
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        if self.stage.scene().shots.iter().all(|shot| *shot == Shot::Unplugged) {
            return Err(self.missing());
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.device.to_owned()
    }
}

fn picture(name: &str, spoil: Option<Spoil>) -> Pixels {
    static SEEN: Mutex<BTreeMap<(String, Option<Spoil>), Pixels>> = Mutex::new(BTreeMap::new());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || {
        let good = bundled(name);
        spoil.map_or(good.clone(), |spoil| spoilt(good, spoil))
    };
    seen.entry((name.to_owned(), spoil)).or_insert_with(read).clone()
}

/// The bundled pictures.
pub fn faces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces")
}

/// A bundled picture.
pub(crate) fn bundled(name: &str) -> Pixels {
    decode_picture(&std::fs::read(faces().join(name)).expect("picture")).expect("decodes")
}
