//! What a pair can score at most, from how far apart the two embeddings are: a hundred times cheaper than the formula.
//!
//! Over a stack of rotations with one alpha, the formula's sum is nearly a multiple of the Euclidean distance: it is the
//! mean of |x| over the rows of R, and for rows drawn at random that is sqrt(2 / pi) times the root of the mean of x^2. How
//! far below that the sum can be depends on R alone, so it was looked for: descents over all directions, from random ones, from
//! axes and from rows of R, end at 0.938 of it or more for 128 and 192 values (docs/search.md). No proof is known that there is
//! nothing below. [`LEAST_SHARE`] is 1.8 points lower.
//!
//! Only a search finds such directions. Pairs of faces have shares around 1.002, with a standard deviation of 0.003: hence
//! [`LEAST_SHARE_OF_FACES`]. A template key does not help, since R acts after the key is undone, so whoever could choose a
//! probe's values could choose such a direction. No verdict rests on the second bound.

use std::f32::consts::FRAC_2_PI;
use std::ops::RangeInclusive;

use facelatch_kernels::{Isa, Squares};

use super::{Head, LogOdds};
use crate::embed::{KeyedEmbedding, KeyedRows, OtherKey};

/// The least that the sum is taken to be, as a share of what it is on average over all directions.
pub const LEAST_SHARE: f32 = 0.92;

/// The same for pairs of faces.
pub const LEAST_SHARE_OF_FACES: f32 = 0.97;

/// The rotations for which this was looked for: as many, from this seed. Others are another R; everybody is computed then.
const ROTATIONS: (usize, u64) = (64, 5);

/// Values of an embedding for which it was. Short ones go lower: 0.86 at 8 values.
const LENGTHS: RangeInclusive<usize> = 128..=192;

/// Rounding, as a share of the longest embedding: the formula adds 8,192 numbers of 24 bits, each from some 40 additions. Eight
/// times what can come of that.
const ROUNDING: f32 = 1e-3;

/// An upper bound of the log-odds that falls with the distance.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    bias: f32,
    /// Log-odds for each unit of distance, on average over all directions.
    slope: f32,
    squares: Squares,
}

/// What can be said at most of a pair, or of somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Most {
    /// Whatever direction the embeddings differ in: for verdicts.
    pub anywhere: LogOdds,
    /// If they differ as those of faces do; at most `anywhere`. Only for p where nobody is let in.
    pub of_faces: LogOdds,
}

impl Most {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self::exactly(LogOdds(f32::INFINITY));

    /// It is known what is said.
    pub const fn exactly(z: LogOdds) -> Self {
        Self { anywhere: z, of_faces: z }
    }

    /// More by `z`.
    #[must_use]
    pub fn raised(self, z: f32) -> Self {
        Self { anywhere: LogOdds(self.anywhere.0 + z), of_faces: LogOdds(self.of_faces.0 + z) }
    }
}

impl Bound {
    /// `None` where none is known: without rotations, with others than the shipped ones, with a learned matrix, with an alpha
    /// for each coordinate, or for a length that [`LEAST_SHARE`] was not looked for.
    pub(super) fn of(head: &Head) -> Option<Self> {
        let projection = head.projection.as_ref()?;
        let alpha = head.formula.alpha();
        let common = *alpha.first().filter(|first| **first < 0.0 && alpha.iter().all(|a| a == *first))?;
        if projection.rotations_alone()? != ROTATIONS || !LENGTHS.contains(&projection.length()) {
            return None;
        }
        let mean = (FRAC_2_PI * projection.rows() as f32).sqrt();
        let squares = Squares::new(Isa::detect(), projection.length()).ok()?;
        Some(Self { bias: head.formula.bias, slope: common * mean, squares })
    }

    /// Squared distances of each of `rows` to each of `probes`, row by row.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn squares(&self, probes: &[KeyedEmbedding], rows: &KeyedRows) -> Result<Vec<f32>, OtherKey> {
        let mut wanted = KeyedRows::with_capacity(rows.key_id(), rows.length(), probes.len());
        probes.iter().try_for_each(|probe| wanted.push(probe))?;
        let mut out = vec![0.0; rows.len() * probes.len()];
        self.squares.run(wanted.values(), rows.values(), &mut out);
        Ok(out)
    }

    /// What the formula can say at most of embeddings that are `distance` apart, none of them longer than `longest`; the mean
    /// over several pairs, if it is a mean over their distances.
    pub fn most(&self, distance: f32, longest: f32) -> Most {
        let of = |share: f32| LogOdds(self.bias + self.slope * (share * distance - ROUNDING * longest));
        Most { anywhere: of(LEAST_SHARE), of_faces: of(LEAST_SHARE_OF_FACES) }
    }
}

#[cfg(test)]
mod tests;
