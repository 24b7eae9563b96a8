//! Log, table and checkpoint are each dropped, damaged or put back as they once were, in every combination: whatever is
//! older than what was acknowledged says so.

use super::crash_tests::{Model, Op, PEOPLE, Site, held, keys, user};
use super::*;
use crate::store::files::Disk;
use crate::store::ledger::CHECKPOINT;
use crate::store::log::FILES;
use crate::store::manifest::Entries;

/// Log, table and checkpoint after a change.
#[derive(Clone, Default)]
struct Copy {
    log: Vec<u8>,
    table: Entries,
    checkpoint: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    None,
    Dropped,
    Damaged,
    /// As it was after this change.
    Earlier(usize),
}

/// The changes that are rolled back: nobody loses their key, so that each old copy can be read.
fn life() -> Vec<Op> {
    vec![
        Op::Add(1, vec![1]),
        Op::Misses(Some(1), 3),
        Op::Add(2, vec![2]),
        Op::Rule(2, 60),
        Op::Misses(None, 2),
        Op::RemoveOne(1, 1),
        Op::Add(1, vec![3]),
        Op::Rule(1, 60),
        Op::Misses(None, 9),
    ]
}

/// A store, a copy of it before and after each change, and what it must hold.
fn lived(site: &Site) -> (Vec<Copy>, Model) {
    let read = |name| site.disk.read(name).expect("read").unwrap_or_default();
    let copy = || Copy {
        log: read(FILES[0]),
        table: site.tables.kept.lock().expect("lock").clone().expect("there"),
        checkpoint: read(CHECKPOINT),
    };
    let mut state = site.open().expect("opens");
    let (mut copies, mut model) = (vec![copy()], Model::default());
    for op in life() {
        op.run(&mut state).expect("nothing is wrong");
        op.model(&mut model);
        copies.push(copy());
    }
    (copies, model)
}

fn put(site: &Site, name: &str, bytes: &[u8]) {
    site.disk.write(name, 0, bytes).expect("written");
    site.disk.truncate(name, bytes.len() as u64).expect("cut");
}

fn harm_file(site: &Site, name: &str, harm: Harm, earlier: impl Fn(usize) -> Vec<u8>) {
    let mut bytes = site.disk.read(name).expect("read").unwrap_or_default();
    match harm {
        Harm::None => {}
        Harm::Dropped => site.disk.remove(name).expect("removed"),
        Harm::Earlier(at) => put(site, name, &earlier(at)),
        Harm::Damaged => {
            bytes.iter_mut().step_by(100).for_each(|byte| *byte ^= 1);
            put(site, name, &bytes);
        }
    }
}

fn harm_table(site: &Site, harm: Harm, copies: &[Copy]) {
    let mut kept = site.tables.kept.lock().expect("lock");
    match harm {
        Harm::None => {}
        Harm::Dropped => *kept = None,
        Harm::Earlier(at) => *kept = Some(copies[at].table.clone()),
        Harm::Damaged => {
            let mut entries = kept.clone().expect("there");
            entries.pop_last();
            *kept = Some(entries);
        }
    }
}

#[test]
fn nothing_older_passes_for_the_newest_change() {
    let (_folder, keys) = keys();
    let changes = life().len();
    let mut harms = vec![Harm::None, Harm::Dropped, Harm::Damaged];
    harms.extend([0, 1, 3, 4, changes - 1].map(Harm::Earlier));
    for (log, table, checkpoint) in
        harms.iter().flat_map(|a| harms.iter().flat_map(|b| harms.iter().map(|c| (*a, *b, *c))))
    {
        let site = Site::new(&keys);
        let (copies, model) = lived(&site);
        harm_file(&site, FILES[0], log, |at| copies[at].log.clone());
        harm_table(&site, table, &copies);
        harm_file(&site, CHECKPOINT, checkpoint, |at| copies[at].checkpoint.clone());
        let about = format!("log {log:?}, table {table:?}, checkpoint {checkpoint:?}");
        let state = match site.open() {
            Ok(state) => state,
            Err(StoreError::Lost { .. }) => {
                assert!(log != Harm::None && table != Harm::None, "{about}: refused");
                continue;
            }
            Err(error) => panic!("{about}: {error}"),
        };
        let (findings, complete) = (&state.findings, held(&state, &PEOPLE) == model);
        let harmed = [log, table, checkpoint].iter().filter(|harm| **harm != Harm::None).count();
        if harmed < 3 {
            assert!(complete || findings.condition == Condition::Lossy, "{about}: {findings:?}");
        }
        if harmed < 2 {
            assert!(complete && findings.condition != Condition::Lossy, "{about}: {findings:?}");
        }
        // All three from one copy, or older: nothing on the disk says that there was ever more.
        let is_copy = |harm| matches!(harm, Harm::Earlier(_));
        if !(is_copy(log) && is_copy(table) && is_copy(checkpoint)) {
            assert!(complete || !findings.notes.is_empty(), "{about}: silent");
        }
        assert!(findings.condition != Condition::Lossy || !findings.notes.is_empty(), "{about}");
        drop(state);
        let again = site.open().unwrap_or_else(|e| panic!("{about}: {e}"));
        assert_eq!(again.findings.condition, Condition::Whole, "{about}: {:?}", again.findings.notes);
    }
}

#[test]
fn a_store_with_people_is_never_taken_for_an_empty_one() {
    let (_folder, keys) = keys();
    for checkpoint in [Harm::None, Harm::Dropped] {
        let site = Site::new(&keys);
        let (copies, _) = lived(&site);
        harm_file(&site, FILES[0], Harm::Dropped, |_| Vec::new());
        harm_table(&site, Harm::Earlier(0), &copies);
        harm_file(&site, CHECKPOINT, checkpoint, |_| Vec::new());
        let state = site.open().expect("opens");
        assert_eq!(
            state.findings.condition,
            Condition::Lossy,
            "checkpoint {checkpoint:?}: {:?}",
            state.findings.notes
        );
        let names = |note: &String| note.contains("user1") && note.contains("user2");
        assert!(state.findings.notes.iter().any(names), "{:?}", state.findings.notes);
        assert!(!state.is_untouched());
    }
}

#[test]
fn what_was_lost_does_not_come_back_as_the_newest() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let (copies, _) = lived(&site);
    let newest = site.disk.read(FILES[0]).expect("read").expect("there");
    harm_file(&site, FILES[0], Harm::Dropped, |_| Vec::new());
    harm_table(&site, Harm::Earlier(3), &copies);
    let mut state = site.open().expect("opens");
    assert_eq!(state.findings.condition, Condition::Lossy);
    Op::Misses(Some(1), 50).run(&mut state).expect("kept");
    drop(state);
    put(&site, FILES[0], &newest);
    let state = site.open().expect("opens");
    assert_eq!(state.misses(Some(&user(1))).expect("read").count, 50, "{:?}", state.findings.notes);
}

#[test]
fn everything_put_back_at_once_but_the_keyring_is_told_by_the_keys() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let (copies, _) = lived(&site);
    // Before user 2 was enrolled.
    harm_file(&site, FILES[0], Harm::Earlier(2), |at| copies[at].log.clone());
    harm_table(&site, Harm::Earlier(2), &copies);
    harm_file(&site, CHECKPOINT, Harm::Earlier(2), |at| copies[at].checkpoint.clone());
    let state = site.open().expect("opens");
    let notes = &state.findings.notes;
    assert!(notes.iter().any(|note| note.contains("user2")), "{notes:?}");
}
