//! Adapted templates: the face of an attempt is kept for a moment, and becomes a template if its owner shows a second factor.
//! The rule is in `judge/adapt.rs`.

use std::collections::BTreeSet;

use super::Pipeline;
use super::enroll::random_id;
use crate::clock::BootTime;
use crate::config::{Adaptation, AttackLevel};
use crate::embed::KeyedEmbedding;
use crate::head::LogOdds;
use crate::judge::adapt::{MOST_ADAPTED, Reach, is_due};
use crate::judge::pin::SECOND_WITHIN;
use crate::judge::vote;
use crate::people::UserName;
use crate::people::access::DoorName;
use crate::store::{StoreError, Template};

/// Most faces of an attempt that are kept; it rarely takes more frames.
const MOST_FACES: usize = 10;

/// Who showed a second factor, and at which door; at a login if at none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Who.
    pub user: UserName,
    /// Where.
    pub door: Option<DoorName>,
}

/// Faces of the attempt that runs, good enough for templates. Wiped with it.
#[derive(Default)]
pub(super) struct Faces {
    good: Vec<KeyedEmbedding>,
    /// More than one person was seen.
    several: bool,
}

/// What may become a template: the faces of the last attempt, wiped after [`SECOND_WITHIN`] or with the next attempt.
pub(super) struct Candidate {
    whose: SecondFactor,
    at: BootTime,
    good: Vec<KeyedEmbedding>,
    /// The second factor was shown before the face.
    is_confirmed: bool,
}

impl Faces {
    /// Another face, of whoever was seen before.
    pub(super) fn add(&mut self, face: KeyedEmbedding) {
        if self.good.len() == MOST_FACES {
            self.good.remove(0);
        }
        self.good.push(face);
    }

    /// More than one person is there.
    pub(super) fn saw_several(&mut self) {
        self.several = true;
    }
}

impl Pipeline {
    /// Whether faces may become templates. Never where pictures of faces would.
    pub(super) fn adapts(&self) -> bool {
        self.rules.adapt == Adaptation::Confirmed && self.rules.attack.level != AttackLevel::Off
    }

    /// Nothing of the last attempt can become a template any more.
    pub fn forget_candidate(&mut self) {
        (self.faces, self.candidate) = (Faces::default(), None);
    }

    /// The same once its time has passed.
    pub fn forget_old_candidate(&mut self) {
        let now = self.clock.now();
        self.candidate.take_if(|kept| now.since(kept.at) > SECOND_WITHIN);
    }

    /// Keeps the faces of an attempt that was taken for a live person, for the second factor of this user.
    pub(super) fn keep_candidate(&mut self, user: UserName, door: Option<&DoorName>, is_confirmed: bool) {
        let Faces { good, several } = std::mem::take(&mut self.faces);
        if several || good.is_empty() || !self.adapts() {
            return;
        }
        let whose = SecondFactor { user, door: door.cloned() };
        self.candidate = Some(Candidate { whose, at: self.clock.now(), good, is_confirmed });
    }

    /// Who showed the second factor before their face, in the attempt that has just ended.
    pub fn confirmed(&self) -> Option<SecondFactor> {
        self.candidate.as_ref().filter(|kept| kept.is_confirmed).map(|kept| kept.whose.clone())
    }

    /// Makes the face of the last attempt a template, if it was this user's who has just shown a second factor there, and the
    /// rule takes it; whether it did.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is changed then.
    pub fn adapt(&mut self, shown: &SecondFactor) -> Result<bool, StoreError> {
        self.forget_old_candidate();
        let Some(kept) = self.candidate.take() else { return Ok(false) };
        if kept.whose != *shown || !self.adapts() {
            return Ok(false);
        }
        self.refresh()?;
        let user = &shown.user;
        let (there, now) = (self.store.templates(Some(user))?, self.clock.wall());
        let newest = there.iter().map(|template| template.created_at).max().unwrap_or_default();
        if !is_due(newest, now) {
            return Ok(false);
        }
        let Some(embedding) = self.taken(user, kept.good)? else { return Ok(false) };
        // Oldest first.
        let adapted: Vec<&Template> = there.iter().filter(|template| template.adapted).collect();
        let excess = (adapted.len() + 1).saturating_sub(MOST_ADAPTED);
        let gone: BTreeSet<String> =
            adapted.iter().take(excess).map(|template| template.id.clone()).collect();
        let template = Template {
            id: random_id(),
            user: user.clone(),
            label: String::new(),
            created_at: now,
            account: self.gallery.account(user),
            allow_child: there.iter().any(|template| template.allow_child),
            embedder_sha256: self.networks.embedder.model_sha256().to_owned(),
            // Nobody watched it, so the camera is not calibrated by it.
            live: None,
            adapted: true,
            embedding,
        };
        match self.store.replace(&gone, &[template]) {
            Ok(()) => Ok(true),
            // As many as there can be were enrolled.
            Err(StoreError::Full { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The face that is nearest to the enrolled templates, if the rule takes it.
    fn taken(
        &self,
        user: &UserName,
        faces: Vec<KeyedEmbedding>,
    ) -> Result<Option<KeyedEmbedding>, StoreError> {
        let head = self.gallery.head();
        let score = |face: &KeyedEmbedding, templates: &[KeyedEmbedding]| {
            vote::decide(head, std::slice::from_ref(face), templates)
        };
        let mut best: Option<(LogOdds, KeyedEmbedding)> = None;
        for face in faces {
            // Nobody is enrolled any more, or not for this.
            let Some(own) = score(&face, &self.gallery.of(user))? else { return Ok(None) };
            if best.as_ref().is_none_or(|(least, _)| own.0 > least.0) {
                best = Some((own, face));
            }
        }
        let Some((own, face)) = best else { return Ok(None) };
        let mut other: Option<LogOdds> = None;
        for rows in self.gallery.others(user) {
            let theirs = score(&face, &self.gallery.templates().copy(rows.clone()))?;
            other = other.into_iter().chain(theirs).max_by(|a, b| a.0.total_cmp(&b.0));
        }
        Ok(Reach::SHIPPED.takes(head.threshold().log_odds(), own, other).then_some(face))
    }
}
