//! Where the sum of a stack of rotations lies for directions that nobody looked for, as a share of its mean over all directions:
//! mean, standard deviation and least of the shares, and how many lie far below the mean, beside the normal distribution.
//!
//! `usual_share directions LENGTH ROTATIONS SEED COUNT`: random directions, all as likely.
//!
//! `usual_share faces MODELS PICTURES CACHE BLENDS`: every pair of pictures in a folder of people, as for `facelatch-rates measure`;
//! then, BLENDS times, a picture and that blend of eight others from which it differs in the direction with the least share, by
//! descent over the weights.
//!
//! `LEAST_SHARE_OF_FACES` in `src/head/bound.rs` rests on it; docs/search.md has the figures.

use std::f32::consts::FRAC_2_PI;
use std::f64::consts::TAU;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use facelatch::head::Projection;
use facelatch::head::file::Wanted;
use facelatch::head::project::SplitMix64;
use facelatch::head::{Formula, Head};
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::cores;
use facelatch_rates::people::People;
use facelatch_rates::vector::{add, dot, scaled};

const USAGE: &str = "usage: usual_share directions LENGTH ROTATIONS SEED COUNT, or usual_share faces MODELS PICTURES CACHE BLENDS";

/// Directions, or blends, from one stream of numbers.
const LOT: u64 = 1000;

/// Pictures whose pairs are computed at once.
const BLOCK: usize = 32;

/// Pictures in a blend.
const BLENDED: usize = 8;

/// Steps of a descent.
const STEPS: usize = 60;

/// Of the shipped head: the number of its rotations and their seed.
const SHIPPED: (usize, u64) = (64, 5);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["directions", length, rotations, seed, count] => {
            directions(length.parse()?, rotations.parse()?, seed.parse()?, count.parse()?)
        }
        ["faces", models, pictures, cache, blends] => {
            faces(Path::new(models), Path::new(pictures), Path::new(cache), blends.parse()?)
        }
        _ => bail!(USAGE),
    }
}

fn directions(length: usize, rotations: usize, seed: u64, count: u64) -> Result<()> {
    let projection = Projection::new(length, None, rotations, seed).map_err(anyhow::Error::msg)?;
    let shares =
        drawn(count, seed, |random| share(&projection.apply(&scaled(&normals(length, random), 1.0))))?;
    shares.tell("random directions")
}

fn faces(models: &Path, pictures: &Path, cache: &Path, blends: u64) -> Result<()> {
    let bench = Bench::load(models, Names { embedder: "sface", detector: Some("yunet"), central: false })?;
    let head = Head::load(&models.join("sface.head.toml"), Wanted::of(&bench.embedder))?;
    let set = bench.acquire(&People::load(pictures)?, cache, &mut |_, _| {})?;
    let faces: Vec<&[f32]> = set.samples.iter().map(|sample| sample.embedding.values()).collect();
    ensure!(faces.len() > BLENDED, "too few pictures with a face");
    let projected = cores::map(set.samples.iter(), |sample| head.project(&sample.embedding).into_owned());
    let rows: Vec<&[Vec<f32>]> = projected.chunks(BLOCK).collect();
    let formula = Formula::new(0.0, &vec![1.0; projected[0].len()]).context("finite")?;
    let mut shares = Shares::default();
    let pairs = (0..rows.len()).flat_map(|one| (0..=one).map(move |other| (one, other)));
    cores::each(
        pairs,
        |(one, other)| between(&formula, &faces, (one, rows[one]), (other, rows[other])),
        |found| {
            found.into_iter().for_each(|share| shares.add(share));
            Ok(())
        },
    )?;
    shares.tell("pairs of pictures")?;
    let (rotations, seed) = SHIPPED;
    let projection = Projection::new(faces[0].len(), None, rotations, seed).map_err(anyhow::Error::msg)?;
    let axis = |i: usize| (0..faces[0].len()).map(|j| f32::from(u8::from(i == j))).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = (0..faces[0].len()).map(|i| projection.apply(&axis(i))).collect();
    let blend = |random: &mut SplitMix64| {
        let mut face = || faces[random.below(faces.len())];
        let one = face();
        let others = [(); BLENDED].map(|()| face());
        least_of_blends(&projection, &columns, one, &others)
    };
    drawn(blends, 1, blend)?.tell("descents over blends")
}

/// The shares of the pairs of two blocks; those that are hardly apart say nothing.
fn between(
    formula: &Formula,
    faces: &[&[f32]],
    (one, ones): (usize, &[Vec<f32>]),
    (other, others): (usize, &[Vec<f32>]),
) -> Vec<f32> {
    let mut sums = vec![0.0; ones.len() * others.len()];
    formula.log_odds_between(&ones.concat(), &others.concat(), &mut sums);
    let mean = mean_of_all(formula.alpha().len());
    let pair = |(at, sum): (usize, &f32)| {
        let (a, b) = (one * BLOCK + at / others.len(), other * BLOCK + at % others.len());
        let apart = add(faces[a], faces[b], -1.0);
        let distance = dot(&apart, &apart).sqrt();
        (a > b && distance > 0.05).then(|| sum / (mean * distance))
    };
    sums.iter().enumerate().filter_map(pair).collect()
}

