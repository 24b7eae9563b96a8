//! What a camera offers and what is wanted in, the one mode to ask for out. Pure.

use super::super::check_size;
use super::super::decode::PixelFormat;

/// More frames a second than this only cost work: a decision needs a handful.
const WANTED_RATE: u32 = 30;

/// One size in one format, and the whole frame rates it comes at (none: the camera does not say).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) format: PixelFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rates: Vec<u32>,
}

impl Offer {
    /// The rate to ask for: the highest up to 30 a second, or else the lowest above.
    pub(super) fn rate(&self) -> Option<u32> {
        let calm = self.rates.iter().copied().filter(|&rate| rate <= WANTED_RATE && rate > 0).max();
        calm.or_else(|| self.rates.iter().copied().filter(|&rate| rate > 0).min())
    }
}

/// The offer nearest in size to `width` x `height`; of equals MJPEG, then YUYV, NV12, GREY.
pub(super) fn choose(offers: &[Offer], width: u32, height: u32) -> Option<&Offer> {
    let usable = offers.iter().filter(|offer| check_size(offer.width, offer.height).is_ok());
    usable.min_by_key(|offer| {
        let away = offer.width.abs_diff(width) + offer.height.abs_diff(height);
        (away, rank(offer.format))
    })
}

fn rank(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Mjpeg => 0,
        PixelFormat::Yuyv => 1,
        PixelFormat::Nv12 => 2,
        PixelFormat::I420 => 3,
        PixelFormat::Grey => 4,
    }
}

/// The side nearest to `wanted` of those from `least` to `most` in steps.
pub(super) fn nearest_step(wanted: u32, least: u32, most: u32, step: u32) -> u32 {
    let wanted = wanted.clamp(least, most.max(least));
    wanted - (wanted - least) % step.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: PixelFormat, width: u32, height: u32) -> Offer {
        Offer { format, width, height, rates: vec![5, 30, 60] }
    }

    #[test]
    fn the_nearest_size_wins_and_then_mjpeg() {
        let (small, wide) = (offer(PixelFormat::Mjpeg, 320, 240), offer(PixelFormat::Mjpeg, 1280, 720));
        let (yuyv, grey) = (offer(PixelFormat::Yuyv, 640, 480), offer(PixelFormat::Grey, 640, 480));
        let offers = [small.clone(), grey.clone(), wide.clone(), yuyv.clone()];
        assert_eq!(choose(&offers, 640, 480), Some(&yuyv));
        assert_eq!(choose(&[grey.clone(), small.clone()], 640, 480), Some(&grey));
        assert_eq!(choose(&offers, 1920, 1080), Some(&wide));
        assert_eq!(choose(&offers, 1, 1), Some(&small));
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
        let with = |rates: &[u32]| Offer { rates: rates.to_vec(), ..offer(PixelFormat::Grey, 64, 64) }.rate();
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
