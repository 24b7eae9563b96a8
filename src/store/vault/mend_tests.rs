//! Damaged and older stores on a real folder.

use std::fs;

use super::tests::{Place, add, ids, user};
use super::*;
use crate::embed::Embedding;

const SHA: &str = "ab";

/// Each file of a store, damaged in turn: nothing is missing afterwards, and what was mended is said.
#[test]
fn each_file_is_mended_from_the_others() {
    let files = |place: &Place| -> Vec<PathBuf> {
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
        let place = Place::new();
        let store = place.open();
        add(&store, &[("alice", "1"), ("bob", "2")]).expect("added");
        add(&store, &[("carol", "3")]).expect("added");
        store.remove(&user("bob"), None).expect("removed");
        store.set_attempts(None, Attempts { misses: 2, last_miss: WallTime(9) }).expect("kept");
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
                place.open_for(SHA, TurnKind::Rotation).unwrap_or_else(|e| panic!("{name} {what}: {e}"));
            assert_eq!(ids(&store, None), ["1", "3"], "{name} {what}");
            assert_eq!(store.attempts(None).expect("read").misses, 2, "{name} {what}");
            let health = store.health();
            assert_ne!(health.condition, Condition::Lossy, "{name} {what}: {health:?}");
            if bytes.len() > 8 && (name.starts_with("keyring") || name == "templates.bak") {
                assert!(!health.notes.is_empty(), "{name} {what} was mended without a word");
            }
            add(&store, &[("dave", "4")]).expect("added");
            drop(store);
            assert_eq!(ids(&place.open(), None), ["1", "3", "4"], "{name} {what}: once more");
        }
    }
}

#[test]
fn records_and_backup_both_gone_is_said_and_not_taken_for_an_empty_store() {
    let place = Place::new();
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
fn damage_to_both_copies_at_once_is_lossy_and_says_so() {
    let place = Place::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    {
        let mut inner = store.lock();
        let (manifest, entries) = (inner.manifest.clone(), inner.entries.clone());
        inner.backup.begin_anew(&manifest, &entries).expect("a second generation");
    }
    add(&store, &[("bob", "2")]).expect("added");
    drop(store);
    fs::remove_dir_all(place.store().join("records")).expect("removed");
    fs::write(place.store().join("templates.bak"), "rubbish").expect("written");
    let store = place.open();
    let health = store.health();
    assert_eq!(health.condition, Condition::Lossy);
    assert!(health.notes.iter().any(|note| note.contains("lost")), "{health:?}");
    assert_eq!(ids(&store, None), ["1"], "the generation before");
    drop(store);
    assert_eq!(place.open().health().condition, Condition::Whole, "and from there on it is a store again");
}

/// `tests/data/store-v1` was written by the version before sealing.
#[test]
fn a_store_of_the_first_schema_is_sealed_and_destroyed() {
    const FIXTURE_SHA: &str = "65a7f216926cb6ae114ce65aed30f5e7466fa0c0c6496349033ae46e22d56659";
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/store-v1/store");
    let fill = |place: &Place| {
        fs::create_dir(place.store()).expect("made");
        for name in ["db", "conf"] {
            fs::copy(fixture.join(name), place.store().join(name)).expect("copied");
        }
    };
    let open = |place: &Place| {
        let store = place.store();
        let keys = KeySource::new(&store, Path::new(""), None);
        let turn = (TurnKind::Rotation, 128);
        Vault::open(&Opening { folder: &store, keys, embedder_sha256: FIXTURE_SHA, turn, now: WallTime(1) })
    };
    let check = |store: &Vault| {
        let snapshot = store.snapshot().expect("read");
        let found: Vec<_> = snapshot.templates.iter().map(|t| (t.user.as_str(), t.label.as_str())).collect();
        assert_eq!(found, [("alice", "look 1"), ("alice", "look 2"), ("alice", "look 3"), ("bob", "look 4")]);
        for (k, template) in (1..).zip(&snapshot.templates) {
            let face = (0..128).map(|i| ((k * 31 + i * 17) % 101) as f32 - 49.75).collect();
            let (face, back) =
                (Embedding::new(face).expect("valid"), snapshot.turn.undo(&template.embedding));
            let off = face.values().iter().zip(back.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-6, "look {k} is off by {off}");
        }
        assert_eq!(store.attempts(Some(&user("alice"))).expect("read").misses, 4);
        assert_eq!(store.attempts(None).expect("read").misses, 2);
    };

    let place = Place::new();
    fill(&place);
    assert!(place.has(b"alice") && place.has(b"look 1"));
    check(&open(&place).expect("taken over"));
    assert!(!place.has(b"alice") && !place.has(b"look 1"), "nothing in the clear stays behind");
    assert!(!place.store().join("db").exists() && !place.store().join("migrating").exists());
    check(&open(&place).expect("opens again"));

    // Cut short: a mark, half a new store, and the old one. It begins anew.
    let half = Place::new();
    fill(&half);
    fs::write(half.store().join("migrating"), "").expect("written");
    fs::write(half.store().join("keyring.a"), "half").expect("written");
    check(&open(&half).expect("taken over"));

    // For another embedder: refused, and the old store is as it was.
    let other = Place::new();
    fill(&other);
    let error = other.open_for("cd", TurnKind::Rotation).map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("made for the embedder") && other.has(b"alice"), "{error}");
    check(&open(&other).expect("with the right embedder it is taken over"));
}

/// A new store key that is in use already, while its file still has the other name: the next one does not cost it.
#[test]
fn another_new_key_never_costs_the_one_in_use() {
    let place = Place::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    let key = place.store().with_file_name("store.key");
    let new = place.store().with_file_name("store.key.new");
    let old = fs::read(&key).expect("read");
    store.renew_key().expect("renewed");
    // As if the two files could not be exchanged.
    fs::rename(&key, &new).expect("renamed");
    fs::write(&key, old).expect("written");
    // Nor can the keyring be written now.
    let blocked = place.store().join("keyring.a.new");
    fs::create_dir(&blocked).expect("made");
    assert!(store.renew_key().is_err());
    drop(store);
    fs::remove_dir(&blocked).expect("removed");
    assert_eq!(ids(&place.open(), None), ["1"]);
    assert!(!new.exists(), "the key in use has its name again, and there is no other");
}
