//! `facelatch status`.

use std::time::Duration;

use anyhow::Result;
use facelatch_wire::call::Status;
use facelatch_wire::reply::{self, State};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Ends with 4 if the daemon runs but cannot judge at present.
pub(crate) fn run(to: &Daemon) -> Result<Exit> {
    let status = to.ask(say::SOON)?.call(&Status {})?;
    if to.json {
        say::json(&status)?;
    } else {
        lines(&status).iter().try_for_each(say::line)?;
    }
    Ok(if status.state == State::Ready { Exit::Done } else { Exit::Unavailable })
}

fn lines(status: &reply::Status) -> Vec<String> {
    let up = humantime::format_duration(Duration::from_secs(status.uptime_s));
    let busy = if status.busy { ", busy" } else { "" };
    let camera = status.camera.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    let mut lines = vec![
        format!("facelatchd {}: {}{busy}, up {up}", status.version, status.state),
        format!("camera    {} {}{camera}", status.camera.name, status.camera.state),
        format!("networks  {} and {}", status.detector, status.embedder),
        format!("enrolled  {}, {}", say::people(status.users), say::templates(status.templates)),
        format!("store     {}", status.store.state),
        format!("latch     {}", status.latch),
    ];
    if status.face == Some(false) {
        lines.push("face      off: no face lets anybody in until `facelatch face on`".to_owned());
    }
    if let (Some(threshold), Some(identical)) = (status.threshold, status.identical_pair_p) {
        lines.push(format!("head      threshold {threshold:.4}, an identical pair scores {identical:.4}"));
    }
    lines.extend(status.store.notes.iter().map(|note| format!("note      {note}")));
    lines.extend(status.notes.iter().map(|note| format!("note      {note}")));
    lines
}
