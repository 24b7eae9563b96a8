//! When a camera that was just opened has settled its exposure: once two frames in a row are as light as each other.

use std::ops::RangeInclusive;

use super::super::grey::Grey;

/// How far the mean light of two such frames may be apart, of 255. A hand or a person who steps in changes it by less.
const SAME: f32 = 3.0;

/// Mean light of a frame that may be settled. Beyond it a camera is still finding its range: the first frames of many are black.
const PLAUSIBLE: RangeInclusive<f32> = 24.0..=231.0;

/// Drops frames until then.
pub(super) struct Exposure {
    /// Frames that may still be dropped.
    left: u32,
    /// Mean light of the last frame.
    last: Option<f32>,
}

impl Exposure {
    /// Drops at most so many frames.
    pub(super) fn new(most: u32) -> Self {
        Self { left: most, last: None }
    }

    /// Whether the next frame may be used; `light` is asked for only until one may be, and is `None` for one that cannot be read.
    pub(super) fn is_settled(&mut self, light: impl FnOnce() -> Option<Grey>) -> bool {
        if self.left == 0 {
            return true;
        }
        let light = light().map(|small| mean(&small));
        let same = |(last, now): (f32, f32)| PLAUSIBLE.contains(&now) && (now - last).abs() <= SAME;
        let settled = self.last.zip(light).is_some_and(same);
        self.last = light;
        self.left = if settled { 0 } else { self.left - 1 };
        settled
    }
}

fn mean(small: &Grey) -> f32 {
    small.light().iter().sum::<f32>() / small.light().len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the first frame that is used, of these.
    fn first_used(most: u32, frames: &[Option<u8>]) -> Option<usize> {
        let mut exposure = Exposure::new(most);
        frames.iter().position(|light| {
            exposure.is_settled(|| light.map(|level| Grey::sampled(32, 32, 8, |_, _| f32::from(level))))
        })
    }

    #[test]
    fn the_second_of_two_frames_that_agree_is_used() {
        let levels = |levels: &[u8]| levels.iter().map(|level| Some(*level)).collect::<Vec<_>>();
        assert_eq!(first_used(4, &levels(&[120, 121])), Some(1));
        assert_eq!(first_used(4, &levels(&[40, 80, 110, 112])), Some(3));
        assert_eq!(first_used(0, &levels(&[40, 80])), Some(0));
        // Black at first, which is no agreement; then what there is.
        assert_eq!(first_used(4, &levels(&[0, 0, 0, 90, 91])), Some(4));
        assert_eq!(first_used(2, &levels(&[255, 255, 250])), Some(2));
    }

    #[test]
    fn no_more_frames_are_dropped_than_may_be() {
        let rising: Vec<_> = (0..10).map(|n| Some(30 + 10 * n)).collect();
        assert_eq!(first_used(4, &rising), Some(4));
    }

    #[test]
    fn a_frame_that_cannot_be_read_agrees_with_none() {
        assert_eq!(first_used(9, &[Some(100), None, Some(100), Some(100)]), Some(3));
    }
}
