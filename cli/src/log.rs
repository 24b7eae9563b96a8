//! `facelatch log`: the audit log for people.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use facelatch_wire::call::Log;
use facelatch_wire::reply::AuditLine;
use nix::unistd::{Uid, User};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// A time, in seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since(u64);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        #[expect(clippy::disallowed_methods, reason = "a person says how long ago")]
        let now = SystemTime::now();
        Self::before(now, text)
    }
}

impl Since {
    fn before(now: SystemTime, text: &str) -> Result<Self, String> {
        let day = humantime::parse_rfc3339_weak(&format!("{text} 00:00:00"));
        let time = day.or_else(|_| humantime::parse_rfc3339_weak(text.trim_end_matches('Z')));
        let time = match (time, humantime::parse_duration(text)) {
            (Ok(time), _) => Some(time),
            (Err(_), Ok(ago)) => Some(now.checked_sub(ago).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH)),
            _ => None,
        };
        let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let wrong = || "say how long ago, such as 2h or 7d, or a date such as 2026-12-24".to_owned();
        since.as_ref().map(Duration::as_secs).map(Self).ok_or_else(wrong)
    }
}

/// Prints a line for each line of the log.
pub(crate) fn run(to: &Daemon, user: Option<String>, since: Option<Since>) -> Result<Exit> {
    let mut client = to.ask(say::ATTEMPT)?;
    client.start(&Log { since: since.map(|Since(since)| since), user: user.clone() }, true)?;
    let mut is_empty = true;
    loop {
        let received = client.receive::<Log>()?;
        is_empty &= received.reply.lines.is_empty();
        for line in &received.reply.lines {
            if to.json {
                say::json(line)?;
            } else {
                say::line(text(line))?;
            }
        }
        if !received.continues {
            if is_empty && !to.json {
                let about = user.map_or_else(String::new, |user| format!(" about {user}"));
                eprintln!("no lines{about}");
            }
            return Ok(Exit::Done);
        }
    }
}

fn text(line: &AuditLine) -> String {
    let parts = [
        Some(say::date(line.time)),
        Some(line.kind.clone()),
        line.door.as_ref().map(|door| format!("door {door}")),
        line.change.clone(),
        line.user.clone(),
        line.verdict.clone(),
        line.latch.as_ref().map(|latch| format!("latch {latch}")),
        line.note.clone(),
        line.by.map(|by| format!("by {}", account(by))),
        line.times.map(|times| format!("({times} times)")),
        line.lost.map(|lost| format!("({lost} lines before this could not be written)")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The name of an account, or its number where none has it.
fn account(uid: u64) -> String {
    let name = u32::try_from(uid).ok().and_then(|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten());
    name.map_or_else(|| format!("user id {uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_how_long_ago() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (text, seconds) in [
            ("1970-01-02", 86_400),
            ("1970-01-02T00:00:01Z", 86_401),
            ("1970-01-02T00:00:01", 86_401),
            ("2h", 992_800),
            ("7d", 395_200),
            ("100years", 0),
        ] {
            assert_eq!(Since::before(now, text), Ok(Since(seconds)), "{text}");
        }
        assert!(Since::before(now, "yesterdays").expect_err("no time").contains("7d"));
    }

    #[test]
    fn a_line_says_what_happened_to_whom_and_who_asked() {
        let line = AuditLine {
            time: 60,
            kind: "verify".into(),
            user: Some("anna".into()),
            by: Some(0),
            verdict: Some("no-match".into()),
            times: Some(3),
            ..AuditLine::default()
        };
        assert_eq!(text(&line), "1970-01-01T00:01:00Z  verify  anna  no-match  by root  (3 times)");
        assert!(account(4_000_000_000).contains("4000000000"));
    }
}
