//! One series of files: a chain of lines, of which the oldest file goes when there are too many.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::head::AuditHead;
use super::{Entry, Limits, Tag, check, hex, parse};
use crate::clock::WallTime;
use crate::store::files::Disk;
use crate::store::seal::Key;

/// What a start puts on record about lines that the head knows of, or whose tags do not fit.
const LINES_MISSING: &str = "lines are missing or were changed before this one";

/// A series of files in a folder.
pub(super) struct Series {
    pub(super) disk: Box<dyn Disk>,
    pub(super) folder: PathBuf,
    /// The current file is NAME.log; older ones are NAME.log.1, NAME.log.2 and so on. NAME.head says which lines there are.
    pub(super) name: &'static str,
    pub(super) key: Key,
    pub(super) limits: Limits,
    pub(super) state: Mutex<SeriesState>,
}

#[derive(Default)]
pub(super) struct SeriesState {
    pub(super) head: AuditHead,
    /// Good bytes of the current file.
    pub(super) length: u64,
    /// Time of the very first line, kept or not. Unknown in a log of an earlier program.
    pub(super) since: Option<WallTime>,
    pub(super) lost: u64,
    pub(super) problem: Option<String>,
}

/// The newest whole line.
struct Newest {
    number: u64,
    tag: Tag,
    /// In the current file (0) or the one before (1).
    file: usize,
    /// Whether its file is as it was written.
    good: bool,
}

impl Series {
    /// Finds the end of the series, or begins it; `new` if there cannot be one yet.
    pub(super) fn open(
        disk: Box<dyn Disk>,
        (folder, name): (&Path, &'static str),
        key: Key,
        limits: Limits,
        now: WallTime,
        new: bool,
    ) -> std::io::Result<Self> {
        let limits = Limits { files: limits.files.max(2), ..limits };
        let series = Self { disk, folder: folder.into(), name, key, limits, state: Mutex::default() };
        series.find_the_end(now, new)?;
        Ok(series)
    }

    /// Name of the current file for 0, of older ones for 1 and so on.
    pub(super) fn name(&self, which: usize) -> String {
        if which == 0 { format!("{}.log", self.name) } else { format!("{}.log.{which}", self.name) }
    }

    fn head_name(&self) -> String {
        format!("{}.head", self.name)
    }

    /// Adds a line; it is on the disk when this returns. A line that cannot be written is counted in the next one: a broken
    /// log keeps nobody out.
    pub(super) fn record(&self, entry: Entry) {
        let mut state = self.state();
        let (time, mut entry) = (entry.time, entry);
        entry.lost = (state.lost > 0).then_some(state.lost);
        // If the disk was full at a rotation, there is no current file.
        let begun = if state.length == 0 { self.begin(&mut state, time) } else { Ok(()) };
        let written = match begun {
            Err(error) if state.length == 0 => Err(error),
            _ => self.append(&mut state, entry),
        };
        if let Err(error) = written {
            state.lost += 1;
            state.problem = Some(format!("audit log: {} lines could not be written ({error})", state.lost));
            tracing::error!("audit log {}: a line could not be written ({error})", self.folder.display());
            return;
        }
        (state.lost, state.problem) = (0, None);
        if state.length > self.limits.file_bytes
            && let Err(error) = self.rotate(&mut state, time)
        {
            tracing::warn!("audit log {}: cannot start a new file ({error})", self.folder.display());
        }
    }

    /// Why lines cannot be written at present, if they cannot.
    pub(super) fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SeriesState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, state: &mut SeriesState, entry: Entry) -> std::io::Result<()> {
        self.write(state, entry)?;
        // Not synced: a head that is behind proves less but claims nothing wrong. The line is on the disk.
        if let Err(error) = state.head.write(&*self.disk, &self.head_name(), &self.key) {
            tracing::warn!("audit log {}: the head could not be written ({error})", self.folder.display());
        }
        Ok(())
    }

    fn write(&self, state: &mut SeriesState, mut entry: Entry) -> std::io::Result<()> {
        entry.n = state.head.last + 1;
        let text = serde_json::to_string(&entry)?;
        let tag = self.tag(&state.head.tag, &text);
        let line = format!("{} {text}\n", hex(&tag));
        let name = self.name(0);
        let written =
            self.disk.write(&name, state.length, line.as_bytes()).and_then(|()| self.disk.sync(&name));
        if let Err(error) = written {
            // If this fails too, the next start cuts off half a line.
            let _ = self.disk.truncate(&name, state.length);
            return Err(error);
        }
        state.length += line.len() as u64;
        (state.head.last, state.head.tag) = (entry.n, tag);
        Ok(())
    }

    /// Starts a new file. Older ones are renamed, the oldest is removed.
    fn rotate(&self, state: &mut SeriesState, now: WallTime) -> std::io::Result<()> {
        let files = self.limits.files;
        // Up to the first gap: a rotation that failed half-way may have left one.
        let mut last = 1;
        while last < files - 1 && self.disk.length(&self.name(last))?.is_some() {
            last += 1;
        }
        if self.disk.length(&self.name(last))?.is_some()
            && let Some(first) = self.first_of(&self.name(last - 1))?
        {
            // The head names the new start before the file goes: lines may then be left over, but none is missed.
            state.head.first = first;
            state.head.settle(&*self.disk, &self.head_name(), &self.key)?;
        }
        self.disk.remove(&self.name(last))?;
        for which in (0..last).rev() {
            if self.disk.length(&self.name(which))?.is_some() {
                self.disk.rename(&self.name(which), &self.name(which + 1))?;
            }
        }
        state.length = 0;
        self.disk.sync_names()?;
        self.begin(state, now)
    }

