//! Who is enrolled: each user's key and records, and the key of all templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::StoreError;
use super::Template;
use super::files::Disk;
use super::key::KeySource;
use super::keyring::{KeyId, Keyring, TemplateSeed};
use super::manifest::Manifest;
use super::pins::PinHasher;
use super::record::{self, SealContext, SealedRecord};
use super::seal::Key;
use crate::embed::{TemplateKey, TemplateKeySpec};
use crate::people::UserName;

/// Gives the entry with a key, or why it cannot be read.
type ReadEntry<'a> = dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, String> + 'a;

/// Keys by user, and the ids of the records that they seal.
pub(super) struct People {
    disk: Arc<dyn Disk>,
    keyring: Keyring,
    template_key: Arc<TemplateKey>,
    records: BTreeMap<UserName, RecordIds>,
}

/// Ids of a person's records, in order. In one piece of memory, since there may be tens of thousands of people.
#[derive(Default)]
pub(super) struct RecordIds(Box<str>);

/// Stands between ids.
const BETWEEN: &str = "\n";

impl RecordIds {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(BETWEEN).filter(|id| !id.is_empty())
    }

    fn add(&mut self, id: &str) {
        *self = Self::of(self.iter().chain([id]).collect());
    }

    fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        *self = Self::of(self.iter().filter(|id| stays(id)).collect());
    }

    fn of(ids: BTreeSet<&str>) -> Self {
        Self(ids.into_iter().collect::<Vec<_>>().join(BETWEEN).into())
    }
}

/// A record that cannot be opened: whose, its id, and why.
pub(super) struct Unreadable {
    pub(super) user: UserName,
    pub(super) id: String,
    pub(super) why: String,
}

impl People {
    /// The people of a keyring, whose templates are in the key with this id. [`People::index`] finds their records.
    pub(super) fn new(disk: Arc<dyn Disk>, keyring: Keyring, template_key: &[u8; 8]) -> Self {
        let template_key = Arc::new(keyring.template_key(template_key).unwrap_or_else(TemplateKey::identity));
        Self { disk, keyring, template_key, records: BTreeMap::new() }
    }

    /// Finds everybody's records among the entries, and gives the keys of entries that are nobody's. A record without a
    /// key is that of a user who was removed since, or the key is lost; one in another template key is from before a renewal.
    /// With `open_each` every record is opened, for entries that no manifest vouches for.
    ///
    /// # Errors
    /// Those of `each_record`.
    pub(super) fn index(
        &mut self,
        each_record: impl FnOnce(&mut dyn FnMut(&[u8], &[u8])) -> Result<(), StoreError>,
        manifest: &Manifest,
        open_each: bool,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let is_known = self.keyring.has_template_key(&manifest.template_key);
        let context = self.context(&manifest.embedder_sha256, &manifest.template_key);
        let (mut records, mut lost) = (BTreeMap::<UserName, RecordIds>::new(), Vec::new());
        each_record(&mut |key, value| {
            let user = SealedRecord::parse(value).ok().and_then(|record| self.keyring.user_of(&record.key));
            let opens = || !open_each || record::opens(&self.keyring, key, value, context);
            match (record::id_of(key), user) {
                (Some(id), Some(user)) if is_known && opens() => {
                    records.entry(user.clone()).or_default().add(id);
                }
                _ => lost.push(key.to_vec()),
            }
        })?;
        self.records = records;
        Ok(lost)
    }

    /// Whether nobody is enrolled.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many people have a template.
    pub(super) fn count(&self) -> usize {
        self.records.len()
    }

