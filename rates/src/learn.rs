//! Fits a [`Plan`] on people to a [`Learnt`] head, before validation.

use super::RatesError;
use super::acquire::Set;
use super::newton::Problem;
use super::table::{Features, Table};
use super::trials::Pairs;
use facelatch::head::{Formula, LogOdds, Projection};

/// With a free alpha each pair takes one value per coordinate; pairs beyond this many values are thinned out. 256 MB:
/// half a million pairs of 128 values.
const MAX_FREE_VALUES: usize = 1 << 26;

/// How a head is fitted: choices only, no data.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Name for tables.
    pub name: String,
    /// Seeded rotations stacked; 0 for h = e.
    pub rotations: usize,
    /// Seed of the rotations.
    pub seed: u64,
    /// A learned metric before the rotations: within-person covariance, shrunk by this much towards a
    /// multiple of the identity (0 not at all, 1 wholly), to the power -1/2.
    pub learned: Option<f64>,
    /// How far alpha may vary between coordinates.
    pub alpha: Alpha,
    /// Whether b is fitted; else it is 0.
    pub bias: bool,
    /// Share of genuine pairs for which p is calibrated.
    pub prior: f64,
}

/// How free alpha is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alpha {
    /// One value for all coordinates.
    Common,
    /// One value per coordinate, shrunk towards their mean this strongly.
    Free(f64),
}

/// Pairs in the form [`Problem`] takes.
#[derive(Default)]
struct Rows {
    features: Vec<f32>,
    genuine: Vec<bool>,
}

/// A fitted head.
#[derive(Debug, Clone)]
pub struct Learnt {
    /// b.
    pub bias: f32,
    /// alpha.
    pub alpha: Vec<f32>,
    /// R, if there is one.
    pub projection: Option<Projection>,
    /// The learned metric alone, row by row, for the side file.
    pub matrix: Option<Vec<f32>>,
}

impl Plan {
    /// Fits on the people for whom `keep` is true.
    ///
    /// # Errors
    /// [`RatesError::Asked`] when there are no pairs of both kinds or R cannot be made.
    pub fn learn(&self, set: &Set, keep: &dyn Fn(usize) -> bool) -> Result<Learnt, RatesError> {
        let matrix = self.learned.map(|shrink| whitening(set, keep, shrink));
        let projection = self.projection(set.recipe.length, matrix.as_deref())?;
        let mut rows = Rows::default();
        match self.learned {
            None => self.add_pairs(set, keep, projection.as_ref(), &mut rows),
            Some(shrink) => self.add_unseen_pairs(set, keep, shrink, &mut rows)?,
        }
        let kinds = [true, false].map(|kind| rows.genuine.contains(&kind));
        if kinds != [true, true] {
            return Err(RatesError::Asked(
                "too few people or pictures to fit a head: no pairs of one kind".to_owned(),
            ));
        }
        let columns = projection.as_ref().map_or(set.recipe.length, Projection::rows);
        let free = matches!(self.alpha, Alpha::Free(_));
        let lambda = if let Alpha::Free(lambda) = self.alpha { lambda } else { 0.0 };
        let problem = Problem {
            features: rows.features,
            columns: if free { columns } else { 1 },
            genuine: rows.genuine,
            prior: self.prior,
            lambda,
            bias: self.bias,
        };
        let line = problem.fit();
        let (bias, alpha) = match self.alpha {
            Alpha::Common => (line.bias as f32, vec![line.alpha[0] as f32; columns]),
            Alpha::Free(_) => (line.bias as f32, line.alpha.iter().map(|a| *a as f32).collect()),
        };
        if Formula::new(bias, &alpha).is_none() {
            return Err(RatesError::Asked(format!(
                "plan {}: the fit gave a number that is not finite",
                self.name
            )));
        }
        Ok(Learnt { bias, alpha, projection, matrix })
    }

    /// Distances of all pairs among the people for whom `keep` is true: coordinate by coordinate where alpha is
    /// free, else their sum.
    fn add_pairs(&self, set: &Set, keep: &dyn Fn(usize) -> bool, r: Option<&Projection>, to: &mut Rows) {
        let (mut pairs, h) = (Pairs::all(set, keep), Features::projected(set, r));
        if matches!(self.alpha, Alpha::Free(_)) {
            pairs = pairs.thinned(MAX_FREE_VALUES / h.length().max(1), self.seed);
        }
        let all = pairs.genuine.iter().map(|p| (p, true)).chain(pairs.impostor.iter().map(|p| (p, false)));
        for ((a, b), same) in all {
            let distances = h.of(*a).iter().zip(h.of(*b)).map(|(x, y)| (x - y).abs());
            match self.alpha {
                Alpha::Free(_) => to.features.extend(distances),
                Alpha::Common => to.features.push(distances.sum()),
            }
            to.genuine.push(same);
        }
    }

    /// The people in five folds: for each, the metric is learned on the other four and the distances taken within it.
    /// A metric separates its own training people too well, which would make b and alpha overconfident.
    fn add_unseen_pairs(
        &self,
        set: &Set,
        keep: &dyn Fn(usize) -> bool,
        shrink: f64,
        to: &mut Rows,
    ) -> Result<(), RatesError> {
        let people: Vec<usize> = (0..set.people.len()).filter(|p| keep(*p)).collect();
        let parts = (people.len() / 2).min(5);
        let part = |person: usize| people.binary_search(&person).map(|i| i % parts.max(1)).ok();
        for held_out in 0..parts {
            let metric = whitening(set, &|p| part(p).is_some_and(|part| part != held_out), shrink);
            let r = self.projection(set.recipe.length, Some(&metric))?;
            self.add_pairs(set, &|p| part(p) == Some(held_out), r.as_ref(), to);
        }
        Ok(())
    }

