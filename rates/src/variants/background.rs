//! Scores normalised by an impostor background: how a face scores against people who are certainly others (Auckenthaler,
//! Carey, Lloyd-Thomas 2000; adaptive: Matejka et al. 2017).

use super::super::cores;
use super::super::set::Set;
use super::super::table::Features;
use super::faces::{Face, Faces};
use super::way::View;
use facelatch::head::{Formula, Head};

/// Mean and deviation of each picture's scores against those of a background that are most like it.
pub(super) struct Background {
    of: Vec<(f32, f32)>,
}

impl Background {
    /// Of `pictures` samples, each against its `nearest` of the background.
    pub(super) fn new(head: &Head, others: &Set, faces: &Faces, pictures: usize, nearest: usize) -> Self {
        let others_h = Features::of_head(others, head);
        let formula: &Formula = head.formula();
        let one = |sample: usize| {
            let mut z: Vec<f32> = (0..others.samples.len())
                .map(|other| formula.log_odds(faces.h(Face(View::Plain, sample)), others_h.of(other)).0)
                .collect();
            z.sort_by(|a, b| b.total_cmp(a));
            z.truncate(nearest.max(2));
            let mean = z.iter().sum::<f32>() / z.len() as f32;
            let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f32>() / z.len() as f32;
            (mean, variance.sqrt().max(1e-3))
        };
        Self { of: cores::map(0..pictures, one) }
    }

    /// Symmetric normalisation: the mean of the score's distances from both means, each in deviations.
    pub(super) fn normalised(&self, z: f32, template: usize, frame: usize) -> f32 {
        let off = |(mean, deviation): (f32, f32)| (z - mean) / deviation;
        (off(self.of[template]) + off(self.of[frame])) / 2.0
    }

    /// The score less the mean of both means.
    pub(super) fn centred(&self, z: f32, template: usize, frame: usize) -> f32 {
        z - (self.of[template].0 + self.of[frame].0) / 2.0
    }
}
