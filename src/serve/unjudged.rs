//! Attempts that judged no face: the audit log gets their counts, in one line a minute.
//!
//! They cost the caller nothing, so with a line each anybody could push the lines that matter out of the log.

use std::collections::BTreeMap;
use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::Event;

use crate::clock::BootTime;

/// Interval covered by one log line.
const PERIOD: Duration = Duration::from_secs(60);

/// Kinds of attempts that one line counts separately; the rest are counted together.
const KINDS: usize = 8;

/// The attempts since the last line.
#[derive(Debug, Default)]
pub(super) struct Unjudged {
    since: BootTime,
    counts: BTreeMap<String, u64>,
    others: u64,
}

impl Unjudged {
    /// One more, asked for by this user id.
    pub(super) fn add(&mut self, event: &Event, caller_uid: u32, now: BootTime) {
        if self.counts.is_empty() {
            self.since = now;
        }
        let about = event.user.as_deref().map_or_else(String::new, |user| format!(" {}", quoted(user)));
        let verdict = event.verdict.map_or("-", Outcome::as_str);
        let what = format!("{}{about} by {caller_uid} {verdict}", event.kind);
        if self.counts.len() < KINDS || self.counts.contains_key(&what) {
            *self.counts.entry(what).or_default() += 1;
        } else {
            self.others += 1;
        }
    }

    /// The counts when the minute is over, if there are any.
    pub(super) fn due(&mut self, now: BootTime) -> Option<String> {
        if now.since(self.since) >= PERIOD { self.take() } else { None }
    }

    /// The counts so far, if there are any; starts again at zero.
    pub(super) fn take(&mut self) -> Option<String> {
        let Self { counts, others, .. } = std::mem::take(self);
        let counted = counts.into_iter().map(|(what, count)| format!("{what}: {count}"));
        let rest = (others > 0).then(|| format!("others: {others}"));
        let parts: Vec<String> = counted.chain(rest).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// A name as it is, or in quotes if it could be read as more of the line.
fn quoted(user: &str) -> String {
    let plain = user.chars().all(|c| c.is_alphanumeric() || ".-_@$\\".contains(c));
    if plain { user.to_owned() } else { format!("{user:?}") }
}

#[cfg(test)]
mod tests {
    use facelatch_wire::reply::EventKind;

    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    fn event(user: Option<&str>, verdict: Outcome) -> Event {
        let kind = if user.is_some() { EventKind::Verify } else { EventKind::Identify };
        Event { kind, user: user.map(str::to_owned), verdict: Some(verdict), ..Event::default() }
    }

    #[test]
    fn a_minute_of_attempts_is_one_line() {
        let mut unjudged = Unjudged::default();
        for _ in 0..1000 {
            unjudged.add(&event(Some("alice"), Outcome::Wait), 0, at(5));
        }
        unjudged.add(&event(None, Outcome::NoFace), 1000, at(7));
        assert_eq!(unjudged.due(at(64)), None);
        let told = "identify by 1000 no-face: 1, verify alice by 0 wait: 1000";
        assert_eq!(unjudged.due(at(65)).as_deref(), Some(told));
        assert_eq!((unjudged.due(at(300)), unjudged.take()), (None, None));
    }

    #[test]
    fn a_name_cannot_pass_for_more_of_the_line() {
        let mut unjudged = Unjudged::default();
        for user in ["CORP\\bob", "x by 0 match: 9, y"] {
            unjudged.add(&event(Some(user), Outcome::NotEnrolled), 7, at(0));
        }
        let told =
            "verify \"x by 0 match: 9, y\" by 7 not-enrolled: 1, verify CORP\\bob by 7 not-enrolled: 1";
        assert_eq!(unjudged.take().as_deref(), Some(told));
    }

    #[test]
    fn a_line_stays_short_and_counts_all() {
        let mut unjudged = Unjudged::default();
        for user in 0..100 {
            unjudged.add(&event(Some(&format!("user{user}")), Outcome::NotEnrolled), 0, at(0));
        }
        let told = unjudged.take().expect("something");
        assert!(told.ends_with("others: 92") && told.len() < 400, "{told}");
    }
}
