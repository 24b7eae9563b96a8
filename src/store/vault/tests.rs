//! The store in a real folder.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::embed::{Embedding, KeyKind};
use crate::people::Account;
use crate::store::record::SealedRecord;
use crate::store::table::tests::wait_until_unlocked;
use crate::store::{CREDENTIAL, MAX_TEMPLATES, record};

const SHA: &str = "ab";

/// A temporary folder with a store in it.
pub(super) struct TempStore {
    folder: tempfile::TempDir,
    credentials: Option<tempfile::TempDir>,
}

impl TempStore {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder"), credentials: None }
    }

    pub(super) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(super) fn open_for(&self, sha: &str, kind: KeyKind) -> Result<Vault, StoreError> {
        // A vault that is open holds its lock, and is not waited for.
        let lock =
            fs::File::open(self.store().join(LOCK)).map(|f| Flock::lock(f, FlockArg::LockExclusiveNonblock));
        if lock.is_ok_and(|lock| lock.is_ok()) {
            wait_until_unlocked(&self.store().join(TABLE).join("db"));
        }
        let (store, now) = (self.store(), WallTime(1_700_000_000));
        let credentials = self.credentials.as_ref().map(|folder| folder.path().as_os_str());
        let keys = KeySource::new(&store, Path::new(""), credentials);
        Vault::open(&VaultOptions {
            folder: &store,
            keys,
            embedder_sha256: sha,
            template_key: TemplateKeySpec { kind, length: 4 },
            now,
        })
    }

    pub(super) fn open(&self) -> Vault {
        self.open_for(SHA, KeyKind::Rotation).expect("opens")
    }

    pub(super) fn refusal(&self) -> String {
        self.open_for(SHA, KeyKind::Rotation).map(|_| ()).expect_err("refused").to_string()
    }

    fn give_credential(&mut self, byte: u8) {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join(CREDENTIAL), [byte; 32]).expect("written");
        self.credentials = Some(folder);
    }

    /// Every file below the store and its key, with its bytes.
    fn raw(&self) -> Vec<u8> {
        fn walk(folder: &Path, all: &mut Vec<u8>) {
            for entry in fs::read_dir(folder).expect("listed") {
                let path = entry.expect("listed").path();
                if path.is_dir() { walk(&path, all) } else { all.extend(fs::read(path).expect("read")) }
            }
        }
        let mut all = Vec::new();
        walk(self.folder.path(), &mut all);
        all
    }

    pub(super) fn has(&self, part: &[u8]) -> bool {
        self.raw().windows(part.len()).any(|window| window == part)
    }
}

pub(super) fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

fn template(store: &Vault, name: &str, id: &str) -> Template {
    let face = Embedding::new(vec![0.5, -0.5, 0.5, id.len() as f32]).expect("valid");
    Template {
        id: id.into(),
        user: user(name),
        label: "glasses".into(),
        created_at: WallTime(1),
        account: Account::Door,
        embedder_sha256: SHA.into(),
        allow_child: false,
        live: None,
        adapted: false,
        embedding: store.snapshot().expect("read").template_key.apply(&face),
    }
}

pub(super) fn add(store: &Vault, names: &[(&str, &str)]) -> Result<(), StoreError> {
    let templates: Vec<_> = names.iter().map(|(name, id)| template(store, name, id)).collect();
    store.add(&templates)
}

/// A record as it is sealed.
fn entry(store: &Vault, id: &str) -> Vec<u8> {
    store.lock().parts().0.read(&record::entry_key(id)).expect("read").expect("there")
}

pub(super) fn ids(store: &Vault, name: Option<&str>) -> Vec<String> {
    let found = store.templates(name.map(user).as_ref()).expect("read");
    found.into_iter().map(|t| t.id).collect()
}

#[test]
fn templates_and_misses_survive_reopening() {
    let place = TempStore::new();
    {
        let store = place.open();
        add(&store, &[("al", "1"), ("alice", "2"), ("alice", "3")]).expect("added");
        store
            .set_misses(Some(&user("al")), Misses { count: 4, last_miss: WallTime(9), ..Misses::default() })
            .expect("kept");
        store
            .set_misses(None, Misses { count: 2, last_miss: WallTime(9), ..Misses::default() })
            .expect("kept");
    }
    let store = place.open();
    assert_eq!(ids(&store, None), ["1", "2", "3"]);
    assert_eq!(ids(&store, Some("al")), ["1"]);
    assert_eq!(store.misses(Some(&user("al"))).expect("read").count, 4);
    assert_eq!(store.misses(None).expect("read").count, 2);
    assert_eq!(store.misses(Some(&user("identify"))).expect("read").count, 0);
    let wanted = Health { users: 2, templates: 3, ..Health::default() };
    assert_eq!(store.health(), wanted);
}

