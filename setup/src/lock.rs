//! One setup at a time: two would write over what each other notes.

use std::fs::{File, OpenOptions, TryLockError, read_dir, read_link, read_to_string};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::geteuid;

use crate::ask::Stop;

/// The lock of this machine, in a folder that root alone may write.
pub const LOCK: &str = "/run/facelatch-setup.lock";

/// Held until it is dropped or the process ends, however it ends; and beyond that, by what was started while it was
/// [lent](Lock::lend), until that ends. The file says which process took it last.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock. Whoever was started by the setup that holds it, and [lent](Lock::lend) it, has it as well.
    ///
    /// # Errors
    /// Another setup has it, or the file cannot be written.
    pub fn take(path: &Path) -> Result<Self, Stop> {
        let failed = |error: std::io::Error| Stop(format!("{}: {error}", path.display()));
        let mut open = OpenOptions::new();
        // Not emptied: it may be another's.
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = open.open(path).map_err(failed)?;
        let holder = || read_to_string(path).ok()?.trim().parse::<u32>().ok();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if holder() == Some(parent_id()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(path, holder())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut lock = Self { file, path: path.to_owned() };
        lock.sign()?;
        Ok(lock)
    }

    /// Runs something that starts a part of this setup. It keeps the lock if this process is killed meanwhile.
    ///
    /// # Errors
    /// It fails, or the lock cannot be lent.
    pub fn lend<T>(&mut self, run: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
        self.inherit(FdFlag::empty())?;
        let ended = run();
        self.inherit(FdFlag::FD_CLOEXEC)?;
        self.sign()?;
        ended
    }

    fn inherit(&self, flag: FdFlag) -> Result<(), Stop> {
        let set = fcntl(&self.file, FcntlArg::F_SETFD(flag));
        set.map(drop).map_err(|error| Stop(format!("{}: {error}", self.path.display())))
    }

    /// Writes down who has it.
    fn sign(&mut self) -> Result<(), Stop> {
        let Self { file, path } = self;
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write().map_err(|error| Stop(format!("{}: {error}", path.display())))
    }
}

/// Somebody else than root asked for what only root may.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: only root may; run `sudo {command}`")]
pub struct NotRoot {
    /// What they asked for.
    pub what: &'static str,
    /// How root asks for it.
    pub command: String,
}

/// Refuses `what` to everybody but root, and names the command.
///
/// # Errors
/// [`NotRoot`].
pub fn must_be_root(what: &'static str, command: &str) -> Result<(), NotRoot> {
    if geteuid().is_root() { Ok(()) } else { Err(NotRoot { what, command: command.to_owned() }) }
}

/// Another process has the lock: the one that the file names, or what that had started before it was killed.
fn busy(path: &Path, noted: Option<u32>) -> Stop {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let has = |pid: &u32| {
        let open = read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.map(|open| open.path()).any(|open| read_link(open).is_ok_and(|open| open == path))
    };
    let all = || {
        let names = read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).filter(|pid| *pid != std::process::id())
    };
    let command = |pid: u32| {
        let words = read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split_terminator('\0').collect::<Vec<_>>().join(" ")
    };
    let holder = noted.filter(has).or_else(|| all().find(has));
    let who = match holder.map(|pid| (pid, command(pid))) {
        None => "a process that has just ended".to_owned(),
        Some((pid, command)) if command.is_empty() => format!("process {pid}"),
        Some((pid, command)) => format!("process {pid}, `{command}`"),
    };
    Stop(format!("another setup or restore is running: {who}; let it end, or end it, then run this again"))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;

    /// One test at a time: what another test starts has all files of this process, and their locks, until its own program runs.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn a_second_setup_is_told_who_runs_and_may_begin_when_the_first_has_ended() {
        let _alone = alone();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        std::fs::write(&path, "4000000000\n").expect("left behind by one that was killed");
        let first = Lock::take(&path).expect("free");
        let why = Lock::take(&path).expect_err("taken").0;
        let me = format!("process {}, `", std::process::id());
        assert!(why.contains("another setup or restore is running") && why.contains(&me), "{why}");
        drop(first);
        Lock::take(&path).expect("free again");
        assert!(Lock::take(folder.path()).is_err_and(|why| !why.0.contains("another setup")), "a folder");
    }

    #[test]
    fn what_a_killed_setup_has_started_keeps_others_out_until_it_ends() {
        let _alone = alone();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let mut first = Lock::take(&path).expect("free");
        let start = || {
            let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
            child.map_err(|error| Stop(error.to_string()))
        };
        let mut part = first.lend(start).expect("started");
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().expect("started");
        drop(first);
        std::fs::write(&path, "4000000000\n").expect("as if another process had been the first");
        let why = Lock::take(&path).expect_err("its part runs").0;
        assert!(why.contains(&format!("process {}, `cat`", part.id())), "{why}");
        drop(part.stdin.take());
        part.wait().expect("ended");
        Lock::take(&path).expect("what else was started has no lock");
        drop(other.stdin.take());
        other.wait().expect("ended");
    }

    #[test]
    fn a_part_of_the_setup_that_has_the_lock_may_begin() {
        let _alone = alone();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let first = Lock::take(&path).expect("free");
        // As if the one that started this process had it.
        std::fs::write(&path, parent_id().to_string()).expect("written");
        Lock::take(&path).expect("a part of it");
        assert!(Lock::take(&path).is_err(), "the file names this process now");
        drop(first);
    }
}
