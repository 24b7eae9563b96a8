//! Logistic regression by Newton's method: binary cross-entropy with L2 towards a common weight.
//!
//! minimise  sum_i w_i * softplus(-y_i * z_i) + lambda / (2 d) * |delta|^2 + ridge / 2 * m^2,
//! z_i = b + sum_j (m + delta_j) * x_ij.  m is the common weight; its ridge of 1e-6 only keeps it finite where
//! the two kinds can be told apart without error. Each Newton step is solved by conjugate gradients, so
//! the Hessian is never written out. Deterministic: one thread, one order of sums.

use super::curve::softplus;

const RIDGE: f64 = 1e-6;
const MAX_STEPS: usize = 100;
const MAX_CG_STEPS: usize = 300;

/// Pairs as rows of features with their labels and weights.
pub struct Problem {
    /// Row by row, `columns` each; not negative.
    pub features: Vec<f32>,
    /// Features of a pair.
    pub columns: usize,
    /// Whether both pictures show the same person.
    pub genuine: Vec<bool>,
    /// Assumed share of genuine pairs, `0..1`, regardless of their share among the rows.
    pub prior: f64,
    /// lambda. For one common weight give a single column holding the sum, not an infinite lambda.
    pub lambda: f64,
    /// Whether b is fitted; else it is fixed to 0.
    pub bias: bool,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// b.
    pub bias: f64,
    /// alpha, one for each column.
    pub alpha: Vec<f64>,
}

/// theta is b, m, delta_1..d.
struct State<'a> {
    problem: &'a Problem,
    weights: Vec<f64>,
    means: Vec<f32>,
    scale: f32,
}

impl Problem {
    /// Fits the weights. There must be rows of both kinds.
    pub fn fit(&self) -> Line {
        let state = State::new(self);
        let mut theta = vec![0.0; self.columns + 2];
        let (mut z, mut value) = state.value(&theta);
        for _ in 0..MAX_STEPS {
            let gradient = state.gradient(&theta, &z);
            let step = state.solve(&gradient, &z);
            let decrement = dot(&gradient, &step);
            if decrement < 1e-12 {
                break;
            }
            let mut length = 1.0;
            let before = value;
            while length > 1e-9 {
                let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - length * s).collect();
                let (next_z, next_value) = state.value(&next);
                if next_value <= value - 1e-4 * length * decrement {
                    (theta, z, value) = (next, next_z, next_value);
                    break;
                }
                length /= 2.0;
            }
            if before - value < 1e-13 {
                break;
            }
        }
        state.line(&theta)
    }
}

