//! Files that are damaged while the store is open: records are read from them again.

use super::crash_tests::{Op, Site, id, keys, user};
use super::*;
use crate::store::files::Disk;
use crate::store::log::FILES;

fn grown(site: &Site) -> State {
    let mut state = site.open().expect("opens");
    for n in 1..=4 {
        Op::Add(n, vec![n.into()]).run(&mut state).expect("added");
    }
    state
}

/// A byte of the log's copy of a record, and the log.
fn in_log(site: &Site, state: &State, record: u32) -> (usize, Vec<u8>) {
    let key = record::entry_key(&id(record));
    let value = state.ledger.read(&key).expect("read").expect("there");
    let log = site.disk.read(FILES[0]).expect("read").expect("there");
    let at = log.windows(value.len()).position(|window| window == value).expect("in the log");
    (at + 3, log)
}

/// Flips a bit in the log's copy of a record.
fn damage_log(site: &Site, state: &State, record: u32) {
    let (at, log) = in_log(site, state, record);
    site.disk.write(FILES[0], at as u64, &[log[at] ^ 1]).expect("written");
}

#[test]
fn a_record_damaged_while_the_store_is_open_is_read_from_the_table_and_written_again() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = grown(&site);
    let before = state.templates(None).expect("whole").len();
    damage_log(&site, &state, 2);
    assert_eq!(state.templates(None).expect("the table has it").len(), before);
    let health = state.health();
    assert_eq!(health.condition, Condition::Behind);
    let [note] = health.notes.as_slice() else { panic!("{:?}", health.notes) };
    assert!(note.contains("damaged record") && note.contains("`facelatch backup`"), "{note}");
    assert!(!note.contains("read-only"), "nothing is wrong with writing: {note}");
    Op::Misses(Some(1), 1).run(&mut state).expect("a change writes the log anew from both");
    assert_eq!(state.health().condition, Condition::Whole);
    *site.tables.kept.lock().expect("lock") = None;
    assert_eq!(state.templates(None).expect("the log has it again").len(), before);
}

#[test]
fn a_record_damaged_in_both_is_an_error_and_the_log_stays_as_it_is() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = grown(&site);
    damage_log(&site, &state, 2);
    let key = record::entry_key(&id(2));
    let mut kept = site.tables.kept.lock().expect("lock");
    // An older or another record is none, either.
    let other = kept.as_ref().expect("there")[&record::entry_key(&id(3))].clone();
    kept.as_mut().expect("there").insert(key, other);
    drop(kept);
    assert!(matches!(state.templates(None), Err(StoreError::Damaged { .. })));
    assert_eq!(state.templates(Some(&user(3))).expect("others can be read").len(), 1);
    let log = site.disk.read(FILES[0]).expect("read");
    assert!(state.ledger.forget_history().is_err());
    assert!(site.disk.read(FILES[0]).expect("read") == log);
    Op::Add(5, vec![5]).run(&mut state).expect("changes go on");
}

#[test]
fn a_table_that_is_behind_catches_up_from_the_log() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = grown(&site);
    let whole = site.tables.kept.lock().expect("lock").clone();
    // As after a start in between: what is there differs.
    site.tables.kept.lock().expect("lock").as_mut().expect("there").remove(&record::entry_key(&id(1)));
    state.ledger.close_table();
    Op::Add(5, vec![5]).run(&mut state).expect("added");
    let kept = site.tables.kept.lock().expect("lock").clone().expect("there");
    assert!(
        whole
            .expect("there")
            .iter()
            .filter(|(key, _)| key[0] == b'r')
            .all(|(key, value)| kept.get(key) == Some(value))
    );
}

#[test]
fn a_record_that_a_start_reads_otherwise_the_second_time_is_taken_from_the_table() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let state = grown(&site);
    let before = state.templates(None).expect("whole").len();
    let (at, _) = in_log(&site, &state, 2);
    drop(state);
    site.disk.misread_after_once(FILES[0], at);
    let state = site.open().expect("the table has it");
    assert_eq!(state.templates(None).expect("all are there").len(), before);
    assert_eq!((state.findings.condition, state.health().condition), (Condition::Whole, Condition::Behind));
}

#[test]
fn a_start_that_reads_a_record_otherwise_the_second_time_and_has_no_table_drops_nothing() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let state = grown(&site);
    let before = state.templates(None).expect("whole").len();
    let (at, _) = in_log(&site, &state, 2);
    drop(state);
    *site.tables.kept.lock().expect("lock") = None;
    site.disk.misread_after_once(FILES[0], at);
    let error = site.open().err().expect("refused").to_string();
    assert!(error.contains("start again"), "{error}");
    site.disk.mend();
    let state = site.open().expect("read as it was written");
    assert_eq!(state.templates(None).expect("all are there").len(), before);
}

#[test]
fn a_compaction_that_fails_is_not_tried_at_the_next_change() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = grown(&site);
    damage_log(&site, &state, 2);
    let _ = state.templates(None).expect("the table has it");
    *site.tables.kept.lock().expect("lock") = None;
    let steps = |state: &mut State, misses| {
        let before = site.disk.steps();
        Op::Misses(Some(1), misses).run(state).expect("counted");
        site.disk.steps() - before
    };
    let (first, second) = (steps(&mut state, 1), steps(&mut state, 2));
    assert!(second < first, "{first} steps with a compaction, {second} without");
}
