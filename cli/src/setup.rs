//! `facelatch setup`: from a machine with a camera to a face that lets its owner in, one question after the other.
//!
//! Each step is written down before it is done (`setup/undo.rs`), so that `--undo` takes back what was done however it ended, and a
//! second run goes on. Nothing takes a password away: the login is changed last, by `pam-auth-update`, and is looked at afterwards.

mod camera;
mod config;
mod login;
mod machine;
mod undo;
mod uses;
mod world;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use facelatch_setup::ask::{Answers, Person, Stop, Terminal, yes, yes_or_no};
use facelatch_setup::lock::must_be_root;
use facelatch_setup::people::{Enrolled, Enrols, People, TRIES};
use facelatch_wire::Outcome;

use crate::exit::Exit;
use crate::say::Daemon;
use machine::Machine;
use undo::{Done, Files};
use uses::Uses;
use world::{Account, Package, World};

/// The keys of all questions.
const KEYS: &[&str] = &[
    "camera.csi",
    "camera.device",
    "camera.go_on",
    "camera.look",
    "camera.rotate",
    "for",
    "everybody",
    "install",
    "enroll.now",
    "enroll.name",
    "enroll.again",
    "try.face",
    "try.sudo",
    "login.keep",
    "lock.plasma",
    "door.answers",
];

/// What is wrong with an answer of a file, as far as that can be seen before anything is done.
fn wrong(key: &str, answer: &str) -> Option<String> {
    match key {
        "for" => answer.parse::<Uses>().err(),
        "camera.rotate" => camera::turn(answer).err(),
        "camera.device" | "enroll.name" => None,
        // It may be a pipe: `/dev/stdin`.
        "door.answers" => {
            let path = Path::new(answer);
            (!path.exists() || path.is_dir()).then(|| format!("there is no file {answer}"))
        }
        "camera.csi" | "camera.go_on" | "camera.look" | "everybody" | "install" | "enroll.now"
        | "enroll.again" | "try.face" | "try.sudo" | "login.keep" | "lock.plasma" => yes_or_no(answer).err(),
        _ => Some("no question has this key".to_owned()),
    }
}

/// The command line.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SetupArgs {
    /// What [default: asks]
    #[command(subcommand)]
    act: Option<SetupAct>,
    /// Take back what earlier setups did
    #[arg(long)]
    undo: bool,
    /// Ask nothing: take each suggestion, or the answer of a TOML file if it has one
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "undo")]
    #[expect(clippy::option_option, reason = "clap: whether it is given, and its value")]
    yes: Option<Option<PathBuf>>,
}

/// What can be set up by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum SetupAct {
    /// A door on GPIO lines: finds and tries its lines, enrols the first person, and switches facelatch-door on
    Door {
        /// Take back what earlier setups did
        #[arg(long)]
        undo: bool,
        /// Take the answers from a TOML file instead of asking
        #[arg(long, value_name = "FILE", conflicts_with = "undo")]
        answers: Option<PathBuf>,
    },
}

/// A setup.
struct Setup<'w> {
    person: &'w mut dyn Person,
    /// The answers are given already.
    unattended: bool,
    world: &'w mut dyn World,
    files: Files,
    done: Done,
    /// What the face is for, once that is known.
    uses: Uses,
}

/// Runs it.
pub(crate) fn main(to: &Daemon, args: SetupArgs) -> Result<Exit> {
    let SetupArgs { act, undo, yes } = args;
    if let Some(SetupAct::Door { undo, answers }) = act {
        return Err(machine::become_door_setup(&to.socket, undo, answers.as_deref()));
    }
    must_be_root("setup", "facelatch setup")?;
    let nobody_answers = yes.is_some() || !std::io::stdin().is_terminal();
    let mut machine = Machine::new(&to.socket, nobody_answers);
    let files = Files::below(Path::new("/"));
    match yes {
        Some(path) => {
            let answers =
                path.map_or_else(|| Ok(Answers::default()), |path| Answers::read(&path, KEYS, wrong));
            begin(&mut answers?, true, &mut machine, files, undo)
        }
        None => begin(&mut Terminal, false, &mut machine, files, undo),
    }?;
    Ok(Exit::Done)
}

fn begin(
    person: &mut dyn Person,
    unattended: bool,
    world: &mut dyn World,
    files: Files,
    undo: bool,
) -> Result<(), Stop> {
    world.lock()?;
    let done = facelatch_setup::files::load(&files.record())?;
    let mut setup = Setup { person, unattended, world, files, done, uses: Uses::default() };
    if undo { setup.undo() } else { setup.run() }
}

