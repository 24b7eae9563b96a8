//! Exact upper bounds of a rate, from counts.

/// The exact one-sided upper bound of a share (Clopper and Pearson 1934): the `p` at which `events` or fewer
/// in `trials` have probability `1 - confidence`. For no event and 95 % it is near `3 / trials`, the
/// rule of three. Holds for independent trials; `1.0` without trials.
pub fn clopper_pearson_upper(events: usize, trials: usize, confidence: f64) -> f64 {
    if events >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (events as f64 / trials as f64, 1.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if at_most(events, trials, middle) > 1.0 - confidence { low = middle } else { high = middle }
    }
    high
}

/// The fewest event-free trials that show a rate of at most `rate` with this confidence.
pub fn trials_without_event(rate: f64, confidence: f64) -> usize {
    ((1.0 - confidence).ln() / (-rate).ln_1p()).ceil() as usize
}

/// P(X <= events) of a binomial distribution; summed downwards from the largest term.
fn at_most(events: usize, trials: usize, p: f64) -> f64 {
    let (n, k) = (trials as f64, events as f64);
    let log_term = ln_choose(n, k) + k * p.ln() + (n - k) * (-p).ln_1p();
    let (mut ratio, mut sum, mut i) = (1.0, 1.0, k);
    while i > 0.0 && ratio > 1e-18 * sum {
        ratio *= i * (1.0 - p) / ((n - i + 1.0) * p);
        sum += ratio;
        i -= 1.0;
    }
    (log_term + sum.ln()).exp()
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Exact sums up to 255, beyond that Stirling's series, whose error is then below 1e-17.
fn ln_factorial(n: f64) -> f64 {
    if n < 256.0 {
        return (2..=n as u32).map(|i| f64::from(i).ln()).sum();
    }
    let inverse = 1.0 / n;
    let series = inverse / 12.0 - inverse.powi(3) / 360.0 + inverse.powi(5) / 1260.0;
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by rates/tests/data/bounds/bounds.py with scipy's `beta.ppf(confidence, k + 1, n - k)`.
    const SCIPY: &str = include_str!("../tests/data/bounds/bounds.csv");

    #[test]
    fn bounds_agree_with_scipy() {
        let mut checked = 0;
        for line in SCIPY.lines().skip(1) {
            let f: Vec<&str> = line.split(',').collect();
            let (k, n) = (f[0].parse().expect("number"), f[1].parse().expect("number"));
            let (confidence, wanted): (f64, f64) =
                (f[2].parse().expect("number"), f[3].parse().expect("number"));
            let got = clopper_pearson_upper(k, n, confidence);
            // The logs of factorials near 1e6 carry about 1e-9.
            assert!((got - wanted).abs() <= 1e-8 * wanted, "{k} of {n}: {got}, scipy {wanted}");
            checked += 1;
        }
        assert!(checked >= 20);
    }

    #[test]
    fn rule_of_three() {
        let n = 30_000;
        assert!((clopper_pearson_upper(0, n, 0.95) * n as f64 - 3.0).abs() < 0.01);
        assert_eq!(trials_without_event(1e-4, 0.95), 29_956);
        assert_eq!(clopper_pearson_upper(0, 0, 0.95), 1.0);
        assert_eq!(clopper_pearson_upper(5, 5, 0.95), 1.0);
    }
}
