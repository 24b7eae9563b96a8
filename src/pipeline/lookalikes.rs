//! Whom a new face may be taken for, told at its enrolment.

use super::{EnrollError, Pipeline};
use crate::embed::{KeyedEmbedding, OtherKey};
use crate::head::{KeyedHead, LogOdds};
use crate::judge::{Evidence, Policy, Refusal, vote};
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
        let (head, mut matching, mut warnings) = (self.gallery.head(), Vec::new(), Vec::new());
        let others = || self.gallery.people().iter().filter(|(other, _)| *other != user);
        let policy = Policy::identify(head.threshold(), others().count() + 1);
        let own = own_score(head, probes)?;
        for (other, rows) in others() {
            let templates = &self.gallery.templates().copy(rows.clone());
            let Some(theirs) = vote::decide(head, probes, templates)? else { continue };
            // Children who look alike are what was allowed.
            let is_expected = is_child && self.gallery.may_be_child(other);
            if theirs.probability() >= head.threshold() && !is_expected {
                matching.push(other.clone());
            }
            let evidence = own.map(|z| Evidence { user: user.clone(), z, second: Some(theirs) });
            let ambiguous = evidence.is_some_and(|e| policy.check(&e) == Err(Refusal::Ambiguous));
            if any_match(head, probes, templates)? {
                warnings.push(format!(
                    "this face looks like that of {other}: each may be taken for the other, and an identification may end as \
                     `ambiguous`"
                ));
            } else if ambiguous {
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

fn any_match(
    head: &KeyedHead,
    probes: &[KeyedEmbedding],
    templates: &[KeyedEmbedding],
) -> Result<bool, OtherKey> {
    let mut pairs = templates.iter().flat_map(|t| probes.iter().map(move |probe| (probe, t)));
    pairs.try_fold(false, |like, (a, b)| Ok(like || head.matches(a, b)?))
}

/// `alice, bob and carol`.
pub(super) fn names(users: &[UserName]) -> String {
    let names: Vec<String> = users.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
