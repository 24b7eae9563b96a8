//! A face that lies on its side or stands on its head in the frame, because the camera is mounted so or the head held so.
//!
//! Detector and embedder are made for upright faces: of faces turned by 180 degrees a third of all pairs of strangers match.
//! So such a face is never judged and costs no miss; the caller learns how to get an upright picture.

use super::{Cause, Networks, Pipeline};
use crate::camera::Frame;
use crate::camera::orient::Orientation;
use crate::config;
use crate::detect::quality::{QualityGate, RetryReason};
use crate::model::ModelError;

/// Degrees clockwise that may bring a face upright, the likeliest first.
const TURNS: [u32; 3] = [180, 90, 270];

/// Which turn to try next, and what came of the earlier ones.
pub(super) struct Turns {
    /// How frames are turned already: `camera.rotate` and `camera.mirror`.
    rotate: u32,
    mirror: bool,
    /// Index in [`TURNS`].
    next: usize,
    found: Option<RetryReason>,
}

impl Turns {
    /// For frames turned as the configuration says.
    pub(super) fn of(camera: &config::Camera) -> Self {
        Self { rotate: camera.rotate, mirror: camera.mirror, next: 0, found: None }
    }

    /// An upright face was seen: the camera is mounted as configured.
    pub(super) fn saw_upright(&mut self) {
        self.found = None;
    }

    /// The value to set `camera.rotate` to, as a word, if the last face to be seen was turned.
    pub(super) fn found(&self) -> Option<RetryReason> {
        self.found
    }

    /// Keeps whether the turn that was tried showed a face. One that did is tried first the next time.
    fn tried(&mut self, has_face: bool) -> Option<RetryReason> {
        if has_face {
            self.found = Some(self.setting(TURNS[self.next]));
            return self.found;
        }
        self.next = (self.next + 1) % TURNS.len();
        None
    }

    /// The value of `camera.rotate` that adds a turn of `degrees`.
    fn setting(&self, degrees: u32) -> RetryReason {
        match setting((self.rotate, self.mirror), degrees) {
            90 => RetryReason::Rotate90,
            180 => RetryReason::Rotate180,
            270 => RetryReason::Rotate270,
            _ => RetryReason::Rotate0,
        }
    }
}

/// The value of `camera.rotate` that adds a turn of `degrees` to these settings. The mirror comes after the turn, and a turn before
/// a mirror is the opposite turn after it.
fn setting((rotate, mirror): (u32, bool), degrees: u32) -> u32 {
    let more = if mirror { 360 - degrees } else { degrees };
    (rotate + more) % 360
}

/// The value of `camera.rotate` with which the face in a frame of this camera would be judged; `None` if there is no such face.
///
/// # Errors
/// [`ModelError`] when a network fails.
pub fn upright(
    networks: &Networks,
    gate: &QualityGate,
    camera: &config::Camera,
    frame: &Frame,
) -> Result<Option<u32>, ModelError> {
    for degrees in [0].into_iter().chain(TURNS) {
        let turned = frame.clone().turned(Orientation::new(degrees, false));
        let faces = networks.detector.detect(&turned)?;
        if networks.embedder.examine(gate, &turned, &faces, &mut |_| ())?.is_ok() {
            return Ok(Some(setting((camera.rotate, camera.mirror), degrees)));
        }
    }
    Ok(None)
}

impl Pipeline {
    /// Looks at an unusable frame once more in one other orientation, the next one each time: that bounds the work to two
    /// detections and two embeddings a frame. A face counts if it would have been judged, had it been upright.
    pub(super) fn look_turned(&mut self, frame: &Frame) -> Result<Option<RetryReason>, Cause> {
        let turns = &mut self.cameras.used_mut().turns;
        let turned = frame.clone().turned(Orientation::new(TURNS[turns.next], false));
        let faces = self.networks.detector.detect(&turned)?;
        let examined = self.networks.embedder.examine(&self.gate, &turned, &faces, &mut |_| ())?;
        Ok(turns.tried(examined.is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rotate: u32, mirror: bool) -> Turns {
        Turns::of(&config::Camera { rotate, mirror, ..config::Camera::default() })
    }

    #[test]
    fn the_turn_adds_to_the_one_that_is_set_and_against_it_in_a_mirror() {
        use RetryReason::{Rotate0, Rotate90, Rotate180, Rotate270};
        for (rotate, mirror, degrees, wanted) in [
            (0, false, 180, Rotate180),
            (0, false, 90, Rotate90),
            (0, false, 270, Rotate270),
            (180, false, 180, Rotate0),
            (90, false, 90, Rotate180),
            (0, true, 90, Rotate270),
            (90, true, 90, Rotate0),
            (0, true, 180, Rotate180),
        ] {
            assert_eq!(turns(rotate, mirror).setting(degrees), wanted, "{rotate} {mirror} {degrees}");
        }
    }

    #[test]
    fn the_setting_that_is_told_shows_the_turned_picture() {
        // Three pixels in two rows, no two alike: told by which setting shows what a turn of the shown one shows.
        let picture: Vec<u8> = (0..18).collect();
        for (rotate, mirror) in [(0, false), (90, false), (180, true), (90, true)] {
            for degrees in TURNS {
                let (width, height, shown) = Orientation::new(rotate, mirror).turned(3, 2, &picture);
                let wanted = Orientation::new(degrees, false).turned(width, height, &shown);
                let told = turns(rotate, mirror).setting(degrees).to_string();
                let told = told.trim_start_matches("rotate-").parse().expect("degrees");
                assert_eq!(
                    Orientation::new(told, mirror).turned(3, 2, &picture),
                    wanted,
                    "{rotate} {mirror} {degrees}"
                );
            }
        }
    }

    #[test]
    fn the_turns_take_turns_until_one_shows_a_face() {
        let mut turns = turns(0, false);
        assert_eq!(turns.tried(false), None);
        assert_eq!(turns.tried(true), Some(RetryReason::Rotate90));
        assert_eq!(turns.tried(true), Some(RetryReason::Rotate90), "the same again");
        assert_eq!(turns.tried(false), None, "nobody is there");
        assert_eq!(
            turns.found(),
            Some(RetryReason::Rotate90),
            "but that stays true until an upright face is seen"
        );
        turns.saw_upright();
        assert_eq!(turns.found(), None);
    }
}