impl<'a> State<'a> {
    fn new(problem: &'a Problem) -> Self {
        let genuine = problem.genuine.iter().filter(|g| **g).count() as f64;
        let impostor = problem.genuine.len() as f64 - genuine;
        let weight = |g: &bool| if *g { problem.prior / genuine } else { (1.0 - problem.prior) / impostor };
        let rows = problem.genuine.len() as f64;
        let mut means = vec![0.0_f64; problem.columns];
        let mut sums = Vec::with_capacity(problem.genuine.len());
        for row in problem.features.chunks_exact(problem.columns) {
            means.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) / rows);
            sums.push(row.iter().map(|x| f64::from(*x)).sum::<f64>());
        }
        let mean = sums.iter().sum::<f64>() / rows;
        let scale = (sums.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / rows).sqrt().max(1e-9) as f32;
        // Centring improves the conditioning, but without a fitted b it would add a bias.
        let means = means.iter().map(|m| if problem.bias { *m as f32 } else { 0.0 }).collect();
        Self { problem, weights: problem.genuine.iter().map(weight).collect(), means, scale }
    }

    /// Row i of the centred, scaled features times a vector, plus a constant.
    fn times(&self, constant: f64, vector: &[f32]) -> Vec<f64> {
        let shift: f64 = self.means.iter().zip(vector).map(|(m, v)| f64::from(m * v)).sum();
        let rows = self.problem.features.chunks_exact(self.problem.columns);
        rows.map(|row| constant + (f64::from(dot_f32(row, vector)) - shift) / f64::from(self.scale)).collect()
    }

    fn weights_of(&self, theta: &[f64]) -> (f64, Vec<f32>) {
        let bias = if self.problem.bias { theta[0] } else { 0.0 };
        (bias, theta[2..].iter().map(|delta| (theta[1] + delta) as f32).collect())
    }

    fn value(&self, theta: &[f64]) -> (Vec<f64>, f64) {
        let (bias, vector) = self.weights_of(theta);
        let z = self.times(bias, &vector);
        let signed = z.iter().zip(&self.problem.genuine).map(|(z, g)| if *g { -z } else { *z });
        let loss: f64 = signed.zip(&self.weights).map(|(x, w)| w * softplus(x)).sum();
        let penalty = self.lambda() * dot(&theta[2..], &theta[2..]) + RIDGE * theta[1] * theta[1];
        (z, loss + penalty / 2.0)
    }

    fn lambda(&self) -> f64 {
        self.problem.lambda / self.problem.columns as f64
    }

    /// Transposed features times one number per row, as a vector shaped like theta.
    fn gather(&self, per_row: &[f64]) -> Vec<f64> {
        let mut columns = vec![0.0_f64; self.problem.columns];
        let rows = self.problem.features.chunks_exact(self.problem.columns);
        for (row, r) in rows.zip(per_row) {
            columns.iter_mut().zip(row).for_each(|(c, x)| *c += r * f64::from(*x));
        }
        let total: f64 = per_row.iter().sum();
        for (c, mean) in columns.iter_mut().zip(&self.means) {
            *c = (*c - total * f64::from(*mean)) / f64::from(self.scale);
        }
        let mut out = vec![if self.problem.bias { total } else { 0.0 }, columns.iter().sum()];
        out.append(&mut columns);
        out
    }

    fn penalised(&self, mut out: Vec<f64>, theta: &[f64]) -> Vec<f64> {
        out[1] += RIDGE * theta[1];
        let lambda = self.lambda();
        out[2..].iter_mut().zip(&theta[2..]).for_each(|(o, t)| *o += lambda * t);
        out
    }

    fn gradient(&self, theta: &[f64], z: &[f64]) -> Vec<f64> {
        let truth = self.problem.genuine.iter().map(|g| f64::from(u8::from(*g)));
        let residual = z.iter().zip(truth).zip(&self.weights).map(|((z, t), w)| w * (sigmoid(*z) - t));
        self.penalised(self.gather(&residual.collect::<Vec<_>>()), theta)
    }

    /// Hessian^-1 * gradient by conjugate gradients.
    fn solve(&self, gradient: &[f64], z: &[f64]) -> Vec<f64> {
        let curvature: Vec<f64> =
            z.iter().zip(&self.weights).map(|(z, w)| w * sigmoid(*z) * sigmoid(-*z)).collect();
        let times_hessian = |v: &[f64]| {
            let (constant, vector) = self.weights_of(v);
            let mut rows = self.times(constant, &vector);
            rows.iter_mut().zip(&curvature).for_each(|(r, c)| *r *= c);
            self.penalised(self.gather(&rows), v)
        };
        let mut x = vec![0.0; gradient.len()];
        let mut residual = gradient.to_vec();
        let mut direction = residual.clone();
        let mut size = dot(&residual, &residual);
        let goal = size * (1e-6_f64).max(size.sqrt() * 1e-2).min(1e-3);
        for _ in 0..MAX_CG_STEPS {
            if size <= goal || size < 1e-28 {
                break;
            }
            let product = times_hessian(&direction);
            let bend = dot(&direction, &product);
            if bend <= 0.0 {
                break;
            }
            let step = size / bend;
            x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
            residual.iter_mut().zip(&product).for_each(|(r, p)| *r -= step * p);
            let next = dot(&residual, &residual);
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / size * *d);
            size = next;
        }
        x
    }

    /// Back to the units of the features.
    fn line(&self, theta: &[f64]) -> Line {
        let alpha: Vec<f64> = theta[2..].iter().map(|d| (theta[1] + d) / f64::from(self.scale)).collect();
        let shift: f64 = alpha.iter().zip(&self.means).map(|(a, m)| a * f64::from(*m)).sum();
        Line { bias: if self.problem.bias { theta[0] - shift } else { 0.0 }, alpha }
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch::head::project::SplitMix64;

    const ALPHA: [f64; 4] = [-3.0, -1.0, 0.5, -6.0];

    /// Labels drawn from the formula itself with a known alpha and b.
    fn known(rows: usize, bias: f64, fitted_bias: bool) -> Problem {
        let mut random = SplitMix64(3);
        let (mut features, mut genuine) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let x: Vec<f64> = (0..4).map(|_| random.uniform()).collect();
            let z = bias + x.iter().zip(ALPHA).map(|(x, a)| x * a).sum::<f64>();
            genuine.push(random.uniform() < sigmoid(z));
            features.extend(x.iter().map(|x| *x as f32));
        }
        let prior = genuine.iter().filter(|g| **g).count() as f64 / rows as f64;
        Problem { features, columns: 4, genuine, prior, lambda: 0.0, bias: fitted_bias }
    }

    #[test]
    fn known_weights_and_bias_are_recovered() {
        let line = known(200_000, 4.0, true).fit();
        assert!((line.bias - 4.0).abs() < 0.1, "{line:?}");
        for (got, wanted) in line.alpha.iter().zip(ALPHA) {
            assert!((got - wanted).abs() < 0.1, "{line:?}");
        }
    }

    #[test]
    fn strong_shrinking_makes_the_weights_alike_and_weak_does_not() {
        let spread = |lambda| {
            let alpha = Problem { lambda, ..known(5000, 4.0, true) }.fit().alpha;
            alpha.iter().fold(f64::MIN, |m, a| m.max(*a)) - alpha.iter().fold(f64::MAX, |m, a| m.min(*a))
        };
        assert!(spread(1e6) < 1e-3 && spread(0.0) > 5.0);
        assert!(spread(1.0) < spread(0.01));
    }

    #[test]
    fn without_a_bias_b_stays_zero() {
        assert_eq!(known(1000, 4.0, false).fit().bias, 0.0);
    }

    #[test]
    fn the_gradient_vanishes_at_the_answer_and_a_second_run_gives_the_same_bits() {
        let problem = known(2000, 2.0, true);
        let line = problem.fit();
        assert_eq!(line, problem.fit());
        let said: f64 = problem
            .features
            .chunks_exact(4)
            .map(|row| {
                sigmoid(line.bias + row.iter().zip(&line.alpha).map(|(x, a)| f64::from(*x) * a).sum::<f64>())
            })
            .sum();
        let seen = problem.genuine.iter().filter(|g| **g).count() as f64;
        assert!((said - seen).abs() < 1e-2, "with a bias the mean probability is the share: {said} {seen}");
    }

    #[test]
    fn pairs_without_error_give_finite_weights() {
        let features: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let genuine = (0..100).map(|i| i < 30).collect();
        let line = Problem { features, columns: 1, genuine, prior: 0.5, lambda: 0.0, bias: true }.fit();
        assert!(line.bias.is_finite() && line.alpha[0] < 0.0 && line.alpha[0].is_finite());
    }
}
