//! What the face is for.

use facelatch_setup::ask::Stop;

use super::Setup;
use super::world::Package;

/// What somebody may say, and what it means.
const WORDS: [(&str, &str); 4] = [
    ("login", "sudo, the console and the login screen; the password works as before"),
    ("lock", "the same, and screen locks that run as the user (swaylock, hyprlock, KDE)"),
    ("door", "a door on GPIO lines"),
    ("socket", "programs of your own; no login and no door"),
];

/// What was chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Uses {
    login: bool,
    pub(super) lock: bool,
    pub(super) door: bool,
    pub(super) socket: bool,
}

impl Uses {
    /// Whether the face counts at logins. Screen locks read the same file of PAM as sudo and login.
    pub(super) fn logs_in(self) -> bool {
        self.login || self.lock
    }

    /// Whether the setup of the door enrols and tries.
    pub(super) fn is_door_only(self) -> bool {
        self.door && !self.logs_in() && !self.socket
    }
}

impl std::str::FromStr for Uses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut uses = Self::default();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            match word {
                "login" => uses.login = true,
                "lock" => uses.lock = true,
                "door" => uses.door = true,
                "socket" => uses.socket = true,
                _ => return Err(format!("{word}: answer {}", WORDS.map(|(word, _)| word).join(", "))),
            }
        }
        if uses == Self::default() { Err("name at least one".to_owned()) } else { Ok(uses) }
    }
}

impl Setup<'_> {
    /// Asks what it is for.
    pub(super) fn uses(&mut self) -> Result<Uses, Stop> {
        self.person.say("A face can be for");
        for (word, meaning) in WORDS {
            self.person.say(&format!("  {word:<8}{meaning}"));
        }
        let is_door = self.world.is_installed(Package::Door) && !self.world.is_installed(Package::Login);
        let suggested = if is_door { "door" } else { "login" };
        loop {
            let question = "What is it for? Several with commas";
            let answer = self.person.answer("for", question, Some(suggested))?;
            match answer.parse() {
                Ok(uses) => return Ok(uses),
                Err(why) => self.person.wrong("for", &why)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_may_be_named_and_what_is_none_is_refused_with_those_there_are() {
        let read = |text: &str| text.parse::<Uses>();
        assert!(read("login, door").is_ok_and(|uses| uses.logs_in() && uses.door && !uses.is_door_only()));
        assert!(read("lock").is_ok_and(Uses::logs_in) && read("door").is_ok_and(Uses::is_door_only));
        assert!(read("window").is_err_and(|why| why.contains("login, lock, door, socket")));
        assert!(read(" ,").is_err());
    }
}
