//! How far below its mean the sum of a stack of rotations comes: `least_share LENGTH ROTATIONS SEED STARTS`.
//!
//! Descents by gradients on the sphere, from random directions, axes, rows of R and sums of two rows in turn; a line for each:
//! the share of the mean over all directions where it began, and where it ended. The last line has the least of all.
//! `Bound` in `src/head/bound.rs` rests on it; docs/search.md has the figures.

use std::f32::consts::FRAC_2_PI;
use std::io::Write as _;

use anyhow::{Context, Result, bail};
use facelatch::head::Projection;
use facelatch::head::project::SplitMix64;
use facelatch_rates::vector::{add, dot, scaled};

const STEPS: usize = 250;

fn main() -> Result<()> {
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [length, rotations, seed, starts] = words[..] else {
        bail!("usage: least_share LENGTH ROTATIONS SEED STARTS");
    };
    let (length, mut random) = (usize::try_from(length)?, SplitMix64(seed ^ 77));
    let projection =
        Projection::new(length, None, usize::try_from(rotations)?, seed).map_err(anyhow::Error::msg)?;
    let axis = |i: usize| (0..length).map(|j| f32::from(u8::from(i == j))).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = (0..length).map(|i| projection.apply(&axis(i))).collect();
    let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<f32>>();
    let mut all = Vec::new();
    for start in 0..starts {
        let from = match start % 4 {
            0 => (0..length).map(|_| normal(&mut random)).collect(),
            1 => axis(random.below(length)),
            2 => row(random.below(projection.rows())),
            _ => add(&row(random.below(projection.rows())), &row(random.below(projection.rows())), 1.0),
        };
        let (began, ended) = descend(&projection, &columns, scaled(&from, 1.0));
        writeln!(std::io::stdout(), "{began:.5} {ended:.5}")?;
        all.push(ended);
    }
    let least = all.into_iter().min_by(f32::total_cmp).context("no start")?;
    writeln!(std::io::stdout(), "least of {starts}: {least:.5}")?;
    Ok(())
}

/// The share at `at`, and the least on the way down from there.
fn descend(projection: &Projection, columns: &[Vec<f32>], mut at: Vec<f32>) -> (f32, f32) {
    let mean = (FRAC_2_PI * projection.rows() as f32).sqrt();
    let (mut began, mut least, mut step) = (f32::NAN, f32::INFINITY, 0.3);
    for _ in 0..STEPS {
        let h = projection.apply(&at);
        let share = h.iter().map(|v| v.abs()).sum::<f32>() / mean;
        began = if began.is_nan() { share } else { began };
        least = least.min(share);
        let signs: Vec<f32> = h.iter().map(|v| v.signum()).collect();
        let gradient: Vec<f32> = columns.iter().map(|column| dot(column, &signs)).collect();
        let down = add(&at, &gradient, -1.0 / dot(&gradient, &at));
        at = scaled(&add(&at, &scaled(&down, step), 1.0), 1.0);
        step *= 0.97;
    }
    (began, least)
}

/// Four uniform numbers: nearly normal, so that all directions are as likely.
fn normal(random: &mut SplitMix64) -> f32 {
    (0..4).map(|_| random.uniform() as f32 - 0.5).sum()
}
