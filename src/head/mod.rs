//! Stage 4: two [`Embedding`]s to a [`Probability`]. The formula of the product stands here and nowhere else.
//!
//! p = sigmoid( b + sum_j alpha_j * |h1_j - h2_j| )
//!
//! The siamese head of Koch, Zemel, Salakhutdinov 2015 plus the bias b that the paper leaves out. Without
//! it two identical faces score sigmoid(0) = 0.5 whatever alpha is. alpha is trained; entries are mostly
//! negative, so that p falls as the distance grows.

pub mod file;

use std::fmt;

use facelatch_kernels::Scan;

use crate::embed::Embedding;

pub use file::HeadError;

/// A trained head: what a distance means. Made by [`Head::new`] or [`Head::load`], which refuse a head that cannot work.
#[derive(Debug, Clone)]
pub struct Head {
    bias: f32,
    alpha: Scan,
    threshold: Probability,
}

impl Head {
    /// `b + sum_j alpha_j * |a_j - b_j|`, the log-odds that `a` and `b` show one person. Symmetric, finite.
    /// [`Scan::distance`] is the sum, at the speed of memory; lengths are checked at load.
    pub fn log_odds(&self, a: &Embedding, b: &Embedding) -> LogOdds {
        LogOdds(self.bias + self.alpha.distance(a.values(), b.values()))
    }

    /// Probability that `a` and `b` show one person: `sigmoid(log_odds)`. Saturates to 0 or 1, never NaN.
    pub fn probability(&self, a: &Embedding, b: &Embedding) -> Probability {
        self.log_odds(a, b).probability()
    }

    /// What an identical pair scores: `sigmoid(b)`, since every difference is 0.
    pub fn identical_pair(&self) -> Probability {
        LogOdds(self.bias).probability()
    }

    /// What a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.threshold
    }

    /// How many values an embedding must have.
    pub fn length(&self) -> usize {
        self.alpha.weights().len()
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
    use facelatch_kernels::Isa;
    use proptest::prelude::*;

    fn unit(values: Vec<f32>) -> Embedding {
        Embedding::new(values).expect("finite and not zero")
    }

    fn head() -> Head {
        Head {
            bias: 3.0,
            alpha: Scan::new(Isa::detect(), &[-2.0, -1.0, 0.5]).expect("works"),
            threshold: Probability(0.5),
        }
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
        let without = Head { bias: 0.0, ..head() };
        assert_eq!(without.probability(&a, &a).value(), 0.5);
    }

    #[test]
    fn formula_agrees_with_a_sum_by_hand() {
        let (a, b) = (unit(vec![1.0, 0.0, 0.0]), unit(vec![0.0, 1.0, 0.0]));
        assert_eq!(head().log_odds(&a, &b), LogOdds(3.0 - 2.0 - 1.0));
        assert_eq!(head().probability(&a, &b).value(), 0.5);
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
            let head = Head { bias, ..head() };
            prop_assert_eq!(head.probability(&a, &b), head.probability(&b, &a));
            prop_assert!((0.0..=1.0).contains(&head.probability(&a, &b).value()));
        }
    }
}
