//! `facelatch doctor`: one finding a line, each with its fix.

use std::os::unix::fs::FileTypeExt;

use anyhow::Result;
use facelatch_wire::ClientError;
use facelatch_wire::call::{List, Status};
use facelatch_wire::reply;
use serde::Serialize;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    found: String,
}

/// Ends with 4 when anything is wrong.
pub(crate) fn run(to: &Daemon) -> Result<Exit> {
    let findings = examine(to);
    for finding in &findings {
        if to.json {
            say::json(finding)?;
        } else {
            say::line(format!(
                "{} {:<9} {}",
                if finding.ok { "ok  " } else { "FAIL" },
                finding.what,
                finding.found
            ))?;
        }
    }
    Ok(if findings.iter().all(|finding| finding.ok) { Exit::Done } else { Exit::Unavailable })
}

/// Stops at the first thing without which the rest cannot be seen.
fn examine(to: &Daemon) -> Vec<Finding> {
    let mut findings = vec![socket(to)];
    let status = match to.ask(say::SOON).and_then(|mut client| Ok(client.call(&Status {})?)) {
        Ok(status) => status,
        Err(error) => {
            findings.push(Finding { what: "daemon", ok: false, found: format!("{error:#}") });
            return findings;
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    let found = format!("version {}, this command is {version}", status.version);
    findings.push(Finding { what: "daemon", ok: status.version == version, found });
    findings.push(camera(&status));
    let found = format!("{} and {} are loaded and were verified", status.detector, status.embedder);
    findings.push(Finding { what: "models", ok: true, found });
    findings.push(enrolled(&status));
    findings.push(rights(to));
    findings
}

fn socket(to: &Daemon) -> Finding {
    let path = to.socket.display();
    let (ok, found) = match std::fs::metadata(&to.socket) {
        Ok(file) if file.file_type().is_socket() => (true, format!("{path}")),
        Ok(_) => (false, format!("{path} is no socket; remove it and restart the daemon")),
        Err(e) => (false, format!("{path}: {e}; start the daemon (`systemctl start facelatchd`)")),
    };
    Finding { what: "socket", ok, found }
}

fn camera(status: &reply::Status) -> Finding {
    let reply::Camera { name, state, message } = &status.camera;
    let found = message.clone().unwrap_or_else(|| format!("{name} is {state}"));
    Finding { what: "camera", ok: state == "ready", found }
}

fn enrolled(status: &reply::Status) -> Finding {
    let ok = status.users > 0;
    let found = if ok {
        format!("{} people, {} templates", status.users, status.templates)
    } else {
        "nobody; `sudo facelatch enroll NAME` does it".to_owned()
    };
    Finding { what: "enrolled", ok, found }
}

/// Not a fault: who may only verify himself is told so.
fn rights(to: &Daemon) -> Finding {
    let found = match to.ask(say::SOON).and_then(|mut client| Ok(client.call(&List { user: None })?)) {
        Ok(_) => "you may enrol and remove".to_owned(),
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused(fault)) => format!("you may verify yourself only ({fault})"),
            _ => return Finding { what: "rights", ok: false, found: format!("{error:#}") },
        },
    };
    Finding { what: "rights", ok: true, found }
}
