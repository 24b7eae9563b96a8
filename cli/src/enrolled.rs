//! `facelatch enrolled`: whether an account has a face, from a file that the daemon writes. A lock screen asks before it shows a
//! face, so no daemon is needed, and nothing is printed with `--quiet`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use facelatch_wire::{ENROLLED_FILE, ENROLLED_FOLDER};
use nix::unistd::{Uid, User};
use serde::Serialize;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// Most bytes of the file that are read: a hundred thousand user ids.
const MAX_BYTES: u64 = 1 << 20;

/// For `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  yes
  1  no, or for the door only
  2  not known: you may not read it (as shipped only root may), or the daemon has not run yet";

/// Whose face, and what to say.
#[derive(Debug, clap::Args)]
pub(crate) struct Asked {
    /// Whose [default: your own]
    #[arg(value_name = "NAME")]
    user: Option<String>,
    /// Print nothing; the exit code tells
    #[arg(long, short)]
    quiet: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// Missing if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolled: Option<bool>,
}

/// Ends with 0 for yes, 1 for no and 2 if it is not known.
pub(crate) fn run(to: &Daemon, asked: Asked) -> Result<Exit> {
    let Asked { user, quiet } = asked;
    let account = match &user {
        Some(name) => User::from_name(name),
        None => User::from_uid(Uid::current()),
    };
    let own = || Uid::current().to_string();
    let name = match &account {
        Ok(Some(account)) => account.name.clone(),
        _ => user.unwrap_or_else(own),
    };
    let enrolled = account.context("the name service does not answer").and_then(|account| {
        is_listed(&Path::new(ENROLLED_FOLDER).join(ENROLLED_FILE), account.map(|it| it.uid))
    });
    let (exit, text) = match &enrolled {
        Ok(true) => (Exit::Done, format!("{name}: a face that counts at a login")),
        Ok(false) => (Exit::NoMatch, format!("{name}: no face that counts at a login")),
        Err(error) => (Exit::Usage, format!("whether {name} is enrolled is not known: {error:#}")),
    };
    match (to.json, quiet) {
        (true, _) => say::json(&Answer { user: &name, enrolled: enrolled.ok() })?,
        (false, true) => {}
        (false, false) => say::line(text)?,
    }
    Ok(exit)
}

/// Whether the file names this account; nobody's is not in it.
fn is_listed(file: &Path, uid: Option<Uid>) -> Result<bool> {
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.with_context(|| {
        let fix = "use sudo; the service facelatchd writes it, for everybody with everybody.conf (docs/commands.md)";
        format!("{} cannot be read; {fix}", file.display())
    })?;
    Ok(uid.is_some_and(|uid| text.lines().any(|line| line.parse() == Ok(uid.as_raw()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_the_file_is_enrolled_and_without_a_file_nothing_is_known() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join(ENROLLED_FILE);
        let error = is_listed(&file, Some(Uid::from_raw(1000))).expect_err("no file");
        assert!(error.to_string().contains("facelatchd writes it"), "{error}");
        std::fs::write(&file, "1000\n1002\nnonsense\n").expect("written");
        for (uid, wanted) in [(Some(1000), true), (Some(1002), true), (Some(100), false), (None, false)] {
            let listed = is_listed(&file, uid.map(Uid::from_raw)).expect("readable");
            assert_eq!(listed, wanted, "{uid:?}");
        }
        std::fs::write(&file, "").expect("written");
        assert!(!is_listed(&file, Some(Uid::from_raw(1000))).expect("readable"));
    }
}
