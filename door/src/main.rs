//! `facelatch-door`: a client of the daemon's socket that works a door's strike, contact and exit button on GPIO lines.
//!
//! `controller` decides, `door`, `grant`, `looks`, `parts` and `signal` are its parts. `strike` and `input` are the threads
//! of the lines, `keypad` that of a keypad, `calls` and `reports` those that talk with the daemon; `setup` asks for the lines,
//! `check` looks for those of a file.
//! Only `gpio`, `keypad/device`, `daemon`, `kept`, `run` and some of `setup` touch the world.
#![forbid(unsafe_code)]

mod calls;
mod check;
mod config;
mod controller;
mod daemon;
mod door;
mod gpio;
mod grant;
mod input;
mod journal;
mod kept;
mod keypad;
mod line;
mod parts;
mod reports;
mod run;
mod setup;
mod signal;
mod strike;

#[cfg(test)]
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use facelatch_door::{clock, looks};

use controller::Note;
use kept::Loaded;

/// Works the strike, contact and exit button of a door, for the face-unlock daemon.
#[derive(Debug, Parser)]
#[command(name = "facelatch-door", version)]
struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    /// Check the configuration, look for its lines and cameras, and exit
    #[arg(long, conflicts_with = "off")]
    check: bool,
    /// Switch every relay off, and exit
    #[arg(long)]
    off: bool,
    /// What to do instead of working the doors
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What else it can do.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Ask for the lines of a door, try each, and write the configuration: `facelatch setup door`
    Setup(setup::SetupArgs),
    /// Switch a relay on for half a second
    #[command(hide = true)]
    Click(setup::ClickArgs),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.verb {
        Some(Verb::Setup(words)) => return setup::main(&words, &args.config),
        Some(Verb::Click(words)) => return setup::click(words),
        None => {}
    }
    let copy = kept::place();
    if args.check {
        return check::run(&args.config);
    }
    let Loaded { config, refused } = match kept::load(&args.config, copy.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            journal::say_last(Note::ConfigRefused, &error.to_string());
            return ExitCode::FAILURE;
        }
    };
    if let Some(refused) = &refused {
        let text = format!("{refused}\nthe last file that was right is used, for exit buttons only");
        let say = if args.off { journal::say_last } else { journal::say };
        say(Note::ConfigRefused, &text);
    }
    if args.off {
        return ExitCode::from(u8::from(run::switch_off(&config).is_err()));
    }
    if let Some(copy) = copy.filter(|_| refused.is_none())
        && let Err(error) = kept::keep(&args.config, &copy)
    {
        journal::say(Note::NoCopy, &format!("{}: no copy can be kept: {error}", copy.display()));
    }
    let why = run::run(&config, refused.is_some());
    journal::say_last(Note::Ended, &format!("{why}; ending, so that the kernel takes all lines back"));
    ExitCode::FAILURE
}
