//! `facelatch setup door`: asks the person who mounts a door for its lines, tries each, and writes the configuration.
//!
//! Each step is written down before it is done (`setup/undo.rs`), so that `--undo` takes back what was done however it ended.
//! `Setup::run` has the steps, `setup/lines.rs` those about lines.

mod click;
mod file;
mod lines;
mod undo;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use facelatch_setup::ask::{Answers, Person, Stop, Terminal, go_on_without_camera, yes, yes_or_no};
use facelatch_setup::files;
use facelatch_setup::lock::must_be_root;
use facelatch_setup::people::{Enrolled, Enrols, People, TRIES};
use facelatch_wire::Outcome;
use facelatch_wire::reply::{Camera, CameraState};

pub(crate) use click::ClickArgs;

use crate::config::Config;
use file::Chosen;
use undo::{Done, FileBefore, Files, UnitBefore};
use world::{Machine, UNIT, World};

/// The keys of all questions.
const KEYS: &[&str] = &[
    "camera.go_on",
    "name",
    "camera.name",
    "strike.line",
    "strike.click",
    "strike.clicked",
    "strike.clicked_other",
    "strike.active_low",
    "strike.hold",
    "contact.line",
    "exit.line",
    "motion",
    "trigger.line",
    "trigger.sensor",
    "enroll.now",
    "enroll.name",
    "enroll.again",
    "try",
];

/// What is wrong with an answer of a file, as far as that can be seen before anything is done.
fn wrong(key: &str, answer: &str) -> Option<String> {
    let is_free = matches!(key, "name" | "camera.name" | "enroll.name") || key.ends_with(".line");
    if is_free { None } else { yes_or_no(answer).err() }
}

/// The command line.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    /// Take back what earlier setups did
    #[arg(long)]
    undo: bool,
    /// Take the answers from a TOML file instead of asking
    #[arg(long, value_name = "FILE", conflicts_with = "undo")]
    answers: Option<PathBuf>,
}

/// A setup.
struct Setup<'w> {
    person: &'w mut dyn Person,
    world: &'w mut dyn World,
    files: Files,
    done: Done,
    /// Names of the cameras, if there are several.
    cameras: Vec<String>,
}

/// How it ends where something is left to do; the codes are those of `facelatch`.
const LEFT_TO_DO: u8 = 4;

/// How it ends for somebody who may not.
const FORBIDDEN: u8 = 5;

/// Runs it.
pub(crate) fn main(args: &SetupArgs, config: &Path) -> ExitCode {
    if let Err(why) = must_be_root("setup", "facelatch setup door") {
        eprintln!("facelatch-door: {why}");
        return ExitCode::from(FORBIDDEN);
    }
    let files = Files { config: config.to_owned() };
    let ended = match &args.answers {
        Some(path) => Answers::read(path, KEYS, wrong)
            .and_then(|mut answers| begin(args, &mut answers, &mut Machine::new(), files)),
        None => begin(args, &mut Terminal, &mut Machine::new(), files),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("facelatch-door: {why}");
            ExitCode::from(LEFT_TO_DO)
        }
    }
}

/// The pulse of `setup/click.rs`.
pub(crate) fn click(args: ClickArgs) -> ExitCode {
    match click::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("facelatch-door: {why}");
            ExitCode::FAILURE
        }
    }
}

fn begin(args: &SetupArgs, person: &mut dyn Person, world: &mut dyn World, files: Files) -> Result<(), Stop> {
    world.lock()?;
    let done = files.load()?;
    let mut setup = Setup { person, world, files, done, cameras: Vec::new() };
    if args.undo { setup.undo() } else { setup.run() }
}

