//! `facelatch verify`, `facelatch identify` and `facelatch look`.

use anyhow::{Context, Result};
use facelatch_wire::call::{Identify, Look, Verify};
use facelatch_wire::reply::Judging;
use facelatch_wire::{Kind, Method, Outcome};

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
    let end = attempt(to, request, |reply| reply)?;
    let verdict = verdict(&end)?;
    if to.json {
        say::json(&end)?;
    } else {
        say::line(text(&end, verdict))?;
    }
    Ok(Exit::from(verdict))
}

/// Has an attempt made, and says meanwhile what to do. Returns the last reply.
pub(crate) fn attempt<M: Method>(
    to: &Daemon,
    request: &M,
    judging: impl Fn(&M::Reply) -> &Judging,
) -> Result<M::Reply> {
    let mut client = to.ask(say::ATTEMPT)?;
    client.start(request, true)?;
    let mut last = None;
    loop {
        let received = client.receive::<M>()?;
        if !received.continues {
            return Ok(received.reply);
        }
        // Not the same line again and again.
        let guidance = judging(&received.reply).guidance;
        if let Some(outcome) =
            guidance.filter(|outcome| !to.json && guidance != last && !is_told_by_the_end(*outcome))
        {
            eprintln!("{}", say::guidance(outcome));
        }
        last = guidance.or(last);
    }
}

/// A camera without pictures: the verdict has the reason, and the person can do nothing meanwhile.
fn is_told_by_the_end(guidance: Outcome) -> bool {
    guidance.kind() == Kind::Unavailable
}

/// How it ended.
pub(crate) fn verdict(end: &Judging) -> Result<Outcome> {
    end.verdict.context("the daemon ended without a verdict; see its journal")
}

/// The verdict, whose it is, and what else the caller may know.
pub(crate) fn text(end: &Judging, verdict: Outcome) -> String {
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
