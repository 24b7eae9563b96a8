//! Whom a new face may be taken for, told at its enrolment.

use std::borrow::Cow;
use std::ops::Range;

use super::{EnrollError, Pipeline};
use crate::embed::{KeyedEmbedding, KeyedRows, OtherKey};
use crate::head::{KeyedHead, LogOdds, Most};
use crate::judge::{Policy, Refusal, Search, vote};
use crate::people::UserName;

/// More people than this who match somebody new are no family: the pictures are poor, or one face has many names.
const MAX_LOOKALIKES: usize = 2;

impl Pipeline {
    /// A warning for each other user whom a verification or an identification may take this one for.
    ///
    /// # Errors
    /// [`EnrollError::LikeMany`].
    pub(super) fn lookalikes(
        &self,
        user: &UserName,
        is_child: bool,
        probes: &[KeyedEmbedding],
    ) -> Result<Vec<String>, EnrollError> {
        let (gallery, mut matching, mut warnings) = (&self.gallery, Vec::new(), Vec::new());
        let others = || gallery.people().iter().filter(|(other, _)| *other != user);
        let policy = Policy::identify(gallery.head().threshold(), others().count() + 1);
        let search = Search::new(gallery.head(), probes, gallery.templates())?;
        let newcomer = Newcomer::new(gallery.head(), policy, probes, search)?;
        for (other, rows) in others() {
            let like = newcomer.is_like(gallery.templates(), rows)?;
            // Children who look alike are what was allowed.
            let is_expected = is_child && gallery.may_be_child(other);
            if like.matches && !is_expected {
                matching.push(other.clone());
            }
            if like.any_pair_matches {
                warnings.push(format!(
                    "this face looks like that of {other}: each may be taken for the other, and an identification may end as \
                     `ambiguous`"
                ));
            } else if like.is_ambiguous {
                warnings.push(format!(
                    "this face is much like that of {other}: an identification of either may end as `ambiguous`; ask for them \
                     by name"
                ));
            }
        }
        if matching.len() > MAX_LOOKALIKES {
            return Err(EnrollError::LikeMany { others: matching });
        }
        Ok(warnings)
    }
}

/// In which ways somebody is like a new face.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Likeness {
    /// A verification would take the one for the other.
    matches: bool,
    /// Some probe and some template match as a pair.
    any_pair_matches: bool,
    /// An identification of the new face, at its best, would be in doubt between them.
    is_ambiguous: bool,
}

/// A new face, to be compared with many.
struct Newcomer<'a> {
    head: &'a KeyedHead,
    policy: Policy,
    /// How well the probes match one another.
    own: Option<LogOdds>,
    /// h of each probe.
    probes: Vec<Cow<'a, [f32]>>,
    search: Search<'a>,
}

impl<'a> Newcomer<'a> {
    fn new(
        head: &'a KeyedHead,
        policy: Policy,
        probes: &'a [KeyedEmbedding],
        search: Search<'a>,
    ) -> Result<Self, OtherKey> {
        let (own, probes) = (own_score(head, probes)?, vote::project(head, probes)?);
        Ok(Self { head, policy, own, probes, search })
    }

    /// How the person with these rows of `templates` is like the new face. The formula is computed only if the first bound
    /// leaves any likeness possible.
    fn is_like(&self, templates: &KeyedRows, rows: &Range<usize>) -> Result<Likeness, OtherKey> {
        if !self.may_be(self.search.pair_at_most(rows), self.search.at_most(rows)) {
            return Ok(Likeness::default());
        }
        let mut z = Vec::with_capacity(rows.len());
        for template in templates.copy(rows.clone()) {
            z.push(vote::of_template(self.head, &self.probes, &template)?);
        }
        let decided = vote::combine(self.probes.len(), z.len(), |probe, template| z[template][probe]);
        Ok(Likeness {
            matches: decided.is_some_and(|z| self.matches(z)),
            any_pair_matches: z.iter().flatten().any(|z| self.matches(*z)),
            is_ambiguous: decided.is_some_and(|z| self.is_ambiguous(z)),
        })
    }

    /// Whether somebody may be like it of whom `pair` bounds each pair, and `all` what they decide together.
    fn may_be(&self, pair: Most, all: Most) -> bool {
        self.matches(pair.anywhere) || self.is_ambiguous(all.anywhere)
    }

