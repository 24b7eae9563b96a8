//! The proof that the daemon recognised somebody a moment ago.

use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::{Event, EventKind};

/// An older match opens nothing: the person may have left.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Opens a door once. Only an event of the daemon makes one, and [`crate::door::Door::grant`] consumes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    user: String,
    by: By,
}

/// What was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Face,
    Pin,
}

/// What an event means for a door.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Grant(Grant),
    /// A match whose age is too high, or unknown because the clock was set back.
    Stale,
    /// No match of an identification or a PIN. A verification opens nothing: it may be somebody's login.
    Nothing,
}

impl Grant {
    /// Reads an event; `wall` is the time since 1970 now.
    pub(crate) fn read(event: &Event, wall: Duration) -> Read {
        let by = match event.kind {
            EventKind::Identify => By::Face,
            EventKind::Pin => By::Pin,
            _ => return Read::Nothing,
        };
        let (Some(Outcome::Match), Some(user)) = (event.verdict, &event.user) else {
            return Read::Nothing;
        };
        // The event has whole seconds, cut off: it is never younger than it seems.
        match wall.checked_sub(Duration::from_secs(event.time)) {
            Some(age) if age <= MAX_AGE => Read::Grant(Self { user: user.clone(), by }),
            _ => Read::Stale,
        }
    }

    /// Who was recognised.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// By what.
    pub(crate) fn by(&self) -> By {
        self.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, verdict: Outcome) -> Event {
        Event { kind, time: 1000, user: Some("alice".into()), verdict: Some(verdict), ..Event::default() }
    }

    #[test]
    fn only_an_identification_or_a_pin_that_matched_is_a_grant() {
        let now = Duration::from_secs(1001);
        for outcome in Outcome::ALL.into_iter().chain([Outcome::Unknown]) {
            for kind in [EventKind::Identify, EventKind::Pin] {
                let read = Grant::read(&event(kind, outcome), now);
                assert_eq!(matches!(read, Read::Grant(_)), outcome == Outcome::Match, "{outcome}");
            }
        }
        for kind in EventKind::ALL.into_iter().chain([EventKind::Unknown]) {
            let by = match Grant::read(&event(kind, Outcome::Match), now) {
                Read::Grant(grant) => Some(grant.by()),
                _ => None,
            };
            let wanted = match kind {
                EventKind::Identify => Some(By::Face),
                EventKind::Pin => Some(By::Pin),
                _ => None,
            };
            assert_eq!(by, wanted, "{kind}");
        }
        let nobody = Event { user: None, ..event(EventKind::Identify, Outcome::Match) };
        assert_eq!(Grant::read(&nobody, now), Read::Nothing);
    }

    #[test]
    fn a_match_opens_for_five_seconds_and_not_before_it_happened() {
        let matched = event(EventKind::Identify, Outcome::Match);
        let at = |ms| Grant::read(&matched, Duration::from_millis(ms));
        for good in [1_000_000, 1_004_999, 1_005_000] {
            assert_eq!(at(good), Read::Grant(Grant { user: "alice".into(), by: By::Face }), "{good}");
        }
        for bad in [999_999, 0, 1_005_001, 2_000_000] {
            assert_eq!(at(bad), Read::Stale, "{bad}");
        }
    }
}
