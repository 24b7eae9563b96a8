//! The formula for as few templates as a search needs. One pass over all templates bounds what each can say; of somebody who may
//! matter, a template is computed only if it may be one of the two that count with some frame.

use std::collections::BTreeMap;
use std::ops::Range;

use super::shortlist::Step;
use super::vote::{BEST_TEMPLATES, combine};
use crate::embed::{KeyedEmbedding, KeyedRows, OtherKey};
use crate::head::{Bound, KeyedHead, LogOdds, Most};

/// A search of some frames among templates, which are the rows of one table.
pub struct Search<'a> {
    bound: Option<&'a Bound>,
    /// Squared distances of each row to each frame, row by row; empty without a bound.
    squares: Vec<f32>,
    frames: usize,
    longest: f32,
    /// Those of whom a template was computed, by their first row.
    begun: BTreeMap<usize, Partial>,
}

impl<'a> Search<'a> {
    /// With the distances of all `rows`, if the head has a bound.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub fn new(head: &'a KeyedHead, frames: &[KeyedEmbedding], rows: &KeyedRows) -> Result<Self, OtherKey> {
        let bound = head.bound();
        let squares = bound.map_or(Ok(Vec::new()), |bound| bound.squares(frames, rows))?;
        let longest = frames.iter().map(KeyedEmbedding::norm).fold(rows.longest(), f32::max);
        Ok(Self { bound, squares, longest, ..Self::of_everybody(frames.len()) })
    }

    /// Without a bound, so that everybody is computed.
    pub fn of_everybody(frames: usize) -> Self {
        Self { bound: None, squares: Vec::new(), frames, longest: 0.0, begun: BTreeMap::new() }
    }

    /// What [`decide`](super::vote::decide) can say at most of somebody with these rows.
    pub fn at_most(&self, rows: &Range<usize>) -> Most {
        self.most(|| distance(self.squares_of(rows), self.frames))
    }

    /// What the formula can say at most of one of these rows and one frame.
    pub fn pair_at_most(&self, rows: &Range<usize>) -> Most {
        self.most(|| self.squares_of(rows).iter().copied().fold(f32::INFINITY, f32::min).sqrt())
    }

    /// At that distance.
    fn most(&self, distance: impl FnOnce() -> f32) -> Most {
        self.bound.map_or(Most::UNKNOWN, |bound| bound.most(distance(), self.longest))
    }

    /// Computes one more of these rows, those of one person: `log_odds` gives those of a row against each frame. In the end, the
    /// same bits as the formula for all of them.
    ///
    /// # Errors
    /// What `log_odds` fails with.
    pub fn step<E>(
        &mut self,
        rows: &Range<usize>,
        log_odds: impl FnOnce(usize) -> Result<Vec<LogOdds>, E>,
    ) -> Result<Step, E> {
        let mut partial = self.begun.remove(&rows.start).unwrap_or_else(|| self.begin(rows));
        let step = partial.step(|template| log_odds(rows.start + template))?;
        if matches!(step, Step::AtMost(_)) {
            self.begun.insert(rows.start, partial);
        }
        Ok(step)
    }

    fn begin(&self, rows: &Range<usize>) -> Partial {
        let most = match self.bound {
            None => vec![Most::UNKNOWN; rows.len() * self.frames],
            Some(bound) => {
                let most = |square: &f32| bound.most(square.sqrt(), self.longest);
                self.squares_of(rows).iter().map(most).collect()
            }
        };
        Partial { frames: self.frames, most, known: vec![false; rows.len()] }
    }

    fn squares_of(&self, rows: &Range<usize>) -> &[f32] {
        self.squares.get(rows.start * self.frames..rows.end * self.frames).unwrap_or_default()
    }
}

/// What is known of somebody.
struct Partial {
    frames: usize,
    /// What can be said at most of each template against each frame, template by template; exactly, of those that are known.
    most: Vec<Most>,
    /// Of each template, whether it was computed.
    known: Vec<bool>,
}

impl Partial {
    fn step<E>(&mut self, compute: impl FnOnce(usize) -> Result<Vec<LogOdds>, E>) -> Result<Step, E> {
        if let Some(template) = self.next() {
            let frames = &mut self.most[template * self.frames..][..self.frames];
            frames.iter_mut().zip(compute(template)?).for_each(|(to, z)| *to = Most::exactly(z));
            self.known[template] = true;
        }
        let all = |of: fn(Most) -> LogOdds| {
            combine(self.frames, self.known.len(), |frame, template| of(self.at(frame, template)))
        };
        Ok(match all(|most| most.anywhere).zip(all(|most| most.of_faces)) {
            Some((anywhere, of_faces)) if self.next().is_some() => Step::AtMost(Most { anywhere, of_faces }),
            z => Step::Is(z.map(|(z, _)| z)),
        })
    }

    /// The first template that may count with some frame, whatever direction it differs in, and is not known: of the others
    /// enough say as much or more.
    fn next(&self) -> Option<usize> {
        let unknown = || (0..self.known.len()).filter(|template| !self.known[*template]);
        (0..self.frames).find_map(|frame| {
            let z = |template: usize| self.at(frame, template).anywhere.0;
            let best = unknown().max_by(|one, other| z(*one).total_cmp(&z(*other)))?;
            let above = (0..self.known.len()).filter(|other| self.known[*other] && z(*other) >= z(best));
            (above.count() < BEST_TEMPLATES).then_some(best)
        })
    }