    fn matches(&self, z: LogOdds) -> bool {
        z.probability() >= self.head.threshold()
    }

    fn is_ambiguous(&self, theirs: LogOdds) -> bool {
        self.own.is_some_and(|own| self.policy.check_scores(own, Some(theirs)) == Err(Refusal::Ambiguous))
    }
}

/// How well these probes match one another: the mean of each against the others as templates. `None` for fewer than two.
fn own_score(head: &KeyedHead, probes: &[KeyedEmbedding]) -> Result<Option<LogOdds>, OtherKey> {
    let mut sum = 0.0;
    for (i, probe) in probes.iter().enumerate() {
        let others = [&probes[..i], &probes[i + 1..]].concat();
        match vote::decide(head, std::slice::from_ref(probe), &others)? {
            Some(z) => sum += z.0,
            None => return Ok(None),
        }
    }
    Ok((!probes.is_empty()).then(|| LogOdds(sum / probes.len() as f32)))
}

/// `alice, bob and carol`.
pub(super) fn names(users: &[UserName]) -> String {
    let names: Vec<String> = users.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedding, KeyKind, TemplateKey};
    use crate::head::project::SplitMix64;
    use crate::head::{Head, Projection};
    use std::path::Path;

    /// People at all distances from a new face, from the same face to strangers.
    #[test]
    fn whoever_is_not_computed_is_like_in_no_way() {
        let projection = Projection::new(128, None, 64, 5).expect("works");
        let formula = (40.684_383, vec![-0.496_574_04; 8192]);
        let head = Head::with_projection(Path::new("test"), formula, Some(projection), 0.97).expect("works");
        let key = TemplateKey::draw(&[4; 32], KeyKind::Rotation, 128);
        let (head, mut random) = (head.for_key(&key), SplitMix64(3));
        let mut direction = || -> Vec<f32> {
            (0..128).map(|_| (0..4).map(|_| random.uniform() as f32 - 0.5).sum()).collect()
        };
        let face = direction();
        let mut near = |far: f32| {
            let values = face.iter().zip(direction()).map(|(a, b)| a + far * b).collect();
            key.apply(&Embedding::new(values).expect("not zero"))
        };
        // So far apart that an identification is in doubt before any pair matches.
        let probes: Vec<KeyedEmbedding> = (0..3).map(|_| near(0.97)).collect();
        let mut templates = KeyedRows::with_capacity(key.id(), 128, 600);
        (0..600).for_each(|i| templates.push(&near(0.4 + 0.01 * (i / 3) as f32)).expect("one key"));
        let policy = Policy::identify(head.threshold(), 2);
        let newcomer = |search| Newcomer::new(&head, policy, &probes, search).expect("one key");
        let rows = || (0..200).map(|person| 3 * person..3 * person + 3);
        let like = |newcomer: &Newcomer| -> Vec<Likeness> {
            rows().map(|rows| newcomer.is_like(&templates, &rows).expect("one key")).collect()
        };
        let everybody = like(&newcomer(Search::of_everybody(probes.len())));
        let few = newcomer(Search::new(&head, &probes, &templates).expect("one key"));
        assert_eq!(like(&few), everybody);
        let may_be =
            |rows: &Range<usize>| few.may_be(few.search.pair_at_most(rows), few.search.at_most(rows));
        assert!(!rows().all(|rows| may_be(&rows)), "somebody is not computed");
        // It rests on the bound for any direction.
        let (far, z) = (LogOdds(-20.0), LogOdds(9.0));
        let (never, anywhere) = (Most::exactly(far), Most { anywhere: z, of_faces: far });
        assert!(few.may_be(anywhere, never), "a pair may match");
        assert!(few.may_be(never, anywhere), "an identification may be in doubt");
        assert!(!few.may_be(never, never));
        let count = |of: fn(&Likeness) -> bool| everybody.iter().filter(|like| of(like)).count();
        let counts = [
            count(|like| like.matches),
            count(|like| like.any_pair_matches && !like.matches),
            count(|like| like.is_ambiguous && !like.any_pair_matches),
            count(|like| *like == Likeness::default()),
        ];
        assert!(counts.iter().all(|count| *count > 0), "all kinds: {counts:?}");
    }
}
