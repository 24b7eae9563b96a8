//! Picks one mode from what a camera offers. Pure.

use super::super::check_size;
use super::super::decode::{Layout, PixelFormat};

/// Higher frame rates only cost work: a decision needs a handful of frames.
const WANTED_RATE: u32 = 30;

/// How a camera is set, whichever library sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) layout: Layout,
    /// Frames a second; `None`: whatever the camera is set to.
    pub(super) rate: Option<u32>,
}

/// One format and size, and the whole frame rates it comes at (none: the camera does not say).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) layout: Layout,
    pub(super) rates: Vec<u32>,
}

impl Offer {
    /// At the highest rate up to 30 a second, or else at the lowest above.
    fn mode(&self) -> Mode {
        let rates = || self.rates.iter().copied().filter(|&rate| rate > 0);
        let rate = rates().filter(|&rate| rate <= WANTED_RATE).max().or_else(|| rates().min());
        Mode { layout: self.layout, rate }
    }
}

/// The mode nearest in size to `width` x `height`; among equals MJPEG, then YUYV and its like, NV12, GREY.
pub(super) fn choose(offers: &[Offer], width: u32, height: u32) -> Option<Mode> {
    let usable = offers.iter().filter(|offer| check_size(offer.layout.width, offer.layout.height).is_ok());
    let nearest = usable.min_by_key(|Offer { layout, .. }| {
        let distance = layout.width.abs_diff(width) + layout.height.abs_diff(height);
        (distance, rank(layout.format))
    });
    nearest.map(Offer::mode)
}

fn rank(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Mjpeg => 0,
        PixelFormat::Yuyv => 1,
        PixelFormat::Uyvy => 2,
        PixelFormat::Yvyu => 3,
        PixelFormat::Nv12 => 4,
        PixelFormat::I420 => 5,
        PixelFormat::Grey => 6,
    }
}

/// The value nearest to `wanted` among those from `least` to `most` in steps of `step`, rounded down.
pub(super) fn nearest_step(wanted: u32, least: u32, most: u32, step: u32) -> u32 {
    let wanted = wanted.clamp(least, most.max(least));
    wanted - (wanted - least) % step.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: PixelFormat, width: u32, height: u32) -> Offer {
        Offer { layout: Layout { format, width, height }, rates: vec![5, 30, 60] }
    }

    #[test]
    fn the_nearest_size_wins_and_then_mjpeg() {
        let (small, wide) = (offer(PixelFormat::Mjpeg, 320, 240), offer(PixelFormat::Mjpeg, 1280, 720));
        let (yuyv, grey) = (offer(PixelFormat::Yuyv, 640, 480), offer(PixelFormat::Grey, 640, 480));
        let offers = [small.clone(), grey.clone(), wide.clone(), yuyv.clone()];
        assert_eq!(choose(&offers, 640, 480), Some(yuyv.mode()));
        assert_eq!(choose(&[grey.clone(), small.clone()], 640, 480), Some(grey.mode()));
        assert_eq!(choose(&offers, 1920, 1080), Some(wide.mode()));
        assert_eq!(choose(&offers, 1, 1), Some(small.mode()));
    }

    #[test]
    fn sizes_in_which_no_face_can_be_found_are_not_chosen() {
        assert_eq!(
            choose(&[offer(PixelFormat::Yuyv, 16, 16), offer(PixelFormat::Yuyv, 9000, 32)], 16, 16),
            None
        );
    }

    #[test]
    fn thirty_frames_a_second_are_enough_and_any_rate_is_better_than_none() {
        let with =
            |rates: &[u32]| Offer { rates: rates.to_vec(), ..offer(PixelFormat::Grey, 64, 64) }.mode().rate;
        assert_eq!(with(&[5, 60, 25]), Some(25));
        assert_eq!(with(&[120, 60]), Some(60));
        assert_eq!((with(&[]), with(&[0])), (None, None));
    }

    #[test]
    fn a_range_of_sizes_is_met_within_its_bounds() {
        assert_eq!(nearest_step(640, 32, 2592, 2), 640);
        assert_eq!(nearest_step(641, 32, 2592, 16), 640);
        assert_eq!(nearest_step(9, 32, 2592, 16), 32);
        assert_eq!(nearest_step(9000, 32, 2592, 0), 2592);
        assert_eq!(nearest_step(640, 100, 10, 1), 100);
    }
}
