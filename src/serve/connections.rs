//! Who is connected, and whose connection is evicted when there is no room for another.
//!
//! One user has at most half of the connections, and an eighth of them is reserved for the owner. When there is no room, a
//! newcomer evicts a connection of whoever has most, as long as that leaves them with no fewer than the newcomer: the one
//! that has been idle for longest, or else their newest call. So no two users, however busy, keep a third, root or the PAM
//! module out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

/// Whose connections those are that belong to no account. The kernel gives this id to nobody.
const NO_ACCOUNT: u32 = u32::MAX;

/// All connections.
#[derive(Clone)]
pub(super) struct Connections(Rc<RefCell<Table>>);

struct Table {
    limit: usize,
    limit_per_user: usize,
    /// Of `limit`, for all who are not the owner.
    limit_of_users: usize,
    /// Number of the latest event: a connection, the start of a call, its end. Older events have smaller numbers.
    latest: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    uid: u32,
    is_owner: bool,
    /// When the call began that is being answered.
    call: Option<u64>,
    idle_since: u64,
    evicted: Rc<Notify>,
}

/// The right to have one connection; given back when dropped.
pub(super) struct ConnectionPermit {
    id: u64,
    evicted: Rc<Notify>,
    connections: Connections,
}

impl Connections {
    /// Room for `limit` connections.
    pub(super) fn new(limit: usize) -> Self {
        let for_owner = (limit / 8).max(1).min(limit.saturating_sub(1));
        Self(Rc::new(RefCell::new(Table {
            limit,
            limit_per_user: limit.div_ceil(2),
            limit_of_users: limit - for_owner,
            latest: 0,
            open: BTreeMap::new(),
        })))
    }

    /// A connection for this user, or the limit reached. May evict another user's.
    pub(super) fn take(&self, uid: u32, is_owner: bool) -> Result<ConnectionPermit, usize> {
        let mut table = self.0.borrow_mut();
        let own = table.open.values().filter(|open| open.uid == uid).count();
        if own >= table.limit_per_user {
            return Err(table.limit_per_user);
        }
        if !table.has_room(is_owner) {
            let evicted = table.whom_to_evict(own, is_owner).ok_or(table.limit)?;
            if let Some(open) = table.open.remove(&evicted) {
                open.evicted.notify_one();
            }
        }
        let (id, evicted) = (table.next_number(), Rc::new(Notify::new()));
        table.open.insert(id, Open { uid, is_owner, call: None, idle_since: id, evicted: evicted.clone() });
        Ok(ConnectionPermit { id, evicted, connections: self.clone() })
    }

    /// Whether nobody is connected.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().open.is_empty()
    }
}

impl Table {
    fn next_number(&mut self) -> u64 {
        self.latest += 1;
        self.latest
    }

    fn has_room(&self, for_owner: bool) -> bool {
        let of_users = self.open.values().filter(|open| !open.is_owner).count();
        self.open.len() < self.limit && (for_owner || of_users < self.limit_of_users)
    }

    /// Which connection makes room for a newcomer who has `own` already.
    fn whom_to_evict(&self, own: usize, to_owner: bool) -> Option<u64> {
        let users = || self.open.iter().filter(|(_, open)| !open.is_owner);
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        users().for_each(|(_, open)| *counts.entry(open.uid).or_default() += 1);
        let (uid, _) = counts
            .into_iter()
            .filter(|(_, count)| to_owner || *count > own + 1)
            .max_by_key(|(_, count)| *count)?;
        let theirs = || users().filter(|(_, open)| open.uid == uid);
        let idle = theirs().filter(|(_, open)| open.call.is_none()).min_by_key(|(_, open)| open.idle_since);
        idle.or_else(|| theirs().max_by_key(|(_, open)| open.call)).map(|(id, _)| *id)
    }
}

impl ConnectionPermit {
    /// It belongs to no account. All of those count as one user: each account may have 65,536 ids besides its own (subuid(5)).
    pub(super) fn has_no_account(&self) {
        self.change(|open, _| open.uid = NO_ACCOUNT);
    }

    /// A call is being answered from now on.
    pub(super) fn call_begins(&self) {
        self.change(|open, now| open.call = Some(now));
    }

    /// It was answered.
    pub(super) fn call_ends(&self) {
        self.change(|open, now| (open.call, open.idle_since) = (None, now));
    }

