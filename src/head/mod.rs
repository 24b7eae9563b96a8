//! Stage 4: two [`Embedding`]s to a [`Probability`]. The formula of the product stands here and nowhere else.
//!
//! p = sigmoid( b + sum_j alpha_j * |h1_j - h2_j| ),   h = R * embedding (R = 1 unless the head brings one)
//!
//! The siamese head of Koch, Zemel, Salakhutdinov 2015 plus the bias b that the paper leaves out. Without
//! it two identical faces score sigmoid(0) = 0.5 whatever alpha is. alpha is trained; entries are mostly
//! negative, so that p falls as the distance grows. Koch's h is itself a last linear layer: that is R.

pub mod file;
pub mod project;

use std::borrow::Cow;
use std::fmt;

use facelatch_kernels::{Isa, Scan};

use crate::embed::{Embedding, Turn, TurnKind};

pub use file::HeadError;
pub use project::Projection;

/// A trained head: what a distance means. Made by [`Head::new`] or [`Head::load`], which refuse a head that cannot work.
#[derive(Debug, Clone)]
pub struct Head {
    formula: Formula,
    threshold: Probability,
    projection: Option<Projection>,
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
        debug_assert_eq!(embedding.values().len(), self.length(), "the caller checks lengths at load");
        match &self.projection {
            Some(projection) => Cow::Owned(projection.apply(embedding.values())),
            None => Cow::Borrowed(embedding.values()),
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

    /// The same head for turned embeddings: it scores `Q*a` and `Q*b` as this one scores `a` and `b`, to rounding.
    ///
    /// Over the coordinates themselves alpha follows a signed permutation, which is exact. A projection R becomes
    /// `R * Q^T`.
    pub fn turned(&self, turn: &Turn) -> Self {
        let mut head = self.clone();
        if let (None, Some(from)) = (&self.projection, turn.permutation()) {
            let alpha: Vec<f32> = from.iter().map(|from| self.formula.alpha()[*from]).collect();
            // The same finite values in another order.
            head.formula = Formula::new(self.formula.bias, &alpha).unwrap_or(head.formula);
        } else if let Some(undo) = turn.undo_matrix(self.length()) {
            head.projection = Some(match &self.projection {
                Some(projection) => projection.after(undo),
                None => Projection::of_matrix(self.length(), undo),
            });
        }
        head
    }

    /// The kind of turn that leaves this head's scores as they are at the least cost.
    pub fn turn_kind(&self) -> TurnKind {
        if self.projection.is_some() { TurnKind::Rotation } else { TurnKind::Permutation }
    }

    /// What an identical pair scores: `sigmoid(b)`, since every difference is 0.
    pub fn identical_pair(&self) -> Probability {
        self.formula.identical_pair()
    }

    /// What a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.threshold
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
        Head { formula, threshold: Probability(0.5), projection: None }
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

    /// 128 values: plain, seeded rotations, and a learned matrix before the rotations.
    fn heads() -> [Head; 3] {
        let mut random = project::SplitMix64(5);
        let alpha: Vec<f32> = (0..128).map(|_| -1.2 * random.uniform() as f32).collect();
        let matrix = (0..128 * 128).map(|_| random.uniform() as f32 / 8.0 - 0.06).collect();
        let projections = [
            None,
            Some(Projection::new(128, None, 16, 3).expect("works")),
            Some(Projection::new(128, Some(matrix), 4, 9).expect("works")),
        ];
        projections.map(|projection| {
            let rows = projection.as_ref().map_or(128, Projection::rows);
            let alpha: Vec<f32> = (0..rows).map(|i| alpha[i % 128] * 128.0 / rows as f32).collect();
            let formula = Formula::new(6.0, &alpha).expect("finite");
            Head { formula, threshold: Probability(0.9), projection }
        })
    }

    /// Embeddings have no `Debug`, so values are drawn.
    fn face() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(-1.0_f32..1.0, 128)
    }

    /// Another picture of the same face, near it.
    fn near(face: &Embedding, noise: &Embedding, far: f32) -> Embedding {
        unit(face.values().iter().zip(noise.values()).map(|(a, b)| a + far * b).collect())
    }

    #[test]
    fn a_signed_permutation_costs_nothing_but_another_order_of_addition() {
        let plain = &heads()[0];
        assert_eq!(plain.turn_kind(), TurnKind::Permutation);
        let turn = Turn::draw(&[1; 32], TurnKind::Permutation, 128);
        let mut want: Vec<f32> = plain.formula.alpha().to_vec();
        let mut got: Vec<f32> = plain.turned(&turn).formula.alpha().to_vec();
        want.sort_by(f32::total_cmp);
        got.sort_by(f32::total_cmp);
        assert_eq!(got, want);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Issue 6: every score stays as it was, to 1e-6.
        #[test]
        fn turned_templates_score_as_before(a in face(), noise in face(), far in 0.0_f32..3.0, key: [u8; 32]) {
            prop_assume!(Embedding::new(a.clone()).is_ok() && Embedding::new(noise.clone()).is_ok());
            let (a, noise) = (unit(a), unit(noise));
            let b = near(&a, &noise, far);
            for head in heads() {
                for kind in [TurnKind::Permutation, TurnKind::Rotation] {
                    let turn = Turn::draw(&key, kind, 128);
                    let turned = head.turned(&turn);
                    let got = turned.probability(&turn.apply(&a), &turn.apply(&b)).value();
                    let want = head.probability(&a, &b).value();
                    prop_assert!((got - want).abs() < 1e-6, "{kind:?}: {got} for {want}");
                }
            }
        }
    }

    /// Two devices: to anybody without the keys, one face turned by two keys is two strangers.
    #[test]
    fn turned_by_two_keys_one_face_scores_as_strangers_do() {
        let mut random = project::SplitMix64(11);
        let mut face = || unit((0..128).map(|_| random.uniform() as f32 - 0.5).collect());
        let mut keys = project::SplitMix64(12);
        let mut key = || [keys.bits(), keys.bits(), keys.bits(), keys.bits()].map(u64::to_le_bytes).concat();
        for head in heads() {
            for kind in [TurnKind::Permutation, TurnKind::Rotation] {
                let (mut linked, mut strangers) = (Vec::new(), Vec::new());
                let mut turn = || Turn::draw(&key().try_into().expect("32 bytes"), kind, 128);
                // What counts is the turn from one to the other, so one of them may stay. Turning a head is slow.
                let one = turn();
                let turned = head.turned(&one);
                for _ in 0..60 {
                    let (other, here, there) = (turn(), face(), face());
                    linked.push(turned.log_odds(&one.apply(&here), &other.apply(&here)).0);
                    strangers.push(head.log_odds(&here, &there).0);
                }
                let mean = |z: &[f32]| z.iter().sum::<f32>() / z.len() as f32;
                let deviation = |z: &[f32]| {
                    (z.iter().map(|v| (v - mean(z)).powi(2)).sum::<f32>() / z.len() as f32).sqrt()
                };
                let apart = (mean(&linked) - mean(&strangers)).abs();
                // Three standard errors of the difference of two such means.
                let error = deviation(&strangers).max(deviation(&linked)) * (2.0_f32 / 60.0).sqrt();
                assert!(apart < 3.0 * error, "{kind:?}: {} and {}", mean(&linked), mean(&strangers));
                assert!(head.formula.bias - mean(&linked) > 10.0 * error, "an identical pair is far away");
            }
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