    /// Creates the current file with its first line.
    fn begin(&self, state: &mut SeriesState, now: WallTime) -> std::io::Result<()> {
        state.length = 0;
        let after = Some(hex(&state.head.tag));
        let first = self.first_number()?.unwrap_or(state.head.last + 1);
        if state.head.last == 0 {
            state.since = Some(now);
        }
        let (since, dropped) = (state.since, Some(first - 1).filter(|lines| *lines > 0));
        let entry = Entry { time: now, kind: "begin".to_owned(), after, since, dropped, ..Entry::default() };
        self.write(state, entry)?;
        state.head.first = first;
        // The file's name is on the disk before the head names its line.
        self.disk.sync_names()?;
        state.head.settle(&*self.disk, &self.head_name(), &self.key)?;
        self.disk.sync_names()
    }

    /// Number of the oldest line.
    fn first_number(&self) -> std::io::Result<Option<u64>> {
        for which in (0..self.limits.files).rev() {
            if self.disk.length(&self.name(which))?.is_some() {
                return self.first_of(&self.name(which));
            }
        }
        Ok(None)
    }

    /// Number of the first line of a file.
    fn first_of(&self, name: &str) -> std::io::Result<Option<u64>> {
        Ok(self.first_line(name)?.map(|entry| entry.n))
    }

    /// What the newest file says about the very first line.
    fn begun_since(&self) -> std::io::Result<Option<WallTime>> {
        for which in 0..self.limits.files {
            if let Some(entry) = self.first_line(&self.name(which))? {
                return Ok(entry.since);
            }
        }
        Ok(None)
    }

    fn first_line(&self, name: &str) -> std::io::Result<Option<Entry>> {
        let file = self.disk.read(name)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&file);
        Ok(text.lines().next().and_then(|line| parse(line)).map(|(_, entry, _)| entry))
    }

    /// Finds the end to continue from. A missing end, or a line that a crash cut short, is recorded; so is a missing log,
    /// unless the store is new.
    fn find_the_end(&self, now: WallTime, new: bool) -> std::io::Result<()> {
        let mut state = self.state();
        let head = AuditHead::read(&*self.disk, &self.head_name(), &self.key)?;
        state.since = self.begun_since()?;
        let (newest, torn) = self.newest_line(&mut state)?;
        let repair = match (newest, head) {
            (None, None) => {
                self.begin(&mut state, now)?;
                (!new).then_some("the whole log was missing")
            }
            (None, Some(head)) => {
                state.head = head;
                self.rotate(&mut state, now)?;
                Some(LINES_MISSING)
            }
            (Some(newest), head) => self.continue_from(&mut state, newest, head, now)?.or(torn),
        };
        if let Some(what) = repair {
            tracing::warn!("audit log {}: {what}", self.folder.display());
            let (kind, note) = ("repair".to_owned(), Some(what.to_owned()));
            self.append(&mut state, Entry { time: now, kind, note, ..Entry::default() })?;
        }
        Ok(())
    }

    /// The newest whole line, and a word if part of another one was cut off after it.
    fn newest_line(
        &self,
        state: &mut SeriesState,
    ) -> std::io::Result<(Option<Newest>, Option<&'static str>)> {
        let mut torn = None;
        // After a rotation that was cut short, it is in the second file.
        for which in 0..2 {
            let Some(file) = self.disk.read(&self.name(which))? else { continue };
            let read = check::end_of(&file, &|before, text| self.tag(before, text));
            if which == 0 && read.torn {
                self.disk.truncate(&self.name(0), read.length)?;
                torn = Some("the last line was cut short and was removed");
            }
            if let Some((number, tag)) = read.end {
                state.length = read.length;
                return Ok((Some(Newest { number, tag, file: which, good: read.good }), torn));
            }
        }
        Ok((None, torn))
    }

    /// Continues after the newest line. Gives what is wrong with the lines before, if anything is.
    fn continue_from(
        &self,
        state: &mut SeriesState,
        newest: Newest,
        head: Option<AuditHead>,
        now: WallTime,
    ) -> std::io::Result<Option<&'static str>> {
        let Newest { number: last, tag, file, good } = newest;
        let known = head.clone().unwrap_or_default();
        let cut = head.is_some() && (known.last > last || (known.last == last && known.tag != tag));
        if cut || !good {
            state.head = if known.last > last { known } else { AuditHead { last, tag, ..known } };
            self.rotate(state, now)?;
            return Ok(Some(LINES_MISSING));
        }
        state.head = AuditHead { last, tag, first: known.first };
        let mut repair = None;
        // The power may go between the very first line and the head.
        if head.is_none() && last == 1 {
            state.head.first = 1;
            state.head.settle(&*self.disk, &self.head_name(), &self.key)?;
        } else if head.is_none() {
            repair = Some("the head file was missing");
            state.head.first = self.first_number()?.unwrap_or(last);
        }
        if file == 1 {
            self.begin(state, now)?;
        }
        Ok(repair)
    }

    pub(super) fn tag(&self, before: &Tag, text: &str) -> Tag {
        self.key.mac(&[b"line", before, text.as_bytes()])
    }
}
