//! Probes and templates to evidence, and what it has to reach.

use std::borrow::Cow;
use std::ops::Range;

use super::{Pipeline, Trace};
use crate::embed::{KeyedEmbedding, OtherKey};
use crate::head::Most;
use crate::judge::adapt::Reach;
use crate::judge::{Evidence, Policy, Ranked, Search, Step, rank, shortlist, vote};
use crate::people::UserName;
use crate::store::StoreError;

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
    ) -> Result<Option<(Evidence, Policy)>, StoreError> {
        let (head, people) = (self.gallery.head(), self.gallery.people());
        let compared: Vec<Person<'_>> = match claimed {
            Some(user) => people.get_key_value(user).into_iter().collect(),
            None => people.iter().collect(),
        };
        let policy = Policy::identify(head.threshold(), compared.len());
        let may_be = |user: &UserName| !is_child || self.gallery.may_be_child(user);
        let projected = vote::project(head, probes)?;
        // With one person nobody is left out, and an explanation tells of everybody.
        let mut search = if compared.len() == 1 || trace.is_explained() {
            Search::of_everybody(probes.len())
        } else {
            Search::new(head, probes, self.gallery.templates())?
        };
        let most: Vec<Most> = compared.iter().map(|person| self.at_most(*person, &search)).collect();
        let can_win = |who: usize| may_be(compared[who].0);
        let step = |who: usize| self.step(compared[who], &mut search, &projected);
        let computed = shortlist(most, can_win, policy, step)?;
        let scores: Vec<_> = computed.into_iter().map(|(who, z)| (compared[who].0, z)).collect();
        if trace.is_explained() {
            let mut ranked = scores.clone();
            ranked.sort_by(|(_, one), (_, other)| other.0.total_cmp(&one.0));
            let comparison = self.comparison(&projected, &ranked, policy)?;
            trace.note(|explanation| explanation.comparison = Some(comparison));
        }
        let (candidates, others): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(user, _)| may_be(user));
        let other = rank(others).map(|other| other.z);
        let evidence = |Ranked { best, z, second }: Ranked<&UserName>| {
            let second = [second, other].into_iter().flatten().max_by(|one, two| one.0.total_cmp(&two.0));
            Evidence { user: best.clone(), z, second }
        };
        Ok(rank(candidates).map(|ranked| (evidence(ranked), policy)))
    }

    /// What can be said at most of somebody, so that of thousands the formula is computed for a few.
    fn at_most(&self, (user, rows): Person<'_>, search: &Search<'_>) -> Most {
        let reach = if self.gallery.adapted(user).is_empty() { 0.0 } else { Reach::SHIPPED.0 };
        search.at_most(rows).raised(reach)
    }

    /// What a decision about this person rests on, or a step nearer to it.
    fn step(
        &self,
        (user, rows): Person<'_>,
        search: &mut Search<'_>,
        projected: &[Cow<'_, [f32]>],
    ) -> Result<Step, OtherKey> {
        let (head, templates) = (self.gallery.head(), self.gallery.templates());
        let adapted = self.gallery.adapted(user);
        if adapted.is_empty() {
            return search.step(rows, |row| {
                let template = templates.copy(row..row + 1).pop().ok_or(OtherKey)?;
                vote::of_template(head, projected, &template)
            });
        }
        let templates = templates.copy(rows.clone());
        let Some(enrolled) = vote::decide_projected(head, projected, &templates)? else {
            return Ok(Step::Is(None));
        };
        let all = [templates.as_slice(), adapted].concat();
        let all = vote::decide_projected(head, projected, &all)?.unwrap_or(enrolled);
        Ok(Step::Is(Some(Reach::SHIPPED.limit(enrolled, all))))
    }
}
