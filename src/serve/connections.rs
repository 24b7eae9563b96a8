//! Who is connected, and who gives way when all places are taken.
//!
//! One user has at most half of the places, and an eighth of them is the owner's alone. A newcomer who finds no place takes
//! one from whoever has most, as long as that leaves them with no fewer than the newcomer: the one that has been idle for
//! longest, or else their newest call. So no two users, however busy, keep a third, root or the PAM module out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

/// Whose places those are that belong to no account. The kernel gives this id to nobody.
const NO_ACCOUNT: u32 = u32::MAX;

/// All connections.
#[derive(Clone)]
pub(super) struct Connections(Rc<RefCell<Table>>);

struct Table {
    limit: usize,
    limit_per_user: usize,
    /// Of `limit`, for all who are not the owner.
    limit_of_users: usize,
    /// Counts what begins: connections, calls, and silence after a call.
    turn: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    uid: u32,
    is_owner: bool,
    /// When the call began that is being answered.
    call: Option<u64>,
    idle_since: u64,
    given_up: Rc<Notify>,
}

/// The right to have one connection; given back when dropped.
pub(super) struct Place {
    id: u64,
    given_up: Rc<Notify>,
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
            turn: 0,
            open: BTreeMap::new(),
        })))
    }

    /// A place for this user, or the limit reached. Somebody else may have to give theirs up.
    pub(super) fn take(&self, uid: u32, is_owner: bool) -> Result<Place, usize> {
        let mut table = self.0.borrow_mut();
        let own = table.open.values().filter(|open| open.uid == uid).count();
        if own >= table.limit_per_user {
            return Err(table.limit_per_user);
        }
        if !table.has_room(is_owner) {
            let leaves = table.who_gives_way(own, is_owner).ok_or(table.limit)?;
            if let Some(open) = table.open.remove(&leaves) {
                open.given_up.notify_one();
            }
        }
        let (id, given_up) = (table.next_turn(), Rc::new(Notify::new()));
        table.open.insert(id, Open { uid, is_owner, call: None, idle_since: id, given_up: given_up.clone() });
        Ok(Place { id, given_up, connections: self.clone() })
    }

    /// Whether nobody is connected.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().open.is_empty()
    }
}

impl Table {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn has_room(&self, for_owner: bool) -> bool {
        let of_users = self.open.values().filter(|open| !open.is_owner).count();
        self.open.len() < self.limit && (for_owner || of_users < self.limit_of_users)
    }

    /// Which connection gives way to a newcomer who has `own` already.
    fn who_gives_way(&self, own: usize, to_owner: bool) -> Option<u64> {
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

impl Place {
    /// It belongs to no account. All of those count as one user: each account may have 65,536 ids besides its own (subuid(5)).
    pub(super) fn has_no_account(&self) {
        self.change(|open, _| open.uid = NO_ACCOUNT);
    }

    /// A call is being answered from now on.
    pub(super) fn call_begins(&self) {
        self.change(|open, turn| open.call = Some(turn));
    }

    /// It was answered.
    pub(super) fn call_ends(&self) {
        self.change(|open, turn| (open.call, open.idle_since) = (None, turn));
    }

    /// Returns when the place was given to somebody else.
    pub(super) async fn given_up(&self) {
        self.given_up.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Open, u64)) {
        let mut table = self.connections.0.borrow_mut();
        let turn = table.next_turn();
        // It may have been given up a moment ago.
        if let Some(open) = table.open.get_mut(&self.id) {
            change(open, turn);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.0.borrow_mut().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many places as this user gets.
    fn hold(connections: &Connections, uid: u32) -> Vec<Place> {
        std::iter::from_fn(|| connections.take(uid, false).ok()).take(1000).collect()
    }

    fn is_open(place: &Place) -> bool {
        place.connections.0.borrow().open.contains_key(&place.id)
    }

    fn count(places: &[Place]) -> usize {
        places.iter().filter(|place| is_open(place)).count()
    }

    #[test]
    fn two_users_who_hold_all_they_can_keep_neither_root_nor_a_third_out() {
        for busy in [false, true] {
            let connections = Connections::new(64);
            let held = [hold(&connections, 1001), hold(&connections, 1002)];
            if busy {
                held.iter().flatten().filter(|place| is_open(place)).for_each(Place::call_begins);
            }
            let roots: Vec<Place> = (0..32).filter_map(|_| connections.take(0, true).ok()).collect();
            assert_eq!(count(&roots), 32, "busy: {busy}");
            let third: Vec<Place> = (0..10).filter_map(|_| connections.take(1003, false).ok()).collect();
            assert_eq!((third.len(), count(&third)), (10, 10), "busy: {busy}");
            assert!(held.iter().all(|held| count(held) >= 10), "busy: {busy}");
        }
    }

    #[test]
    fn one_user_has_at_most_half_and_takes_nothing_from_those_who_have_less() {
        let connections = Connections::new(16);
        let modest: Vec<Place> = (0..3).filter_map(|_| connections.take(1001, false).ok()).collect();
        let greedy = hold(&connections, 1002);
        assert_eq!((count(&greedy), count(&modest)), (8, 3));
        assert_eq!(connections.take(1002, false).err(), Some(8));
        let others: Vec<Place> = (1003..1100).filter_map(|uid| connections.take(uid, false).ok()).collect();
        assert!(count(&greedy) >= 1 && count(&modest) >= 1, "each is left with one at least");
        assert!(connections.take(2000, false).is_err(), "fourteen people have one each");
        assert!(connections.take(0, true).is_ok(), "and two places are root's");
        drop((greedy, modest, others));
        assert!(connections.is_empty());
    }

    #[test]
    fn ids_of_no_account_are_one_user() {
        let connections = Connections::new(64);
        let subordinate = |uid| {
            let place = connections.take(uid, false).ok()?;
            place.has_no_account();
            place.call_begins();
            Some(place)
        };
        let account: Vec<Place> = (0..2).filter_map(|_| connections.take(1001, false).ok()).collect();
        let held: Vec<Place> = (100_000..100_200).filter_map(subordinate).collect();
        assert_eq!((held.len(), count(&held), count(&account)), (200, 54, 2));
        assert!(connections.take(1002, false).is_ok(), "others find a place");
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
            newcomers.push(connections.take(uid, false).expect("a place"));
            assert!(!is_open(&held[gone]), "{gone}");
        }
        assert!(connections.take(2004, false).is_err() && is_open(&held[2]), "one is left to everybody");

        let connections = Connections::new(8);
        let held = hold(&connections, 1001);
        let _singles: Vec<_> = (1002..1005).map(|uid| connections.take(uid, false).ok()).collect();
        held.iter().rev().for_each(Place::call_begins);
        let _newcomer = connections.take(2001, false).expect("a place");
        assert_eq!(held.iter().map(is_open).collect::<Vec<_>>(), [false, true, true, true]);
    }

    #[test]
    fn a_place_is_given_back_once_whoever_took_it_meanwhile() {
        let connections = Connections::new(2);
        let first = connections.take(1001, false).expect("a place");
        let root = connections.take(0, true).expect("its own");
        drop((first, root));
        assert!(connections.is_empty());
        let held = connections.take(1001, false).expect("a place again");
        assert!(connections.take(1002, false).is_err(), "one each");
        drop(held);
        assert!(connections.is_empty());
    }
}