impl Setup<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        // An earlier one was killed between a change and the restart.
        if self.done.restart {
            self.restart()?;
        }
        self.camera()?;
        let uses = self.uses()?;
        self.uses = uses;
        let door_answers = self.door_answers()?;
        let wanted = [(uses.logs_in(), Package::Login), (uses.door, Package::Door)];
        for (_, package) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            self.package(package)?;
        }
        self.socket(uses)?;
        let user = if uses.is_door_only() { None } else { self.somebody()? };
        self.login(uses.logs_in())?;
        self.plasma(uses)?;
        if let Some(user) = user
            && self.world.templates(&user).is_ok_and(|templates| !templates.is_empty())
        {
            self.try_face(&user)?;
            // Where a line has to be written by hand first, there is nothing to try yet.
            if uses.logs_in() && self.world.asks_anywhere() {
                self.try_login(&user)?;
            }
        }
        if uses.door {
            self.door(door_answers.as_deref())?;
        }
        self.person.say("`sudo facelatch setup --undo` takes all of this back.");
        Ok(())
    }

    /// Sees to it that a package is there.
    fn package(&mut self, package: Package) -> Result<(), Stop> {
        if self.world.is_installed(package) {
            return Ok(());
        }
        let name = package.name();
        if !yes(self.person, "install", &format!("The package {name} is needed. Install it now?"), true)? {
            return Err(Stop(format!("install {name}, then run it again: sudo apt install {name}")));
        }
        if !self.done.packages.iter().any(|known| known == name) {
            self.done.packages.push(name.to_owned());
            self.save()?;
        }
        self.world.install(package)
    }

    /// Enrols somebody, or says who is to try it.
    fn somebody(&mut self) -> Result<Option<String>, Stop> {
        let caller = self.world.caller();
        let nobody = match &caller {
            Some(caller) => self.world.templates(caller).is_ok_and(|templates| templates.is_empty()),
            None => !self.unattended && self.world.status().is_ok_and(|status| status.users == 0),
        };
        if !yes(self.person, "enroll.now", "Enrol somebody now, in front of the camera?", nobody)? {
            return Ok(caller);
        }
        let later = |user: &str| format!("sudo facelatch enroll {user}");
        Enrols::first_person(self, caller.as_deref(), later).map(Some)
    }

    /// Has the daemon look whether it knows them.
    fn try_face(&mut self, user: &str) -> Result<(), Stop> {
        for _ in 0..TRIES {
            if !yes(self.person, "try.face", &format!("Try it: {user}, look at the camera. Ready?"), true)? {
                return Ok(());
            }
            match self.world.verify(user) {
                Ok(Outcome::Match) => {
                    self.person.say(&format!("{user} is recognised."));
                    return Ok(());
                }
                Ok(verdict) => self.person.say(&verdict.message()),
                Err(why) => self.person.say(&why.to_string()),
            }
        }
        self.person.say(&format!("Not recognised; `sudo facelatch explain {user}` says why."));
        Ok(())
    }

    /// The answers for a door, where nobody is there to give them.
    fn door_answers(&mut self) -> Result<Option<PathBuf>, Stop> {
        if !self.uses.door || !self.unattended {
            return Ok(None);
        }
        let question = "file of answers for `facelatch setup door`";
        self.person.answer("door.answers", question, None).map(|path| Some(path.into()))
    }

    /// Hands on to the setup of a door.
    fn door(&mut self, answers: Option<&Path>) -> Result<(), Stop> {
        if !self.done.door {
            self.done.door = true;
            self.save()?;
        }
        self.world.door(answers)
    }
}

impl Enrols for Setup<'_> {
    fn people(&mut self) -> &mut dyn People {
        self.world
    }

    fn enrolled(&mut self) -> &mut Vec<Enrolled> {
        &mut self.done.people
    }

    fn save(&mut self) -> Result<(), Stop> {
        self.world.save(&self.files.record(), &self.done)
    }

    fn person(&mut self) -> &mut dyn Person {
        self.person
    }

    fn refuses(&self, name: &str) -> Option<String> {
        let is_refused = self.uses.logs_in() && self.world.account(name) == Account::Missing;
        is_refused.then(|| format!("there is no account {name} here, and a login needs one"))
    }
}

#[cfg(test)]
mod tests;
