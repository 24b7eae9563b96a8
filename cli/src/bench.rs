//! `facelatch bench`: how fast attempts are on this machine, as a report in Markdown that others can compare. It needs what the
//! package holds, a camera, and a person who is enrolled and stands before it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use facelatch_wire::call::{Status, Verify};
use facelatch_wire::reply::{self, DoorState, Judging, Milliseconds};
use facelatch_wire::{ClientError, Fault, Outcome};

use crate::exit::{self, Exit};
use crate::judging;
use crate::machine::{Conditions, Machine, Service};
use crate::say::{self, Daemon};
use crate::status::{camera_name, cameras};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Whose face is before the camera, not enrolled with --door; latches stay closed, and misses count as always
    #[arg(value_name = "NAME")]
    user: String,
    /// Attempts with an open camera
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    /// Attempts after the camera was left alone; none while a door that may watch it is attached
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    cold: u32,
    /// For how long it is left alone, longer than camera.idle_close_ms, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    idle: u64,
}

/// An attempt, as the caller saw it.
struct Measured {
    took: Duration,
    end: Judging,
}

/// Ends with 1 if an attempt did not match, and as its error says if one could not be made; what was measured before is reported.
pub(crate) fn run(to: &Daemon, args: BenchArgs) -> Result<Exit> {
    let root = Path::new("/");
    let status = to.ask(say::SOON)?.call(&Status {})?;
    let before = Conditions::read(root);
    let watcher = watcher(&status);
    if let Some(door) = watcher {
        eprintln!(
            "the door {} may keep the camera open: stop facelatch-door to measure with a closed one",
            door.name
        );
    }
    let closed = if watcher.is_some() { 0 } else { args.cold };
    eprintln!("{} attempts; please look into the camera until the report appears", closed + args.attempts);
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let cold_attempt = || {
        pause(args.idle);
        attempt(to, &args.user)
    };
    let ended = measure(closed, &mut cold, cold_attempt)
        .and_then(|()| measure(args.attempts, &mut warm, || attempt(to, &args.user)));
    if cold.is_empty() && warm.is_empty() {
        return ended.map(|()| Exit::Done);
    }
    let facts = Facts {
        machine: Machine::read(root),
        service: Service::read(root),
        status,
        before,
        after: Conditions::read(root),
    };
    let report = report(&facts, &cold, &warm);
    if to.json {
        say::json(&serde_json::json!({ "report": report }))?;
    } else {
        say::line(report)?;
    }
    if let Err(error) = ended {
        return Ok(exit::report(&error, false));
    }
    let all_match = cold.iter().chain(&warm).all(|one| one.is_match());
    Ok(if all_match { Exit::Done } else { Exit::NoMatch })
}

/// A door that may keep the default camera open, as one does that watches it.
fn watcher(status: &reply::Status) -> Option<&DoorState> {
    let default = status.cameras.first().map(|camera| &camera.name);
    status.doors.iter().find(|door| default.is_none_or(|name| *name == door.camera))
}

/// So many attempts, until one cannot be made.
fn measure(
    count: u32,
    measured: &mut Vec<Measured>,
    mut attempt: impl FnMut() -> Result<Measured>,
) -> Result<()> {
    for _ in 0..count {
        measured.push(attempt()?);
    }
    Ok(())
}

/// # Errors
/// Also where there is nobody to compare with, which would be the same each time.
fn attempt(to: &Daemon, user: &str) -> Result<Measured> {
    let request = Verify { user: Some(user.to_owned()), latch: Some(false), camera: None };
    let begun = now();
    let end = judging::attempt(to, &request, |reply| reply)?;
    let took = now().duration_since(begun);
    if end.verdict == Some(Outcome::NotEnrolled) {
        let message = end.message.unwrap_or_else(|| Outcome::NotEnrolled.message());
        return Err(ClientError::Refused(Fault::NotFound { message: format!("{user}: {message}") }).into());
    }
    Ok(Measured { took, end })
}