/// The least share on the way down over blends of `others`, from that with equal weights.
fn least_of_blends(
    projection: &Projection,
    columns: &[Vec<f32>],
    one: &[f32],
    others: &[&[f32]; BLENDED],
) -> f32 {
    let (mut weights, mut least, mut step) = ([1.0 / BLENDED as f32; BLENDED], f32::INFINITY, 20.0);
    for _ in 0..STEPS {
        let mut blend = vec![0.0; one.len()];
        others.iter().zip(weights).for_each(|(other, weight)| blend = add(&blend, other, weight));
        let length = dot(&blend, &blend).sqrt();
        let apart = add(&scaled(&blend, 1.0), one, -1.0);
        let distance = dot(&apart, &apart).sqrt();
        if distance < 0.05 {
            break;
        }
        let h = projection.apply(&scaled(&apart, 1.0));
        let here = share(&h);
        least = least.min(here);
        // d share / d apart, and from there to the weights; the blend has unit length.
        let signs: Vec<f32> = h.iter().map(|v| v.signum() / mean_of_all(h.len())).collect();
        let of_h: Vec<f32> = columns.iter().map(|column| dot(column, &signs)).collect();
        let unit = scaled(&apart, 1.0);
        let gradient = add(&of_h, &unit, -dot(&of_h, &unit));
        let blend = scaled(&blend, 1.0);
        let of_blend = add(&gradient, &blend, -dot(&gradient, &blend));
        let along = others.map(|other| dot(&of_blend, other) / (length * distance));
        weights = std::array::from_fn(|i| weights[i] * (-step * along[i]).clamp(-3.0, 3.0).exp());
        let sum: f32 = weights.iter().sum();
        weights = weights.map(|weight| weight / sum);
        step *= 1.02;
    }
    least
}

/// Shares of so many draws, on all cores; the same on any number of them.
fn drawn(count: u64, seed: u64, draw: impl Fn(&mut SplitMix64) -> f32 + Sync) -> Result<Shares> {
    let mut shares = Shares::default();
    let lot = |lot: u64| {
        let mut random = SplitMix64(SplitMix64(seed ^ (lot << 16)).bits());
        (0..LOT.min(count - lot * LOT)).map(|_| draw(&mut random)).collect::<Vec<f32>>()
    };
    cores::each(0..count.div_ceil(LOT), lot, |lot| {
        lot.into_iter().for_each(|share| shares.add(share));
        Ok(())
    })?;
    Ok(shares)
}

/// Shares of the mean, by steps of a millionth.
struct Shares {
    bins: Vec<u64>,
    least: f32,
}

impl Default for Shares {
    fn default() -> Self {
        Self { bins: vec![0; 2 * Self::STEPS_OF_1], least: f32::INFINITY }
    }
}

impl Shares {
    const STEPS_OF_1: usize = 1_000_000;

    fn add(&mut self, share: f32) {
        let bin = (share * Self::STEPS_OF_1 as f32) as usize;
        self.bins[bin.min(2 * Self::STEPS_OF_1 - 1)] += 1;
        self.least = self.least.min(share);
    }

    fn tell(&self, of: &str) -> Result<()> {
        let value = |bin: usize| (bin as f64 + 0.5) / Self::STEPS_OF_1 as f64;
        let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
            self.bins.iter().enumerate().map(|(bin, count)| *count as f64 * of(value(bin))).sum()
        };
        let count = sum(&|_| 1.0);
        let mean = sum(&|share| share) / count;
        let deviation = (sum(&|share| (share - mean).powi(2)) / count).sqrt();
        let below = (mean - f64::from(self.least)) / deviation;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{count} {of}: mean {mean:.5}, standard deviation {deviation:.5}, least {:.5}, {below:.2} deviations below",
            self.least
        )?;
        for (deviations, normal) in [(3.0, 1.3499e-3), (4.0, 3.1671e-5), (5.0, 2.8665e-7)] {
            let far = sum(&|share| f64::from(u8::from(share < mean - deviations * deviation)));
            writeln!(out, "  {far} more than {deviations} below; normal {:.1}", normal * count)?;
        }
        Ok(())
    }
}

fn share(h: &[f32]) -> f32 {
    h.iter().map(|v| v.abs()).sum::<f32>() / mean_of_all(h.len())
}

/// Of the sum for a direction of length 1, over all directions.
fn mean_of_all(rows: usize) -> f32 {
    (FRAC_2_PI * rows as f32).sqrt()
}

/// Normal numbers by Box and Muller, so that all directions are as likely.
fn normals(count: usize, random: &mut SplitMix64) -> Vec<f32> {
    let pair = |_| {
        let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
        let (y, x) = (TAU * random.uniform()).sin_cos();
        [x, y].map(|value| (radius * value) as f32)
    };
    let mut values: Vec<f32> = (0..count.div_ceil(2)).flat_map(pair).collect();
    values.truncate(count);
    values
}
