//! Templates in memory. Misses are not kept: a lockout would end the measurement. Nor are rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use facelatch::clock::WallTime;
use facelatch::embed::TemplateKey;
use facelatch::people::access::{Access, Premises};
use facelatch::people::{Misses, UserName};
use facelatch::store::{Health, Outline, PinHasher, StoreError, Template, TemplateStore};

/// A store that forgets misses and rules.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<(Vec<Template>, u64)>);

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, (Vec<Template>, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TemplateStore for MemoryStore {
    fn replace(&self, gone: &BTreeSet<String>, templates: &[Template]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.0.retain(|template| !gone.contains(&template.id));
        kept.0.extend_from_slice(templates);
        kept.1 += 1;
        Ok(())
    }

    fn templates(&self, user: Option<&UserName>) -> Result<Vec<Template>, StoreError> {
        let is_wanted = |template: &&Template| user.is_none_or(|user| template.user == *user);
        Ok(self.kept().0.iter().filter(is_wanted).cloned().collect())
    }

    fn each_template(&self, visit: &mut dyn FnMut(&Outline, Template)) -> Result<Outline, StoreError> {
        let mut all = self.templates(None)?;
        all.sort_by(|one, other| one.user.cmp(&other.user));
        let template_key = Arc::new(TemplateKey::identity());
        let outline = Outline { revision: self.revision(), template_key, templates: all.len() };
        all.into_iter().for_each(|template| visit(&outline, template));
        Ok(outline)
    }

    fn remove(&self, user: &UserName, id: Option<&str>) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let before = kept.0.len();
        kept.0.retain(|template| template.user != *user || id.is_some_and(|id| template.id != id));
        kept.1 += 1;
        Ok(before - kept.0.len())
    }

    fn misses(&self, _: Option<&UserName>) -> Result<Misses, StoreError> {
        Ok(Misses::default())
    }

    fn prove_room_for_miss(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn set_misses(&self, _: Option<&UserName>, _: Misses) -> Result<(), StoreError> {
        Ok(())
    }

    fn access(&self, _: &UserName) -> Result<Access, StoreError> {
        Ok(Access::default())
    }

    fn all_access(&self) -> Result<BTreeMap<UserName, Access>, StoreError> {
        Ok(BTreeMap::new())
    }

    fn change_access(
        &self,
        _: &UserName,
        _: WallTime,
        _: &mut dyn FnMut(&mut Access),
    ) -> Result<(), StoreError> {
        Ok(())
    }

    fn premises(&self) -> Result<Premises, StoreError> {
        Ok(Premises::default())
    }

    fn change_premises(&self, _: WallTime, _: &mut dyn FnMut(&mut Premises)) -> Result<(), StoreError> {
        Ok(())
    }

    fn pin_misses(&self) -> Result<Misses, StoreError> {
        Ok(Misses::default())
    }

    fn set_pin_misses(&self, _: Misses) -> Result<(), StoreError> {
        Ok(())
    }

    fn pin_hasher(&self) -> Arc<PinHasher> {
        Arc::new(PinHasher::of_secret([0; 32]))
    }

    fn revision(&self) -> u64 {
        self.kept().1
    }

    fn renew(&self) -> Result<usize, StoreError> {
        Ok(self.kept().0.len())
    }

    fn renew_key(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn health(&self) -> Health {
        Health::default()
    }
}
