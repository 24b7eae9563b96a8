//! `facelatch list`, `remove` and `reset`.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Result, bail};
use facelatch_wire::call::{List, Remove, Removed, Reset, RuleList, Rules};
use facelatch_wire::reply::{Listed, Template};
use facelatch_wire::{ClientError, Fault};
use serde::Serialize;

use crate::exit::Exit;
use crate::rules;
use crate::say::{self, Daemon};

/// What `list --json` prints: what is enrolled, and the rules if the caller may see them.
#[derive(Serialize)]
struct WithRules<'a> {
    #[serde(flatten)]
    listed: &'a Listed,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'a RuleList>,
}

/// What is enrolled, a line a template; then who may come in when, as far as that is not at any time.
pub(crate) fn list(to: &Daemon, user: Option<String>) -> Result<Exit> {
    let mut client = to.ask(say::SOON)?;
    let listed = client.call(&List { user: user.clone() })?;
    let access = match client.call(&Rules { user: user.clone() }) {
        Ok(access) => Some(access),
        Err(ClientError::Refused(Fault::PermissionDenied { .. })) => None,
        Err(error) => return Err(error.into()),
    };
    if to.json {
        say::json(&WithRules { listed: &listed, access: access.as_ref() })?;
        return Ok(ends(&user, &listed, access.as_ref()));
    }
    templates(&user, &listed, access.as_ref())?;
    if let Some(access) = &access {
        let ruled: BTreeSet<&str> = access.rules.iter().map(|rule| rule.user.as_str()).collect();
        // What is in everybody's way is told once.
        let each = RuleList { face: true, ..access.clone() };
        let lines = ruled.into_iter().flat_map(|user| rules::of_person(user, &each));
        lines.chain(rules::idle_pins(access)).chain(rules::premises(access)).try_for_each(say::line)?;
        if access.truncated {
            say::line("there are more rules; ask for one person at a time")?;
        }
    }
    Ok(ends(&user, &listed, access.as_ref()))
}

/// Whether rules or a PIN are kept of anybody who was asked for.
fn is_known(access: Option<&RuleList>) -> bool {
    access.is_some_and(|access| !(access.rules.is_empty() && access.pins.is_empty()))
}

/// Ends with 2 if nothing is kept of a person who was asked for.
fn ends(asked: &Option<String>, listed: &Listed, access: Option<&RuleList>) -> Exit {
    if asked.is_some() && listed.templates.is_empty() && !is_known(access) {
        return Exit::Usage;
    }
    Exit::Done
}

fn templates(asked: &Option<String>, listed: &Listed, access: Option<&RuleList>) -> Result<()> {
    if listed.templates.is_empty() {
        return say::line(match asked {
            Some(user) if is_known(access) => {
                format!("no face of {user} is enrolled; what else is kept of that name:")
            }
            Some(user) => format!("{user} is not enrolled; run `facelatch enroll {user}`"),
            None => "nobody is enrolled; run `facelatch enroll NAME`".to_owned(),
        });
    }
    let width = listed.templates.iter().map(|t| t.user.chars().count()).max().unwrap_or_default();
    for template in &listed.templates {
        let date = say::date(template.created_at);
        let Template { user, id, account, label, adapted, .. } = template;
        let account = account.as_str();
        let label = if *adapted { "(adapted)" } else { label };
        let child = if template.allow_child { "  (small child allowed)" } else { "" };
        say::line(format!("{user:<width$}  {date}  {id}  {account:<10}  {label}{child}").trim_end())?;
    }
    if listed.truncated {
        say::line("there are more; ask for one person at a time")?;
    }
    Ok(())
}

/// What of a person is to be forgotten: everything, unless it says more.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// Only the template of this id; `facelatch list` shows them
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only the templates that nobody enrolled
    #[arg(long, conflicts_with = "id")]
    adapted: bool,
}

/// Forgets a person or some of their templates, after asking.
pub(crate) fn remove(to: &Daemon, user: &str, which: Which, yes: bool) -> Result<Exit> {
    if !yes && !to.json && !confirmed(user, &which)? {
        say::line("nothing was removed")?;
        return Ok(Exit::Done);
    }
    let Which { id, adapted } = which;
    let adapted = adapted.then_some(true);
    let removed = to.ask(say::SOON)?.call(&Remove { user: user.to_owned(), id, adapted })?;
    if to.json {
        say::json(&removed)?;
    } else {
        say::line(format!("{} of {user} removed", what(&removed)))?;
    }
    Ok(Exit::Done)
}

/// What is gone, such as "3 templates, rules and PIN".
fn what(gone: &Removed) -> String {
    let templates = (gone.removed > 0).then(|| say::templates(gone.removed));
    let (rules, pin) = (gone.rules.then(|| "rules".to_owned()), gone.pin.then(|| "PIN".to_owned()));
    let mut parts: Vec<String> = [templates, rules, pin].into_iter().flatten().collect();
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// Asks on the terminal; without one nobody can answer.
fn confirmed(user: &str, which: &Which) -> Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("remove: nobody is there to be asked; say --yes");
    }
    let what = match which {
        Which { id: Some(id), .. } => format!("template {id}"),
        Which { adapted: true, .. } => "the adapted templates".to_owned(),
        _ => "all templates, rules and PINs".to_owned(),
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_told() {
        let told = |removed, rules, pin| what(&Removed { removed, rules, pin });
        assert_eq!(told(1, false, false), "1 template");
        assert_eq!(told(3, true, true), "3 templates, rules and PIN");
        assert_eq!(told(0, false, true), "PIN");
    }
}
