//! A [`Head`] for faces in the axes of one [`TemplateKey`].

use std::borrow::Cow;

use super::{Bound, Formula, Head, LogOdds, Probability, Projection};
use crate::embed::{KeyedEmbedding, OtherKey, TemplateKey, TemplateKeyId};

/// Scores `Q*a` and `Q*b` as its [`Head`] scores `a` and `b`, to rounding. A face of another key is an error.
///
/// Without `Debug` on purpose: its numbers tell of the key.
#[derive(Clone)]
pub struct KeyedHead {
    head: Head,
    key_id: TemplateKeyId,
    bound: Option<Bound>,
}

impl Head {
    /// The same head for embeddings in this key.
    ///
    /// Over the coordinates themselves alpha follows a signed permutation, which is exact. A projection R becomes
    /// `R * Q^T`.
    pub fn for_key(&self, key: &TemplateKey) -> KeyedHead {
        let mut head = self.clone();
        if let (None, Some(from)) = (&self.projection, key.permutation()) {
            let alpha: Vec<f32> = from.iter().map(|from| self.formula.alpha()[*from]).collect();
            // The same finite values in another order.
            head.formula = Formula::new(self.formula.bias, &alpha).unwrap_or(head.formula);
        } else if let Some(undo) = key.undo_matrix(self.length()) {
            head.projection = Some(match &self.projection {
                Some(projection) => projection.after(undo),
                None => Projection::of_matrix(self.length(), undo),
            });
        }
        // Template keys keep every distance.
        KeyedHead { head, key_id: key.id(), bound: Bound::of(self) }
    }
}

impl KeyedHead {
    /// As [`Head::project`]: h of one embedding.
    ///
    /// # Errors
    /// [`OtherKey`]. Every comparison passes here, so faces in two keys are never compared.
    pub fn project<'a>(&self, embedding: &'a KeyedEmbedding) -> Result<Cow<'a, [f32]>, OtherKey> {
        embedding.check(self.key_id)?;
        Ok(self.head.project_values(embedding.values()))
    }

    /// What a pair can score at most, by its distance; `None` where that is not known of this head.
    pub fn bound(&self) -> Option<&Bound> {
        self.bound.as_ref()
    }

    /// As [`Head::log_odds_of`]: the formula over two vectors from [`KeyedHead::project`].
    pub fn log_odds_of(&self, h1: &[f32], h2: &[f32]) -> LogOdds {
        self.head.log_odds_of(h1, h2)
    }

    /// As [`Head::log_odds`]: the log-odds that `a` and `b` show one person.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn log_odds(&self, a: &KeyedEmbedding, b: &KeyedEmbedding) -> Result<LogOdds, OtherKey> {
        Ok(self.log_odds_of(&self.project(a)?, &self.project(b)?))
    }

    /// Whether `a` and `b` alone would pass for one person.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn matches(&self, a: &KeyedEmbedding, b: &KeyedEmbedding) -> Result<bool, OtherKey> {
        Ok(self.log_odds(a, b)?.probability() >= self.threshold())
    }

    /// What an identical pair scores.
    pub fn identical_pair(&self) -> Probability {
        self.head.identical_pair()
    }

    /// The same as log-odds, which do not saturate: b.
    pub fn bias(&self) -> LogOdds {
        LogOdds(self.head.formula.bias)
    }

    /// What a decision has to reach.
    pub fn threshold(&self) -> Probability {
        self.head.threshold()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedding, KeyKind};
    use crate::head::project::SplitMix64;
    use proptest::prelude::*;

    fn unit(values: Vec<f32>) -> Embedding {
        Embedding::new(values).expect("finite and not zero")
    }

    /// 128 values: plain, seeded rotations, and a learned matrix before the rotations.
    fn heads() -> [Head; 3] {
        let mut random = SplitMix64(5);
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
            Head { formula, threshold: Probability(0.9), projection, measured: None }
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
        assert_eq!(plain.key_kind(), KeyKind::Permutation);
        let key = TemplateKey::draw(&[1; 32], KeyKind::Permutation, 128);
        let mut want: Vec<f32> = plain.formula.alpha().to_vec();
        let mut got: Vec<f32> = plain.for_key(&key).head.formula.alpha().to_vec();
        want.sort_by(f32::total_cmp);
        got.sort_by(f32::total_cmp);
        assert_eq!(got, want);
    }

    #[test]
    fn faces_in_another_key_are_refused() {
        let face = unit((1..=128).map(|v| v as f32).collect());
        for head in heads() {
            let key = |seed| TemplateKey::draw(&[seed; 32], head.key_kind(), 128);
            let (here, there) = (key(1).apply(&face), key(2).apply(&face));
            let keyed = head.for_key(&key(1));
            assert_eq!(keyed.log_odds(&here, &there).err(), Some(OtherKey));
            assert_eq!(keyed.log_odds(&there, &here).err(), Some(OtherKey));
            assert_eq!(keyed.log_odds(&there, &there).err(), Some(OtherKey));
            assert!(keyed.matches(&here, &here).expect("one key"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Issue 6: every score stays as it was, to 1e-6.
        #[test]
        fn keyed_templates_score_as_before(a in face(), noise in face(), far in 0.0_f32..3.0, seed: [u8; 32]) {
            prop_assume!(Embedding::new(a.clone()).is_ok() && Embedding::new(noise.clone()).is_ok());
            let (a, noise) = (unit(a), unit(noise));
            let b = near(&a, &noise, far);
            for head in heads() {
                for kind in [KeyKind::Permutation, KeyKind::Rotation] {
                    let key = TemplateKey::draw(&seed, kind, 128);
                    let z = head.for_key(&key).log_odds(&key.apply(&a), &key.apply(&b)).expect("one key");
                    let (got, want) = (z.probability().value(), head.probability(&a, &b).value());
                    prop_assert!((got - want).abs() < 1e-6, "{kind:?}: {got} for {want}");
                }
            }
        }
    }

    /// Two devices: to anybody without the keys, one face in two keys is two strangers.
    #[test]
    fn one_face_in_two_keys_scores_as_strangers_do() {
        let mut random = SplitMix64(11);
        let mut face = || unit((0..128).map(|_| random.uniform() as f32 - 0.5).collect());
        let mut seeds = SplitMix64(12);
        let mut seed = || {
            let words = [seeds.bits(), seeds.bits(), seeds.bits(), seeds.bits()];
            <[u8; 32]>::try_from(words.map(u64::to_le_bytes).concat()).expect("32 bytes")
        };
        for head in heads() {
            for kind in [KeyKind::Permutation, KeyKind::Rotation] {
                let (mut linked, mut strangers) = (Vec::new(), Vec::new());
                let mut key = || TemplateKey::draw(&seed(), kind, 128);
                // What counts is the map from one to the other, so one of them may stay. Keying a head is slow.
                let one = key();
                let keyed = head.for_key(&one).head;
                // What somebody who stole both would compute, past the check of the keys.
                let h = |e: &KeyedEmbedding| keyed.project_values(e.values()).into_owned();
                for _ in 0..60 {
                    let (other, here, there) = (key(), face(), face());
                    linked.push(keyed.log_odds_of(&h(&one.apply(&here)), &h(&other.apply(&here))).0);
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
}