    fn at(&self, frame: usize, template: usize) -> Most {
        self.most[template * self.frames + frame]
    }
}

/// [`combine`] for distances, of which less is better: `squares` are those of each template to each frame, template by
/// template. 0 without a frame, and infinite without a template.
fn distance(squares: &[f32], frames: usize) -> f32 {
    const { assert!(BEST_TEMPLATES == 2, "the two nearest are kept") };
    let per_frame = |frame: usize| {
        let [mut nearest, mut next] = [f32::INFINITY; 2];
        for square in squares.iter().skip(frame).step_by(frames) {
            next = next.min(nearest.max(*square));
            nearest = nearest.min(*square);
        }
        if next.is_finite() { (nearest.sqrt() + next.sqrt()) / 2.0 } else { nearest.sqrt() }
    };
    (0..frames).map(per_frame).sum::<f32>() / frames.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All steps of somebody of whom these are the log-odds, and how many templates were computed.
    fn computed(frames: usize, true_z: &[f32], most: &[f32]) -> (Vec<Step>, usize) {
        let known = vec![false; true_z.len() / frames];
        // As of faces half of what is above.
        let of = |(most, z): (&f32, &f32)| {
            let of_faces = if most.is_finite() { (most + z) / 2.0 } else { *most };
            Most { anywhere: LogOdds(*most), of_faces: LogOdds(of_faces) }
        };
        let mut partial = Partial { frames, most: most.iter().zip(true_z).map(of).collect(), known };
        let (mut steps, mut count) = (Vec::new(), 0);
        loop {
            let step = partial.step(|template| {
                count += 1;
                Ok::<_, ()>(true_z[template * frames..][..frames].iter().map(|z| LogOdds(*z)).collect())
            });
            let step = step.expect("nothing fails");
            let is_last = matches!(step, Step::Is(_));
            steps.push(step);
            if is_last {
                return (steps, count);
            }
        }
    }

    #[test]
    fn a_template_that_cannot_be_one_of_the_two_best_is_not_computed() {
        let z = [3.0, 9.0, 1.0, 8.0, 2.0];
        let most = z.map(|z| z + 1.5);
        let (steps, count) = computed(1, &z, &most);
        assert_eq!((steps.last(), count), (Some(&Step::Is(Some(LogOdds(8.5)))), 2));
        let most = |next: f32| LogOdds((9.0 + next) / 2.0);
        assert_eq!(steps[0], Step::AtMost(Most { anywhere: most(9.5), of_faces: most(8.75) }));
        assert_eq!(computed(1, &z, &[f32::INFINITY; 5]).1, 5, "without a bound all of them");
        // The two best of the first frame are not those of the second.
        let z = [9.0, 0.0, 8.0, 0.0, 0.0, 9.0, 0.0, 8.0];
        assert_eq!(computed(2, &z, &z.map(|z| z + 1.0)).1, 4);
    }

    #[test]
    fn one_template_is_enough_and_none_is_no_evidence() {
        assert_eq!(computed(1, &[4.0], &[5.0]), (vec![Step::Is(Some(LogOdds(4.0)))], 1));
        assert_eq!(computed(3, &[], &[]), (vec![Step::Is(None)], 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Halves, so that many are equal.
        #[test]
        fn steps_go_down_to_the_bits_of_the_formula_for_all(
            (frames, pairs) in (1..4_usize, 0..7_usize).prop_flat_map(|(frames, templates)| {
                (Just(frames), prop::collection::vec((-8_i8..16, 0_u8..6), frames * templates))
            }),
        ) {
            let z: Vec<f32> = pairs.iter().map(|(z, _)| f32::from(*z) / 2.0 + 0.1).collect();
            let most: Vec<f32> = z.iter().zip(&pairs).map(|(z, (_, above))| z + f32::from(*above) / 2.0).collect();
            let all = combine(frames, z.len() / frames, |f, t| LogOdds(z[t * frames + f]));
            let (steps, _) = computed(frames, &z, &most);
            let mut least = Most::UNKNOWN;
            for step in &steps[..steps.len() - 1] {
                let Step::AtMost(most) = step else { panic!("only the last says what it is") };
                prop_assert!(most.anywhere <= least.anywhere && most.of_faces <= least.of_faces);
                prop_assert!(most.of_faces <= most.anywhere && all.is_some_and(|all| all <= most.of_faces));
                least = *most;
            }
            prop_assert_eq!(steps.last(), Some(&Step::Is(all)));
        }

        #[test]
        fn a_distance_is_combined_as_log_odds_are(
            (frames, squares) in (1..4_usize, 0..6_usize).prop_flat_map(|(frames, templates)| {
                (Just(frames), prop::collection::vec(0.0_f32..4.0, frames * templates))
            }),
        ) {
            let z = |f: usize, t: usize| LogOdds(-squares[t * frames + f].sqrt());
            let wanted = combine(frames, squares.len() / frames, z).map_or(f32::INFINITY, |z| -z.0);
            let got = distance(&squares, frames);
            prop_assert!(got == wanted || (got - wanted).abs() < 1e-5, "{got} {wanted}");
        }
    }
}
