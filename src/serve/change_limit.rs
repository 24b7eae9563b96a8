//! How many changes the members of the group may make, all together: each is a line in the audit log, and whoever could
//! write lines without end could push earlier ones out. Root and the daemon's user are not limited.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facelatch_wire::Fault;

use super::bucket::Bucket;
use super::fault::too_many_changes;
use crate::clock::BootTime;

/// Changes that may be made at once, and people in one import.
pub(super) const AT_ONCE: u32 = 500;

/// Time after which one more may be made.
const INTERVAL: Duration = Duration::from_secs(30);

/// Lines of the audit log that changes may still make.
#[derive(Debug)]
pub(super) struct ChangeLimit(Mutex<Bucket>);

impl Default for ChangeLimit {
    fn default() -> Self {
        Self(Mutex::new(Bucket::new(AT_ONCE, INTERVAL)))
    }
}

impl ChangeLimit {
    /// Counts a change.
    ///
    /// # Errors
    /// [`Fault::Busy`], which says how long to wait.
    pub(super) fn take(&self, what: &str, now: BootTime) -> Result<(), Fault> {
        self.bucket().take(now, 0).map_err(|wait| too_many_changes(what, wait))
    }

    /// Counts further lines of a change that was made.
    pub(super) fn add(&self, lines: usize, now: BootTime) {
        let lines = u32::try_from(lines).unwrap_or(AT_ONCE).min(AT_ONCE);
        self.bucket().add(lines, now);
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::config::Store;
    use crate::serve::to_wire::rules::rule_event;
    use crate::store::audit::Entry;
    use facelatch_wire::reply::{Event, Rule};

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

    fn longest(name_bytes: usize) -> Entry {
        Entry {
            n: 1 << 20,
            time: WallTime(1 << 32),
            kind: "remove".to_owned(),
            user: Some("x".repeat(name_bytes)),
            by: Some(u32::MAX),
            verdict: Some("failed".to_owned()),
            ..Entry::default()
        }
    }

    fn line_bytes(entry: &Entry) -> usize {
        64 + 1 + serde_json::to_string(entry).expect("serialises").len() + 1
    }

    /// Which is why a rule counts as two changes.
    #[test]
    fn the_line_of_a_rule_is_no_longer_than_two_others() {
        let hours = (0..128).map(|_| "mon-fri 08:00-18:00".to_owned()).collect();
        let asked = Rule { door: Some("d".repeat(32)), hours, ..Rule::default() };
        let event = rule_event(Event::default(), &asked);
        let rule = |name_bytes| Entry {
            kind: "rule".to_owned(),
            verdict: None,
            door: event.door.clone(),
            note: event.note.clone(),
            ..longest(name_bytes)
        };
        for name_bytes in [1, 32, 256] {
            let (rule, others) = (line_bytes(&rule(name_bytes)), 2 * line_bytes(&longest(name_bytes)));
            assert!(rule <= others, "{name_bytes}: {rule} of {others}");
        }
    }

    /// Days in which all managers together, at the fastest, push a line out of the log with its default size: the numbers in
    /// docs/store.md.
    fn days(name_bytes: usize) -> u64 {
        let line = line_bytes(&longest(name_bytes));
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
