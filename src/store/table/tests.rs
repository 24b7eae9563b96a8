//! What holds for every table, and a table in memory for other tests.

use std::fs::File;
use std::sync::{Arc, Mutex, mpsc};

use nix::fcntl::{Flock, FlockArg};

use super::*;
use crate::store::files::tests::Fake;
use crate::store::manifest::Entries;

/// A table in memory, whose steps count as steps of a disk.
#[derive(Clone)]
pub(in crate::store) struct FakeTable {
    pub(in crate::store) disk: Arc<Fake>,
    pub(in crate::store) kept: Arc<Mutex<Option<Entries>>>,
}

impl FakeTable {
    pub(in crate::store) fn on(disk: &Arc<Fake>) -> Self {
        Self { disk: disk.clone(), kept: Arc::default() }
    }
}

impl TableSource for FakeTable {
    fn exists(&self) -> bool {
        self.kept.lock().expect("lock").is_some()
    }

    fn open(&self) -> Result<Box<dyn Table>, String> {
        self.disk.step().map_err(|e| e.to_string())?;
        self.kept.lock().expect("lock").get_or_insert_default();
        Ok(Box::new(self.clone()))
    }

    fn set_aside(&self, _: WallTime) -> Result<String, String> {
        self.disk.step().map_err(|e| e.to_string())?;
        *self.kept.lock().expect("lock") = None;
        Ok("aside".to_owned())
    }

    fn set_aside_earlier(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Table for FakeTable {
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), String> {
        let kept = self.kept.lock().expect("lock").clone().unwrap_or_default();
        kept.iter().for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(self.kept.lock().expect("lock").as_ref().and_then(|kept| kept.get(key).cloned()))
    }

    fn apply(&self, change: &Change) -> Result<(), String> {
        self.disk.step().map_err(|e| e.to_string())?;
        let mut kept = self.kept.lock().expect("lock");
        crate::store::manifest::apply(kept.get_or_insert_default(), change.clone());
        Ok(())
    }
}

/// Waits until nobody has a table's file locked. sled unlocks by closing it, but a child that another test has just forked
/// holds a copy until it runs its own program.
pub(in crate::store) fn wait_until_unlocked(file: &Path) {
    let Ok(file) = File::open(file) else { return };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(Flock::lock(file, FlockArg::LockExclusive).map(drop).is_ok()));
    let unlocked = receiver.recv_timeout(Duration::from_secs(300));
    assert_eq!(unlocked, Ok(true), "the table is still open");
}

fn load(table: &dyn Table) -> Result<Entries, String> {
    let mut entries = Entries::new();
    table.each(&mut |key, value| {
        entries.insert(key.to_vec(), value.to_vec());
    })?;
    Ok(entries)
}

fn table_in(folder: &tempfile::TempDir) -> TableFolder {
    TableFolder::new(folder.path().join("t"), crate::store::sled::open)
}

fn pair(key: &str, value: Option<&str>) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.into(), value.map(Into::into))
}

#[test]
fn changes_survive_reopening() {
    let folder = tempfile::tempdir().expect("folder");
    let tables = table_in(&folder);
    assert!(!tables.exists());
    let table = tables.open().expect("made");
    assert!(load(&*table).expect("read").is_empty() && tables.exists());
    table.apply(&vec![pair("a", Some("1")), pair("b", Some("2")), pair("c", Some(""))]).expect("applied");
    table.apply(&vec![pair("a", None), pair("b", Some("3")), pair("nothing", None)]).expect("applied");
    drop(table);
    wait_until_unlocked(&folder.path().join("t/db"));
    let entries = load(&*tables.open().expect("opens")).expect("read");
    assert_eq!(
        entries,
        [pair("b", Some("3")), pair("c", Some(""))].map(|(k, v)| (k, v.expect("some"))).into()
    );
}

#[test]
fn two_of_one_table_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let tables = table_in(&folder);
    let _first = tables.open().expect("made");
    assert!(tables.open().is_err());
}

#[test]
fn a_damaged_table_is_moved_aside_and_only_the_newest_are_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let tables = table_in(&folder);
    for now in [5, 5, 4, 9] {
        drop(tables.open().expect("made"));
        tables.set_aside(WallTime(now)).expect("moved");
        assert!(!tables.exists());
    }
    assert_eq!(tables.set_aside_earlier().len(), KEPT_ASIDE);
}

#[test]
fn a_panic_is_an_error() {
    struct Panics;
    impl Table for Panics {
        fn each(&self, _: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), String> {
            panic!("as sled does over damaged files")
        }
        fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, String> {
            panic!("as sled does over damaged files")
        }
        fn apply(&self, _: &Change) -> Result<(), String> {
            panic!("as sled does over damaged files")
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as sled does when a write fails")
        }
    }
    let tables = TableFolder::new("nowhere".into(), |_| Ok(Box::new(Panics)));
    let table = tables.open().expect("opens");
    assert!(load(&*table).is_err() && table.apply(&Change::new()).is_err());
    drop(table);
    let tables = TableFolder::new("nowhere".into(), |_| panic!("at opening"));
    assert!(tables.open().map(|_| ()).expect_err("damaged").contains("panicked"));
}
