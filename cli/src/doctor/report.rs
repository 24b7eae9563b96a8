//! `facelatch doctor --report`: a file for a bug report. Only what is named here goes in: no face, score, key or name, and of
//! settings only numbers, switches and words of closed sets. Free text loses all names that this machine knows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use facelatch_wire::call::{List, Rules, Status};
use facelatch_wire::reply;

use super::Finding;
use crate::machine::Machine;
use crate::say::{self, Daemon};
use crate::status::cameras;

mod redact;

use redact::Redactor;

/// Configurations, below the root.
const CONFIGS: &[&str] = &["etc/facelatch/facelatch.toml", "etc/facelatch/door.toml"];

/// Settings whose words are of closed sets, so that they are shown; other text is not.
const WORDS: &[&str] = &[
    "level",
    "kind",
    "opens_on",
    "exec_format",
    "detector",
    "embedder",
    "clock",
    "fail",
    "bias",
    "edge",
    "pull",
];

/// Units, and what systemd says of them.
const UNITS: &[&str] = &["facelatchd.service", "facelatchd.socket", "facelatch-door.service"];
const STATES: &str = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,MemoryCurrent";

/// Writes the file, which must not exist.
pub(super) fn write(to: &Daemon, path: &Path, root: &Path, findings: &[Finding]) -> Result<()> {
    let status = to.ask(say::SOON).and_then(|mut client| Ok(client.call(&Status {})?)).ok();
    let (names, are_all) = names(to, root);
    let mut redactor = Redactor::new(names);
    let journal = journal(&mut redactor);
    let mut text =
        format!("facelatch report 1\ncommand {} for {}\n", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    text += &facts(root);
    text += &found(findings, &redactor);
    text += &status.map_or_else(
        || "\n[status]\nthe daemon does not answer\n".to_owned(),
        |status| state(&status, &redactor),
    );
    text += &settings(root);
    text += &units();
    text += &journal;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(|| {
            format!(
                "{}: cannot be made; name a file that does not exist, in a folder that you may write",
                path.display()
            )
        })?;
    file.write_all(text.as_bytes())?;
    if !to.json {
        let without = if are_all {
            "no faces, keys and names"
        } else {
            "no faces and keys, but names of people for the door were not known"
        };
        say::line(format!("{} written; it has {without}; read it before you send it\n", path.display()))?;
    }
    Ok(())
}

/// Names of people, accounts, doors and this machine; whether the daemon told those that it alone knows.
fn names(to: &Daemon, root: &Path) -> (BTreeSet<String>, bool) {
    let mut names = BTreeSet::new();
    let listed = to.ask(say::SOON).and_then(|mut client| Ok(client.call(&List { user: None })?));
    let list = to.ask(say::SOON).and_then(|mut client| Ok(client.call(&Rules { user: None })?));
    let are_all = listed.is_ok() && list.is_ok();
    if let Ok(listed) = listed {
        names.extend(listed.templates.iter().flat_map(|t| [t.user.clone(), t.label.clone()]));
    }
    if let Ok(list) = list {
        names.extend(list.pins);
        names.extend(list.rules.into_iter().flat_map(|rule| [Some(rule.user), rule.door]).flatten());
    }
    let accounts = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    for account in accounts.lines() {
        let fields: Vec<&str> = account.split(':').collect();
        let is_person = fields.get(2).and_then(|uid| uid.parse::<u32>().ok()).is_some_and(|uid| uid >= 1000);
        if is_person && fields[0] != "nobody" {
            // What stands in the fourth field is a person's full name, and more.
            names.insert(fields[0].to_owned());
            names.extend(fields.get(4).into_iter().flat_map(|full| full.split(',')).map(str::to_owned));
        }
    }
    names.extend(fs::read_to_string(root.join("etc/hostname")).map(|name| name.trim().to_owned()));
    (names, are_all)
}

fn facts(root: &Path) -> String {
    let Machine { board, processor, system, memory } = Machine::read(root);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let swap = fs::read_to_string(root.join("proc/swaps")).unwrap_or_default().trim().replace('\n', "; ");
    format!(
        "\n[machine]\nboard {board}\nprocessor {processor}\nsystem {system}\nmemory {memory}\ncores {cores}\nswap {swap}\n"
    )
}

fn found(findings: &[Finding], redactor: &Redactor) -> String {
    let mut text = "\n[doctor]\n".to_owned();
    for finding in findings {
        // A list of names ends these.
        let shown = match finding.what {
            "accounts" => finding.found.split(": ").next().unwrap_or_default(),
            _ => finding.found.as_str(),
        };
        let _ = writeln!(text, "{} {} {}", finding.word(), finding.what, redactor.redact(shown));
    }
    text
}

fn state(status: &reply::Status, redactor: &Redactor) -> String {
    let reply::Status { version, state, uptime_s, users, templates, detector, embedder, busy, face, .. } =
        status;
    let mut text = format!(
        "\n[status]\ndaemon {version} {state}, up {uptime_s} s, busy {busy}, face {}\nnetworks {detector} {embedder}\n\
         enrolled {users} people, {templates} templates\nstore {}\ndoors {}\n",
        face.map_or("unknown", |on| if on { "on" } else { "off" }),
        status.store.state,
        status.doors.len()
    );
    for camera in cameras(status) {
        let message = camera.message.as_deref().unwrap_or_default();
        let _ = writeln!(text, "camera {} {}", camera.state, redactor.redact(message));
    }
    for note in status.notes.iter().chain(&status.store.notes) {
        let _ = writeln!(text, "note {}", redactor.redact(note));
    }
    text
}

/// What the configurations set.
fn settings(root: &Path) -> String {
    let mut text = String::new();
    for path in CONFIGS {
        let Ok(file) = fs::read_to_string(root.join(path)) else { continue };
        let _ = writeln!(text, "\n[/{path}]");
        match file.parse::<toml::Table>() {
            Ok(table) => shown("", &toml::Value::Table(table), &mut text),
            Err(_) => text += "is not TOML\n",
        }
    }
    text
}

/// A setting, without text that a person chose.
fn shown(key: &str, value: &toml::Value, text: &mut String) {
    let last = key.rsplit('.').next().unwrap_or_default();
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(name, value)| {
            shown(&if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value, text);
        }),
        toml::Value::Array(all) if all.iter().any(toml::Value::is_table) => {
            all.iter().enumerate().for_each(|(at, value)| shown(&format!("{key}[{at}]"), value, text));
        }
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => {
            let _ = writeln!(text, "{key} = {value}");
        }
        toml::Value::String(word) if WORDS.contains(&last) => {
            let _ = writeln!(text, "{key} = {word}");
        }
        toml::Value::Array(all) => {
            let _ = writeln!(text, "{key} = ({} values)", all.len());
        }
        toml::Value::String(_) | toml::Value::Datetime(_) => {
            let _ = writeln!(text, "{key} = (set)");
        }
    }
}

