//! Random numbers from a seed, the same on all processors: SplitMix64 (Steele, Lea, Flood 2014).

/// A generator.
pub(crate) struct Random(u64);

impl Random {
    /// One for each `purpose` of a seed, so that a new draw in one place does not change the others.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random.bits();
        random
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// In `low..high`.
    pub(crate) fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * unit(self.bits())
    }

    /// True for this share of calls.
    pub(crate) fn chance(&mut self, share: f32) -> bool {
        unit(self.bits()) < share
    }

    /// Either sign.
    pub(crate) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Nearly normally distributed, mean 0, variance 1: twelve bytes, added up.
    pub(crate) fn normal(&mut self) -> f32 {
        let bytes = |bits: u64| bits.to_le_bytes().iter().map(|b| i32::from(*b)).sum::<i32>();
        let sum = bytes(self.bits()) + bytes(self.bits() & 0xFFFF_FFFF);
        (sum - 6 * 255) as f32 / 256.0
    }
}

/// A value in `0..1` for a place on a lattice.
pub(crate) fn lattice(x: i32, y: i32) -> f32 {
    unit(mixed((x as u32 as u64) << 32 | y as u32 as u64))
}

fn unit(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1u64 << 24) as f32
}

fn mixed(bits: u64) -> u64 {
    let z = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
