//! `facelatch events`.

use anyhow::Result;
use facelatch_wire::call::Events;
use facelatch_wire::reply::Event;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Prints a line for each event, until the person or the daemon stops.
pub(crate) fn run(to: &Daemon) -> Result<Exit> {
    let mut client = to.follow()?;
    client.start(&Events {}, true)?;
    loop {
        let received = client.receive::<Events>()?;
        if to.json {
            say::json(&received.reply)?;
        } else {
            say::line(text(&received.reply))?;
        }
        if !received.continues {
            return Ok(Exit::Done);
        }
    }
}

fn text(event: &Event) -> String {
    let door = event.door.as_ref().map(|door| format!("door {door}"));
    let camera = event.camera.as_ref().map(|camera| format!("camera {camera}"));
    let change = event.change.map(|change| change.to_string());
    let duress = (event.duress == Some(true)).then(|| "under duress".to_owned());
    let verdict = event.verdict.map(|verdict| verdict.to_string());
    let prompt = event.guidance.map(|prompt| prompt.to_string());
    let latch = event.latch.map(|latch| format!("latch {latch}"));
    let lost = event.lost.map(|lost| format!("({lost} events before this were lost)"));
    let parts = [
        Some(say::date(event.time)),
        Some(event.kind.to_string()),
        door,
        camera,
        change,
        event.user.clone(),
        prompt,
        verdict,
        duress,
        latch,
        event.note.clone(),
        lost,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use facelatch_wire::Outcome;
    use facelatch_wire::reply::{DoorChange, EventKind};

    use super::*;

    #[test]
    fn a_line_says_where_what_and_who() {
        let at = |kind| Event { kind, door: Some("front".into()), ..Event::default() };
        let forced =
            Event { change: Some(DoorChange::Forced), note: Some("twice".into()), ..at(EventKind::Door) };
        assert_eq!(text(&forced), "1970-01-01T00:00:00Z  door  door front  forced  twice");
        let grant = Event {
            camera: Some("yard".into()),
            user: Some("alice".into()),
            verdict: Some(Outcome::Match),
            duress: Some(true),
            ..at(EventKind::Pin)
        };
        let told = "1970-01-01T00:00:00Z  pin  door front  camera yard  alice  match  under duress";
        assert_eq!(text(&grant), told);
    }
}
