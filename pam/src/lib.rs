//! `pam_facelatch.so`: is the person before the camera the user who logs in?
//!
//! It asks `facelatchd` over its socket, and lets in for one answer only; after anything else the next module, and so
//! the password, is asked:
//!
//! | what happened | code |
//! | --- | --- |
//! | the daemon recognised this very user | `PAM_SUCCESS` |
//! | it judged a face, and it is another's, or not taken for a live one | `PAM_AUTH_ERR` |
//! | no face in time, too many misses, camera or daemon broken, a daemon that is not ours | `PAM_AUTHINFO_UNAVAIL` |
//! | no daemon, not enrolled, not asked at this machine, barred, first login, locked just now, lid closed, asleep, a key pressed, a panic in here | `PAM_IGNORE` |
//!
//! `ffi` has the symbols that PAM calls and all unsafe code. Start at [`authenticate`], then `verify` for the
//! conversation with the daemon, `seat` for who sits at the machine, `account` for whom the machine bars, `lock` for
//! screens that were locked just now, and `keyboard` for who would rather type.
#![deny(unsafe_code)]

pub mod account;
pub mod code;
// A test program has no libpam around it.
#[cfg(not(test))]
mod ffi;
pub mod host;
pub mod keyboard;
pub mod lock;
pub mod options;
pub mod seat;
pub mod verify;

use std::path::Path;
use std::time::Duration;

use facelatch_wire::services::{Answer, Place, answer};
use facelatch_wire::{Deadline, Outcome};

use account::Accounts;
use code::{Code, Trouble};
use host::{Host, Level};
use keyboard::Keyboard;
use lock::{Clock, SystemClock};
use options::Options;
use seat::Seat;
use verify::Said;

/// A match that is not confirmed within this time lets nobody in: somebody else may sit there by then. Time asleep counts.
const CONFIRM_WITHIN: Duration = Duration::from_secs(30);

/// Longest time that telling the daemon of the password may take. It answers at once.
const TELL_WITHIN: Duration = Duration::from_millis(250);

/// Where the module runs.
pub struct Machine {
    /// Who sits there.
    pub seat: Seat,
    /// Who may not log in.
    pub accounts: Accounts,
    /// What they may type on, for services with a terminal.
    pub keyboard: Keyboard,
    /// The time there.
    pub clock: Box<dyn Clock>,
}

impl Machine {
    /// This machine and this process.
    pub fn here() -> Self {
        Self {
            seat: Seat::here(),
            accounts: Accounts::here(),
            keyboard: Keyboard::of_process(),
            clock: Box::new(SystemClock),
        }
    }
}

/// One attempt: everything between PAM's call and its return code.
pub fn authenticate(host: &dyn Host, options: &Options, machine: &Machine, socket: &Path) -> Code {
    let Some(user) = host.user() else { return Code::Ignore };
    #[cfg(feature = "panic-on-purpose")]
    assert_ne!(user, "panic", "on purpose");
    let name = user.escape_debug().to_string();
    if options.after_password {
        after_password(host, options, machine, &user, socket);
        return Code::Ignore;
    }
    let place = match ready(host, options, machine, &user) {
        Ok(place) => place,
        Err(why) => {
            host.log(Level::Info, &format!("{name}: not asked for a face: {why}"));
            return Code::Ignore;
        }
    };
    let ask = |text: &str| host.tell(&format!("facelatch: {text}"));
    let tell = |text: &str| {
        if !options.quiet {
            ask(text);
        }
    };
    let deadline = Deadline::within(options.timeout);
    let nothing = Keyboard::none();
    let keyboard = if has_terminal(host, place) { &machine.keyboard } else { &nothing };
    let away = || machine.seat.nobody_can_look();
    let answer = verify::ask(socket, &user, deadline, keyboard, &away, &mut |said| match said {
        Said::Looking => tell("look at the camera"),
        // Without it nobody could answer.
        Said::Prompt(prompt) => ask(prompt.text()),
    });
    log(host, &name, &answer);
    let code = Code::of(&answer);
    match &answer {
        Ok(Outcome::Match) if options.require_confirm => {
            return confirm(host, &*machine.clock, &name, CONFIRM_WITHIN);
        }
        Ok(Outcome::Match) => tell(&format!("recognised as {name}")),
        Ok(outcome) if code != Code::Ignore => tell(&outcome.message()),
        Err(Trouble::Late { guidance }) => {
            tell(&guidance.map_or_else(|| "no answer in time".to_owned(), Outcome::message))
        }
        _ => {}
    }
    code
}

