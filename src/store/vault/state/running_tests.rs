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

/// Flips a bit in the log's copy of a record.
fn damage_log(site: &Site, state: &State, record: u32) {
    let key = record::entry_key(&id(record));
    let value = state.ledger.read(&key).expect("read").expect("there");
    let log = site.disk.read(FILES[0]).expect("read").expect("there");
    let at = log.windows(value.len()).position(|window| window == value).expect("in the log") + 30;
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
    state.ledger.forget_history().expect("compacted from both");
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
