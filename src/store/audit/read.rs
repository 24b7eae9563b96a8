//! Reads the log for people. Whether a line is as it was written, `check` tells.

use super::{Audit, Entry, Series, parse};
use crate::clock::WallTime;

impl Audit {
    /// The lines of both series from this time on, oldest first, without those that only begin a file.
    ///
    /// # Errors
    /// Text, when a file cannot be read.
    pub fn lines(&self, since: WallTime) -> Result<Vec<Entry>, String> {
        let mut lines = self.changes.lines()?;
        lines.extend(self.attempts.lines()?);
        lines.retain(|entry| entry.time >= since && entry.kind != "begin");
        // Stable: lines of one second stay in the order of their series.
        lines.sort_by_key(|entry| entry.time);
        Ok(lines)
    }
}

impl Series {
    /// All lines that can be read.
    fn lines(&self) -> Result<Vec<Entry>, String> {
        // No file is renamed meanwhile.
        let _state = self.state();
        let mut lines = Vec::new();
        for which in (0..self.limits.files).rev() {
            let name = self.name(which);
            let file = self.disk.read(&name).map_err(|e| format!("audit log {name}: {e}"))?;
            let file = file.unwrap_or_default();
            let text = String::from_utf8_lossy(&file);
            lines.extend(text.lines().filter_map(parse).map(|(_, entry, _)| entry));
        }
        Ok(lines)
    }
}
