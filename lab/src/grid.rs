//! What repeats, seen through pixels: the stripes of a screen, the dots of a print, the flicker of a backlight.
//!
//! A wave of pulses is its Fourier series. Each pixel of the camera takes the mean over its own area (a sinc of the
//! frequency), the lens blurs (a Gaussian); what is left of each harmonic is sampled at the pixel. What is finer than two
//! pixels appears as a coarse wave: moire, as in a camera.

/// Harmonics that are kept; the lens leaves nothing of higher ones.
pub(crate) const HARMONICS: usize = 3;

/// A wave of pulses about the whole numbers, with a mean of 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wave([f32; HARMONICS]);

impl Wave {
    /// Pulses that are on for this share of the period, `0..=1`.
    pub(crate) fn pulses(duty: f32) -> Self {
        Self(std::array::from_fn(|n| 2.0 * sinc((n + 1) as f32 * duty)))
    }

    /// Its value at a phase, in periods, with so much of each harmonic.
    pub(crate) fn at(&self, phase: f32, left: &[f32; HARMONICS]) -> f32 {
        let c = cosine(phase);
        let harmonics = [c, 2.0 * c * c - 1.0, (4.0 * c * c - 3.0) * c];
        (0..HARMONICS).fold(1.0, |sum, n| sum + self.0[n] * left[n] * harmonics[n])
    }
}

/// How much of each harmonic is left of a wave that goes on by `step` periods from one pixel to the next (across, down),
/// through pixels that take light over `fill` of their width, and a lens that blurs by `sigma` pixels.
pub(crate) fn seen(step: [f32; 2], fill: f32, sigma: f32) -> [f32; HARMONICS] {
    std::array::from_fn(|n| {
        let [x, y] = step.map(|s| s * (n + 1) as f32);
        let lens = (-2.0 * (std::f32::consts::PI * sigma).powi(2) * (x * x + y * y)).exp();
        sinc(x * fill) * sinc(y * fill) * lens
    })
}

/// How much of each harmonic is left in a mean over so many periods.
pub(crate) fn averaged(periods: f32) -> [f32; HARMONICS] {
    std::array::from_fn(|n| sinc((n + 1) as f32 * periods))
}

/// sin(pi x) / (pi x).
fn sinc(x: f32) -> f32 {
    let x = std::f32::consts::PI * x;
    if x.abs() < 1e-3 { 1.0 } else { x.sin() / x }
}

/// cos(2 pi phase), to 1e-3; a polynomial, for speed.
pub(crate) fn cosine(phase: f32) -> f32 {
    // A quarter turn at most, where the series is good.
    let x = (phase - phase.round()).abs();
    let (x, sign) = if x > 0.25 { (0.5 - x, -1.0) } else { (x, 1.0) };
    let y = x * x;
    sign * (1.0 + y * (-19.739_2 + y * (64.939_4 + y * (-85.456_8 + y * 60.244_6))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_a_cosine() {
        for i in -300..300 {
            let phase = i as f32 / 97.0;
            assert!((cosine(phase) - (std::f32::consts::TAU * phase).cos()).abs() < 1e-3, "{phase}");
        }
    }

    #[test]
    fn pulses_are_high_where_they_are_on_and_low_between() {
        let wave = Wave::pulses(0.3);
        assert!(wave.at(0.0, &[1.0; 3]) > 2.0 && wave.at(0.5, &[1.0; 3]) < 0.3);
        assert!((wave.at(0.2, &[0.0; 3]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_grid_near_the_pitch_of_the_pixels_beats_and_a_fine_one_vanishes() {
        let contrast = |step: f32| {
            let left = seen([step, 0.0], 0.9, 0.5);
            let values: Vec<f32> = (0..200).map(|i| Wave::pulses(0.3).at(step * i as f32, &left)).collect();
            let most = values.iter().copied().fold(f32::MIN, f32::max);
            most - values.iter().copied().fold(f32::MAX, f32::min)
        };
        // 0.97 periods a pixel: bright and dark bands 33 pixels wide.
        assert!(contrast(0.97) > 0.002 && contrast(0.4) > 0.3, "{} {}", contrast(0.97), contrast(0.4));
        assert!(contrast(4.3) < 1e-4);
    }

    #[test]
    fn a_long_exposure_takes_flicker_away() {
        assert!(averaged(1.0)[0].abs() < 1e-3 && averaged(0.2)[0] > 0.9);
    }
}
