//! Probes and templates to evidence, and what it has to reach.

use std::borrow::Cow;
use std::ops::Range;

use super::{Pipeline, Trace};
use crate::embed::{KeyedEmbedding, OtherKey};
use crate::head::LogOdds;
use crate::judge::adapt::Reach;
use crate::judge::{Evidence, Policy, Ranked, best_two, rank, vote};
use crate::people::UserName;

/// Somebody, and which of the templates are theirs.
type Person<'a> = (&'a UserName, &'a Range<usize>);

impl Pipeline {
    /// The best evidence and what it has to reach; `None` if there is nobody to compare with. A child's face is only somebody's for
    /// whom that was allowed; but all others count as the second best, so that it is `ambiguous` if it looks like one of them.
    pub(super) fn compare(
        &self,
        (claimed, is_child): (Option<&UserName>, bool),
        probes: &[KeyedEmbedding],
        trace: &mut Trace,
    ) -> Result<Option<(Evidence, Policy)>, OtherKey> {
        let (head, people) = (self.gallery.head(), self.gallery.people());
        let compared: Vec<Person<'_>> = match claimed {
            Some(user) => people.get_key_value(user).into_iter().collect(),
            None => people.iter().collect(),
        };
        let policy = Policy::identify(head.threshold(), compared.len());
        let count = compared.len();
        let may_be = |(user, _): &Person<'_>| !is_child || self.gallery.may_be_child(user);
        let (candidates, others): (Vec<_>, Vec<_>) = compared.into_iter().partition(may_be);
        let projected = vote::project(head, probes)?;
        let candidates = self.best_two(&candidates, probes, &projected)?;
        let others = self.best_two(&others, probes, &projected)?;
        if trace.is_explained() {
            let mut ranked = [candidates.clone(), others.clone()].concat();
            ranked.sort_by(|(one, z), (other, y)| y.0.total_cmp(&z.0).then(one.cmp(other)));
            let comparison = self.comparison(&projected, (&ranked, count), policy)?;
            trace.note(|explanation| explanation.comparison = Some(comparison));
        }
        let other = rank(others).map(|other| other.z);
        let evidence = |Ranked { best, z, second }: Ranked<&UserName>| {
            let second = [second, other].into_iter().flatten().max_by(|one, two| one.0.total_cmp(&two.0));
            Evidence { user: best.clone(), z, second }
        };
        Ok(rank(candidates).map(|ranked| (evidence(ranked), policy)))
    }

    /// The scores of those of `people` who may be among the best two of them. Nobody else can change how an attempt ends, so of
    /// thousands the formula is computed for a few.
    fn best_two<'a>(
        &self,
        people: &[Person<'a>],
        probes: &[KeyedEmbedding],
        projected: &[Cow<'_, [f32]>],
    ) -> Result<Vec<(&'a UserName, LogOdds)>, OtherKey> {
        let (head, templates) = (self.gallery.head(), self.gallery.templates());
        let of = people.iter().map(|(_, rows)| *rows);
        let most = match people {
            // All are computed anyway.
            [] | [_] | [_, _] => vec![LogOdds(f32::INFINITY); people.len()],
            _ => vote::at_most(head, probes, templates, of)?,
        };
        let most = people.iter().zip(most).map(|((user, _), most)| {
            let reach = if self.gallery.adapted(user).is_empty() { 0.0 } else { Reach::SHIPPED.0 };
            LogOdds(most.0 + reach)
        });
        let computed = best_two(most, |who| self.score(people[who], projected))?;
        Ok(computed.into_iter().map(|(who, z)| (people[who].0, z)).collect())
    }

    /// What a decision about this person rests on; `None` without a template.
    fn score(
        &self,
        (user, rows): Person<'_>,
        projected: &[Cow<'_, [f32]>],
    ) -> Result<Option<LogOdds>, OtherKey> {
        let (head, templates) = (self.gallery.head(), self.gallery.templates().copy(rows.clone()));
        let Some(enrolled) = vote::decide_projected(head, projected, &templates)? else { return Ok(None) };
        let adapted = self.gallery.adapted(user);
        if adapted.is_empty() {
            return Ok(Some(enrolled));
        }
        let all = [templates.as_slice(), adapted].concat();
        let all = vote::decide_projected(head, projected, &all)?.unwrap_or(enrolled);
        Ok(Some(Reach::SHIPPED.limit(enrolled, all)))
    }
}
