//! A scripted infrared camera beside the one of the [`Stage`](crate::stage::Stage): it sees each frame that the first one sees, as
//! it would look to it, and at the same moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch::camera::{CameraError, Frame, FrameSource};
use facelatch::clock::BootTime;

use crate::spoil::{FaceAxes, Pixels, Spoil};
use crate::world::PATIENCE;

/// How long one read waits, by the system's clock: a camera that is closed must not wait for the first one's next frame.
const READ: Duration = Duration::from_millis(20);

/// What the infrared camera sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Shown {
    /// A live face: lit, with its eyes dark.
    #[default]
    Live,
    /// Black glass, and a hand below it.
    Screen,
    /// Bright paper without its inks.
    Print,
    /// Nothing: its lens is covered, or the emitter is off.
    Covered,
    /// It is there and gives no frames.
    Silent,
    /// It is not there.
    Unplugged,
}

/// A picture, what is wrong with it, and as what it is shown.
type Key = (String, Option<Spoil>, Shown);

/// The camera, and the test's handle on it.
#[derive(Clone, Default)]
pub struct Infrared(Arc<(Mutex<Scene>, Condvar)>);

#[derive(Default)]
struct Scene {
    shown: Shown,
    due: Option<Frame>,
    /// A read waits for a frame.
    waits: bool,
    closed: usize,
}

impl Infrared {
    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it sees this.
    pub fn shows(&self, shown: Shown) {
        self.scene().shown = shown;
    }

    /// How often it was closed.
    pub fn closed(&self) -> usize {
        self.scene().closed
    }

    /// The first camera sees this now. Returns when the daemon has the frame of this one.
    pub(crate) fn film(&self, name: (&str, Option<Spoil>), picture: &Pixels, now: BootTime) {
        let mut scene = self.scene();
        let Some(rgb) = scene.shown.grey(name, picture) else { return };
        scene.due = Some(Frame::new(picture.0, picture.1, rgb, now).expect("a frame"));
        self.0.1.notify_all();
        // It has the frame when it asks for the next one.
        let taken = self.0.1.wait_timeout_while(scene, PATIENCE, |scene| scene.due.is_some() || !scene.waits);
        assert!(!taken.expect("lock").1.timed_out(), "nobody reads the infrared camera");
    }
}

impl Shown {
    /// As grey RGB, if there is a frame. There is a face in the picture. Each is made once for all tests of this program.
    fn grey(self, (name, spoil): (&str, Option<Spoil>), picture: &Pixels) -> Option<Vec<u8>> {
        static SEEN: Mutex<BTreeMap<Key, Vec<u8>>> = Mutex::new(BTreeMap::new());
        if matches!(self, Self::Silent | Self::Unplugged) {
            return None;
        }
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(seen.entry((name.to_owned(), spoil, self)).or_insert_with(|| self.made_of(picture)).clone())
    }

    fn made_of(self, (width, height, rgb): &Pixels) -> Vec<u8> {
        let FaceAxes { middle, eye_distance } = FaceAxes::of(*width, *height, rgb);
        let light = |at: usize, pixel: &[u8]| {
            let (x, y) = (at as u32 % width, at as u32 / width);
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            let luma = ((2 * red + 5 * green + blue) / 8) as u8;
            let (across, down) = ((x as f32 - middle.x) / eye_distance, (y as f32 - middle.y) / eye_distance);
            let is_eye = ((across.abs() - 0.5) / 0.22).hypot(down / 0.2) < 1.0;
            match self {
                Self::Live if is_eye => luma / 6,
                // The emitter lights a face evenly, and hardly what is behind it.
                Self::Live if across.hypot(down - 0.5) < 2.0 => 90 + luma / 3,
                Self::Live => luma / 10,
                Self::Screen if y >= height - height / 6 => 200,
                Self::Screen => luma / 40,
                Self::Print => 200,
                Self::Covered | Self::Silent | Self::Unplugged => 2,
            }
        };
        let lights = rgb.chunks_exact(3).enumerate().map(|(at, pixel)| light(at, pixel));
        lights.flat_map(|light| [light; 3]).collect()
    }
}

impl FrameSource for Infrared {
    fn next_frame(&mut self, _: BootTime) -> Result<Frame, CameraError> {
        self.probe()?;
        let mut scene = self.scene();
        scene.waits = true;
        self.0.1.notify_all();
        let wait = self.0.1.wait_timeout_while(scene, READ, |scene| scene.due.is_none());
        let mut scene = wait.unwrap_or_else(PoisonError::into_inner).0;
        scene.waits = false;
        match (scene.due.take(), scene.shown) {
            (Some(frame), _) => Ok(frame),
            (None, Shown::Silent) => Err(CameraError::Silent { camera: self.name(), waited: READ }),
            (None, _) => Err(CameraError::BadFrame { why: "the first camera sees nothing new".into() }),
        }
    }

    fn close(&mut self) {
        self.scene().closed += 1;
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        match self.scene().shown {
            Shown::Unplugged => Err(CameraError::Missing { camera: self.name(), fix: "plug it in".into() }),
            _ => Ok(()),
        }
    }

    fn name(&self) -> String {
        "/dev/video2".to_owned()
    }
}