#[expect(clippy::disallowed_methods, reason = "the clock is what is measured with")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the daemon tells nobody when it closes a camera")]
fn pause(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

impl Measured {
    fn is_match(&self) -> bool {
        self.end.verdict == Some(Outcome::Match)
    }
}

/// What is the same for all attempts.
struct Facts {
    machine: Machine,
    service: Service,
    status: reply::Status,
    before: Conditions,
    after: Conditions,
}

fn report(facts: &Facts, cold: &[Measured], warm: &[Measured]) -> String {
    let Facts { machine, service, status, before, after } = facts;
    let camera = cameras(status).first().map_or_else(String::new, camera_name);
    let mut text = format!("## facelatch {} on {}\n\n| | |\n| --- | --- |", status.version, machine.board);
    let mut row = |what: &str, value: &str| text += &format!("\n| {what} | {} |", cell(value));
    row("processor", &machine.processor);
    row("system", &machine.system);
    row("memory", &machine.memory);
    row("camera", &camera);
    row("networks", &format!("{}, {}", status.detector, status.embedder));
    row("enrolled", &format!("{}, {}", say::people(status.users), say::templates(status.templates)));
    row("boot to ready", &service.boot_to_ready);
    row("start to ready", &service.start_to_ready);
    row("memory of facelatchd, now and at most", &service.memory);
    row("temperature, before and after", &format!("{}, {}", before.temperature, after.temperature));
    row("throttled", &after.throttled);
    row("load, before and after", &format!("{}, {}", before.load, after.load));
    text += "\n\n| attempts | matched | median | least | most | detect | align | embed | compare |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";
    for (what, attempts) in [("camera closed before", cold), ("camera open", warm)] {
        // None where a door may watch it.
        if !attempts.is_empty() {
            text += &attempts_row(what, attempts);
        }
    }
    text + "\n\nMilliseconds: whole attempts as the caller saw them, then medians of the mean time a frame in each stage, and of \
            one comparison with all templates."
}

/// Times of whole attempts, and of their stages, of those that matched.
fn attempts_row(what: &str, attempts: &[Measured]) -> String {
    let matched: Vec<&Measured> = attempts.iter().filter(|one| one.is_match()).collect();
    let whole: Vec<f64> = matched.iter().map(|one| one.took.as_secs_f64() * 1e3).collect();
    let stage = |of: fn(&Milliseconds) -> f64| {
        numbers(matched.iter().filter_map(|one| one.end.ms.as_ref().map(of)).collect(), 1).1
    };
    let (least, median, most) = numbers(whole, 0);
    let stages = [stage(|ms| ms.detect), stage(|ms| ms.align), stage(|ms| ms.embed), stage(|ms| ms.score)];
    let (count, all) = (matched.len(), attempts.len());
    format!("\n| {what} | {count} of {all} | {median} | {least} | {most} | {} |", stages.join(" | "))
}

/// The least, the median and the most, with so many decimals.
fn numbers(mut values: Vec<f64>, decimals: usize) -> (String, String, String) {
    values.sort_by(f64::total_cmp);
    let show =
        |value: Option<&f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"));
    (show(values.first()), show(values.get(values.len() / 2)), show(values.last()))
}

/// Text that does not end a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use facelatch_wire::reply::Camera;

    use super::*;

    fn measured(verdict: Outcome, ms: u64, detect: f64) -> Measured {
        let ms_of = Milliseconds { detect, align: 1.0, embed: 20.0, score: 0.26 };
        let end = Judging { verdict: Some(verdict), ms: Some(ms_of), ..Judging::default() };
        Measured { took: Duration::from_millis(ms), end }
    }

    #[test]
    fn only_attempts_that_matched_are_timed() {
        let attempts = [
            measured(Outcome::Match, 200, 12.0),
            measured(Outcome::NoMatch, 9000, 99.0),
            measured(Outcome::Match, 300, 10.0),
            measured(Outcome::Match, 100, 11.0),
        ];
        assert_eq!(
            attempts_row("camera open", &attempts),
            "\n| camera open | 3 of 4 | 200 | 100 | 300 | 11.0 | 1.0 | 20.0 | 0.3 |"
        );
        assert_eq!(attempts_row("none", &[]), "\n| none | 0 of 0 | - | - | - | - | - | - | - |");
    }

    #[test]
    fn a_failure_keeps_what_was_measured_before() {
        let (mut kept, mut count) = (Vec::new(), 0);
        let ended = measure(5, &mut kept, || {
            count += 1;
            anyhow::ensure!(count < 3, "gone");
            Ok(measured(Outcome::Match, 200, 12.0))
        });
        assert!(ended.is_err_and(|error| error.to_string() == "gone"));
        assert_eq!((kept.len(), count), (2, 3));
    }

    #[test]
    fn a_door_at_the_default_camera_may_watch_it() {
        let door = |camera: &str| DoorState { camera: camera.into(), ..DoorState::default() };
        let camera = |name: &str| Camera { name: name.into(), ..Camera::default() };
        let only = reply::Status { doors: vec![door("porch")], ..Default::default() };
        assert!(watcher(&only).is_some());
        assert!(watcher(&reply::Status::default()).is_none());
        let several = |first: &str, second: &str| reply::Status {
            cameras: vec![camera(first), camera(second)],
            ..only.clone()
        };
        assert!(watcher(&several("porch", "desk")).is_some());
        assert!(watcher(&several("desk", "porch")).is_none());
    }

    #[test]
    fn a_cell_ends_where_it_should() {
        assert_eq!(cell("a|b\nc"), "a\\|b c");
    }
}