    fn projection(&self, length: usize, matrix: Option<&[f32]>) -> Result<Option<Projection>, RatesError> {
        if self.rotations == 0 && matrix.is_none() {
            return Ok(None);
        }
        let made = Projection::new(length, matrix.map(<[f32]>::to_vec), self.rotations, self.seed);
        made.map(Some).map_err(RatesError::Asked)
    }
}

impl Learnt {
    /// Log-odds of all pairs of samples.
    pub fn table(&self, set: &Set) -> Table {
        let h = Features::projected(set, self.projection.as_ref());
        let formula = Formula::new(self.bias, &self.alpha).expect("fitted numbers are finite");
        Table::new(&h, &formula, &mut |_, _| {})
    }

    /// What an identical pair scores, `0..=1`.
    pub fn identical_pair(&self) -> f64 {
        LogOdds(self.bias).probability().value()
    }
}

/// Within-person covariance C, shrunk, to the power -1/2 and scaled so that the mean direction keeps its
/// length: what varies within a person counts less (WCCN; Hatch, Kajarekar, Stolcke 2006).
fn whitening(set: &Set, keep: &dyn Fn(usize) -> bool, shrink: f64) -> Vec<f32> {
    let n = set.recipe.length;
    let mut covariance = vec![0.0_f64; n * n];
    let mut freedom = 0.0_f64;
    for samples in set.by_person().iter().enumerate().filter(|(p, s)| keep(*p) && s.len() > 1).map(|(_, s)| s)
    {
        let values = |s: usize| set.samples[s].embedding.values();
        let mean: Vec<f64> = (0..n)
            .map(|j| samples.iter().map(|s| f64::from(values(*s)[j])).sum::<f64>() / samples.len() as f64)
            .collect();
        for sample in samples {
            let off: Vec<f64> = values(*sample).iter().zip(&mean).map(|(v, m)| f64::from(*v) - m).collect();
            for (row, x) in covariance.chunks_exact_mut(n).zip(&off) {
                row.iter_mut().zip(&off).for_each(|(c, y)| *c += x * y);
            }
        }
        freedom += samples.len() as f64 - 1.0;
    }
    let trace = (0..n).map(|j| covariance[j * n + j]).sum::<f64>() / n as f64;
    for (i, c) in covariance.iter_mut().enumerate() {
        let diagonal = if i / n == i % n { shrink } else { 0.0 };
        *c = (1.0 - shrink) * *c / trace.max(1e-12) + diagonal;
    }
    debug_assert!(freedom >= 1.0, "the caller has genuine pairs");
    inverse_root(covariance, n)
}

/// `c^(-1/2)` of a symmetric positive matrix by the coupled iteration of Denman and Beavers in its product
/// free Newton-Schulz form (Higham 2008, 6.35). Scaled so that it converges: all eigenvalues below 1.
fn inverse_root(c: Vec<f64>, n: usize) -> Vec<f32> {
    let bound = c.chunks_exact(n).map(|row| row.iter().map(|v| v.abs()).sum::<f64>()).fold(0.0, f64::max);
    let mut y: Vec<f64> = c.iter().map(|v| v / bound).collect();
    let mut z: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    for _ in 0..60 {
        let mut t = multiply(&z, &y, n);
        let off: f64 =
            t.iter().enumerate().map(|(i, v)| (v - f64::from(u8::from(i / n == i % n))).abs()).sum();
        if off < 1e-10 {
            break;
        }
        for (i, v) in t.iter_mut().enumerate() {
            *v = 0.5 * (if i / n == i % n { 3.0 } else { 0.0 } - *v);
        }
        y = multiply(&y, &t, n);
        z = multiply(&t, &z, n);
    }
    z.iter().map(|v| (v / bound.sqrt()) as f32).collect()
}

fn multiply(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for (row, out) in a.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (x, b) in row.iter().zip(b.chunks_exact(n)) {
            out.iter_mut().zip(b).for_each(|(o, b)| *o += x * b);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::acquire::tests::set_of;
    use super::*;

    #[test]
    fn inverse_root_of_a_diagonal_matrix() {
        let root = inverse_root(vec![4.0, 0.0, 0.0, 0.25], 2);
        for (got, wanted) in root.iter().zip([0.5, 0.0, 0.0, 2.0]) {
            assert!((got - wanted).abs() < 1e-5, "{root:?}");
        }
    }

    #[test]
    fn every_plan_gives_a_working_head_on_distinct_people() {
        let looks = |x: f32, y: f32| (0..4).map(|i| vec![x + i as f32 / 20.0, y, 1.0]).collect();
        let set = set_of(&[
            ("a", looks(0.0, 0.0)),
            ("b", looks(3.0, 0.0)),
            ("c", looks(0.0, 3.0)),
            ("d", looks(-3.0, 0.0)),
        ]);
        let plan = |rotations, learned, alpha| Plan {
            name: String::new(),
            rotations,
            seed: 1,
            learned,
            alpha,
            bias: true,
            prior: 0.5,
        };
        for plan in [
            plan(0, None, Alpha::Common),
            plan(4, None, Alpha::Common),
            plan(0, None, Alpha::Free(0.1)),
            plan(2, Some(0.5), Alpha::Common),
        ] {
            let learnt = plan.learn(&set, &|_| true).expect("pairs of both kinds");
            let table = learnt.table(&set);
            assert!(table.at(0, 1) > 0.0 && table.at(0, 4) < 0.0, "{plan:?}");
            assert!(learnt.identical_pair() > 0.5);
        }
        assert!(plan(0, None, Alpha::Common).learn(&set, &|p| p == 0).is_err());
    }
}
