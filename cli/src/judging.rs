//! `facelatch verify`, `facelatch identify` and `facelatch look`.

use anyhow::{Context, Result};
use facelatch_wire::call::{Identify, Look, Verify};
use facelatch_wire::reply::Judging;
use facelatch_wire::{Method, Outcome};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Is it this user?
pub(crate) fn verify(to: &Daemon, user: Option<String>, camera: Option<String>) -> Result<Exit> {
    judge(to, &Verify { user, latch: None, camera })
}

/// Who is it?
pub(crate) fn identify(to: &Daemon, camera: Option<String>) -> Result<Exit> {
    judge(to, &Identify { camera })
}

/// Who is at this door?
pub(crate) fn look(to: &Daemon, door: Option<String>) -> Result<Exit> {
    judge(to, &Look { door })
}

fn judge<M: Method<Reply = Judging>>(to: &Daemon, request: &M) -> Result<Exit> {
    let mut client = to.ask(say::ATTEMPT)?;
    client.start(request, true)?;
    let mut last = None;
    let end = loop {
        let received = client.receive::<M>()?;
        if !received.continues {
            break received.reply;
        }
        // Not the same line again and again.
        let guidance = received.reply.guidance;
        if let Some(outcome) = guidance.filter(|_| !to.json && guidance != last) {
            eprintln!("{}", say::guidance(outcome));
        }
        last = guidance.or(last);
    };
    let verdict = end.verdict.context("the daemon ended without a verdict; see its journal")?;
    if to.json {
        say::json(&end)?;
    } else {
        say::line(text(&end, verdict))?;
    }
    Ok(Exit::from(verdict))
}

/// The verdict, whose it is, and what else the caller may know.
fn text(end: &Judging, verdict: Outcome) -> String {
    let mut text = match &end.user {
        Some(user) => format!("{verdict}: {user}"),
        None => verdict.to_string(),
    };
    if let (Some(p), Some(threshold)) = (end.p, end.threshold) {
        text += &format!(" (p = {p:.4}, threshold {threshold:.4})");
    }
    if let Some(message) = end.message.as_ref().filter(|_| verdict != Outcome::Match) {
        text += &format!("\n{message}");
    }
    if let Some(error) = &end.latch_error {
        text += &format!("\nthe latch stayed closed: {error}");
    }
    text
}