#[test]
fn removing_one_leaves_the_others_and_removing_all_forgets_the_misses() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1"), ("alice", "2"), ("bob", "3")]).expect("added");
    store
        .set_misses(Some(&user("alice")), Misses { count: 4, last_miss: WallTime(9), ..Misses::default() })
        .expect("kept");
    let before = store.revision();
    assert_eq!(store.remove(&user("alice"), Some("1")).expect("removed"), 1);
    assert!(store.revision() > before);
    assert_eq!(store.remove(&user("alice"), Some("nope")).expect("nothing"), 0);
    assert_eq!(store.remove(&user("alice"), Some("3")).expect("nothing"), 0, "bob's");
    assert_eq!(store.remove(&user("alice"), None).expect("removed"), 1);
    assert_eq!(store.misses(Some(&user("alice"))).expect("read"), Misses::default());
    assert_eq!(store.remove(&user("alice"), None).expect("nothing"), 0);
    assert_eq!(ids(&store, None), ["3"]);
}

#[test]
fn a_store_of_another_embedder_is_refused_until_it_is_empty() {
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    let error = place.open_for("cd", KeyKind::Rotation).map(|_| ()).expect_err("refused").to_string();
    assert!(
        error.contains("made for the embedder with sha256 ab") && error.contains("enrol everybody"),
        "{error}"
    );
    place.open().remove(&user("alice"), None).expect("removed");
    assert!(place.open_for("cd", KeyKind::Rotation).is_ok());
}

#[test]
fn one_user_cannot_fill_the_store_and_nothing_is_half_added() {
    let place = TempStore::new();
    let store = place.open();
    let names: Vec<String> = (0..=MAX_TEMPLATES).map(|i| i.to_string()).collect();
    let many: Vec<_> = names.iter().map(|id| ("alice", id.as_str())).collect();
    assert!(matches!(add(&store, &many), Err(StoreError::Full { wanted: 33, .. })));
    assert!(ids(&store, None).is_empty());
    add(&store, &many[1..]).expect("32 fit");
    assert!(matches!(add(&store, &[("bob", "5")]), Err(StoreError::Taken { .. })), "ids are taken once");
}

#[test]
fn two_daemons_on_one_store_are_refused() {
    let place = TempStore::new();
    let _first = place.open();
    let error = place.refusal();
    assert!(error.contains("held by another daemon"), "{error}");
}

#[test]
fn nothing_that_is_kept_can_be_read_without_the_key() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alexandria", "0123456789abcdef0123456789abcdef")]).expect("added");
    store
        .set_misses(
            Some(&user("alexandria")),
            Misses { count: 4, last_miss: WallTime(9), ..Misses::default() },
        )
        .expect("kept");
    let value = store.templates(None).expect("read")[0].embedding.values()[1].to_le_bytes();
    drop(store);
    for part in [&b"alexandria"[..], b"glasses", b"misses", &value] {
        assert!(!place.has(part), "{:?}", String::from_utf8_lossy(part));
    }
    assert!(place.has(b"0123456789abcdef"), "the search finds what is there: random ids");
}

#[test]
fn a_removed_users_key_is_in_no_file() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    let slot = fs::read(place.store().join("keyring.a")).expect("read")[256..].to_vec();
    let record = entry(&store, "1");
    assert!(place.has(&slot) && place.has(&record));
    store.remove(&user("alice"), None).expect("removed");
    assert!(!place.has(&slot), "the wrapped key");
    assert!(place.has(&record), "the record that it opened is still in the log");
    drop(store);
    assert!(
        place
            .open()
            .lock()
            .parts()
            .1
            .keyring()
            .key(&SealedRecord::parse(&record).expect("whole").key)
            .is_none()
    );
}

#[test]
fn a_wrong_key_is_refused_and_never_a_fresh_start() {
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    let key = place.folder.path().join("store.key");
    let good = fs::read(&key).expect("read");
    fs::write(&key, [7; 32]).expect("written");
    let error = place.refusal();
    assert!(error.contains("another key") && error.contains("store.key"), "{error}");
    fs::remove_file(&key).expect("removed");
    let error = place.refusal();
    assert!(error.contains("missing") && error.contains("put it back"), "{error}");
    assert!(!key.exists());
    fs::write(&key, good).expect("written");
    assert_eq!(ids(&place.open(), None), ["1"]);
}

#[test]
fn another_key_wraps_the_same_store() {
    let mut place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1")]).expect("added");
    let key = place.folder.path().join("store.key");
    let (before, mirror) =
        (fs::read(&key).expect("read"), fs::read(place.store().join("keyring.a")).expect("read"));
    store.renew_key().expect("renewed");
    assert_ne!(fs::read(&key).expect("read"), before);
    assert!(!place.has(&before) && !place.has(&mirror[16..256]), "the old key and the old wrapping are gone");
    assert_eq!(ids(&store, None), ["1"]);
    add(&store, &[("bob", "2")]).expect("added");
    drop(store);
    assert_eq!(ids(&place.open(), None), ["1", "2"]);

    // Then an administrator sets a credential, and later another one.
    place.give_credential(1);
    assert_eq!(ids(&place.open(), None), ["1", "2"]);
    assert!(matches!(place.open().renew_key(), Err(StoreError::KeyIsCredential { .. })));
    fs::write(&key, [1; 32]).expect("the old credential as key file");
    place.give_credential(2);
    assert_eq!(ids(&place.open(), None), ["1", "2"]);
    fs::remove_file(&key).expect("no longer needed");
    assert_eq!(ids(&place.open(), None), ["1", "2"]);
    place.give_credential(3);
    assert!(place.refusal().contains("another key"));
}

