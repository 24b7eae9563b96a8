//! Stage 4: two [`Embedding`]s to a [`Probability`]. The formula of the product stands here and nowhere else.
//!
//! p = sigmoid( b + sum_j alpha_j * |h1_j - h2_j| ),   h = R * embedding (R = 1 unless the head brings one)
//!
//! The siamese head of Koch, Zemel, Salakhutdinov 2015 plus the bias b that the paper leaves out. Without
//! it two identical faces score sigmoid(0) = 0.5 whatever alpha is. alpha is trained; entries are mostly
//! negative, so that p falls as the distance grows. Koch's h is itself a last linear layer: that is R.

pub mod bound;
pub mod file;
mod keyed;
mod measured;
pub mod project;

use std::borrow::Cow;
use std::fmt;

use facelatch_kernels::{Isa, Scan};

use crate::embed::{Embedding, KeyKind};

pub use bound::{Bound, Most};
pub use file::HeadError;
pub use keyed::KeyedHead;
pub use measured::Measured;
pub use project::Projection;

/// A trained head: what a distance means. Made by [`Head::new`] or [`Head::load`], which refuse a head that cannot work.
#[derive(Debug, Clone)]
pub struct Head {
    formula: Formula,
    threshold: Probability,
    projection: Option<Projection>,
    measured: Option<Measured>,
}

/// The formula by itself: any b and any alpha.
#[derive(Debug, Clone)]
pub struct Formula {
    bias: f32,
    alpha: Scan,
}

impl Formula {
    /// b and alpha; `None` where one is not finite or alpha is empty.
    pub fn new(bias: f32, alpha: &[f32]) -> Option<Self> {
        let alpha = Scan::new(Isa::detect(), alpha).ok()?;
        bias.is_finite().then_some(Self { bias, alpha })
    }

    /// `b + sum_j alpha_j * |h1_j - h2_j|`: what the sigmoid is taken of. All three have one length.
    /// [`Scan::distance`] is the sum, at the speed of memory.
    pub fn log_odds(&self, h1: &[f32], h2: &[f32]) -> LogOdds {
        LogOdds(self.bias + self.alpha.distance(h1, h2))
    }

    /// [`Formula::log_odds`] of each of `h1s` with each of `h2s`, both vectors in a row, to the same bits; `out` has one
    /// value for each pair. [`Scan::between`] says what is fast.
    pub fn log_odds_between(&self, h1s: &[f32], h2s: &[f32], out: &mut [f32]) {
        self.alpha.between(h1s, h2s, out);
        out.iter_mut().for_each(|z| *z += self.bias);
    }

    /// alpha, one value for each coordinate of h.
    pub fn alpha(&self) -> &[f32] {
        self.alpha.weights()
    }

    /// What an identical pair scores: `sigmoid(b)`, since every difference is 0.
    pub fn identical_pair(&self) -> Probability {
        LogOdds(self.bias).probability()
    }
}

impl Head {
    /// The log-odds that `a` and `b` show one person. Symmetric, finite.
    pub fn log_odds(&self, a: &Embedding, b: &Embedding) -> LogOdds {
        self.log_odds_of(&self.project(a), &self.project(b))
    }

    /// h of one embedding: `R * e`, or the embedding itself. Worth keeping when it is compared more than once.
    pub fn project<'a>(&self, embedding: &'a Embedding) -> Cow<'a, [f32]> {
        self.project_values(embedding.values())
    }

    fn project_values<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        debug_assert_eq!(values.len(), self.length(), "the caller checks lengths at load");
        match &self.projection {
            Some(projection) => Cow::Owned(projection.apply(values)),
            None => Cow::Borrowed(values),
        }
    }

    /// The formula over two vectors from [`Head::project`].
    pub fn log_odds_of(&self, h1: &[f32], h2: &[f32]) -> LogOdds {
        self.formula.log_odds(h1, h2)
    }

    /// Probability that `a` and `b` show one person: `sigmoid(log_odds)`. Saturates to 0 or 1, never NaN.
    pub fn probability(&self, a: &Embedding, b: &Embedding) -> Probability {
        self.log_odds(a, b).probability()
    }

    /// The formula by itself.
    pub fn formula(&self) -> &Formula {
        &self.formula
    }

    /// The kind of template key that keeps this head's scores at the least cost.
    pub fn key_kind(&self) -> KeyKind {
        if self.projection.is_some() { KeyKind::Rotation } else { KeyKind::Permutation }
    }

    /// What an identical pair scores: `sigmoid(b)`, since every difference is 0.
    pub fn identical_pair(&self) -> Probability {
        self.formula.identical_pair()
    }

    /// What a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.threshold
    }

    /// What was measured at the threshold, if its file says so.
    pub fn measured(&self) -> Option<&Measured> {
        self.measured.as_ref()
    }

    /// How many values an embedding must have.
    pub fn length(&self) -> usize {
        self.projection.as_ref().map_or(self.formula.alpha().len(), Projection::length)
    }
}

