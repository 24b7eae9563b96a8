//! The enrolled templates in memory, with the head for their key; read again when the store has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::explain::Measure;
use crate::clock::WallTime;
use crate::embed::{ChildCue, KeyedChildCue, KeyedEmbedding, KeyedRows, OtherKey, TemplateKey};
use crate::head::{Head, KeyedHead};
use crate::people::{Account, UserName, note_account};
use crate::store::{LiveScore, Outline, StoreError, Template, TemplateStore};

/// Everybody's templates as of one revision of the store.
pub(super) struct Gallery {
    revision: Option<u64>,
    key: Arc<TemplateKey>,
    head: KeyedHead,
    child: Option<KeyedChildCue>,
    /// People who may match although the face looks like a small child's.
    children: BTreeSet<UserName>,
    /// All enrolled templates, by user.
    templates: KeyedRows,
    /// Those who may match, and which of the templates are theirs.
    people: BTreeMap<UserName, Range<usize>>,
    /// Templates of theirs that nobody enrolled. They count only beside enrolled ones.
    adapted: BTreeMap<UserName, Vec<KeyedEmbedding>>,
    /// Those whose account does not count at present.
    left_out: BTreeMap<UserName, Range<usize>>,
    accounts: BTreeMap<UserName, Account>,
    /// Of the frames that everybody was enrolled from.
    live_scores: Vec<LiveScore>,
    /// When the newest template was made.
    newest: WallTime,
}

impl Gallery {
    /// Nobody yet, and no secret key.
    pub(super) fn new(head: &Head, child: Option<&ChildCue>) -> Self {
        let key = TemplateKey::identity();
        Self {
            revision: None,
            head: head.for_key(&key),
            child: child.map(|cue| cue.for_key(&key)),
            children: BTreeSet::new(),
            templates: KeyedRows::with_capacity(key.id(), head.length(), 0),
            key: Arc::new(key),
            people: BTreeMap::new(),
            adapted: BTreeMap::new(),
            left_out: BTreeMap::new(),
            accounts: BTreeMap::new(),
            live_scores: Vec::new(),
            newest: WallTime::default(),
        }
    }

    /// Reads the store if it has changed since the last time.
    pub(super) fn refresh(
        &mut self,
        store: &dyn TemplateStore,
        head: &Head,
        child: Option<&ChildCue>,
    ) -> Result<(), StoreError> {
        if self.has_revision(store.revision()) {
            return Ok(());
        }
        // Wiped first, so that no template is in memory twice.
        *self = Self::new(head, child);
        let mut taken = Ok(());
        let read = store.each_template(&mut |outline, template| {
            if taken.is_ok() {
                taken = self.take(outline, template, head, child);
            }
        });
        let filled = read.and_then(|outline| taken.map(|()| outline).map_err(Into::into));
        let outline = filled.inspect_err(|_| *self = Self::new(head, child))?;
        // Nobody may be enrolled.
        self.use_key(&outline, head, child);
        self.revision = Some(outline.revision);
        Ok(())
    }

    /// With room for all templates, while there are none.
    fn use_key(&mut self, outline: &Outline, head: &Head, child: Option<&ChildCue>) {
        let key = &outline.template_key;
        if self.templates.is_empty() {
            self.templates = KeyedRows::with_capacity(key.id(), head.length(), outline.templates);
        }
        if key.id() != self.key.id() {
            self.head = head.for_key(key);
            self.child = child.map(|cue| cue.for_key(key));
            self.key = key.clone();
        }
    }

    /// Takes one more. They come by user.
    fn take(
        &mut self,
        outline: &Outline,
        template: Template,
        head: &Head,
        child: Option<&ChildCue>,
    ) -> Result<(), OtherKey> {
        if self.templates.is_empty() && self.adapted.is_empty() {
            self.use_key(outline, head, child);
        }
        let Template { user, created_at, account, allow_child, live, adapted, embedding, .. } = template;
        note_account(&mut self.accounts, &user, account);
        self.live_scores.extend(live);
        self.newest = self.newest.max(created_at);
        if allow_child {
            self.children.insert(user.clone());
        }
        if adapted {
            self.adapted.entry(user).or_default().push(embedding);
            return Ok(());
        }
        let row = self.templates.len();
        self.templates.push(&embedding)?;
        self.people.entry(user).or_insert(row..row).end = row + 1;
        Ok(())
    }