#[test]
fn a_key_rotation_that_was_cut_short_is_finished() {
    for mirrors in 0..=2 {
        let place = TempStore::new();
        let store = place.open();
        add(&store, &[("alice", "1")]).expect("added");
        let read = |name: &str| fs::read(place.store().join(name)).expect("read");
        let (key, old) = (place.folder.path().join("store.key"), [read("keyring.a"), read("keyring.b")]);
        let old_key = fs::read(&key).expect("read");
        store.renew_key().expect("renewed");
        drop(store);
        // As if the power had gone after this many mirrors, before the key files were exchanged.
        fs::copy(&key, place.folder.path().join("store.key.new")).expect("copied");
        fs::write(&key, old_key).expect("written");
        for (name, old) in ["keyring.a", "keyring.b"].iter().zip(old).skip(mirrors) {
            fs::write(place.store().join(name), old).expect("written");
        }
        assert_eq!(ids(&place.open(), None), ["1"], "{mirrors} mirrors were written");
        assert!(!place.folder.path().join("store.key.new").exists());
        assert_eq!(ids(&place.open(), None), ["1"]);
    }
}

#[test]
fn renewed_templates_are_the_same_faces_in_other_axes() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1"), ("bob", "22")]).expect("added");
    let faces = |store: &Vault| {
        let snapshot = store.snapshot().expect("read");
        let both = snapshot.templates.iter().map(|t| {
            (t.embedding.values().to_vec(), snapshot.template_key.undo(&t.embedding).expect("one key"))
        });
        both.collect::<Vec<_>>()
    };
    let (before, late) = (faces(&store), template(&store, "carol", "3"));
    assert_eq!(store.renew().expect("renewed"), 2);
    assert!(matches!(store.add(&[late]), Err(StoreError::Renewed)));
    drop(store);
    let after = faces(&place.open());
    for ((kept, face), (kept_now, face_now)) in before.iter().zip(&after) {
        let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off(face.values(), face_now.values()) < 1e-6 && off(kept, kept_now) > 1e-3);
    }
}

#[test]
fn another_kind_of_head_renews_the_templates() {
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    let store = place.open_for(SHA, KeyKind::Permutation).expect("opens");
    assert!(store.snapshot().expect("read").template_key.permutation().is_some());
    assert_eq!(ids(&store, None), ["1"]);
}

#[test]
fn a_damaged_record_is_named_and_not_left_out() {
    let place = TempStore::new();
    let store = place.open();
    add(&store, &[("alice", "1"), ("bob", "2")]).expect("added");
    let bobs = entry(&store, "2");
    store.lock().parts().0.commit(vec![(record::entry_key("1"), Some(bobs))]).expect("swapped");
    let error = store.templates(None).map(|_| ()).expect_err("bob's face under alice's name");
    assert!(matches!(&error, StoreError::Damaged { record, .. } if record == "1"), "{error}");
}

#[test]
fn every_file_is_private_and_so_is_every_folder() {
    use std::os::unix::fs::PermissionsExt;
    let place = TempStore::new();
    add(&place.open(), &[("alice", "1")]).expect("added");
    let store = place.open();
    let mut folders = vec![place.store()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).expect("listed") {
            let path = entry.expect("listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 6, "{seen} files");
    drop(store);
    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let folder = file.path().join("store");
    let keys = KeySource::new(&folder, Path::new(""), None);
    let template_key = TemplateKeySpec { kind: KeyKind::Rotation, length: 4 };
    let options =
        VaultOptions { folder: &folder, keys, embedder_sha256: SHA, template_key, now: WallTime(1) };
    let error = Vault::open(&options).map(|_| ()).expect_err("no folder").to_string();
    assert!(error.contains("cannot be opened"), "{error}");
}

#[test]
fn adapted_templates_survive_reopening_and_a_new_key_and_go_with_the_last_enrolled_one() {
    let place = TempStore::new();
    {
        let store = place.open();
        add(&store, &[("alice", "1"), ("alice", "2")]).expect("added");
        store.add(&[Template { adapted: true, ..template(&store, "alice", "33") }]).expect("added");
        store.renew().expect("renewed");
    }
    let store = place.open();
    assert_eq!(store.templates(None).expect("read").iter().filter(|template| template.adapted).count(), 1);
    assert_eq!(store.remove(&user("alice"), Some("1")).expect("removed"), 1);
    assert_eq!(ids(&store, None), ["2", "33"]);
    assert_eq!(store.remove(&user("alice"), Some("2")).expect("removed"), 2);
    assert_eq!(ids(&store, None), [""; 0]);
}
