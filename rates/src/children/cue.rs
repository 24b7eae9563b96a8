//! What may tell a child from an adult, and the one that ships: the direction from the mean adult to the mean child.

use std::fmt::Write as _;

use super::Aged;
use crate::set::Set;

/// Oldest of those whose pictures the direction leads to.
const CHILD: u8 = 9;

/// Youngest of those whose pictures it leads away from. Between the two nobody is used.
const GROWN: u8 = 20;

/// Values of a cue, one a picture; the greater, the more like a child.
pub struct Cue {
    /// Its name.
    pub name: &'static str,
    /// One for each picture.
    pub values: Vec<f32>,
}

/// A direction and the least cosine to it of a child.
pub struct Direction {
    /// Of length 1.
    pub values: Vec<f32>,
    /// As `min_cosine` in `MODELS.toml`.
    pub min_cosine: f32,
}

impl Direction {
    /// Of an embedding of unit length.
    pub fn cosine(&self, embedding: &[f32]) -> f32 {
        dot(&self.values, embedding)
    }

    /// For `MODELS.toml`, rounded to four places.
    pub fn toml(&self) -> String {
        let mut text = String::from("direction = [");
        for (at, value) in self.values.iter().enumerate() {
            let before = if at % 13 == 0 { "\n    " } else { " " };
            // Writing to a string never fails.
            let _ = write!(text, "{before}{value:.4},");
        }
        text + "\n]"
    }
}

/// What was learnt from pictures of people whose ages are known.
pub struct Learnt {
    /// Mean embedding of children.
    pub child: Vec<f32>,
    /// Mean embedding of adults.
    pub adult: Vec<f32>,
    /// How many pictures of either.
    pub pictures: (usize, usize),
}

impl Learnt {
    /// Means of both kinds; `None` if there is nobody of one.
    pub fn from(set: &Set, people: &[Aged]) -> Option<Self> {
        let mean = |is: &dyn Fn(u8) -> bool| {
            let of: Vec<&[f32]> = people
                .iter()
                .filter(|person| is(person.age))
                .map(|person| set.samples[person.sample].embedding.values())
                .collect();
            let mut mean = vec![0.0; set.recipe.length];
            for values in &of {
                mean.iter_mut().zip(*values).for_each(|(mean, v)| *mean += v / of.len() as f32);
            }
            (!of.is_empty()).then_some((mean, of.len()))
        };
        let (child, children) = mean(&|age| age <= CHILD)?;
        let (adult, adults) = mean(&|age| age >= GROWN)?;
        Some(Self { child, adult, pictures: (children, adults) })
    }

    /// From the mean adult to the mean child.
    pub fn direction(&self) -> Vec<f32> {
        unit(self.child.iter().zip(&self.adult).map(|(child, adult)| child - adult))
    }

    /// Every cue on a set: `norms` and `proportions` one a picture.
    pub fn cues(&self, embeddings: &[&[f32]], norms: &[f32], proportions: &[f32]) -> Vec<Cue> {
        let along = |direction: &[f32]| embeddings.iter().map(|e| dot(direction, e)).collect::<Vec<_>>();
        let (direction, background) = (along(&self.direction()), {
            let (children, adults) = (self.pictures.0 as f32, self.pictures.1 as f32);
            let sum = self.child.iter().zip(&self.adult).map(|(c, a)| c * children + a * adults);
            along(&sum.map(|sum| sum / (children + adults)).collect::<Vec<_>>())
        });
        // Proportions vary by 0.1, cosines by as much.
        let both = direction.iter().zip(proportions).map(|(cosine, shape)| cosine + shape / 2.0).collect();
        vec![
            Cue { name: "a short embedding", values: norms.iter().map(|norm| -norm).collect() },
            Cue { name: "proportions of the landmarks", values: proportions.to_vec() },
            Cue { name: "mean cosine to a background of all ages", values: background },
            Cue { name: "cosine to the mean child", values: along(&unit(self.child.iter().copied())) },
            Cue { name: "cosine to the direction from adult to child", values: direction },
            Cue { name: "the same, and proportions", values: both },
        ]
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let values: Vec<f32> = values.collect();
    let norm = dot(&values, &values).sqrt().max(f32::MIN_POSITIVE);
    values.into_iter().map(|v| v / norm).collect()
}
