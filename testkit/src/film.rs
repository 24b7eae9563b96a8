//! Films for the scripted camera, and what a challenge asks meanwhile.

use facelatch::head::project::SplitMix64;

use crate::stage::Shot;

/// Frames until the first question, at most: three to look at, three more of the straight face, and half a second.
pub const BEFORE: usize = 12;

/// Bits from which the first question is for this side, soon, and the second one to look straight.
pub fn random(left: bool) -> u64 {
    let asks = |random: &u64| {
        let mut bits = SplitMix64(*random);
        let (soon, side, back) = (bits.bits() < u64::MAX / 4, bits.bits() >> 63, bits.bits() >> 63);
        soon && side == u64::from(!left) && back == 0
    };
    (0..1000).find(asks).expect("some do")
}

/// So many frames of each.
pub fn film(scenes: &[(usize, Shot)]) -> Vec<Shot> {
    scenes.iter().flat_map(|(frames, shot)| std::iter::repeat_n(*shot, *frames)).collect()
}
