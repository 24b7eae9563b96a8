//! A disk in memory that can lose power or fill up at any step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::head::project::SplitMix64;

/// What happens at the chosen step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Fault {
    /// The power goes: this step and all that follow fail.
    Power,
    /// No room: this one step fails, after half of it.
    Full,
    /// Each step fails from this one on: no room, and a disk that cannot be written at all.
    FullForGood,
    /// From this step on no file grows and none is made; what is there can be overwritten.
    NoRoom,
}

#[derive(Clone, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    /// Every state of the names since the last sync, the synced one first.
    history: Vec<BTreeMap<String, usize>>,
    steps: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    misread: Option<Misread>,
}

/// A byte that is read well so many times, and with a bit flipped from then on.
struct Misread {
    file: usize,
    at: usize,
    good: usize,
}

/// The disk.
#[derive(Default)]
pub(in crate::store) struct Fake(Arc<Mutex<State>>);

/// One of its files.
struct FakeFile(Arc<Mutex<State>>, usize);

impl Reader for FakeFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.lock().expect("lock").files[self.1].now.len() as u64)
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        (&state.files[self.1].now[..]).read_at(at, bytes)?;
        let misread = state.misread.as_mut().filter(|misread| misread.file == self.1);
        if let Some(misread) = misread
            && let Some(byte) = misread.at.checked_sub(at as usize).and_then(|at| bytes.get_mut(at))
        {
            *byte ^= u8::from(misread.good == 0);
            misread.good = misread.good.saturating_sub(1);
        }
        Ok(())
    }
}

impl Fake {
    /// With a fault at a step, counted from now on.
    pub(in crate::store) fn plan(&self, step: u64, fault: Fault) {
        let mut state = self.0.lock().expect("lock");
        state.fault = Some((state.steps + step, fault));
    }

    /// Steps so far.
    pub(in crate::store) fn steps(&self) -> u64 {
        self.0.lock().expect("lock").steps
    }

    /// From now on a [`Reader`] gets this byte of a file right once, and flipped from then on.
    pub(in crate::store) fn misread_after_once(&self, name: &str, at: usize) {
        let mut state = self.0.lock().expect("lock");
        let file = state.names[name];
        state.misread = Some(Misread { file, at, good: 1 });
    }

    /// No fault any more.
    pub(in crate::store) fn mend(&self) {
        let mut state = self.0.lock().expect("lock");
        (state.fault, state.misread) = (None, None);
    }

    /// Counts a step that needs room; fails if that is planned.
    pub(in crate::store) fn step(&self) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        state.step().map_err(|(error, _)| error)?;
        if state.is_without_room() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Every byte that a reader of the raw disk could find now.
    pub(in crate::store) fn raw(&self) -> Vec<u8> {
        let state = self.0.lock().expect("lock");
        state.files.iter().flat_map(|file| [&file.now[..], &file.durable].concat()).collect()
    }

