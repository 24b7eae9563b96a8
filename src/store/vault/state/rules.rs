//! Rules of people and of the premises among the entries, and what becomes of them when something is lost.

use std::collections::BTreeMap;

use super::State;
use crate::clock::WallTime;
use crate::people::UserName;
use crate::people::access::{Access, Premises, Rule};
use crate::store::manifest::Change;
use crate::store::{Condition, StoreError, rules};

impl State {
    /// What is kept of a person.
    pub(in crate::store::vault) fn access(&self, user: &UserName) -> Result<Access, StoreError> {
        let key = self.rule_cipher.key(Some(user));
        let Some(sealed) = self.ledger.in_memory(&key) else { return Ok(Access::default()) };
        let opened = self.rule_cipher.open(&key, sealed);
        opened.map(|(_, access)| access).map_err(|why| self.damaged(&format!("rules of {user}"), &why))
    }

    /// What is kept of everybody of whom anything is.
    pub(in crate::store::vault) fn all_access(&self) -> Result<BTreeMap<UserName, Access>, StoreError> {
        let premises = self.rule_cipher.key(None);
        let theirs =
            self.ledger.index().all_in_memory().filter(|(key, _)| rules::is_key(key) && **key != *premises);
        let opened = theirs.map(|(key, sealed)| self.rule_cipher.open(key, sealed));
        opened.map(|opened| opened.map_err(|why| self.damaged("rules", &why))).collect()
    }

    /// What holds for everybody.
    pub(in crate::store::vault) fn premises(&self) -> Result<Premises, StoreError> {
        let key = self.rule_cipher.key(None);
        let Some(sealed) = self.ledger.in_memory(&key) else { return Ok(Premises::default()) };
        self.rule_cipher.open_premises(&key, sealed).map_err(|why| self.damaged("premises", &why))
    }

    /// Changes what is kept of a person.
    pub(in crate::store::vault) fn change_access(
        &mut self,
        user: &UserName,
        at: WallTime,
        change: &mut dyn FnMut(&mut Access),
    ) -> Result<(), StoreError> {
        let mut access = self.access(user)?;
        change(&mut access);
        let premises = Premises { set_at: at, ..self.premises()? };
        let change = vec![self.sealed_access(user, &access)?, self.sealed_premises(&premises)?];
        self.ledger.commit(change)
    }

    /// Changes what holds for everybody.
    pub(in crate::store::vault) fn change_premises(
        &mut self,
        at: WallTime,
        change: &mut dyn FnMut(&mut Premises),
    ) -> Result<(), StoreError> {
        let mut premises = self.premises()?;
        change(&mut premises);
        premises.set_at = at;
        let change = vec![self.sealed_premises(&premises)?];
        self.ledger.commit(change)
    }

    /// Removes what is kept of a person who has no template.
    pub(super) fn forget_rules(&mut self, user: &UserName) -> Result<(), StoreError> {
        let key = self.rule_cipher.key(Some(user));
        if self.ledger.in_memory(&key).is_none() {
            return Ok(());
        }
        self.ledger.commit(vec![(key, None)])
    }

    /// A person's entry; `None` where nothing is kept.
    fn sealed_access(
        &self,
        user: &UserName,
        access: &Access,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), StoreError> {
        let key = self.rule_cipher.key(Some(user));
        if *access == Access::default() {
            return Ok((key, None));
        }
        let sealed = self.rule_cipher.seal(&key, user, access);
        Ok((key, Some(sealed.map_err(|why| StoreError::io(self.ledger.folder(), why))?)))
    }

    fn sealed_premises(&self, premises: &Premises) -> Result<(Vec<u8>, Option<Vec<u8>>), StoreError> {
        let key = self.rule_cipher.key(None);
        let sealed = self.rule_cipher.seal_premises(&key, premises);
        Ok((key, Some(sealed.map_err(|why| StoreError::io(self.ledger.folder(), why))?)))
    }

    /// After a loss nobody knows which rules there were, and no rule means that somebody may come in at any time. So where
    /// there are rules at all, faces let nobody in until a person has looked at them; and whoever has rules that cannot be read
    /// any more may come in nowhere until they are set again.
    pub(super) fn doubt_rules(&mut self) -> Result<(), StoreError> {
        let entries = self.ledger.index().all_in_memory().filter(|(key, _)| rules::is_key(key));
        if self.findings.condition != Condition::Lossy || entries.clone().next().is_none() {
            return Ok(());
        }
        let premises = self.rule_cipher.key(None);
        let unreadable =
            entries.filter(|(key, sealed)| **key != *premises && self.rule_cipher.open(key, sealed).is_err());
        let mut change: Change = unreadable.map(|(key, _)| (key.to_vec(), None)).collect();
        let denied =
            Access { elsewhere: Some(Rule { allowed: false, ..Rule::default() }), ..Access::default() };
        for user in self.people.users() {
            let key = self.rule_cipher.key(Some(user));
            if let Some((_, value)) = change.iter_mut().find(|(lost, _)| *lost == key) {
                *value = self.sealed_access(user, &denied)?.1;
                self.findings.notes.push(format!(
                    "store: the rules of {user} cannot be read any more, so they may come in nowhere; set them again"
                ));
            }
        }
        let before = self.premises().unwrap_or_default();
        change.push(self.sealed_premises(&Premises { face: false, ..before })?);
        self.ledger.commit(change)?;
        self.findings.notes.push(
            "store: rules may be lost, so face unlock is switched off; look at `facelatch list` and `facelatch holiday list`, \
             then run `facelatch face on`"
                .to_owned(),
        );
        Ok(())
    }
}
