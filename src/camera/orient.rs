//! Turns pictures upright: by `camera.rotate` and `camera.mirror` for a camera that is mounted otherwise, and by the
//! orientation in a picture file.

use super::grey::Grey;
use super::{CameraError, Frame, FrameSource};
use crate::clock::BootTime;

/// A turn by quarters, then a mirror image: all eight ways to lay a picture down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    quarters: u8,
    mirror: bool,
}

impl Orientation {
    /// Turns by `degrees` clockwise, a multiple of 90, then swaps left and right if `mirror`.
    pub fn new(degrees: u32, mirror: bool) -> Self {
        Self { quarters: (degrees / 90 % 4) as u8, mirror }
    }

    /// True when a picture stays as it is.
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// Width and height of a picture after the turn.
    pub fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.quarters % 2 == 1 { (height, width) } else { (width, height) }
    }

    /// Turns `width * height * 3` bytes of RGB. Returns the new width, height and bytes.
    ///
    /// # Panics
    /// When `rgb` has another length.
    pub fn turned(self, width: u32, height: u32, rgb: &[u8]) -> (u32, u32, Vec<u8>) {
        let (w, h) = (width as usize, height as usize);
        assert_eq!(rgb.len(), w * h * 3, "length of the picture");
        let (new_width, new_height) = self.size(width, height);
        let mut out = Vec::with_capacity(rgb.len());
        for y in 0..new_height as usize {
            for x in 0..new_width as usize {
                let x = if self.mirror { new_width as usize - 1 - x } else { x };
                let (from_x, from_y) = match self.quarters {
                    0 => (x, y),
                    1 => (y, h - 1 - x),
                    2 => (w - 1 - x, h - 1 - y),
                    _ => (w - 1 - y, x),
                };
                out.extend_from_slice(&rgb[(from_y * w + from_x) * 3..][..3]);
            }
        }
        (new_width, new_height, out)
    }
}

impl Frame {
    /// The frame turned. Everything later, such as landmarks, is in the pixels of the turned frame.
    #[must_use]
    pub fn turned(self, orientation: Orientation) -> Self {
        if orientation.is_upright() {
            return self;
        }
        let (width, height, rgb) = orientation.turned(self.width, self.height, &self.rgb);
        Self { width, height, rgb, taken_at: self.taken_at, origin: self.origin.clone() }
    }
}

/// A camera whose frames are all turned: the only place that heeds `camera.rotate` and `camera.mirror`.
pub struct Turned {
    source: Box<dyn FrameSource>,
    orientation: Orientation,
}

impl Turned {
    /// Turns each frame of `source`.
    pub fn new(source: Box<dyn FrameSource>, orientation: Orientation) -> Self {
        Self { source, orientation }
    }
}

impl FrameSource for Turned {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        Ok(self.source.next_frame(deadline)?.turned(self.orientation))
    }

    fn glance(&mut self, deadline: BootTime) -> Result<Grey, CameraError> {
        self.source.glance(deadline)
    }

    fn close(&mut self) {
        self.source.close();
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        self.source.probe()
    }

    fn name(&self) -> String {
        self.source.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 x 2 pixels: a b c above d e f.
    const PICTURE: &str = "abcdef";

    fn turned(degrees: u32, mirror: bool) -> (u32, u32, String) {
        let rgb: Vec<u8> = PICTURE.bytes().flat_map(|level| [level; 3]).collect();
        let (width, height, rgb) = Orientation::new(degrees, mirror).turned(3, 2, &rgb);
        (width, height, rgb.chunks_exact(3).map(|pixel| char::from(pixel[0])).collect())
    }

    #[test]
    fn a_turn_is_clockwise_and_the_mirror_comes_after_it() {
        let cases = [
            (0, false, (3, 2, "abcdef")),
            (90, false, (2, 3, "daebfc")),
            (180, false, (3, 2, "fedcba")),
            (270, false, (2, 3, "cfbead")),
            (0, true, (3, 2, "cbafed")),
            (90, true, (2, 3, "adbecf")),
            (180, true, (3, 2, "defabc")),
            (270, true, (2, 3, "fcebda")),
        ];
        for (degrees, mirror, (width, height, pixels)) in cases {
            assert_eq!(
                turned(degrees, mirror),
                (width, height, pixels.to_owned()),
                "{degrees} degrees, mirrored: {mirror}"
            );
        }
    }

    #[test]
    fn the_three_bytes_of_a_pixel_stay_in_order() {
        let rgb = [1, 2, 3, 4, 5, 6];
        assert_eq!(Orientation::new(180, false).turned(2, 1, &rgb), (2, 1, vec![4, 5, 6, 1, 2, 3]));
    }

    #[test]
    fn a_frame_keeps_its_time_and_its_name_and_swaps_its_sides() {
        let taken_at = BootTime(std::time::Duration::from_secs(7));
        let frame = Frame::new(40, 32, vec![9; 40 * 32 * 3], taken_at).unwrap_or_else(|why| panic!("{why}"));
        let frame = frame.with_origin("a.png".to_owned()).turned(Orientation::new(90, true));
        assert_eq!((frame.width(), frame.height(), frame.rgb().len()), (32, 40, 40 * 32 * 3));
        assert_eq!((frame.taken_at(), frame.origin()), (taken_at, Some("a.png")));
    }
}
