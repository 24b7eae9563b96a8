//! Lines of the audit log that say the same: the first ones of a minute are written, the others counted.
//!
//! Nobody can fill the log with one thing done again and again. A crash can lose the counts of that minute.

use std::time::Duration;

use crate::clock::{BootTime, WallTime};
use crate::store::audit::Entry;

/// Interval covered by one count.
const PERIOD: Duration = Duration::from_secs(60);

/// Equal lines that are written in each interval.
const WRITTEN: u64 = 3;

/// Different lines that are watched in each interval; more are all written.
const WATCHED: usize = 64;

/// The lines of this interval, and how many there were of each.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    since: BootTime,
    counts: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    line: Entry,
    /// At which door the attempts were, if all were at the same.
    door: Option<String>,
    times: u64,
}

impl Repeats {
    /// Counts a line; whether it is to be written. An attempt is the same at every door: whoever attaches doors may give them
    /// many names.
    pub(super) fn is_new(&mut self, entry: &Entry, now: BootTime) -> bool {
        if self.counts.is_empty() {
            self.since = now;
        }
        let mut line = Entry { time: WallTime::default(), ..entry.clone() };
        let door = if line.change.is_none() { line.door.take() } else { None };
        if let Some(known) = self.counts.iter_mut().find(|known| known.line == line) {
            known.times += 1;
            known.door.take_if(|known| door.as_ref() != Some(known));
            return known.times <= WRITTEN;
        }
        if self.counts.len() < WATCHED {
            self.counts.push(Counted { line, door, times: 1 });
        }
        true
    }

    /// When the minute is over: the lines that were not written, each once with its count.
    pub(super) fn due(&mut self, now: (BootTime, WallTime)) -> Vec<Entry> {
        if now.0.since(self.since) >= PERIOD { self.take(now.1) } else { Vec::new() }
    }

    /// The same at any time.
    pub(super) fn take(&mut self, now: WallTime) -> Vec<Entry> {
        let counts = std::mem::take(&mut self.counts).into_iter();
        let repeated = counts.filter(|counted| counted.times > WRITTEN);
        let entry = |Counted { line, door, times }| Entry {
            time: now,
            times: Some(times - WRITTEN),
            door: door.or(line.door),
            ..line
        };
        repeated.map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> (BootTime, WallTime) {
        (BootTime(Duration::from_secs(seconds)), WallTime(seconds))
    }

    fn line(user: &str, second: u64) -> Entry {
        let (kind, user) = ("reset".to_owned(), Some(user.to_owned()));
        Entry { time: WallTime(second), kind, user, by: Some(1000), ..Entry::default() }
    }

    #[test]
    fn equal_lines_are_written_three_times_and_then_counted() {
        let mut repeats = Repeats::default();
        let written = (0..1000).filter(|n| repeats.is_new(&line("alice", 5 + n % 50), at(5).0)).count();
        assert_eq!(written, 3);
        assert!(repeats.is_new(&line("bob", 5), at(6).0), "another line");
        assert_eq!(repeats.due(at(64)), []);
        assert_eq!(repeats.due(at(65)), [Entry { times: Some(997), ..line("alice", 65) }]);
        assert!(repeats.is_new(&line("alice", 66), at(66).0), "of the next minute");
        assert_eq!((repeats.due(at(500)), repeats.take(WallTime(501))), (vec![], vec![]));
    }

    #[test]
    fn an_attempt_is_the_same_at_every_door_and_what_a_door_reports_is_not() {
        let mut repeats = Repeats::default();
        let at_door = |door: &str| Entry { door: Some(door.to_owned()), ..line("alice", 5) };
        for (n, door) in ["a", "a", "b", "c", "a"].into_iter().enumerate() {
            assert_eq!(repeats.is_new(&at_door(door), at(5).0), n < 3, "{n}");
        }
        assert_eq!(repeats.take(WallTime(9)), [Entry { times: Some(2), ..line("alice", 9) }]);
        for _ in 0..4 {
            repeats.is_new(&at_door("a"), at(5).0);
        }
        let counted = repeats.take(WallTime(9));
        assert_eq!(counted, [Entry { times: Some(1), door: Some("a".to_owned()), ..line("alice", 9) }]);
        let report = |door: &str| Entry { change: Some("opened".to_owned()), ..at_door(door) };
        for door in ["a", "b", "c", "d"] {
            assert!(repeats.is_new(&report(door), at(5).0), "{door}");
        }
    }

    #[test]
    fn no_line_is_dropped_when_too_many_differ() {
        let mut repeats = Repeats::default();
        let all = |repeats: &mut Repeats| {
            (0..200).filter(|n| repeats.is_new(&line(&format!("user{n}"), 0), at(0).0)).count()
        };
        assert_eq!((0..4).map(|_| all(&mut repeats)).collect::<Vec<_>>(), [200, 200, 200, 136]);
        assert_eq!(repeats.take(WallTime(0)).len(), 64);
    }
}
