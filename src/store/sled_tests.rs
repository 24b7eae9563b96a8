use super::*;
use crate::clock::WallTime;
use crate::embed::Embedding;

fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

fn template(name: &str, id: &str) -> Template {
    Template {
        id: id.into(),
        user: user(name),
        label: String::new(),
        created_at: WallTime(1),
        embedder_sha256: "ab".into(),
        embedding: Embedding::new(vec![1.0, 2.0]).expect("valid"),
    }
}

fn ids(store: &SledStore, name: Option<&str>) -> Vec<String> {
    let found = store.templates(name.map(user).as_ref()).expect("read");
    found.into_iter().map(|t| t.id).collect()
}

#[test]
fn templates_and_misses_survive_reopening() {
    let folder = tempfile::tempdir().expect("folder");
    {
        let store = SledStore::open(folder.path(), "ab").expect("opens");
        store.add(&[template("al", "1"), template("alice", "2"), template("alice", "3")]).expect("added");
        store.set_attempts(Some(&user("al")), Attempts { misses: 4, last_miss: WallTime(9) }).expect("kept");
        store.set_attempts(None, Attempts { misses: 2, last_miss: WallTime(9) }).expect("kept");
    }
    let store = SledStore::open(folder.path(), "ab").expect("opens again");
    assert_eq!(ids(&store, None), ["1", "2", "3"]);
    assert_eq!(ids(&store, Some("al")), ["1"], "`al` is no prefix of `alice`");
    assert_eq!(store.attempts(Some(&user("al"))).expect("read").misses, 4);
    assert_eq!(store.attempts(None).expect("read").misses, 2);
    assert_eq!(store.attempts(Some(&user("identify"))).expect("read").misses, 0);
}

#[test]
fn removing_one_leaves_the_others_and_removing_all_forgets_the_misses() {
    let folder = tempfile::tempdir().expect("folder");
    let store = SledStore::open(folder.path(), "ab").expect("opens");
    store.add(&[template("alice", "1"), template("alice", "2"), template("bob", "3")]).expect("added");
    store.set_attempts(Some(&user("alice")), Attempts { misses: 4, last_miss: WallTime(9) }).expect("kept");
    let before = store.revision();
    assert_eq!(store.remove(&user("alice"), Some("1")).expect("removed"), 1);
    assert!(store.revision() > before);
    assert_eq!(store.remove(&user("alice"), Some("nope")).expect("nothing"), 0);
    assert_eq!(store.remove(&user("alice"), None).expect("removed"), 1);
    assert_eq!(store.attempts(Some(&user("alice"))).expect("read"), Attempts::default());
    assert_eq!(ids(&store, None), ["3"]);
}

#[test]
fn a_store_of_another_embedder_is_refused_until_it_is_empty() {
    let folder = tempfile::tempdir().expect("folder");
    SledStore::open(folder.path(), "ab").expect("opens").add(&[template("alice", "1")]).expect("added");
    assert!(matches!(SledStore::open(folder.path(), "cd"), Err(StoreError::OtherEmbedder { .. })));
    SledStore::open(folder.path(), "ab").expect("opens").remove(&user("alice"), None).expect("removed");
    assert!(SledStore::open(folder.path(), "cd").is_ok());
}

#[test]
fn one_user_cannot_fill_the_store_and_nothing_is_half_added() {
    let folder = tempfile::tempdir().expect("folder");
    let store = SledStore::open(folder.path(), "ab").expect("opens");
    let many: Vec<_> = (0..=MAX_TEMPLATES).map(|i| template("alice", &i.to_string())).collect();
    assert!(matches!(store.add(&many), Err(StoreError::Full { wanted: 33, .. })));
    assert!(ids(&store, None).is_empty());
    store.add(&many[1..]).expect("32 fit");
}

#[test]
fn two_daemons_on_one_store_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let _first = SledStore::open(folder.path(), "ab").expect("opens");
    let second = SledStore::open(folder.path(), "ab").map(|_| ()).expect_err("held");
    assert!(second.to_string().contains("no other daemon"), "{second}");
}

#[test]
fn a_damaged_record_is_named_and_not_left_out() {
    let folder = tempfile::tempdir().expect("folder");
    let store = SledStore::open(folder.path(), "ab").expect("opens");
    store.add(&[template("alice", "1"), template("alice", "2")]).expect("added");
    store.templates.insert(key(&user("alice"), "2"), b"rubbish".as_slice()).expect("written");
    let error = store.templates(None).map(|_| ()).expect_err("damaged");
    assert!(matches!(&error, StoreError::Damaged { record, .. } if record.contains("alice")), "{error}");
    let moved = record::encode(&template("bob", "9"));
    store.templates.insert(key(&user("alice"), "2"), moved).expect("written");
    assert!(store.templates(None).is_err(), "a record under another's key must not let bob in as alice");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let error = SledStore::open(&file.path().join("store"), "ab").map(|_| ()).expect_err("not a folder");
    assert!(error.to_string().contains("cannot be opened"), "{error}");
}
