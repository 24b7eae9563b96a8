//! `facelatch doctor`: one finding a line, with its fix. It asks the daemon first, and checks itself what the daemon does
//! not report, or cannot because it is not running.

mod daemon;
mod door;
mod key;
mod machine;
pub(crate) mod pam;
mod report;
pub(crate) mod shadow;
mod swap;
#[path = "../../src/serve/volatile.rs"]
mod volatile;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// One thing that was checked.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    /// Nothing is broken.
    ok: bool,
    found: String,
    /// What to do, if `found` does not say so. On something that is not broken: what could be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, ok: true, found: found.into(), fix: None }
    }

    fn note(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::good(what, found) }
    }

    fn bad(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { ok: false, ..Self::note(what, found, fix) }
    }

    /// Something broken whose text says what to do.
    fn broken(what: &'static str, found: impl Into<String>) -> Self {
        Self { ok: false, ..Self::good(what, found) }
    }

    fn word(&self) -> &'static str {
        match (self.ok, &self.fix) {
            (true, None) => "ok  ",
            (true, Some(_)) => "note",
            (false, _) => "FAIL",
        }
    }
}

/// Ends with 4 if anything is broken.
pub(crate) fn run(to: &Daemon, report: Option<&Path>) -> Result<Exit> {
    let root = Path::new("/");
    let (mut findings, running) = daemon::examine(to);
    if !running {
        findings.extend(machine::cameras(root));
        findings.push(machine::models(root));
        findings.extend(machine::own_models(root));
    }
    findings.extend(machine::store(root));
    findings.extend(machine::configuration(root));
    findings.push(key::examine(root, running));
    findings.extend(swap::examine(root));
    findings.extend(pam::examine(root));
    if let Some(path) = report {
        report::write(to, path, root, &findings)?;
    }
    for finding in &findings {
        if to.json {
            say::json(finding)?;
            continue;
        }
        say::line(format!("{} {:<10} {}", finding.word(), finding.what, finding.found))?;
        if let Some(fix) = &finding.fix {
            say::line(format!("                do: {fix}"))?;
        }
    }
    Ok(if findings.iter().all(|finding| finding.ok) { Exit::Done } else { Exit::Unavailable })
}
