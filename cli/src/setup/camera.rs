//! The camera: finds it, shows what it sees, and finds out how it is mounted.

use facelatch_setup::ask::{Stop, go_on_without_camera, yes};
use facelatch_setup::files;
use facelatch_wire::reply::{Camera, CameraState};
use toml_edit::Value;

use super::Setup;
use super::config;
use super::world::{Csi, Shown};

/// Lets the daemon read a camera on the CSI connector.
pub(super) const CSI: &str = include_str!("../../../systemd/examples/csi-camera.conf");

/// What follows the program that reads it: JPEG pictures on its standard output, until it is ended.
const READS: &str = "--timeout 0 --nopreview --codec mjpeg --framerate 15 --width {width} --height {height} --flush --output -";

/// Turns that a camera may need, in degrees clockwise.
const TURNS: [u32; 4] = [0, 90, 180, 270];

/// A turn as somebody says it.
pub(super) fn turn(answer: &str) -> Result<u32, String> {
    let turns = answer.parse().ok().filter(|degrees| TURNS.contains(degrees));
    turns.ok_or_else(|| "answer 0, 90, 180 or 270".to_owned())
}

impl Setup<'_> {
    /// Sees to it that the daemon has pictures, and that faces are upright in them.
    pub(super) fn camera(&mut self) -> Result<(), Stop> {
        if self.world.status().is_err() {
            // Its own words follow if it cannot.
            let _ = self.world.systemctl(&["start", "facelatchd.socket", "facelatchd.service"]);
        }
        self.which_camera()?;
        let mut wrong = self.wrong();
        if wrong.is_some() && self.csi()? {
            wrong = self.wrong();
        }
        if let Some(wrong) = wrong {
            return go_on_without_camera(self.person, &wrong);
        }
        self.look()
    }

    /// What is wrong with the daemon or its camera.
    fn wrong(&mut self) -> Option<String> {
        let camera = match self.world.status() {
            Ok(status) => status.cameras.into_iter().next().unwrap_or(status.camera),
            Err(why) => return Some(why.to_string()),
        };
        let Camera { name, device, state, message, .. } = camera;
        if state == CameraState::Ready {
            self.person.say(&format!("camera is ready: {}", device.unwrap_or(name)));
            return None;
        }
        Some(message.unwrap_or_else(|| format!("camera {name} gives no pictures")))
    }

    fn text(&self) -> Result<String, Stop> {
        let path = self.files.config();
        String::from_utf8(files::read(&path)?)
            .map_err(|_| Stop(format!("{}: mend it first: it is no UTF-8", path.display())))
    }

    /// Which of several USB cameras.
    fn which_camera(&mut self) -> Result<(), Stop> {
        let (text, cameras) = (self.text()?, self.world.cameras());
        let now = config::camera(&text)?;
        if cameras.len() < 2 || now.is_other {
            return Ok(());
        }
        for (number, camera) in (1..).zip(&cameras) {
            self.person.say(&format!("  {number}  {camera}"));
        }
        let device = loop {
            let suggested = if now.device.is_empty() { "auto" } else { now.device.as_str() };
            let question = "Which camera: auto, a number, or a path?";
            let answer = self.person.answer("camera.device", question, Some(suggested))?;
            let number = answer.parse().ok().and_then(|number: usize| cameras.get(number.checked_sub(1)?));
            match number {
                Some(camera) => break camera.clone(),
                None if answer == suggested || answer == "auto" || answer.starts_with('/') => break answer,
                None => self.person.wrong("camera.device", "answer auto, one of the numbers, or a path")?,
            }
        };
        if device == now.device {
            return Ok(());
        }
        self.set("device", device)
    }

    /// Has the daemon read a camera on the CSI connector, if there is one and no other. Whether it does so now.
    fn csi(&mut self) -> Result<bool, Stop> {
        let text = self.text()?;
        if config::camera(&text)?.is_other {
            return Ok(false);
        }
        let (program, camera) = match self.world.csi() {
            Csi::Found { program, camera } => (program, camera),
            Csi::None => return Ok(false),
            Csi::Unread => {
                self.person
                    .say("A camera on the CSI connector needs rpicam-vid: sudo apt install rpicam-apps");
                return Ok(false);
            }
        };
        let question = format!("No USB camera, but {camera} on the CSI connector. Use it?");
        if !yes(self.person, "camera.csi", &question, true)? {
            return Ok(false);
        }
        let words: Value = std::iter::once(program.as_str()).chain(READS.split(' ')).collect();
        let text = config::with(&text, "exec", words)?;
        let changes = [self.change(self.files.csi(), CSI)?, self.change(self.files.config(), &text)?];
        self.apply(changes.into_iter().flatten().collect())?;
        Ok(true)
    }

    /// Shows what it sees, and sets how far it is turned.
    fn look(&mut self) -> Result<(), Stop> {
        let now = u32::try_from(config::camera(&self.text()?)?.rotate).unwrap_or(0);
        let question = "Show what it sees, to find out how it is mounted? Sit in front of it";
        let shown = if yes(self.person, "camera.look", question, true)? {
            self.world.show().unwrap_or_else(|why| {
                self.person.say(&why.to_string());
                Shown::Nobody
            })
        } else {
            Shown::Upright
        };
        let found = match shown {
            Shown::Turned(degrees) => degrees,
            Shown::Upright | Shown::Nobody => now,
        };
        // A file may know how it is mounted while nobody is there.
        if shown == Shown::Upright && !self.unattended {
            return Ok(());
        }
        if shown == Shown::Nobody {
            self.person.say("No upright face was found.");
        }
        let rotate = loop {
            let question = "How far must its picture be turned clockwise: 0, 90, 180 or 270 degrees?";
            let answer = self.person.answer("camera.rotate", question, Some(&found.to_string()))?;
            match turn(&answer) {
                Ok(degrees) => break degrees,
                Err(why) => self.person.wrong("camera.rotate", &why)?,
            }
        };
        if rotate == now { Ok(()) } else { self.set("rotate", i64::from(rotate)) }
    }

    /// Sets a key of the camera, and restarts the daemon.
    fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<(), Stop> {
        let text = config::with(&self.text()?, key, value)?;
        let change = self.change(self.files.config(), &text)?;
        self.apply(change.into_iter().collect())
    }
}
