//! How many changes the members of the group may make, all together: each is a line in the audit log, and whoever could
//! write lines without end could push earlier ones out. Root and the daemon's user are not limited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use facelatch_wire::Fault;

use super::fault::too_many_changes;
use crate::clock::BootTime;

/// Changes that may be made at once, and people in one import.
pub(super) const AT_ONCE: u32 = 500;

/// Time after which one more may be made.
const INTERVAL: Duration = Duration::from_secs(30);

/// A leaky bucket: the time when it will be empty.
#[derive(Debug, Default)]
pub(super) struct ChangeLimit(Mutex<BootTime>);

impl ChangeLimit {
    /// Counts a change.
    ///
    /// # Errors
    /// [`Fault::Busy`], which says how long to wait.
    pub(super) fn take(&self, what: &str, now: BootTime) -> Result<(), Fault> {
        let room = INTERVAL * (AT_ONCE - 1);
        let mut empty_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match empty_at.since(now).saturating_sub(room) {
            Duration::ZERO => *empty_at = now.max(*empty_at).after(INTERVAL),
            wait => return Err(too_many_changes(what, wait)),
        }
        Ok(())
    }

    /// Counts further lines of a change that was made.
    pub(super) fn add(&self, lines: usize, now: BootTime) {
        let lines = u32::try_from(lines).unwrap_or(AT_ONCE).min(AT_ONCE);
        let mut empty_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *empty_at = now.max(*empty_at).after(INTERVAL * lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::config::Store;
    use crate::store::audit::Entry;

    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    #[test]
    fn five_hundred_changes_are_made_at_once_and_then_one_each_half_minute() {
        let limit = ChangeLimit::default();
        let made = |seconds| (0..1000).filter(|_| limit.take("remove", at(seconds)).is_ok()).count();
        assert_eq!((made(1000), made(1029), made(1030), made(1090)), (500, 0, 1, 2));
        let Err(Fault::Busy { message }) = limit.take("remove", at(1090)) else { panic!("not full") };
        assert!(message.contains("try again in 30 s"), "{message}");
        limit.add(500, at(2 * DAY));
        assert_eq!((made(2 * DAY), made(2 * DAY + 30)), (0, 1), "an import of as many people");
    }

    /// Days in which all managers together, at the fastest, push a line out of the log with its default size: the numbers in
    /// docs/store.md.
    fn days(name_bytes: usize) -> u64 {
        let user = Some("x".repeat(name_bytes));
        let longest = Entry {
            n: 1 << 20,
            time: WallTime(1 << 32),
            kind: "remove".to_owned(),
            user,
            by: Some(u32::MAX),
            verdict: Some("failed".to_owned()),
            ..Entry::default()
        };
        let line = 64 + 1 + serde_json::to_string(&longest).expect("serialises").len() + 1;
        let Store { audit_file_kb, audit_files, .. } = Store::default();
        let lines = u64::from(audit_file_kb << 10) * u64::from(audit_files - 1) / line as u64;
        // At once: what fills the bucket, and an import on top of it.
        (lines - 2 * u64::from(AT_ONCE)) / (DAY / INTERVAL.as_secs())
    }

    #[test]
    fn an_entry_of_the_log_of_changes_lasts_for_days() {
        assert_eq!((days(32), days(256)), (13, 5));
    }
}