    /// Returns when the connection was evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Open, u64)) {
        let mut table = self.connections.0.borrow_mut();
        let now = table.next_number();
        // It may have been evicted a moment ago.
        if let Some(open) = table.open.get_mut(&self.id) {
            change(open, now);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.0.borrow_mut().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many connections as this user gets.
    fn hold(connections: &Connections, uid: u32) -> Vec<ConnectionPermit> {
        std::iter::from_fn(|| connections.take(uid, false).ok()).take(1000).collect()
    }

    fn is_open(permit: &ConnectionPermit) -> bool {
        permit.connections.0.borrow().open.contains_key(&permit.id)
    }

    fn count(permits: &[ConnectionPermit]) -> usize {
        permits.iter().filter(|permit| is_open(permit)).count()
    }

    #[test]
    fn two_users_who_hold_all_they_can_keep_neither_root_nor_a_third_out() {
        for busy in [false, true] {
            let connections = Connections::new(64);
            let held = [hold(&connections, 1001), hold(&connections, 1002)];
            if busy {
                held.iter()
                    .flatten()
                    .filter(|permit| is_open(permit))
                    .for_each(ConnectionPermit::call_begins);
            }
            let roots: Vec<ConnectionPermit> =
                (0..32).filter_map(|_| connections.take(0, true).ok()).collect();
            assert_eq!(count(&roots), 32, "busy: {busy}");
            let third: Vec<ConnectionPermit> =
                (0..10).filter_map(|_| connections.take(1003, false).ok()).collect();
            assert_eq!((third.len(), count(&third)), (10, 10), "busy: {busy}");
            assert!(held.iter().all(|held| count(held) >= 10), "busy: {busy}");
        }
    }

    #[test]
    fn one_user_has_at_most_half_and_takes_nothing_from_those_who_have_less() {
        let connections = Connections::new(16);
        let modest: Vec<ConnectionPermit> =
            (0..3).filter_map(|_| connections.take(1001, false).ok()).collect();
        let greedy = hold(&connections, 1002);
        assert_eq!((count(&greedy), count(&modest)), (8, 3));
        assert_eq!(connections.take(1002, false).err(), Some(8));
        let others: Vec<ConnectionPermit> =
            (1003..1100).filter_map(|uid| connections.take(uid, false).ok()).collect();
        assert!(count(&greedy) >= 1 && count(&modest) >= 1, "each is left with one at least");
        assert!(connections.take(2000, false).is_err(), "fourteen people have one each");
        assert!(connections.take(0, true).is_ok(), "and two are reserved for root");
        drop((greedy, modest, others));
        assert!(connections.is_empty());
    }

    #[test]
    fn ids_of_no_account_are_one_user() {
        let connections = Connections::new(64);
        let subordinate = |uid| {
            let permit = connections.take(uid, false).ok()?;
            permit.has_no_account();
            permit.call_begins();
            Some(permit)
        };
        let account: Vec<ConnectionPermit> =
            (0..2).filter_map(|_| connections.take(1001, false).ok()).collect();
        let held: Vec<ConnectionPermit> = (100_000..100_200).filter_map(subordinate).collect();
        assert_eq!((held.len(), count(&held), count(&account)), (200, 54, 2));
        assert!(connections.take(1002, false).is_ok(), "others find room");
    }

    #[test]
    fn the_longest_idle_goes_first_and_then_the_newest_call() {
        let connections = Connections::new(8);
        let held = hold(&connections, 1001);
        let _singles: Vec<_> = (1002..1005).map(|uid| connections.take(uid, false).ok()).collect();
        held[0].call_begins();
        held[0].call_ends();
        held[2].call_begins();
        let mut newcomers = Vec::new();
        for (uid, gone) in [(2001, 1), (2002, 3), (2003, 0)] {
            assert!(is_open(&held[gone]));
            newcomers.push(connections.take(uid, false).expect("room"));
            assert!(!is_open(&held[gone]), "{gone}");
        }
        assert!(connections.take(2004, false).is_err() && is_open(&held[2]), "one is left to everybody");

        let connections = Connections::new(8);
        let held = hold(&connections, 1001);
        let _singles: Vec<_> = (1002..1005).map(|uid| connections.take(uid, false).ok()).collect();
        held.iter().rev().for_each(ConnectionPermit::call_begins);
        let _newcomer = connections.take(2001, false).expect("room");
        assert_eq!(held.iter().map(is_open).collect::<Vec<_>>(), [false, true, true, true]);
    }

    #[test]
    fn a_permit_is_given_back_once_whoever_was_evicted_meanwhile() {
        let connections = Connections::new(2);
        let first = connections.take(1001, false).expect("room");
        let root = connections.take(0, true).expect("its own");
        drop((first, root));
        assert!(connections.is_empty());
        let held = connections.take(1001, false).expect("room again");
        assert!(connections.take(1002, false).is_err(), "one each");
        drop(held);
        assert!(connections.is_empty());
    }
}
