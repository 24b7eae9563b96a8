//! Probes and templates to evidence, and what it has to reach.

use super::{Pipeline, Trace};
use crate::embed::{KeyedEmbedding, OtherKey};
use crate::judge::adapt::Reach;
use crate::judge::{Evidence, Policy, Ranked, rank, vote};
use crate::people::UserName;

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
        let probes = vote::project(head, probes)?;
        let compared: Vec<(&UserName, &Vec<KeyedEmbedding>)> = match claimed {
            Some(user) => people.get_key_value(user).into_iter().collect(),
            None => people.iter().collect(),
        };
        let policy = Policy::identify(head.threshold(), compared.len());
        let mut scores = Vec::with_capacity(compared.len());
        for (user, templates) in compared {
            let Some(enrolled) = vote::decide_projected(head, &probes, templates)? else { continue };
            let z = match self.gallery.adapted(user) {
                [] => enrolled,
                adapted => {
                    let all = [templates, adapted].concat();
                    let all = vote::decide_projected(head, &probes, &all)?.unwrap_or(enrolled);
                    Reach::SHIPPED.limit(enrolled, all)
                }
            };
            scores.push((user, z));
        }
        if trace.is_explained() {
            let mut ranked = scores.clone();
            ranked.sort_by(|(_, one), (_, other)| other.0.total_cmp(&one.0));
            let comparison = self.comparison(&probes, &ranked, policy)?;
            trace.note(|explanation| explanation.comparison = Some(comparison));
        }
        let may_be = |user: &UserName| !is_child || self.gallery.may_be_child(user);
        let (candidates, others): (Vec<_>, Vec<_>) = scores.into_iter().partition(|(user, _)| may_be(user));
        let other = rank(others).map(|other| other.z);
        let evidence = |Ranked { best, z, second }: Ranked<&UserName>| {
            let second = [second, other].into_iter().flatten().max_by(|one, two| one.0.total_cmp(&two.0));
            Evidence { user: best.clone(), z, second }
        };
        Ok(rank(candidates).map(|ranked| (evidence(ranked), policy)))
    }
}