/// Tells the daemon that the password was right, where one was typed and a face is asked for. Whatever comes of it, nobody is
/// let in or kept out by it.
fn after_password(host: &dyn Host, options: &Options, machine: &Machine, user: &str, socket: &Path) {
    if !host.has_password() || asking(host, options, machine, user).is_err() {
        return;
    }
    if let Err(trouble) = verify::tell(socket, user, Deadline::within(TELL_WITHIN)) {
        host.log(
            Level::Info,
            &format!("{}: the daemon was not told of the password: {trouble}", user.escape_debug()),
        );
    }
}

/// Whether the password is asked on a terminal. A screen locker that borrows the name `login` names none.
fn has_terminal(host: &dyn Host, place: Place) -> bool {
    let terminal = host.terminal().unwrap_or_default();
    matches!(place, Place::Terminal | Place::Console) && !terminal.is_empty() && !terminal.contains(':')
}

/// Where the service meets the person, once it may look for a face; or why it must not.
fn ready(host: &dyn Host, options: &Options, machine: &Machine, user: &str) -> Result<Place, String> {
    let place = asking(host, options, machine, user)?;
    if place.password_first() && !options.face_at_first_login && !machine.seat.has_screen(user) {
        let why =
            "the first login is by password, which opens the keyring; see first-login= in pam_facelatch(8)";
        return Err(why.to_owned());
    }
    if !place.starts_with_lock() {
        return Ok(place);
    }
    lock::settle(&machine.seat, &*machine.clock, place, options.lock_delay)?;
    // It may have taken a while.
    asking(host, options, machine, user)
}

/// Where the service meets the person, or why it must not ask for a face.
fn asking(host: &dyn Host, options: &Options, machine: &Machine, user: &str) -> Result<Place, String> {
    let service = host.service().unwrap_or_default();
    let shown = service.escape_debug();
    let added: Vec<&str> = options.services.iter().map(String::as_str).collect();
    let place = match answer(&service, &added) {
        Answer::Asks(place) => place,
        Answer::Remote => return Err(format!("the service {shown} is for people elsewhere")),
        Answer::Unlisted => {
            return Err(format!(
                "the service {shown} is not known to be for people here; see services= in pam_facelatch(8)"
            ));
        }
    };
    let objection = machine.seat.objection(host, place);
    let objection = objection.or_else(|| machine.accounts.objection(user, options.allow_no_password));
    objection.map_or(Ok(place), Err)
}

fn log(host: &dyn Host, name: &str, answer: &Result<Outcome, Trouble>) {
    match answer {
        Ok(outcome @ (Outcome::Match | Outcome::NoMatch | Outcome::Attack)) => {
            host.log(Level::Notice, &format!("{name}: {outcome}"))
        }
        Ok(outcome) => host.log(Level::Info, &format!("{name}: {outcome}")),
        Err(trouble @ Trouble::Untrusted { .. }) => host.log(Level::Warning, &format!("{name}: {trouble}")),
        Err(trouble) => host.log(Level::Info, &format!("{name}: {trouble}")),
    }
}

/// Asks a recognised person to confirm.
fn confirm(host: &dyn Host, clock: &dyn Clock, name: &str, patience: Duration) -> Code {
    let late = clock.since_boot().and_then(|now| now.checked_add(patience));
    let question = format!("facelatch: recognised as {name}; Enter to go on, n for the password: ");
    if !host.agrees(&question) {
        host.log(Level::Notice, &format!("{name}: not confirmed"));
        return Code::Unavailable;
    }
    let in_time = clock.since_boot().zip(late).is_some_and(|(now, late)| now < late);
    if !in_time {
        host.log(Level::Notice, &format!("{name}: confirmed too late"));
        return Code::Unavailable;
    }
    Code::Success
}

/// Whether what was typed means yes: nothing at all, or a word for it.
pub fn means_yes(typed: &str) -> bool {
    matches!(typed.trim(), "" | "y" | "Y" | "yes")
}

#[cfg(test)]
mod tests;
