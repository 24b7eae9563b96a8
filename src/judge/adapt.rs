//! Which embedding becomes an adapted template after a second factor, and how much such templates may add to a decision. Pure.
//!
//! ISO/IEC 2382-37 calls it biometric reference adaptation. Banks that update themselves after each match drift, step by
//! step, until they are another person's. Here nothing follows from an adapted template: each is compared with the enrolled
//! ones alone, and in a decision it only adds to what those say, up to a limit. So whatever was taken, nobody matches whom the
//! enrolled templates put farther than that limit below the threshold.

use std::time::Duration;

use crate::clock::WallTime;
use crate::head::LogOdds;

/// Most adapted templates of a person; a further one takes the place of the oldest of them.
pub const MOST_ADAPTED: usize = 2;

/// Least time between a person's newest template, enrolled or adapted, and an adapted one.
pub const BETWEEN: Duration = Duration::from_secs(24 * 3600);

/// How far below the threshold, in log-odds, the enrolled templates may put a face that is taken or let in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach(pub f32);

impl Reach {
    /// What the daemon allows: measured in docs/rates/adapt.md.
    pub const SHIPPED: Self = Self(1.0);

    /// What a decision rests on: `enrolled` from the enrolled templates alone, `all` with the adapted ones.
    pub fn limit(self, enrolled: LogOdds, all: LogOdds) -> LogOdds {
        // What is not a number adds nothing.
        LogOdds(enrolled.0 + (all.0 - enrolled.0).max(0.0).min(self.0))
    }

    /// Whether an embedding may be taken: `own` is its score against the person's enrolled templates, `other` the best against
    /// anybody else's. It must be within reach of the threshold, on either side (a face that matches well needs no other
    /// template), and nobody else's may be.
    pub fn takes(self, threshold: LogOdds, own: LogOdds, other: Option<LogOdds>) -> bool {
        let least = threshold.0 - self.0;
        let near = own.0 >= least && own.0 <= threshold.0 + self.0;
        near && other.is_none_or(|other| other.0 < least)
    }
}

/// Whether so much time has passed since the newest template. A clock that was set back lets nothing be taken.
pub fn is_due(newest: WallTime, now: WallTime) -> bool {
    newest.0.checked_add(BETWEEN.as_secs()).is_some_and(|due| now.0 >= due)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACH: Reach = Reach(1.0);
    const THRESHOLD: LogOdds = LogOdds(3.5);

    fn limited(enrolled: f32, all: f32) -> f32 {
        REACH.limit(LogOdds(enrolled), LogOdds(all)).0
    }

    #[test]
    fn adapted_templates_never_lift_a_face_by_more_than_the_reach() {
        assert_eq!(limited(3.0, 12.0), 4.0);
        assert_eq!(limited(-20.0, 40.0), -19.0, "not even where they are the stranger's own");
        assert_eq!(limited(3.0, 3.25), 3.25);
    }

    #[test]
    fn they_never_lower_it_and_what_is_no_number_adds_nothing() {
        assert_eq!(limited(3.0, 1.0), 3.0);
        assert_eq!(limited(3.0, f32::NAN), 3.0);
        assert!(limited(f32::NAN, 40.0).is_nan(), "and so matches nobody");
        assert_eq!(limited(f32::NEG_INFINITY, 40.0), f32::NEG_INFINITY);
    }

    #[test]
    fn a_face_is_taken_only_within_reach_of_the_threshold() {
        let taken = |own: f32| REACH.takes(THRESHOLD, LogOdds(own), None);
        assert!(taken(2.5) && taken(3.5) && taken(4.5));
        assert!(!taken(2.49) && !taken(4.51) && !taken(f32::NAN) && !taken(f32::INFINITY));
    }

    #[test]
    fn a_face_within_reach_of_two_people_is_taken_for_neither() {
        let taken = |other: f32| REACH.takes(THRESHOLD, LogOdds(3.0), Some(LogOdds(other)));
        assert!(taken(2.49) && taken(-10.0));
        assert!(!taken(2.5) && !taken(9.0) && !taken(f32::NAN));
    }

    #[test]
    fn a_template_a_day_and_none_while_the_clock_is_wrong() {
        let day = BETWEEN.as_secs();
        let due = |now| is_due(WallTime(1_000_000), WallTime(now));
        assert!(due(1_000_000 + day) && !due(1_000_000 + day - 1) && !due(0));
        assert!(!is_due(WallTime(u64::MAX), WallTime(u64::MAX)));
    }
}
