//! Rules go with their person, outlive renewals, and are never lost in silence: no rule would let somebody in at any time.

use super::crash_tests::{Op, Site, keys, user};
use super::*;
use crate::clock::WallTime;
use crate::people::access::{Access, Premises, Rule};
use crate::store::files::Disk;
use crate::store::log::FILES;
use crate::store::mirror::MANIFEST;

fn run(state: &mut State, ops: &[Op]) {
    ops.iter().for_each(|op| op.run(state).unwrap_or_else(|why| panic!("{op:?}: {why}")));
}

fn denied() -> Access {
    Access { elsewhere: Some(Rule { allowed: false, ..Rule::default() }), ..Access::default() }
}

/// The key of a person's rules, or of the premises'.
fn key(state: &State, name: Option<u8>) -> Vec<u8> {
    state.rule_cipher.key(name.map(user).as_ref())
}

#[test]
fn a_store_without_rules_lets_everybody_in_and_holds_no_more_than_before() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    run(&mut state, &[Op::Add(1, vec![1])]);
    assert_eq!(state.access(&user(1)).expect("read"), Access::default());
    assert_eq!(state.premises().expect("read"), Premises::default());
    assert_eq!(state.ledger.index().len(), 1);
    run(&mut state, &[Op::Rule(1, 60), Op::Rule(1, 0)]);
    assert_eq!(state.ledger.index().len(), 2, "the template, and the premises");
    assert_eq!(state.premises().expect("read").set_at, WallTime(7));
}

#[test]
fn rules_go_with_their_person_enrolled_or_not() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    run(&mut state, &[Op::Add(1, vec![1]), Op::Rule(1, 60), Op::Rule(2, 60), Op::Renew]);
    assert_eq!(state.all_access().expect("read").len(), 2, "a renewal keeps them");
    assert_eq!(state.remove(&user(1), None).expect("removed"), 1);
    assert_eq!(state.remove(&user(2), None).expect("removed"), 0);
    drop(state);
    assert!(site.open().expect("opens").all_access().expect("read").is_empty());
}

#[test]
fn an_entry_opens_only_under_its_own_key_and_names_its_person_to_nobody() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    run(&mut state, &[Op::Rule(1, 60), Op::Rule(2, 90)]);
    let (one, other) = (key(&state, Some(1)), key(&state, Some(2)));
    let sealed = state.ledger.in_memory(&one).expect("there").to_vec();
    assert!(
        state.rule_cipher.open(&one, &sealed).is_ok() && state.rule_cipher.open(&other, &sealed).is_err()
    );
    assert!(state.rule_cipher.open_premises(&key(&state, None), &sealed).is_err());
    let raw = site.disk.raw();
    assert!(!raw.windows(5).any(|window| window == b"user1" || window == b"daily"));
}

/// Renewed, so that the previous log has what was there before; then more, of which the table alone is left.
fn wrecked(site: &Site, wreck: impl FnOnce(&State, &mut crate::store::manifest::Entries)) {
    let mut state = site.open().expect("opens");
    run(&mut state, &[Op::Add(1, vec![1]), Op::Add(2, vec![2]), Op::Rule(2, 90), Op::Renew, Op::Rule(1, 60)]);
    let mut table = site.tables.kept.lock().expect("lock").clone().expect("there");
    table.remove(MANIFEST);
    wreck(&state, &mut table);
    drop(state);
    *site.tables.kept.lock().expect("lock") = Some(table);
    site.disk.write(FILES[0], 0, b"rubbish").expect("written");
}

#[test]
fn whoever_has_rules_that_cannot_be_read_comes_in_nowhere() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    wrecked(&site, |state, table| table.get_mut(&key(state, Some(1))).expect("there")[30] ^= 1);
    let mut state = site.open().expect("opens");
    assert_eq!(state.findings.condition, Condition::Lossy);
    assert_eq!(state.access(&user(1)).expect("read"), denied());
    assert_ne!(state.access(&user(2)).expect("read"), denied(), "these could be read");
    assert!(state.findings.notes.iter().any(|note| note.contains("rules of user1")));
    assert!(!state.premises().expect("read").face);
    // Until somebody has set them again.
    run(&mut state, &[Op::Rule(1, 60), Op::Face(true)]);
    drop(state);
    let state = site.open().expect("opens");
    assert_eq!(state.findings.condition, Condition::Whole);
    assert!(state.premises().expect("read").face && state.access(&user(1)).expect("read") != denied());
}

#[test]
fn after_a_loss_faces_let_nobody_in_until_somebody_has_looked_at_the_rules() {
    let (_folder, keys) = keys();
    // The rule is gone altogether, or what holds for the premises cannot be read.
    for which in [Some(1), None] {
        let site = Site::new(&keys);
        wrecked(&site, |state, table| match which {
            Some(name) => drop(table.remove(&key(state, Some(name)))),
            None => table.get_mut(&key(state, None)).expect("there")[30] ^= 1,
        });
        let state = site.open().expect("opens");
        assert_eq!(state.findings.condition, Condition::Lossy);
        assert!(!state.premises().expect("read").face, "{which:?}");
        assert!(state.findings.notes.iter().any(|note| note.contains("facelatch face on")));
        drop(state);
        assert!(!site.open().expect("opens").premises().expect("read").face, "and at the next start");
    }
}

#[test]
fn a_loss_where_nobody_has_rules_switches_nothing_off() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    run(&mut state, &[Op::Add(1, vec![1]), Op::Renew, Op::Add(2, vec![2])]);
    drop(state);
    *site.tables.kept.lock().expect("lock") = None;
    site.disk.write(FILES[0], 0, b"rubbish").expect("written");
    let state = site.open().expect("opens");
    assert_eq!((state.findings.condition, state.premises().expect("read").face), (Condition::Lossy, true));
}
