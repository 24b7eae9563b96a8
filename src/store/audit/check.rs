//! Verifies the whole log and names every place where it is not as it was written.

use super::{Audit, Series, Tag, parse, unhex};
use crate::clock::WallTime;

/// Most problems that are named; the rest are counted.
const NAMED: usize = 20;

/// What verifying the log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Each series.
    pub series: Vec<SeriesReport>,
    /// What is wrong, a sentence each; empty if nothing is.
    pub problems: Vec<String>,
}

/// What there is of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesReport {
    /// Name of its current file.
    pub name: String,
    /// Number of lines that are as they were written.
    pub entries: u64,
    /// Number of files.
    pub files: u64,
    /// Lines before the oldest one that made room.
    pub dropped: u64,
    /// Time of the very first line, kept or not; unknown in a log of an earlier program.
    pub since: Option<WallTime>,
    /// Time of the oldest line kept.
    pub kept_since: Option<WallTime>,
}

/// The end of one file.
pub(super) struct End {
    /// Number and tag of its last line.
    pub(super) end: Option<(u64, Tag)>,
    /// Bytes up to the end of its last whole line.
    pub(super) length: u64,
    /// Part of a line follows.
    pub(super) torn: bool,
    /// Each line continues from the one before.
    pub(super) good: bool,
}

/// Reads the end of one file.
pub(super) fn end_of(file: &[u8], tag: &dyn Fn(&Tag, &str) -> Tag) -> End {
    let length = file.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (mut end, mut good, mut before): (Option<(u64, Tag)>, bool, Option<Tag>) = (None, true, None);
    for line in String::from_utf8_lossy(&file[..length]).lines() {
        let Some((got, entry, text)) = parse(line) else {
            good = false;
            continue;
        };
        let before_it = before.or_else(|| unhex(entry.after.as_deref()?)).unwrap_or_default();
        good &= tag(&before_it, text) == got && end.is_none_or(|(n, _)| entry.n == n + 1);
        (end, before) = (Some((entry.n, got)), Some(got));
    }
    End { end, length: length as u64, torn: length < file.len(), good }
}

impl Audit {
    /// Verifies every line of every file, and that none is missing at either end.
    ///
    /// # Errors
    /// Text, when a file cannot be read.
    pub fn verify(&self) -> Result<AuditReport, String> {
        let mut report = AuditReport::default();
        for series in [&self.changes, &self.attempts] {
            let (found, problems) = series.verify()?;
            report.series.push(found);
            report.problems.extend(problems);
        }
        Ok(report)
    }
}

impl Series {
    /// What there is of it, and what is wrong.
    fn verify(&self) -> Result<(SeriesReport, Vec<String>), String> {
        let state = self.state();
        let report = SeriesReport { name: self.name(0), ..SeriesReport::default() };
        let mut walk = Walk { series: self, report, problems: Vec::new(), more: 0, before: None };
        let mut starts = Vec::new();
        for which in (0..self.limits.files).rev() {
            let name = self.name(which);
            let file = self.disk.read(&name).map_err(|e| format!("audit log {name}: {e}"))?;
            let Some(file) = file else { continue };
            walk.report.files += 1;
            starts.extend(walk.file(&name, &String::from_utf8_lossy(&file)));
        }
        // A rotation that was cut short may have left an extra file: nothing is missing then.
        if !starts.iter().take(2).any(|start| *start == state.head.first) {
            walk.problem(format!(
                "{}: the beginning is missing: the oldest line must be number {}",
                self.name(0),
                state.head.first
            ));
        }
        if walk.before != Some((state.head.last, state.head.tag)) {
            let last = state.head.last;
            walk.problem(format!(
                "{}: the end is missing: the newest line must be number {last}",
                self.name(0)
            ));
        }
        let Walk { mut report, mut problems, more, .. } = walk;
        report.dropped = starts.first().map_or(0, |first| first.saturating_sub(1));
        if more > 0 {
            problems.push(format!("and {more} more in {}", self.name(0)));
        }
        Ok((report, problems))
    }
}

struct Walk<'a> {
    series: &'a Series,
    report: SeriesReport,
    problems: Vec<String>,
    more: usize,
    /// Number and tag of the line before.
    before: Option<(u64, Tag)>,
}

impl Walk<'_> {
    /// Verifies one file and gives the number of its first line.
    fn file(&mut self, name: &str, text: &str) -> Option<u64> {
        let mut first = None;
        for (at, line) in text.lines().enumerate() {
            let Some((tag, entry, text)) = parse(line) else {
                self.problem(format!("{name} line {}: is not a line of this log", at + 1));
                continue;
            };
            first = first.or(Some(entry.n));
            self.report.kept_since = self.report.kept_since.or(Some(entry.time));
            self.report.since = entry.since.or(self.report.since);
            // The oldest file says itself what it continues from.
            let said = (at == 0).then(|| unhex(entry.after.as_deref()?)).flatten();
            let before = self.before.unwrap_or((entry.n.saturating_sub(1), said.unwrap_or_default()));
            if self.series.tag(&before.1, text) != tag {
                self.problem(format!("{name} line {}: was changed, or lines before it are missing", at + 1));
            } else if entry.n != before.0 + 1 {
                self.problem(format!("{name} line {}: number {} follows {}", at + 1, entry.n, before.0));
            } else {
                self.report.entries += 1;
            }
            if entry.kind == "repair" {
                let note = entry.note.unwrap_or_default();
                self.problem(format!("{name} line {}: the daemon found at its start that {note}", at + 1));
            }
            if let Some(lost) = entry.lost {
                self.problem(format!("{name} line {}: {lost} lines before it could not be written", at + 1));
            }
            self.before = Some((entry.n, tag));
        }
        first
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < NAMED {
            self.problems.push(text);
        } else {
            self.more += 1;
        }
    }
}
