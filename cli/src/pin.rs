//! `facelatch pin`.

use std::io::{BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use facelatch_wire::Client;
use facelatch_wire::call::{List, Rules, Secret, SetPin};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::exit::Exit;
use crate::rules;
use crate::say::{self, Daemon};

/// Longer lines are no PIN.
const MAX_LINE: usize = 64;

/// Sets the PIN of a person, or takes it away.
pub(crate) fn run(to: &Daemon, user: String, duress: bool, remove: bool, stdin: bool) -> Result<Exit> {
    let pin = match (remove, stdin) {
        (true, _) => None,
        (false, true) => Some(line(std::io::stdin().lock())?),
        (false, false) => Some(asked_twice(&user, duress)?),
    };
    let set = SetPin { user, pin, duress: duress.then_some(true) };
    let mut client = to.ask(say::SOON)?;
    let done = client.call(&set)?;
    if to.json {
        say::json(&done)?;
        return Ok(Exit::Done);
    }
    let SetPin { user, .. } = &set;
    say::line(match (duress, remove) {
        (false, false) => format!("PIN of {user} set"),
        (true, false) => {
            format!("PIN of {user} for duress set; it opens like the other, and only the event tells")
        }
        (false, true) => format!("PINs of {user} removed"),
        (true, true) => format!("PIN of {user} for duress removed"),
    })?;
    if !remove {
        notes(&mut client, user)?.iter().try_for_each(say::line)?;
    }
    Ok(Exit::Done)
}

/// What else it takes for the PIN of somebody to open a door, and whether the name may be mistyped.
fn notes(client: &mut Client, user: &str) -> Result<Vec<String>> {
    let access = client.call(&Rules { user: Some(user.to_owned()) })?;
    let listed = client.call(&List { user: Some(user.to_owned()) })?;
    let mut notes = Vec::new();
    if !rules::wants_pin(user, &access) {
        notes.push(format!(
            "it opens a door once `facelatch allow {user} --factor pin`, or `face+pin`, says so"
        ));
    }
    if listed.templates.is_empty() && access.rules.is_empty() {
        notes.push("nobody of that name is enrolled; `facelatch list` shows who is".to_owned());
    }
    Ok(notes)
}

/// Asks on the terminal, twice, and does not show what is typed.
fn asked_twice(user: &str, duress: bool) -> Result<Secret> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("pin: nobody is there to be asked; say --stdin, and write the PIN to it");
    }
    let which = if duress { "PIN for duress" } else { "PIN" };
    let hidden = Hidden::begin(input.as_fd())?;
    let ask = |what: String| {
        write!(std::io::stderr(), "{what}: ")?;
        line(input.lock())
    };
    let first = ask(format!("New {which} of {user}, 4 to 10 digits"))?;
    let second = ask("The same again".to_owned())?;
    drop(hidden);
    if first != second {
        bail!("pin: those are two different ones; nothing was changed");
    }
    Ok(first)
}

/// The first line without its end.
fn line(from: impl BufRead) -> Result<Secret> {
    // Has room for all of it from the start, so that no copy is left behind.
    let mut text = Secret(String::with_capacity(MAX_LINE + 2));
    from.take(MAX_LINE as u64 + 1).read_line(&mut text.0).context("the PIN cannot be read")?;
    if text.0.len() > MAX_LINE {
        bail!("pin: longer than any PIN");
    }
    let length = text.0.trim_end_matches(['\n', '\r']).len();
    text.0.truncate(length);
    Ok(text)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<Fd: AsFd> {
    terminal: Fd,
    before: Termios,
}

impl<Fd: AsFd> Hidden<Fd> {
    fn begin(terminal: Fd) -> Result<Self> {
        let before = tcgetattr(&terminal).context("the terminal does not tell how it is set")?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL);
        // What was typed ahead was shown, so it is thrown away.
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden)
            .context("the terminal cannot be told to hide what is typed")?;
        Ok(Self { terminal, before })
    }
}

impl<Fd: AsFd> Drop for Hidden<Fd> {
    fn drop(&mut self) {
        // There is nothing else to try.
        let _ = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::openpty;

    #[test]
    fn a_line_ends_where_it_ends_and_a_long_one_is_refused() {
        let read = |text: &str| line(text.as_bytes()).map(|pin| pin.0.clone());
        for text in ["471100", "471100\n", "471100\r\n", "471100\n1234\n"] {
            assert_eq!(read(text).expect("reads"), "471100", "{text:?}");
        }
        assert_eq!(read("").expect("reads"), "");
        assert!(read(&"1".repeat(65)).is_err_and(|why| !why.to_string().contains('1')));
    }

    #[test]
    fn a_terminal_shows_nothing_while_it_is_hidden_and_is_as_before_after() {
        let terminal = openpty(None, None).expect("a terminal");
        let echoes = || {
            let flags = tcgetattr(&terminal.slave).expect("known").local_flags;
            flags.contains(LocalFlags::ECHO)
        };
        assert!(echoes());
        let hidden = Hidden::begin(&terminal.slave).expect("hidden");
        assert!(!echoes());
        drop(hidden);
        assert!(echoes());
    }
}