fn units() -> String {
    let mut show = Command::new("systemctl");
    show.arg("show").args(UNITS).arg(format!("--property={STATES}"));
    format!("\n[units]\n{}", output(&mut show).unwrap_or_else(|| "systemd does not answer\n".to_owned()))
}

/// Warnings and errors of a week. Every line of that time tells names that a message may have.
fn journal(redactor: &mut Redactor) -> String {
    let mut read = Command::new("journalctl");
    read.args([
        "--quiet",
        "--no-pager",
        "--since=-7d",
        "--output=json",
        "--unit=facelatchd",
        "--unit=facelatch-door",
    ]);
    let lines = output(&mut read).unwrap_or_default();
    let lines: Vec<serde_json::Value> =
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let word = |line: &serde_json::Value, key: &str| {
        line.get(key).and_then(|value| value.as_str()).map(str::to_owned)
    };
    redactor.learn(lines.iter().flat_map(|line| ["USER", "DOOR"].map(|key| word(line, key))).flatten());
    let mut text = "\n[journal]\n".to_owned();
    for line in &lines {
        let is_serious = word(line, "PRIORITY").and_then(|p| p.parse::<u8>().ok()).is_some_and(|p| p <= 4);
        let time =
            word(line, "__REALTIME_TIMESTAMP").and_then(|time| time.parse::<u64>().ok()).unwrap_or_default();
        if let Some(message) = word(line, "MESSAGE").filter(|_| is_serious) {
            let _ = writeln!(text, "{} {}", say::date(time / 1_000_000), redactor.redact(&message));
        }
    }
    text
}

fn output(command: &mut Command) -> Option<String> {
    let done = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|done| done.status.success())?;
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests;
