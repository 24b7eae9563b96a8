//! `facelatch doctor`: one finding a line, each with its fix. It asks the daemon what it can, and looks itself at
//! what the daemon does not tell, or cannot because it does not run.

mod daemon;
mod key;
mod machine;
mod pam;
mod swap;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    /// Nothing is broken.
    ok: bool,
    found: String,
    /// What to do. On something that is not broken: what could be done.
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

    /// From a text of ours: what is wrong, then after the last semicolon what to do.
    fn told(what: &'static str, text: &str) -> Self {
        let (found, fix) = text.rsplit_once("; ").unwrap_or((text, "see `journalctl -u facelatchd`"));
        Self::bad(what, found, fix)
    }

    fn word(&self) -> &'static str {
        match (self.ok, &self.fix) {
            (true, None) => "ok  ",
            (true, Some(_)) => "note",
            (false, _) => "FAIL",
        }
    }
}

/// Ends with 4 when anything is wrong.
pub(crate) fn run(to: &Daemon) -> Result<Exit> {
    let root = Path::new("/");
    let (mut findings, running) = daemon::examine(to);
    if !running {
        findings.extend(machine::cameras(root));
        findings.push(machine::models(root));
    }
    findings.extend(machine::store(root));
    findings.push(key::examine(root, running));
    findings.extend(swap::examine(root));
    findings.extend(pam::examine(root));
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
