//! `facelatch list`, `remove` and `reset`.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Result, bail};
use facelatch_wire::call::{List, Remove, Reset};
use facelatch_wire::reply::Template;

use crate::exit::Exit;
use crate::say::{self, Daemon};

/// What is enrolled, a line a template.
pub(crate) fn list(to: &Daemon, user: Option<String>) -> Result<Exit> {
    let asked = user.clone();
    let listed = to.ask(say::SOON)?.call(&List { user })?;
    if to.json {
        say::json(&listed)?;
        return Ok(Exit::Done);
    }
    if listed.templates.is_empty() {
        let (who, name) = (asked.as_deref().unwrap_or("nobody"), asked.as_deref().unwrap_or("NAME"));
        let not = if asked.is_some() { " not" } else { "" };
        say::line(format!("{who} is{not} enrolled; run `facelatch enroll {name}`"))?;
        return Ok(Exit::Done);
    }
    let width = listed.templates.iter().map(|t| t.user.chars().count()).max().unwrap_or_default();
    for template in &listed.templates {
        let date = say::date(template.created_at);
        let Template { user, id, account, label, .. } = template;
        let account = account.as_str();
        say::line(format!("{user:<width$}  {date}  {id}  {account:<10}  {label}").trim_end())?;
    }
    if listed.truncated {
        say::line("there are more; ask for one person at a time")?;
    }
    Ok(Exit::Done)
}

/// Forgets a person or one template, after asking.
pub(crate) fn remove(to: &Daemon, user: &str, id: Option<String>, yes: bool) -> Result<Exit> {
    if !yes && !to.json && !confirmed(user, id.as_deref())? {
        say::line("nothing was removed")?;
        return Ok(Exit::Done);
    }
    let removed = to.ask(say::SOON)?.call(&Remove { user: user.to_owned(), id })?;
    if to.json {
        say::json(&removed)?;
    } else {
        say::line(format!("{} of {user} removed", say::templates(removed.removed)))?;
    }
    Ok(Exit::Done)
}

/// Asks on the terminal; without one nobody can answer.
fn confirmed(user: &str, id: Option<&str>) -> Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("remove: nobody is there to be asked; say --yes");
    }
    let what = id.map_or_else(|| "all templates".to_owned(), |id| format!("template {id}"));
    write!(std::io::stderr(), "Remove {what} of {user}? [y/N] ")?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Forgets misses.
pub(crate) fn reset(to: &Daemon, user: Option<String>) -> Result<Exit> {
    let whose = user.clone().unwrap_or_else(|| "identification".to_owned());
    let done = to.ask(say::SOON)?.call(&Reset { user })?;
    if to.json {
        say::json(&done)?;
    } else {
        say::line(format!("the misses of {whose} are forgotten"))?;
    }
    Ok(Exit::Done)
}
