//! `facelatch enroll`: a progress bar, and what to do.

use std::time::Duration;

use anyhow::{Context, Result};
use facelatch_wire::call::Enroll;
use facelatch_wire::reply::Enrolling;
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Longer than the daemon's configuration allows.
const ENROLMENT: Duration = Duration::from_secs(700);

/// Enrols from the camera and shows progress.
pub(crate) fn run(to: &Daemon, request: &Enroll) -> Result<Exit> {
    let mut client = to.ask(ENROLMENT)?;
    client.start(request, true)?;
    let bar = bar(to.json);
    loop {
        let received = client.receive::<Enroll>()?;
        if to.json {
            say::json(&received.reply)?;
        } else if received.continues {
            show(&bar, &received.reply);
        }
        if !received.continues {
            bar.finish_and_clear();
            if !to.json {
                conclude(&received.reply)?;
            }
            return Ok(Exit::Done);
        }
    }
}

/// On standard error, and drawn only on a terminal.
fn bar(json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}") {
        bar.set_style(style);
    }
    bar.set_message("look at the camera");
    bar
}

fn show(bar: &ProgressBar, progress: &Enrolling) {
    if let (Some(done), Some(wanted)) = (progress.done, progress.wanted) {
        bar.set_length(wanted);
        bar.set_position(done);
        bar.set_message("turn your head a little");
    }
    if let Some(guidance) = progress.guidance {
        bar.set_message(say::guidance(guidance));
    } else if let Some(message) = &progress.message {
        bar.set_message(message.clone());
    }
}

fn conclude(end: &Enrolling) -> Result<()> {
    let added = end.added.context("the daemon did not say what it added; see its journal")?;
    let user = end.user.as_deref().unwrap_or_default();
    let replaced =
        end.replaced.map_or_else(String::new, |count| format!(", in place of {count} earlier ones"));
    say::line(format!("{user} enrolled with {}{replaced}", say::templates(added)))?;
    end.warnings.iter().flatten().try_for_each(|warning| say::line(format!("note: {warning}")))
}
