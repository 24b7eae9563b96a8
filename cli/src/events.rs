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
    let verdict = event.verdict.map(|verdict| verdict.to_string());
    let prompt = event.guidance.map(|prompt| prompt.to_string());
    let latch = event.latch.map(|latch| format!("latch {latch}"));
    let lost = event.lost.map(|lost| format!("({lost} events before this were lost)"));
    let parts = [
        Some(say::date(event.time)),
        Some(event.kind.to_string()),
        event.user.clone(),
        prompt,
        verdict,
        latch,
        lost,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}
