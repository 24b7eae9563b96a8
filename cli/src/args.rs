//! The command line.

use std::path::PathBuf;

mod keep;

use clap::{Parser, Subcommand};
use facelatch_wire::reply::Factor;

use crate::bench::BenchArgs;
use crate::models::OwnFolder;
use crate::people::Which;
use crate::rules::{About, Holidays};
use crate::setup::SetupArgs;
use crate::{enrolled, exit};

pub(crate) use keep::{AuditAct, Keep};

/// What `--help` and the pages call options that each verb takes.
const EVERYWHERE: &str = "Options of every command";

/// Enrol faces, ask who is there, and check the daemon
#[derive(Debug, Parser)]
#[command(name = "facelatch", version, after_help = exit::TABLE, subcommand_required = true)]
pub(crate) struct Args {
    /// The daemon's socket [default: $FACELATCH_SOCKET or /run/facelatch/facelatch.sock]
    #[arg(long, global = true, value_name = "PATH", help_heading = EVERYWHERE)]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON: one object, or one a line where there are several
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Enrol a person from the camera
    Enroll {
        /// Who it is
        #[arg(value_name = "NAME")]
        user: String,
        /// What to call this set, such as "glasses"; only templates of the same label are replaced
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// How many templates to take, 1 to 32 [default: the daemon's]
        #[arg(long, value_name = "N")]
        templates: Option<u32>,
        /// For the door only: no login accepts this face, and no account is needed
        #[arg(long)]
        door: bool,
        /// Also if it looks like a small child, whom other small children may be taken for; only root may say this
        #[arg(long)]
        allow_child: bool,
        #[command(flatten)]
        camera: Camera,
    },
    /// Is the face before the camera this user's?
    #[command(after_help = exit::TABLE)]
    Verify {
        /// Whose it should be [default: your own]
        #[arg(value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        camera: Camera,
    },
    /// Whose face is before the camera?
    #[command(after_help = exit::TABLE)]
    Identify {
        #[command(flatten)]
        camera: Camera,
    },
    /// Make an attempt that opens nothing, and show all that its verdict rests on; root only
    #[command(after_help = exit::TABLE)]
    Explain {
        /// Whose face it should be [default: anybody's]
        #[arg(value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        camera: Camera,
    },
    /// Who is at a door? A match opens it
    #[command(after_help = exit::TABLE)]
    Look {
        /// Which door [default: the only one]
        #[arg(value_name = "DOOR")]
        door: Option<String>,
    },
    /// List what is enrolled
    List {
        /// Of whom [default: everybody]
        #[arg(value_name = "NAME")]
        user: Option<String>,
    },
    /// Forget a person, or one template
    Remove {
        /// Whom
        #[arg(value_name = "NAME")]
        user: String,
        #[command(flatten)]
        which: Which,
        /// Do not ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// Forget the misses of a person, so that the face counts again at once
    Reset {
        /// Whose [default: those of identification and of PINs]
        #[arg(value_name = "NAME")]
        user: Option<String>,
    },
    /// Set the PIN that a person types at a door; asks for it, and shows nothing of it
    Pin {
        /// Whose; no face need be enrolled
        #[arg(value_name = "NAME")]
        user: String,
        /// The PIN that they type under duress: it opens like the other, and only the event tells
        #[arg(long)]
        duress: bool,
        /// Take it away; without --duress, both
        #[arg(long, conflicts_with = "stdin")]
        remove: bool,
        /// Read the PIN from standard input, one line
        #[arg(long)]
        stdin: bool,
    },
    /// Let a person in, at the dates and hours that they have
    Allow {
        #[command(flatten)]
        whom: Whom,
        /// What they have to show [default: as before, or the face]
        #[arg(long, value_enum)]
        factor: Option<Shown>,
        /// Forget their rule: at any time; or, with --door, as at all other doors
        #[arg(long)]
        clear: bool,
    },
    /// Keep a person out
    Deny {
        #[command(flatten)]
        whom: Whom,
    },
    /// Let a person in between two dates only
    Guest {
        #[command(flatten)]
        whom: Whom,
        /// From when on, such as 2026-12-24 or 2026-12-24T18:00, in local time [default: now]
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until when; a day is meant with its evening
        #[arg(long, value_name = "TIME", required_unless_present = "clear")]
        until: Option<String>,
        /// Forget the dates: no longer a guest
        #[arg(long, conflicts_with_all = ["from", "until"])]
        clear: bool,
    },
    /// Let a person in at certain hours of the week only
    Hours {
        #[command(flatten)]
        whom: Whom,
        /// Such as "mon-fri 08:00-18:00" "daily 07:00-22:00"; on a holiday only hours of holiday or daily count
        #[arg(value_name = "SPAN", required_unless_present = "clear")]
        spans: Vec<String>,
        /// Forget the hours: at any time
        #[arg(long, conflicts_with = "spans")]
        clear: bool,
    },
    /// Say which days are holidays; list them
    Holiday {
        /// What to do [default: list]
        #[command(subcommand)]
        act: Option<HolidayAct>,
    },
    /// Switch face unlock on or off, for everybody, at doors and at logins
    Face {
        /// Which; without it, says which it is
        #[arg(value_enum)]
        state: Option<OnOff>,
    },
    #[command(flatten)]
    Keep(Keep),
    /// Add a network of others that the package may not contain, or remove it
    Models {
        /// What to do
        #[command(subcommand)]
        act: ModelsAct,
    },
    /// Set up a login, a screen lock or a door, one question after the other
    Setup(SetupArgs),
    /// Say whether an account has a face; needs no daemon
    #[command(after_help = enrolled::TABLE)]
    Enrolled(enrolled::Asked),
    /// Show how the daemon is
    Status,
    /// Follow what happens, as it happens: attempts, doors, logins, enrolments and other changes
    Events,
    /// Find out what is wrong, and how to fix it
    Doctor {
        /// Also write a file for a bug report: without faces, scores, keys, names and settings that are text
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Measure attempts on this machine, and print a report in Markdown; as root with times by stage
    Bench(BenchArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages to a folder
    #[command(hide = true)]
    Man {
        /// Where to
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// A person, and a door.
#[derive(Debug, clap::Args)]
pub(crate) struct Whom {
    /// Who
    #[arg(value_name = "NAME")]
    user: String,
    /// At this door only [default: at every door that has no rule of its own]
    #[arg(long, value_name = "DOOR")]
    door: Option<String>,
}

impl From<Whom> for About {
    fn from(Whom { user, door }: Whom) -> Self {
        Self { user, door }
    }
}

/// What a person has to show.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Shown {
    /// Their face
    Face,
    /// Their face, and their PIN
    #[value(name = "face+pin")]
    FaceAndPin,
    /// Their PIN alone
    Pin,
}

impl From<Shown> for Factor {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Face => Self::Face,
            Shown::FaceAndPin => Self::FaceAndPin,
            Shown::Pin => Self::Pin,
        }
    }
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnOff {
    /// Faces let people in
    On,
    /// No face lets anybody in
    Off,
}

/// What can be done with holidays.
#[derive(Debug, Subcommand)]
pub(crate) enum HolidayAct {
    /// Add days
    Add {
        /// Such as 2026-12-25
        #[arg(value_name = "DATE", required = true)]
        days: Vec<String>,
    },
    /// Remove days
    Remove {
        /// Such as 2026-12-25
        #[arg(value_name = "DATE", required = true)]
        days: Vec<String>,
    },
    /// List them
    List,
}

impl From<HolidayAct> for Holidays {
    fn from(act: HolidayAct) -> Self {
        match act {
            HolidayAct::Add { days } => Self::Add(days),
            HolidayAct::Remove { days } => Self::Remove(days),
            HolidayAct::List => Self::List,
        }
    }
}

/// What can be done with models of one's own.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAct {
    /// Convert a file that is known by its sha256; `facelatch models list` says which are
    Add {
        /// The file, as it was published
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Keep floats instead of int8: as exact as the original, and several times slower
        #[arg(long)]
        float: bool,
        #[command(flatten)]
        folder: OwnFolder,
    },
    /// List models of one's own and check their files; ends with 4 if one was changed
    List {
        #[command(flatten)]
        folder: OwnFolder,
    },
    /// Remove a model of one's own
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        folder: OwnFolder,
    },
}

/// Which camera looks.
#[derive(Debug, clap::Args)]
pub(crate) struct Camera {
    /// The camera that looks, by its name in the configuration [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) camera: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_part_of_it_is_described() {
        let mut command = Args::command();
        command.build();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            assert!(verb.get_about().is_some(), "{} is not described", verb.get_name());
            for arg in verb.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {} is not described", verb.get_name(), arg.get_id());
            }
        }
    }
}
