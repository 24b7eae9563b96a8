//! `facelatch status`.

use std::time::Duration;

use anyhow::Result;
use facelatch_wire::call::Status;
use facelatch_wire::reply::{self, DoorState, State};

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

/// All cameras, the default one first. The only one is called by its device.
pub(crate) fn cameras(status: &reply::Status) -> &[reply::Camera] {
    if status.cameras.len() < 2 { std::slice::from_ref(&status.camera) } else { &status.cameras }
}

/// What a person calls it: its name, where it has one, and its device.
pub(crate) fn camera_name(camera: &reply::Camera) -> String {
    let device = camera.device.as_ref().map_or_else(String::new, |device| format!(" ({device})"));
    format!("{}{device}", camera.name)
}

fn lines(status: &reply::Status) -> Vec<String> {
    let up = humantime::format_duration(Duration::from_secs(status.uptime_s));
    let busy = if status.busy { ", busy" } else { "" };
    let mut lines = vec![format!("facelatchd {}: {}{busy}, up {up}", status.version, status.state)];
    lines.extend(cameras(status).iter().map(|camera| {
        let why = camera.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
        format!("camera    {} {}{why}", camera_name(camera), camera.state)
    }));
    lines.extend([
        format!("networks  {} and {}", status.detector, status.embedder),
        format!("enrolled  {}, {}", say::people(status.users), say::templates(status.templates)),
        format!("store     {}", status.store.state),
        format!("latch     {}", status.latch),
    ]);
    if status.face == Some(false) {
        lines.push("face      off: no face lets anybody in until `facelatch face on`".to_owned());
    }
    if let (Some(threshold), Some(identical)) = (status.threshold, status.identical_pair_p) {
        lines.push(format!("head      threshold {threshold:.4}, an identical pair scores {identical:.4}"));
    }
    lines.extend(status.doors.iter().map(|door| format!("door      {}", of_door(door))));
    lines.extend(status.store.notes.iter().map(|note| format!("note      {note}")));
    lines.extend(status.notes.iter().map(|note| format!("note      {note}")));
    lines
}

/// The door, whether it is open, what happened last, and what is wrong there.
fn of_door(door: &DoorState) -> String {
    let contact = door.open.map(|open| if open { "open" } else { "closed" }.to_owned());
    let last = door.change.map(|change| match door.time {
        Some(time) => format!("{change} at {}", say::date(time)),
        None => change.to_string(),
    });
    let parts = [contact, Some(format!("camera {}", door.camera)), last].into_iter().flatten();
    format!("{}: {}", door.name, parts.chain(door.faults.iter().cloned()).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use facelatch_wire::reply::DoorChange;

    use super::*;

    #[test]
    fn a_door_is_one_line() {
        let new = DoorState { name: "back".into(), camera: "yard".into(), ..DoorState::default() };
        assert_eq!(of_door(&new), "back: camera yard");
        let door = DoorState {
            change: Some(DoorChange::Held),
            time: Some(60),
            open: Some(true),
            faults: vec!["strike: gone".into()],
            ..new
        };
        assert_eq!(of_door(&door), "back: open, camera yard, held at 1970-01-01T00:01:00Z, strike: gone");
    }
}