impl Setup<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        self.camera()?;
        let was_active = self.stop_the_unit()?;
        let written = self.lines_and_file();
        if written.is_err() && was_active {
            // Its exit button must work again.
            self.world.systemctl(&["start", UNIT])?;
        }
        let door = written?;
        self.somebody()?;
        self.start_the_unit()?;
        self.try_it(&door)?;
        self.person.say("`facelatch setup door --undo` takes all of this back.");
        Ok(())
    }

    /// Says what is wrong with the daemon and its camera.
    fn camera(&mut self) -> Result<(), Stop> {
        let wrong = match self.world.status() {
            Ok(status) => {
                // The only one is called by its device, and no door need name it.
                let is_only = status.cameras.len() < 2;
                let all = if is_only { vec![status.camera] } else { status.cameras };
                self.cameras = all.iter().filter(|_| !is_only).map(|camera| camera.name.clone()).collect();
                let broken = |camera: &&Camera| camera.state != CameraState::Ready;
                let Some(Camera { name, message, .. }) = all.iter().find(broken) else {
                    let names: Vec<&str> = all.iter().map(|camera| camera.name.as_str()).collect();
                    self.person.say(&format!("ready: camera {}", names.join(", ")));
                    return Ok(());
                };
                message.clone().unwrap_or_else(|| format!("camera {name} gives no pictures"))
            }
            Err(why) => why.to_string(),
        };
        go_on_without_camera(self.person, &wrong)
    }

    /// It holds the lines. Whether it ran.
    fn stop_the_unit(&mut self) -> Result<bool, Stop> {
        let before =
            UnitBefore { enabled: self.world.unit_is("enabled"), active: self.world.unit_is("active") };
        if self.done.unit.is_none() {
            self.done.unit = Some(before);
            self.files.save(&self.done)?;
        }
        if before.active {
            self.person.say("facelatch-door is stopped meanwhile, and its exit button with it.");
            self.world.pause_unit()?;
        }
        Ok(before.active)
    }

    /// Asks for the lines, and writes the file. The door's name.
    fn lines_and_file(&mut self) -> Result<String, Stop> {
        let config = self.files.config.clone();
        let before = files::read(&config)?;
        // What is no UTF-8 can be in a comment only.
        let text = String::from_utf8_lossy(&before);
        if let Err(error) = text.parse::<toml::Table>() {
            let why = format!(
                "{}: mend or remove it first, or what it says would be lost: {error}",
                config.display()
            );
            return Err(Stop(why));
        }
        let now = Config::parse(&config, &text).ok();
        let chosen = self.lines(now.as_ref())?;
        self.write(&before, &chosen)?;
        self.world.check(&config)?;
        Ok(chosen.name)
    }

    fn write(&mut self, before: &[u8], chosen: &Chosen) -> Result<(), Stop> {
        let config = self.files.config.clone();
        let text = file::text(&String::from_utf8_lossy(before), chosen);
        Config::parse(&config, &text).map_err(|error| Stop(error.to_string()))?;
        let existed = config.exists();
        let known = self.done.file.unwrap_or(FileBefore { existed, kept: false });
        if self.done.file.is_none() {
            self.done.file = Some(known);
            self.files.save(&self.done)?;
        }
        // Not noted as kept, so no setup has changed it; an undo that was killed has left the copy.
        if known.existed && !known.kept {
            if existed && !self.files.before().exists() {
                files::replace_like(&self.files.before(), before, &config)?;
            }
            self.done.file = Some(FileBefore { kept: true, ..known });
            self.files.save(&self.done)?;
        }
        files::replace(&config, text)?;
        self.person.say(&format!("{} is written", config.display()));
        Ok(())
    }

    /// Enrols somebody, if nobody is. The door is set up without them, too: its exit button is needed.
    fn somebody(&mut self) -> Result<(), Stop> {
        let nobody = self.world.status().is_ok_and(|status| status.users == 0);
        if !yes(self.person, "enroll.now", "Enrol somebody who may come in?", nobody)? {
            return Ok(());
        }
        Enrols::first_person(self, None, |user| format!("sudo facelatch enroll {user} --door")).map(drop)
    }

    fn start_the_unit(&mut self) -> Result<(), Stop> {
        self.world.systemctl(&["enable", UNIT])?;
        self.world.systemctl(&["restart", UNIT])?;
        self.person.say("facelatch-door runs, and will at each start");
        Ok(())
    }

    /// The person walks up.
    fn try_it(&mut self, door: &str) -> Result<(), Stop> {
        for _ in 0..TRIES {
            if !yes(self.person, "try", "Try it: stand in front of the camera. Ready?", true)? {
                return Ok(());
            }
            match self.world.look(door) {
                Ok(tried) if tried.verdict == Outcome::Match && tried.unlocked => {
                    self.person.say("The door is unlocked. It works.");
                    return Ok(());
                }
                Ok(tried) if tried.verdict == Outcome::Match => {
                    self.person.say("You were recognised, and facelatch-door did not unlock the door; see `journalctl -u facelatch-door`.");
                }
                Ok(tried) => self.person.say(&tried.verdict.message()),
                Err(why) => self.person.say(&why.to_string()),
            }
        }
        self.person.say(&format!(
            "All is set up, and the door was not opened. `sudo facelatch look {door}` tries again."
        ));
        Ok(())
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
        self.files.save(&self.done)
    }

    fn person(&mut self) -> &mut dyn Person {
        self.person
    }
}

#[cfg(test)]
mod tests;
