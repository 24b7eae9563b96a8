//! Tells the daemon what happened at the doors, for its events, its audit log and its status. A thread of its own: the
//! daemon may be slow or away, and no door waits for it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use facelatch_wire::call;
use facelatch_wire::reply::DoorChange;
use facelatch_wire::{ClientError, Fault};

use crate::clock::{Clock, Moment};
use crate::controller::Note;
use crate::door::News;
use crate::{daemon, journal};

/// The newest reports that are kept while the daemon is away.
pub(crate) const KEPT: usize = 64;

/// How long to wait before the daemon is called again.
const RETRY: Duration = Duration::from_secs(2);

/// A report that was late by this much says so: the daemon gives it the time at which it arrives.
const LATE: Duration = Duration::from_secs(5);

/// Longest note in bytes.
const MAX_NOTE: usize = 200;

/// What happened at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) door: String,
    pub(crate) change: DoorChange,
    pub(crate) user: Option<String>,
    pub(crate) note: Option<String>,
}

/// What a report is delivered with.
pub(crate) trait World {
    fn now(&self) -> Moment;

    /// The next report, waiting at most so long.
    fn hear(&mut self, at_most: Option<Duration>) -> Result<(Moment, Report), RecvTimeoutError>;

    /// Sends calls over one connection; how many were answered, and why no more were.
    fn send(&mut self, calls: &[call::Report]) -> (usize, Option<ClientError>);

    fn say(&mut self, text: &str);
}

/// Delivers reports until there are no more.
pub(crate) fn deliver(world: &mut impl World) {
    let mut waiting: VecDeque<(Moment, Report)> = VecDeque::new();
    let mut dropped = 0_u64;
    loop {
        // All that is there, and then one call for all of it.
        let mut patience = (!waiting.is_empty()).then_some(RETRY);
        loop {
            match world.hear(patience) {
                Ok(report) => {
                    waiting.push_back(report);
                    if waiting.len() > KEPT {
                        waiting.pop_front();
                        dropped += 1;
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            patience = Some(Duration::ZERO);
        }
        let now = world.now();
        let calls: Vec<call::Report> =
            waiting.iter().map(|(at, report)| report.call(now.since(*at))).collect();
        let (answered, failed) = world.send(&calls);
        waiting.drain(..answered.min(waiting.len()));
        match failed {
            // No other answer is to be had for this one.
            Some(ClientError::Refused(
                fault @ (Fault::BadParameter { .. } | Fault::InvalidParameter { .. }),
            )) => {
                waiting.pop_front();
                world.say(&format!("a report was refused: {fault}"));
            }
            // That the daemon is away is said by who follows its events.
            Some(_) => {}
            None if dropped > 0 => {
                world.say(&format!("{dropped} reports of earlier were not kept while the daemon was away"));
                dropped = 0;
            }
            None => {}
        }
    }
}

impl Report {
    pub(crate) fn new(door: &str, news: &News) -> Self {
        let (change, user, note) = news.report();
        Self { door: door.to_owned(), change, user: user.map(str::to_owned), note }
    }

    fn call(&self, age: Duration) -> call::Report {
        let late = if age >= LATE { format!(" ({} s ago)", age.as_secs()) } else { String::new() };
        let mut note = self.note.clone().unwrap_or_default();
        note.truncate(note.floor_char_boundary(MAX_NOTE - late.len().min(MAX_NOTE)));
        // What a fault is about stands first.
        let note = (note + &late).trim_start().replace(char::is_control, " ");
        call::Report {
            door: self.door.clone(),
            change: self.change,
            user: self.user.clone(),
            note: (!note.is_empty()).then_some(note),
        }
    }
}

/// The thread of the reports.
pub(crate) struct ReportThread {
    pub(crate) clock: Clock,
    pub(crate) socket: PathBuf,
    pub(crate) reports: Receiver<(Moment, Report)>,
}

impl World for ReportThread {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn hear(&mut self, at_most: Option<Duration>) -> Result<(Moment, Report), RecvTimeoutError> {
        match at_most {
            Some(time) => self.reports.recv_timeout(time),
            None => self.reports.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn send(&mut self, calls: &[call::Report]) -> (usize, Option<ClientError>) {
        daemon::report(&self.socket, calls)
    }

    fn say(&mut self, text: &str) {
        journal::say(Note::NotTold, text);
    }
}

#[cfg(test)]
mod tests;
