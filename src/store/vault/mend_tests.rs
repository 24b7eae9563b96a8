//! Damaged stores in a real folder.

use std::fs;
use std::path::PathBuf;

use super::tests::{TempStore, add, ids, user};
use super::*;
use crate::embed::KeyKind;
use crate::store::Condition;

const SHA: &str = "ab";

/// Each file of a store is damaged in turn: nothing is missing afterwards, and repairs are reported.
#[test]
fn each_file_is_mended_from_the_others() {
    let files = |place: &TempStore| -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![place.store()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("listed") {
                let path = entry.expect("listed").path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    };
    let filled = || {
        let place = TempStore::new();
        let store = place.open();
        add(&store, &[("alice", "1"), ("bob", "2")]).expect("added");
        add(&store, &[("carol", "3")]).expect("added");
        store.remove(&user("bob"), None).expect("removed");
        store
            .set_misses(None, Misses { count: 2, last_miss: WallTime(9), ..Misses::default() })
            .expect("kept");
        drop(store);
        place
    };
    let count = files(&filled()).len();
    assert!(count >= 5, "{:?}", files(&filled()));
    type Harm = fn(&Path, &[u8]);
    let harms: [(&str, Harm); 4] = [
        ("removed", |path, _| fs::remove_file(path).expect("removed")),
        ("emptied", |path, _| fs::write(path, []).expect("written")),
        ("halved", |path, bytes| fs::write(path, &bytes[..bytes.len() / 2]).expect("written")),
        ("zeroed", |path, bytes| fs::write(path, vec![0; bytes.len()]).expect("written")),
    ];
    for which in 0..count {
        for (what, harm) in harms {
            let place = filled();
            let path = &files(&place)[which];
            let bytes = fs::read(path).expect("read");
            harm(path, &bytes);
            let name = path.strip_prefix(place.store()).expect("inside").display().to_string();
            let store =
                place.open_for(SHA, KeyKind::Rotation).unwrap_or_else(|e| panic!("{name} {what}: {e}"));
            assert_eq!(ids(&store, None), ["1", "3"], "{name} {what}");
            assert_eq!(store.misses(None).expect("read").count, 2, "{name} {what}");
            let health = store.health();
            assert_ne!(health.condition, Condition::Lossy, "{name} {what}: {health:?}");
            if bytes.len() > 8 && (name.starts_with("keyring") || name == "templates.bak") {
                assert!(!health.notes.is_empty(), "{name} {what} was mended silently");
            }
            add(&store, &[("dave", "4")]).expect("added");
            drop(store);
            assert_eq!(ids(&place.open(), None), ["1", "3", "4"], "{name} {what}: second start");
        }
    }
}

#[test]
fn a_missing_table_and_log_are_reported_and_not_taken_for_an_empty_store() {
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    fs::remove_dir_all(place.store().join("records")).expect("removed");
    fs::remove_file(place.store().join("templates.bak")).expect("removed");
    let error = place.refusal();
    assert!(error.contains("damaged or missing") && error.contains("import"), "{error}");
    fs::remove_file(place.store().join("keyring.a")).expect("removed");
    fs::remove_file(place.store().join("keyring.b")).expect("removed");
    fs::write(place.store().join("templates.bak"), "x").expect("written");
    assert!(place.refusal().contains("both copies of the keyring"));
}

#[test]
fn a_table_that_was_missing_is_not_called_damaged() {
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    fs::remove_dir_all(place.store().join("records")).expect("removed");
    let store = place.open();
    let notes = store.health().notes;
    assert!(notes.len() == 1 && notes[0].contains("the table was missing"), "{notes:?}");
    assert!(!notes[0].contains(" is in "), "nothing was moved aside: {notes:?}");
    assert_eq!(ids(&store, None), ["1"]);
}

/// sled answers some flipped bits with an older state that is whole in itself.
#[test]
fn a_flipped_bit_of_the_table_without_a_log_is_never_silent() {
    let filled = || {
        let place = TempStore::new();
        let store = place.open();
        add(&store, &[("alice", "1"), ("alice", "2")]).expect("added");
        for count in 1..6 {
            let misses = Misses { count, last_miss: WallTime(9), ..Misses::default() };
            store.set_misses(Some(&user("alice")), misses).expect("kept");
        }
        drop(store);
        fs::remove_file(place.store().join("templates.bak")).expect("removed");
        place
    };
    let bytes = fs::read(filled().store().join("records/db")).expect("read");
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut older = 0;
    for at in used.iter().step_by(used.len() / 40 + 1) {
        let place = filled();
        let path = place.store().join("records/db");
        let mut flipped = fs::read(&path).expect("read");
        flipped[*at] ^= 1;
        fs::write(&path, flipped).expect("written");
        let Ok(store) = place.open_for(SHA, KeyKind::Rotation) else { continue };
        let misses = store.misses(Some(&user("alice"))).expect("read").count;
        if ids(&store, None).len() == 2 && misses == 5 {
            continue;
        }
        older += 1;
        let health = store.health();
        assert!(
            health.condition == Condition::Lossy && health.remark().is_some_and(|r| r.contains("lost")),
            "byte {at}: {misses} misses, {health:?}"
        );
    }
    assert!(older > 0, "no flip brought back an older state: the test shows nothing");
}

#[test]
fn damage_to_table_and_log_at_once_is_lossy_and_reported() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    store.lock().parts().0.forget_history().expect("a previous log that has alice");
    add(&store, &[("bob", "2")]).expect("added");
    drop(store);
    fs::remove_dir_all(place.store().join("records")).expect("removed");
    fs::write(place.store().join("templates.bak"), "rubbish").expect("written");
    let store = place.open();
    let health = store.health();
    assert_eq!(health.condition, Condition::Lossy);
    assert!(health.notes.iter().any(|note| note.contains("lost")), "{health:?}");
    assert_eq!(ids(&store, None), ["1"], "the previous change log");
    drop(store);
    assert_eq!(place.open().health().condition, Condition::Whole, "and from there on it is a store again");
}

/// The store key in use is still under the name of a new one: another renewal must not lose it.
#[test]
fn another_new_key_never_replaces_the_one_in_use() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    let key = place.store().with_file_name("store.key");
    let new = place.store().with_file_name("store.key.new");
    let old = fs::read(&key).expect("read");
    store.renew_key().expect("renewed");
    // As if the two files could not be exchanged.
    fs::rename(&key, &new).expect("renamed");
    fs::write(&key, old).expect("written");
    // Now the keyring cannot be written either.
    let blocked = place.store().join("keyring.a.new");
    fs::create_dir(&blocked).expect("made");
    assert!(store.renew_key().is_err());
    drop(store);
    fs::remove_dir(&blocked).expect("removed");
    assert_eq!(ids(&place.open(), None), ["1"]);
    assert!(!new.exists(), "the key in use has its name again, and there is no other");
}
