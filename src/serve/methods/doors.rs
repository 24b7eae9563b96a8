//! Methods for doors: which there are, a look, and what happened there.

use facelatch_wire::Fault;
use facelatch_wire::call::{Attach, Done, Look, Report};
use facelatch_wire::reply::{DoorPlace, Event, EventKind, Judging};

use super::attempts::{AttemptRequest, judge, known_camera};
use super::{CallError, Handle, blocking, user_name};
use crate::people::access::DoorName;
use crate::serve::connection::Replies;
use crate::serve::doors::{self, Place};
use crate::serve::fault::bad_parameter;
use crate::serve::session::Session;

/// Longest note of a report, in bytes.
const MAX_NOTE_BYTES: usize = 200;

impl Handle for Look {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Judging, CallError> {
        session.caller.may_serve_a_door("look")?;
        let Place { name, camera } = session.state.doors.find(self.door.as_deref())?;
        judge(AttemptRequest { claimed: None, login: false, camera, door: Some(name) }, session, replies)
            .await
    }
}

impl Handle for Attach {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.caller.may_serve_a_door("attach")?;
        let place = |DoorPlace { name, camera }| {
            Ok(Place { name: door_name("doors", &name)?, camera: known_camera(session, camera)? })
        };
        let places = self.doors.into_iter().map(place).collect::<Result<Vec<Place>, Fault>>()?;
        let is_owner = session.caller.is_owner();
        session.attached.set(session.caller.uid, is_owner, places)?;
        Ok(Done {})
    }
}

impl Handle for Report {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.caller.may_serve_a_door("report")?;
        let user = self.user.as_deref().map(user_name).transpose()?;
        let note = self.note.map(checked_note).transpose()?;
        let report = doors::Report { door: door_name("door", &self.door)?, change: self.change, note };
        let state = &session.state;
        let (uid, now) = (session.caller.uid, (state.clock.now(), state.clock.wall()));
        state.doors.report(uid, &report, now)?;
        let (recorder, _) = session.recorder();
        let event = Event {
            door: Some(report.door.to_string()),
            change: Some(report.change),
            note: report.note,
            ..recorder.event(EventKind::Door, user.map(|user| user.to_string()))
        };
        let never = |never: std::convert::Infallible| match never {};
        let record = move || {
            recorder.record_report(event, uid);
            Ok(())
        };
        blocking(never, record).await?;
        Ok(Done {})
    }
}

fn door_name(parameter: &str, name: &str) -> Result<DoorName, Fault> {
    DoorName::new(name).map_err(|error| bad_parameter(parameter, &error))
}

/// A note that is short, and one line of text.
fn checked_note(note: String) -> Result<String, Fault> {
    if note.len() <= MAX_NOTE_BYTES && !note.chars().any(char::is_control) {
        return Ok(note);
    }
    let why = format!("note: {} bytes; use one line of at most {MAX_NOTE_BYTES} bytes", note.len());
    Err(bad_parameter("note", &why))
}
