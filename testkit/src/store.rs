//! The store as a list in memory that can be made to fail or to hang.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use facelatch::clock::WallTime;
use facelatch::embed::TemplateKey;
use facelatch::people::access::{Access, Premises};
use facelatch::people::{Misses, UserName};
use facelatch::store::{Health, Outline, PinHasher, StoreError, Template, TemplateStore};

/// Operations a store can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// [`TemplateStore::replace`].
    Add,
    /// [`TemplateStore::templates`].
    Templates,
    /// [`TemplateStore::prove_room_for_miss`].
    ProveRoomForMiss,
    /// [`TemplateStore::set_misses`].
    SetMisses,
    /// [`TemplateStore::access`].
    Access,
}

/// A store in memory that outlives a restart of the daemon.
#[derive(Default)]
pub struct VecStore {
    kept: Mutex<Kept>,
    revision: AtomicU64,
}

#[derive(Default)]
struct Kept {
    templates: Vec<Template>,
    misses: BTreeMap<Option<UserName>, Misses>,
    pin_misses: Misses,
    access: BTreeMap<UserName, Access>,
    premises: Premises,
    fail_on: Option<Op>,
}

impl VecStore {
    /// Makes this operation fail from now on; `None` ends that.
    pub fn fail_on(&self, op: Option<Op>) {
        self.kept().fail_on = op;
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    /// Blocks every call to the store until the guard is dropped.
    pub fn hold(&self) -> impl Sized + '_ {
        self.kept()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unless_failing(&self, op: Op) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = self.kept();
        if kept.fail_on == Some(op) {
            return Err(StoreError::Io { path: "memory".into(), why: "told to fail".into() });
        }
        Ok(kept)
    }
}

impl TemplateStore for VecStore {
    fn replace(&self, gone: &BTreeSet<String>, templates: &[Template]) -> Result<(), StoreError> {
        let mut kept = self.unless_failing(Op::Add)?;
        kept.templates.retain(|template| !gone.contains(&template.id));
        kept.templates.extend_from_slice(templates);
        drop(kept);
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        let kept = self.unless_failing(Op::Templates)?;
        Ok(kept.templates.iter().filter(|t| user.is_none_or(|user| t.user == *user)).cloned().collect())
    }

    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let before = kept.templates.len();
        kept.templates.retain(|t| t.user != *user || id.is_some_and(|id| t.id != id));
        if id.is_none() {
            kept.misses.remove(&Some(user.clone()));
            kept.access.remove(user);
        }
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(before - kept.templates.len())
    }

    fn misses(&self, user: Option<&UserName>) -> Result<Misses, StoreError> {
        Ok(self.kept().misses.get(&user.cloned()).copied().unwrap_or_default())
    }

    fn prove_room_for_miss(&self) -> Result<(), StoreError> {
        self.unless_failing(Op::ProveRoomForMiss).map(drop)
    }

    fn set_misses(&self, user: Option<&UserName>, misses: Misses) -> Result<(), StoreError> {
        self.unless_failing(Op::SetMisses)?.misses.insert(user.cloned(), misses);
        Ok(())
    }

    fn pin_misses(&self) -> Result<Misses, StoreError> {
        Ok(self.kept().pin_misses)
    }

    fn set_pin_misses(&self, misses: Misses) -> Result<(), StoreError> {
        self.unless_failing(Op::SetMisses)?.pin_misses = misses;
        Ok(())
    }

    fn pin_hasher(&self) -> Arc<PinHasher> {
        Arc::new(PinHasher::of_secret([0; 32]))
    }

    fn access(&self, user: &UserName) -> Result<Access, StoreError> {
        Ok(self.unless_failing(Op::Access)?.access.get(user).cloned().unwrap_or_default())
    }

    fn all_access(&self) -> Result<BTreeMap<UserName, Access>, StoreError> {
        Ok(self.unless_failing(Op::Access)?.access.clone())
    }

    fn change_access(
        &self,
        user: &UserName,
        at: WallTime,
        change: &mut dyn FnMut(&mut Access),
    ) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let access = kept.access.entry(user.clone()).or_default();
        change(access);
        if *access == Access::default() {
            kept.access.remove(user);
        }
        kept.premises.set_at = at;
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn premises(&self) -> Result<Premises, StoreError> {
        Ok(self.kept().premises.clone())
    }

    fn change_premises(&self, at: WallTime, change: &mut dyn FnMut(&mut Premises)) -> Result<(), StoreError> {
        let mut kept = self.kept();
        change(&mut kept.premises);
        kept.premises.set_at = at;
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    fn each_template(&self, visit: &mut dyn FnMut(&Outline, Template)) -> Result<Outline, StoreError> {
        let revision = self.revision();
        let mut all = self.templates(None)?;
        all.sort_by(|one, other| one.user.cmp(&other.user));
        let template_key = Arc::new(TemplateKey::identity());
        let outline = Outline { revision, template_key, templates: all.len() };
        all.into_iter().for_each(|template| visit(&outline, template));
        Ok(outline)
    }

    fn renew(&self) -> Result<usize, StoreError> {
        self.revision.fetch_add(1, Ordering::SeqCst);
        Ok(self.kept().templates.len())
    }

    fn renew_key(&self) -> Result<(), StoreError> {
        Err(StoreError::KeyMissing { path: "memory".into() })
    }

    fn health(&self) -> Health {
        let templates = &self.kept().templates;
        let users: BTreeSet<_> = templates.iter().map(|t| &t.user).collect();
        Health { users: users.len(), templates: templates.len(), ..Health::default() }
    }
}