    /// Leaves these people out until the next call, and nobody else.
    pub(super) fn leave_out(&mut self, these: impl Fn(&UserName, Account) -> bool) {
        let mut all = std::mem::take(&mut self.people);
        all.append(&mut self.left_out);
        for (user, rows) in all {
            let out = these(&user, self.account(&user));
            let side = if out { &mut self.left_out } else { &mut self.people };
            side.insert(user, rows);
        }
    }

    /// Whether this face looks like a small child's.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub(super) fn is_child(&self, probes: &[KeyedEmbedding]) -> Result<bool, OtherKey> {
        self.child.as_ref().map_or(Ok(false), |cue| cue.is_child(probes))
    }

    /// How much this face looks like a small child's, and from where on it is taken for one; `None` without a cue.
    ///
    /// # Errors
    /// [`OtherKey`].
    pub(super) fn like_child(&self, probes: &[KeyedEmbedding]) -> Result<Option<Measure>, OtherKey> {
        let measure = |cue: &KeyedChildCue| {
            Ok(Measure { name: "child", value: cue.cosine(probes)?, least: Some(cue.min_cosine()) })
        };
        self.child.as_ref().map(measure).transpose()
    }

    /// Whether a face that looks like a small child's may be this person's.
    pub(super) fn may_be_child(&self, user: &UserName) -> bool {
        self.children.contains(user)
    }

    /// A person who was asked for and is left out, and the account that their templates are for. Where anybody was asked for,
    /// the first of them, if all are left out.
    pub(super) fn left_out(&self, claimed: Option<&UserName>) -> Option<(&UserName, Account)> {
        let user = match claimed {
            Some(user) => self.left_out.get_key_value(user)?.0,
            None if self.people.is_empty() => self.left_out.keys().next()?,
            None => return None,
        };
        Some((user, self.account(user)))
    }

    /// Whom a person's templates are for.
    pub(super) fn account(&self, user: &UserName) -> Account {
        self.accounts.get(user).copied().unwrap_or_default()
    }

    /// Whether these are the templates of this revision of the store.
    pub(super) fn has_revision(&self, revision: u64) -> bool {
        self.revision == Some(revision)
    }

    /// What the frames that people were enrolled from scored, whoever is left out.
    pub(super) fn live_scores(&self) -> impl Iterator<Item = LiveScore> {
        self.live_scores.iter().copied()
    }

    /// When the newest template was made: the time is no earlier.
    pub(super) fn newest(&self) -> WallTime {
        self.newest
    }

    /// The key that probes need before they are compared with anything here.
    pub(super) fn key(&self) -> &TemplateKey {
        &self.key
    }

    /// The head for this key.
    pub(super) fn head(&self) -> &KeyedHead {
        &self.head
    }

    /// The enrolled templates of one user; none if they are not enrolled, or left out.
    pub(super) fn of(&self, user: &UserName) -> Vec<KeyedEmbedding> {
        self.people.get(user).map_or_else(Vec::new, |rows| self.templates.copy(rows.clone()))
    }

    /// All enrolled templates, of whoever is left out, too.
    pub(super) fn templates(&self) -> &KeyedRows {
        &self.templates
    }

    /// Adapted templates of one user.
    pub(super) fn adapted(&self, user: &UserName) -> &[KeyedEmbedding] {
        self.adapted.get(user).map_or(&[], Vec::as_slice)
    }

    /// Everybody else, left out or not, and which of the templates are theirs.
    pub(super) fn others<'a>(&'a self, user: &'a UserName) -> impl Iterator<Item = &'a Range<usize>> {
        let all = self.people.iter().chain(&self.left_out);
        all.filter(move |(other, _)| *other != user).map(|(_, rows)| rows)
    }

    /// Everybody who is not left out, by name, and which of the templates are theirs.
    pub(super) fn people(&self) -> &BTreeMap<UserName, Range<usize>> {
        &self.people
    }
}
