//! Which reports of doors become lines of the audit log. The first equal ones of a minute do, as of all lines, and of those
//! that differ only so many: a door's program that was taken over cannot push the attempts out of the log with reports. What
//! is not written is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use facelatch_wire::reply::{DoorChange, EventKind};

use super::bucket::Bucket;
use super::repeats::Repeats;
use crate::clock::{BootTime, WallTime};
use crate::store::audit::Entry;

/// Lines of one user that are written at once.
const AT_ONCE: u32 = 1000;

/// Time after which one more is written.
const INTERVAL: Duration = Duration::from_secs(30);

/// Of the lines at once, those that are left for alarms when people have come and gone for a long time.
const FOR_ALARMS: u32 = 100;

/// What people do who come and go.
const ROUTINE: &[DoorChange] = &[
    DoorChange::Unlocked,
    DoorChange::Exit,
    DoorChange::Locked,
    DoorChange::Opened,
    DoorChange::Closed,
    DoorChange::Refused,
];

/// What was reported.
#[derive(Debug, Default)]
pub(super) struct Reports {
    // Of their own: reports must not crowd out the repeats of other lines.
    repeats: Repeats,
    rooms: BTreeMap<u32, Room>,
}

#[derive(Debug)]
struct Room {
    bucket: Bucket,
    left_out: u64,
}

impl Reports {
    /// Counts a report; whether it is to be written.
    pub(super) fn is_written(&mut self, entry: &Entry, now: BootTime) -> bool {
        if !self.repeats.is_new(entry, now) {
            return false;
        }
        let room = self.room(entry);
        let written = room.bucket.take(now, reserved(entry)).is_ok();
        room.left_out += u64::from(!written);
        written
    }

    /// When a minute is over: what was not written, with its counts, as far as there is room.
    pub(super) fn due(&mut self, now: (BootTime, WallTime)) -> Vec<Entry> {
        let repeated = self.repeats.due(now);
        self.counted(repeated, now)
    }

    /// The same at any time.
    pub(super) fn take(&mut self, now: (BootTime, WallTime)) -> Vec<Entry> {
        let repeated = self.repeats.take(now.1);
        self.counted(repeated, now)
    }

    fn counted(&mut self, repeated: Vec<Entry>, now: (BootTime, WallTime)) -> Vec<Entry> {
        let mut lines = Vec::new();
        for line in repeated {
            let room = self.room(&line);
            match room.bucket.take(now.0, reserved(&line)) {
                Ok(()) => lines.push(line),
                Err(_) => room.left_out += line.times.unwrap_or(1),
            }
        }
        for (uid, room) in &mut self.rooms {
            if room.left_out > 0 && room.bucket.take(now.0, FOR_ALARMS).is_ok() {
                let times = Some(std::mem::take(&mut room.left_out));
                let note = Some("reports without a line of their own".to_owned());
                let kind = EventKind::Door.to_string();
                lines.push(Entry { time: now.1, kind, by: Some(*uid), note, times, ..Entry::default() });
            }
        }
        lines
    }

    fn room(&mut self, entry: &Entry) -> &mut Room {
        let new = || Room { bucket: Bucket::new(AT_ONCE, INTERVAL), left_out: 0 };
        self.rooms.entry(entry.by.unwrap_or_default()).or_insert_with(new)
    }
}

/// Room that this line must leave.
fn reserved(entry: &Entry) -> u32 {
    let is_routine = ROUTINE.iter().any(|change| entry.change.as_deref() == Some(change.as_str()));
    if is_routine { FOR_ALARMS } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Store;

    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> (BootTime, WallTime) {
        (BootTime(Duration::from_secs(seconds)), WallTime(seconds))
    }

    fn line(change: DoorChange, note: &str) -> Entry {
        Entry {
            kind: EventKind::Door.to_string(),
            by: Some(1001),
            door: Some("front".to_owned()),
            change: Some(change.to_string()),
            note: Some(note.to_owned()),
            ..Entry::default()
        }
    }

    #[test]
    fn a_contact_that_chatters_costs_a_few_lines_a_minute() {
        let mut reports = Reports::default();
        let written = (0..5000)
            .filter(|n| {
                let change = if n % 2 == 0 { DoorChange::Opened } else { DoorChange::Closed };
                reports.is_written(&line(change, ""), at(0).0)
            })
            .count();
        assert_eq!((written, reports.due(at(60)).len()), (6, 2));
    }

    #[test]
    fn coming_and_going_leaves_room_for_alarms_and_what_is_left_out_is_counted() {
        let mut reports = Reports::default();
        let mut written =
            |change| (0..5000).filter(|n| reports.is_written(&line(change, &n.to_string()), at(0).0)).count();
        assert_eq!((written(DoorChange::Opened), written(DoorChange::Forced)), (900, 100));
        assert_eq!(reports.due(at(60)), [], "no room for that either");
        let counts = reports.take(at(3600 * 4));
        assert_eq!(counts.iter().map(|line| line.times).collect::<Vec<_>>(), [Some(4100 + 4900)]);
    }

    /// Whatever a door's program reports, it takes days to push an attempt out of the log with its default size.
    #[test]
    fn a_program_that_was_taken_over_cannot_push_attempts_out_of_the_log_before_days_have_passed() {
        let mut reports = Reports::default();
        let (mut lines, mut n) = (0, 0_u64);
        for minute in 0..1440 {
            for _ in 0..20 {
                let note = format!("{n:0>200}");
                lines += u64::from(reports.is_written(&line(DoorChange::Forced, &note), at(minute * 60).0));
                n += 1;
            }
            lines += reports.due(at(minute * 60 + 59)).len() as u64;
        }
        let first_day = u64::from(AT_ONCE) + DAY / INTERVAL.as_secs();
        assert!((first_day - 2..=first_day + 1).contains(&lines), "{lines}");
        let longest = Entry {
            n: 1 << 20,
            time: WallTime(1 << 32),
            user: Some("x".repeat(256)),
            door: Some("x".repeat(32)),
            by: Some(u32::MAX),
            ..line(DoorChange::Untampered, &"x".repeat(200))
        };
        let bytes = 64 + 1 + serde_json::to_string(&longest).expect("serialises").len() + 1;
        let Store { audit_file_kb, audit_files, .. } = Store::default();
        let room = u64::from(audit_file_kb << 10) * u64::from(audit_files - 1) / bytes as u64;
        assert_eq!((room - u64::from(AT_ONCE)) / (DAY / INTERVAL.as_secs()), 3);
    }
}
