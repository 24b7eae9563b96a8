//! Puts what happened on record, then sends it to whoever follows events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use facelatch_wire::Outcome;
use facelatch_wire::reply::{Event, EventKind};
use tokio::sync::broadcast;

use super::journal;
use super::repeats::Repeats;
use super::reports::Reports;
use crate::clock::{Clock, WallTime};
use crate::store::audit::{Audit, Entry};

/// Writes the audit log and publishes events.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) clock: Arc<dyn Clock>,
    /// The audit log.
    pub(super) audit: Option<Arc<Audit>>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) repeats: Arc<Mutex<Repeats>>,
    pub(super) reports: Arc<Mutex<Reports>>,
}

impl Recorder {
    /// An event of this moment.
    pub(super) fn event(&self, kind: EventKind, user: Option<String>) -> Event {
        Event { kind, time: self.clock.wall().0, user, ..Event::default() }
    }

    /// Puts an event on record, then sends it to whoever listens. Waits for the disk.
    pub(super) fn record_and_announce(&self, event: Event, caller_uid: u32) {
        self.record(audited(&event, caller_uid));
        self.announce_only(event, caller_uid);
    }

    /// The same for a presentation that was refused as an attack, with what it was most like.
    pub(super) fn record_attack(&self, event: Event, caller_uid: u32, species: &str) {
        self.record(Entry { note: Some(species.to_owned()), ..audited(&event, caller_uid) });
        self.announce_only(event, caller_uid);
    }

    /// Puts on record what a door reports, as far as there is room, then sends it to whoever listens. Waits for the disk.
    pub(super) fn record_report(&self, event: Event, caller_uid: u32) {
        let entry = audited(&event, caller_uid);
        let is_written = self.reports().is_written(&entry, self.clock.now());
        if is_written {
            self.write(entry);
        }
        self.announce_only(event, caller_uid);
    }

    /// Tells whoever listens what the person before a camera is asked to do; `place` has the camera and the door.
    pub(super) fn announce_prompt(&self, user: Option<String>, prompt: Outcome, place: &Event) {
        let (camera, door) = (place.camera.clone(), place.door.clone());
        let event = Event { guidance: Some(prompt), camera, door, ..self.event(EventKind::Prompt, user) };
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// The same for a change that succeeded and needs no more than a kind and a user.
    pub(super) fn record_success(&self, kind: EventKind, user: Option<String>, caller_uid: u32) {
        self.record_and_announce(self.event(kind, user), caller_uid);
    }

    /// Sends an event to whoever listens, and puts nothing on record.
    pub(super) fn announce_only(&self, event: Event, caller_uid: u32) {
        let (verdict, latch) = (event.verdict.map(Outcome::as_str), event.latch.map(|latch| latch.as_str()));
        let (door, change) = (event.door.as_deref(), event.change.map(|change| change.as_str()));
        let message_id = journal::of_event(event.kind);
        tracing::info!(
            message_id,
            user = event.user,
            by = caller_uid,
            verdict,
            latch,
            door,
            change,
            "{}",
            event.kind
        );
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// Puts on record a change that the store failed at: part of it may be done.
    pub(super) fn record_failure(&self, kind: EventKind, user: Option<String>, caller_uid: u32) {
        self.record(audited(&Event { verdict: Some(Outcome::Failed), ..self.event(kind, user) }, caller_uid));
    }

    /// Puts on record how many attempts judged no face.
    pub(super) fn record_unjudged(&self, note: String) {
        let (time, kind) = (self.clock.wall(), "unjudged".to_owned());
        self.record(Entry { time, kind, note: Some(note), ..Entry::default() });
    }

    /// Puts on record how often lines were repeated, once a minute.
    pub(super) fn record_repeats(&self) {
        let now = (self.clock.now(), self.clock.wall());
        let due = [self.repeats().due(now), self.reports().due(now)].concat();
        due.into_iter().for_each(|entry| self.write(entry));
    }

    /// The same at once, before the daemon ends.
    pub(super) fn finish(&self) {
        let now = (self.clock.now(), self.clock.wall());
        let left = [self.repeats().take(now.1), self.reports().take(now)].concat();
        left.into_iter().for_each(|entry| self.write(entry));
    }

    fn repeats(&self) -> MutexGuard<'_, Repeats> {
        // Counts are whole at any moment.
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, entry: Entry) {
        let is_new = self.repeats().is_new(&entry, self.clock.now());
        if is_new {
            self.write(entry);
        }
    }

    fn write(&self, entry: Entry) {
        if let Some(audit) = &self.audit {
            // A panic there is in the journal already, and what is recorded has happened.
            let _ = catch_unwind(AssertUnwindSafe(|| audit.record(entry)));
        }
    }
}

/// An event as a line of the audit log.
fn audited(event: &Event, caller_uid: u32) -> Entry {
    Entry {
        time: WallTime(event.time),
        kind: event.kind.to_string(),
        user: event.user.clone(),
        by: Some(caller_uid),
        verdict: event.verdict.map(|verdict| verdict.to_string()),
        latch: event.latch.map(|latch| latch.to_string()),
        door: event.door.clone(),
        change: event.change.map(|change| change.to_string()),
        note: event.note.clone().or(event.duress.map(|_| "duress".to_owned())),
        ..Entry::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::is_change;

    #[test]
    fn whatever_is_no_attempt_is_in_the_log_of_changes() {
        for kind in EventKind::ALL {
            let attempt = matches!(
                kind,
                EventKind::Verify
                    | EventKind::Identify
                    | EventKind::Explain
                    | EventKind::Listening
                    | EventKind::Prompt
                    | EventKind::Pin
                    | EventKind::Door
            );
            assert_eq!(is_change(kind.as_str()), !attempt, "{kind}");
        }
    }
}