    /// The disk after the power went: what was not on it may be there, in part, or not at all.
    pub(in crate::store) fn reboot(&self, seed: u64) -> Self {
        let state = self.0.lock().expect("lock");
        let mut random = SplitMix64(seed);
        let mut files = state.files.clone();
        for file in &mut files {
            let mut survived = file.durable.clone();
            for pending in &file.pending {
                match (pending, random.below(3)) {
                    (_, 0) => {}
                    (Pending::Cut(length), _) => survived.resize(*length, 0),
                    (Pending::Write(at, bytes), how) => {
                        let kept = if how == 1 { bytes.len() } else { random.below(bytes.len() + 1) };
                        put(&mut survived, *at, &bytes[..kept]);
                    }
                }
            }
            *file = Contents { now: survived.clone(), durable: survived, pending: Vec::new() };
        }
        let mut history = state.history.clone();
        history.push(state.names.clone());
        let names = history.swap_remove(random.below(history.len()));
        Self(Arc::new(Mutex::new(State { files, history: vec![names.clone()], names, ..State::default() })))
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

impl State {
    /// `Err` with whether half of the step is still done.
    fn step(&mut self) -> Result<(), (io::Error, bool)> {
        self.steps += 1;
        if self.dead {
            return Err((io::Error::other("no power"), false));
        }
        let Some((at, fault)) = self.fault else { return Ok(()) };
        match fault {
            Fault::Power if self.steps == at => {
                self.dead = true;
                Err((io::Error::other("no power"), true))
            }
            Fault::Full if self.steps == at => Err((ErrorKind::StorageFull.into(), true)),
            Fault::FullForGood if self.steps >= at => Err((ErrorKind::StorageFull.into(), true)),
            _ => Ok(()),
        }
    }

    fn is_without_room(&self) -> bool {
        self.fault.is_some_and(|(at, fault)| fault == Fault::NoRoom && self.steps >= at)
    }

    fn renamed(&mut self, change: impl FnOnce(&mut BTreeMap<String, usize>) -> Option<()>) -> io::Result<()> {
        self.step().map_err(|(error, _)| error)?;
        let before = self.names.clone();
        change(&mut self.names).ok_or(ErrorKind::NotFound)?;
        self.history.push(before);
        Ok(())
    }
}

impl Disk for Fake {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let state = self.0.lock().expect("lock");
        Ok(state.names.get(name).map(|file| state.files[*file].now.clone()))
    }

    fn reader(&self, name: &str) -> io::Result<Option<Box<dyn Reader>>> {
        let file = self.0.lock().expect("lock").names.get(name).copied();
        Ok(file.map(|file| Box::new(FakeFile(self.0.clone(), file)) as Box<dyn Reader>))
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.read(name)?.map(|file| file.len() as u64))
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        let length = state.names.get(name).map_or(0, |file| state.files[*file].now.len());
        let grows = state.is_without_room() && length < at as usize + bytes.len();
        let step = state.step().and(if grows { Err((ErrorKind::StorageFull.into(), true)) } else { Ok(()) });
        let kept = match &step {
            Ok(()) => bytes,
            Err((_, true)) => &bytes[..bytes.len() / 2],
            Err((_, false)) => return step.map_err(|(error, _)| error),
        };
        if !state.names.contains_key(name) {
            let before = state.names.clone();
            state.history.push(before);
            state.files.push(Contents::default());
            let file = state.files.len() - 1;
            state.names.insert(name.to_owned(), file);
        }
        let file = state.names[name];
        let file = &mut state.files[file];
        put(&mut file.now, at as usize, kept);
        file.pending.push(Pending::Write(at as usize, kept.to_vec()));
        step.map_err(|(error, _)| error)
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        state.step().map_err(|(error, _)| error)?;
        let file = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        let file = &mut state.files[file];
        file.now.resize(length as usize, 0);
        file.pending.push(Pending::Cut(length as usize));
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        state.step().map_err(|(error, _)| error)?;
        let file = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        let file = &mut state.files[file];
        file.durable = file.now.clone();
        file.pending.clear();
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        state.step().map_err(|(error, _)| error)?;
        state.history.clear();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.lock().expect("lock").renamed(|names| {
            let file = names.remove(from)?;
            names.insert(to.to_owned(), file);
            Some(())
        })
    }

    fn swap(&self, one: &str, other: &str) -> io::Result<()> {
        self.0.lock().expect("lock").renamed(|names| {
            let (a, b) = (*names.get(one)?, *names.get(other)?);
            names.insert(one.to_owned(), b);
            names.insert(other.to_owned(), a);
            Some(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().expect("lock");
        if !state.names.contains_key(name) {
            return Ok(());
        }
        state.renamed(|names| names.remove(name).map(|_| ()))
    }
}

/// The real folder and the one in memory do the same.
#[test]
fn a_file_is_replaced_whole_and_its_old_bytes_are_gone() {
    let folder = tempfile::tempdir().expect("folder");
    let real = Folder::new(folder.path()).expect("folder");
    for disk in [&real as &dyn Disk, &Fake::default()] {
        replace(disk, "a", b"first").expect("written");
        assert_eq!(disk.read("a").expect("read").expect("there"), b"first");
        replace(disk, "a", b"2nd").expect("written");
        assert_eq!(disk.read("a").expect("read").expect("there"), b"2nd");
        assert_eq!(disk.length("a.new").expect("read"), None);
        shred(disk, "a").expect("removed");
        assert_eq!(disk.read("a").expect("read"), None);
        shred(disk, "a").expect("nothing to remove");
    }
}

#[test]
fn a_replaced_file_is_old_or_new_whenever_the_power_goes() {
    for seed in 0..20 {
        for step in 1..20 {
            let disk = Fake::default();
            replace(&disk, "a", b"first").expect("written");
            disk.plan(step, Fault::Power);
            let done = replace(&disk, "a", b"second").is_ok();
            let found = disk.reboot(seed).read("a").expect("read").expect("there");
            assert!(found == b"second" || (!done && found == b"first"), "step {step}: {found:?}");
        }
    }
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("folder");
    let inside = folder.path().join("a/b");
    Folder::new(&inside).expect("made").write("f", 0, b"x").expect("written");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&inside), mode(&inside.join("f"))), (0o700, 0o600));
}
