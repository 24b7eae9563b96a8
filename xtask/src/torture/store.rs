//! A store in a temporary folder, the exerciser that changes it, and a model of what must be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::run::{command, read, root};

/// A temporary folder, removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self> {
        let made = read(command("mktemp", &["-d", "-t", "facelatch-torture.XXXXXX"]))?;
        Ok(Self(PathBuf::from(made.trim_end())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If this fails, a temporary folder is left behind.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Who has which templates, misses and rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) templates: BTreeMap<String, BTreeSet<String>>,
    pub(crate) misses: BTreeMap<String, String>,
    /// Until when people may come in on each day.
    pub(crate) rules: BTreeMap<String, String>,
}

impl Model {
    /// Applies a change as printed by the exerciser.
    pub(crate) fn change(&mut self, what: &str) {
        let parts: Vec<&str> = what.split(' ').collect();
        match parts.as_slice() {
            ["add", user, ids @ ..] => {
                let own = self.templates.entry((*user).to_owned()).or_default();
                own.extend(ids.iter().map(|id| (*id).to_owned()));
            }
            ["remove", user] => {
                self.templates.remove(*user);
                self.misses.remove(*user);
                self.rules.remove(*user);
            }
            ["forget", user, id] => {
                if let Some(own) = self.templates.get_mut(*user) {
                    own.remove(*id);
                }
                self.templates.retain(|_, own| !own.is_empty());
            }
            ["rule", user, until] => drop(self.rules.insert((*user).to_owned(), (*until).to_owned())),
            ["misses", user, count] => drop(self.misses.insert((*user).to_owned(), (*count).to_owned())),
            _ => {}
        }
    }
}

/// Output of a check of the store.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) model: Model,
    pub(crate) condition: String,
    pub(crate) notes: Vec<String>,
    /// What the start put on record about the store.
    pub(crate) remark: Option<String>,
    pub(crate) audited: u64,
    pub(crate) problems: Vec<String>,
}

/// Result of a check of the store.
pub(crate) enum Look {
    Seen(Box<Seen>),
    /// The store refused to open and said why.
    Refused(String),
    /// It panicked, or a signal ended it.
    Died(String),
}

pub(crate) fn built(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("debug").join(name)
}

pub(crate) fn exerciser(args: &[&str]) -> Command {
    let mut command = Command::new(built("examples/store_exerciser"));
    command.args(args).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    command
}

/// Opens the store, as a starting daemon does, and reads what is in it.
pub(crate) fn look(folder: &Path) -> Result<Look> {
    let output = exerciser(&["check", &folder.display().to_string()]).output().context("the exerciser")?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => {}
        Some(1) => return Ok(Look::Refused(error)),
        _ => return Ok(Look::Died(format!("{}: {error}", output.status))),
    }
    let mut seen = Seen::default();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "condition" => rest.clone_into(&mut seen.condition),
            "template" => {
                let (user, id) = rest.split_once(' ').context("template USER ID")?;
                seen.model.change(&format!("add {user} {id}"));
            }
            "misses" | "rule" => seen.model.change(line),
            "note" => seen.notes.push(rest.to_owned()),
            "remark" => seen.remark = Some(rest.to_owned()),
            "audit" => seen.audited = rest.parse()?,
            "problem" => seen.problems.push(rest.to_owned()),
            _ => {}
        }
    }
    Ok(Look::Seen(Box::new(seen)))
}