    /// Everybody who has a template.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserName> {
        self.records.keys()
    }

    /// Ids of a user's records, if they have any.
    pub(super) fn records_of(&self, user: &UserName) -> Option<&RecordIds> {
        self.records.get(user)
    }

    /// How many records there are.
    pub(super) fn record_count(&self) -> usize {
        self.records.values().map(|ids| ids.iter().count()).sum()
    }

    /// The key of all templates.
    pub(super) fn template_key(&self) -> &Arc<TemplateKey> {
        &self.template_key
    }

    /// The key of the audit log.
    pub(super) fn audit_key(&self) -> Key {
        self.keyring.header().root.derive("audit")
    }

    /// The key of what is kept of the machine.
    pub(super) fn machine_key(&self) -> Key {
        self.keyring.header().root.derive("machine")
    }

    /// Hashes PINs.
    pub(super) fn pin_hasher(&self) -> PinHasher {
        PinHasher::new(&self.keyring.header().root)
    }

    fn context<'a>(&'a self, embedder_sha256: &'a str, template_key: &'a [u8; 8]) -> SealContext<'a> {
        SealContext { embedder_sha256, device: &self.keyring.header().device, template_key }
    }

    /// A template, sealed with its user's key.
    ///
    /// # Errors
    /// Text, if the user has no key.
    pub(super) fn seal(&self, template: &Template, embedder_sha256: &str) -> Result<Vec<u8>, String> {
        let id = self.keyring.id_of(&template.user);
        let found = id.and_then(|id| Some((id, self.keyring.key(&id)?)));
        let (id, key) = found.ok_or("its user has no key")?;
        let template_key = template.embedding.key_id();
        Ok(record::seal(template, &key, id, self.context(embedder_sha256, &template_key)))
    }

    /// The templates of one user, or of all, oldest first by user. `read` gives the entry with a key.
    ///
    /// # Errors
    /// The first record that cannot be opened.
    pub(super) fn each_template(
        &self,
        user: Option<&UserName>,
        read: &ReadEntry<'_>,
        manifest: &Manifest,
        visit: &mut dyn FnMut(Template),
    ) -> Result<(), Unreadable> {
        for (user, ids) in self.records.iter().filter(|(name, _)| user.is_none_or(|user| user == *name)) {
            let (mut last, mut theirs) = (None, Vec::new());
            for id in ids.iter() {
                let sealed = read(&record::entry_key(id))
                    .and_then(|found| found.ok_or_else(|| "it is missing".to_owned()));
                let opened = sealed.and_then(|sealed| self.open(user, id, &sealed, manifest, &mut last));
                theirs.push(opened.map_err(|why| Unreadable {
                    user: user.clone(),
                    id: id.to_owned(),
                    why,
                })?);
            }
            theirs.sort_by(|a: &Template, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            theirs.into_iter().for_each(&mut *visit);
        }
        Ok(())
    }

    /// A template, with the key that its record names; `last` saves unwrapping it again.
    fn open(
        &self,
        user: &UserName,
        id: &str,
        sealed: &[u8],
        manifest: &Manifest,
        last: &mut Option<(KeyId, Key)>,
    ) -> Result<Template, String> {
        let record = SealedRecord::parse(sealed)?;
        let known = last.take().filter(|(id, _)| *id == record.key);
        let known = known.or_else(|| Some((record.key, self.keyring.key(&record.key)?)));
        let (_, key) = last.insert(known.ok_or("its user has no key")?);
        record.open(key, id, user, self.context(&manifest.embedder_sha256, &manifest.template_key))
    }

    /// A key for each of these users, on the disk when this returns. Whoever has no record gets a new one: a key that
    /// could not be destroyed with its user's last record seals nothing new.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn add_keys(&mut self, users: &BTreeSet<&UserName>) -> Result<(), StoreError> {
        self.erase_keys_without_records(users.iter().copied().cloned())?;
        self.keyring.add(&*self.disk, users)
    }

    /// Takes note of records that were committed.
    pub(super) fn add_records(&mut self, templates: &[Template]) {
        for template in templates {
            self.records.entry(template.user.clone()).or_default().add(&template.id);
        }
    }

    /// Takes note of records that were removed. With the last one the user's key is destroyed.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the key could not be destroyed.
    pub(super) fn remove_records(
        &mut self,
        user: &UserName,
        gone: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        if let Some(ids) = self.records.get_mut(user) {
            ids.retain(|id| !gone.contains(id));
            if ids.iter().next().is_none() {
                self.records.remove(user);
            }
        }
        self.erase_keys_without_records([user.clone()])
    }

    /// Destroys the keys of those among these users who have no record.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn erase_keys_without_records(
        &mut self,
        users: impl IntoIterator<Item = UserName>,
    ) -> Result<(), StoreError> {
        let mut without = users.into_iter().filter(|user| !self.records.contains_key(user));
        without.try_for_each(|user| self.keyring.erase(&*self.disk, &user))
    }

    /// Everybody who has a key and no record.
    pub(super) fn without_records(&self) -> Vec<UserName> {
        self.keyring.users().into_iter().filter(|user| !self.records.contains_key(user)).collect()
    }

    /// Kind and length of the present template key; `None` if the keyring does not have it.
    pub(super) fn template_key_spec(&self) -> Option<TemplateKeySpec> {
        let present = self.template_key.id();
        let key = self.keyring.header().seeds.iter().find(|key| key.id() == present)?;
        Some(TemplateKeySpec { kind: key.kind, length: key.length.into() })
    }

    /// Draws another template key. The keyring holds it beside the present one until [`People::forget_other_template_keys`].
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn draw_template_key(&mut self, spec: TemplateKeySpec) -> Result<TemplateKey, StoreError> {
        let (next, present) = (TemplateSeed::random(spec), self.template_key.id());
        let template_key = next.draw();
        self.keyring.change(&*self.disk, |header| {
            // One from a renewal that failed at its end may still be there, and there is room for two.
            header.seeds.retain(|key| key.id() == present);
            header.seeds.push(next);
        })?;
        Ok(template_key)
    }

    /// The key of all templates from now on.
    pub(super) fn use_template_key(&mut self, template_key: TemplateKey) {
        self.template_key = Arc::new(template_key);
    }

    /// Destroys the seeds of all template keys but the present one.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(super) fn forget_other_template_keys(&mut self) -> Result<(), StoreError> {
        let present = self.template_key.id();
        if self.keyring.header().seeds.iter().all(|key| key.id() == present) {
            return Ok(());
        }
        self.keyring.change(&*self.disk, |header| header.seeds.retain(|key| key.id() == present))
    }

    /// Wraps all keys with a new store key.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::KeyIsCredential`].
    pub(super) fn renew_store_key(&mut self, source: &KeySource) -> Result<(), StoreError> {
        // A renewal that failed may have left the key in use in the new file, or the mirrors under two keys.
        self.keyring.rewrite_if_dirty(&*self.disk)?;
        source.remove_keys_except(self.keyring.wrap())?;
        let next = source.create_next()?;
        self.keyring.rewrap(&*self.disk, &next.key)?;
        source.remove_other_keys(&next.path)
    }

    #[cfg(test)]
    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}