/// The logit z of a probability. Adds up over evidence, which probabilities do not.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LogOdds(pub f32);

impl LogOdds {
    /// `1 / (1 + exp(-z))`.
    pub fn probability(self) -> Probability {
        Probability(1.0 / (1.0 + (-f64::from(self.0)).exp()))
    }
}

/// How sure the head is that two faces are one person, `0..=1`. Rises with likeness.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// A probability from a number; `None` outside `0..=1` and for NaN.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The number, `0..=1`.
    pub fn value(self) -> f64 {
        self.0
    }

    /// `ln(p / (1 - p))`, infinite at 0 and 1.
    pub fn log_odds(self) -> LogOdds {
        LogOdds((self.0 / (1.0 - self.0)).ln() as f32)
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(values: Vec<f32>) -> Embedding {
        Embedding::new(values).expect("finite and not zero")
    }

    fn head() -> Head {
        let formula = Formula::new(3.0, &[-2.0, -1.0, 0.5]).expect("finite");
        Head { formula, threshold: Probability(0.5), projection: None, measured: None }
    }

    #[test]
    fn identical_pair_scores_sigmoid_of_the_bias() {
        let a = unit(vec![0.1, 0.7, -0.3]);
        assert_eq!(head().probability(&a, &a), head().identical_pair());
        assert!((head().identical_pair().value() - 0.952_574_126_8).abs() < 1e-9);
    }

    #[test]
    fn without_a_bias_an_identical_pair_scores_one_half() {
        let a = unit(vec![0.1, 0.7, -0.3]);
        let mut without = head();
        without.formula.bias = 0.0;
        assert_eq!(without.probability(&a, &a).value(), 0.5);
    }

    #[test]
    fn formula_agrees_with_a_sum_by_hand() {
        let (a, b) = (unit(vec![1.0, 0.0, 0.0]), unit(vec![0.0, 1.0, 0.0]));
        assert_eq!(head().log_odds(&a, &b), LogOdds(3.0 - 2.0 - 1.0));
        assert_eq!(head().probability(&a, &b).value(), 0.5);
    }

    #[test]
    fn many_pairs_score_as_each_does() {
        let formula = Formula::new(3.0, &[-2.0, -1.0, 0.5]).expect("finite");
        let (h1s, h2s): (Vec<f32>, Vec<f32>) = (0..15).map(|i| ((i as f32).sin(), (i as f32).cos())).unzip();
        let mut out = [0.0; 25];
        formula.log_odds_between(&h1s, &h2s, &mut out);
        let pairs = h1s.chunks_exact(3).flat_map(|a| h2s.chunks_exact(3).map(move |b| (a, b)));
        for ((a, b), z) in pairs.zip(out) {
            assert_eq!(formula.log_odds(a, b), LogOdds(z));
        }
    }

    proptest! {
        #[test]
        fn score_is_symmetric_and_a_probability(
            a in prop::collection::vec(-1.0_f32..1.0, 3),
            b in prop::collection::vec(-1.0_f32..1.0, 3),
            bias in -1e6_f32..1e6,
        ) {
            prop_assume!(Embedding::new(a.clone()).is_ok() && Embedding::new(b.clone()).is_ok());
            let (a, b) = (unit(a), unit(b));
            let mut head = head();
            head.formula.bias = bias;
            prop_assert_eq!(head.probability(&a, &b), head.probability(&b, &a));
            prop_assert!((0.0..=1.0).contains(&head.probability(&a, &b).value()));
        }
    }
}
