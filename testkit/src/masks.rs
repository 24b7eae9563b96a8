//! Scripted identities of a daemon's callers and of accounts, from a name service that can stop answering.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

use facelatch::serve::peer::{Caller, Peers, Role};

use crate::world::PATIENCE;

/// The user that new connections appear to come from.
pub struct Masks {
    next: Mutex<Caller>,
    silent: Mutex<Silent>,
    speaks: Condvar,
    seen: Mutex<usize>,
    comes: Condvar,
    accounts: Mutex<BTreeMap<String, Option<u32>>>,
}

/// What the name service does not answer.
#[derive(Default)]
struct Silent {
    callers: bool,
    accounts: bool,
}

/// User id of every account that a test says nothing about.
pub const UID: u32 = 1000;

impl Default for Masks {
    /// All callers are root until set otherwise.
    fn default() -> Self {
        let owner = Caller { uid: 0, name: Some("root".into()), role: Role::Owner };
        Self {
            next: Mutex::new(owner),
            silent: Mutex::default(),
            speaks: Condvar::new(),
            seen: Mutex::default(),
            comes: Condvar::new(),
            accounts: Mutex::default(),
        }
    }
}

impl Masks {
    /// From now on connections come from this user.
    pub fn put_on(&self, name: &str, role: Role) {
        self.put_on_as(UID, name, role);
    }

    /// The same with a user id of their own.
    pub fn put_on_as(&self, uid: u32, name: &str, role: Role) {
        *self.next.lock().expect("lock") = Caller { uid, name: Some(name.into()), role };
    }

    /// From now on the account of this name has this user id, or is gone. Until then every name has one.
    pub fn account_is(&self, name: &str, uid: Option<u32>) {
        self.accounts.lock().expect("lock").insert(name.to_owned(), uid);
    }

    /// Makes the name service stop telling who calls, or tell it again.
    pub fn silence(&self, silent: bool) {
        self.set_silent(|now| now.callers = silent);
    }

    /// Makes the name service stop telling which accounts there are, or tell it again.
    pub fn silence_accounts(&self, silent: bool) {
        self.set_silent(|now| now.accounts = silent);
    }

    fn set_silent(&self, change: impl FnOnce(&mut Silent)) {
        change(&mut self.silent.lock().unwrap_or_else(PoisonError::into_inner));
        self.speaks.notify_all();
    }

    /// Waits for `more` connections beyond `before`.
    pub fn wait_for(&self, before: usize, more: usize) {
        let seen = self.seen.lock().expect("lock");
        let wait = self.comes.wait_timeout_while(seen, PATIENCE, |seen| *seen < before + more);
        assert!(!wait.expect("lock").1.timed_out(), "nobody came");
    }

    /// Connections so far.
    pub fn seen(&self) -> usize {
        *self.seen.lock().expect("lock")
    }

    fn wait_while(&self, is_silent: fn(&Silent) -> bool) {
        let silent = self.silent.lock().expect("lock");
        drop(self.speaks.wait_timeout_while(silent, PATIENCE, |silent| is_silent(silent)).expect("lock"));
    }

    fn caller(&self) -> Caller {
        self.next.lock().expect("lock").clone()
    }
}

impl Peers for Masks {
    fn caller(&self, _uid: u32, _gid: u32) -> Caller {
        self.wait_while(|silent| silent.callers);
        self.caller()
    }

    fn account(&self, name: &str) -> Result<Option<u32>, String> {
        self.wait_while(|silent| silent.accounts);
        Ok(self.accounts.lock().expect("lock").get(name).copied().unwrap_or(Some(UID)))
    }

    fn known(&self, _uid: u32) -> Option<Caller> {
        *self.seen.lock().expect("lock") += 1;
        self.comes.notify_all();
        Some(self.caller()).filter(|caller| caller.role == Role::Owner)
    }
}
