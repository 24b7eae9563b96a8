//! The command: a client of the daemon's socket and nothing else.
#![forbid(unsafe_code)]

mod args;
mod backup;
mod bench;
mod doctor;
mod enroll;
mod enrolled;
mod events;
mod exit;
mod explain;
mod judging;
mod keep;
mod log;
mod machine;
mod manual;
mod models;
mod people;
mod pin;
mod rules;
mod say;
mod setup;
mod status;
#[cfg(test)]
mod test_files;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, AuditAct, Camera, Keep, ModelsAct, OnOff, Verb};
use exit::Exit;
use facelatch_wire::call::Enroll;
use rules::Holidays;

fn main() -> ExitCode {
    let args = Args::parse();
    let Args { socket, json, verb } = args;
    let to = say::Daemon { socket: facelatch_wire::socket_path(socket), json };
    let done = match verb {
        Verb::Enroll { user, label, templates, door, allow_child, camera: Camera { camera } } => {
            let templates = templates.map(u64::from);
            let (door, allow_child) = (door.then_some(true), allow_child.then_some(true));
            enroll::run(&to, &Enroll { user, label, templates, door, camera, allow_child })
        }
        Verb::Verify { user, camera } => judging::verify(&to, user, camera.camera),
        Verb::Identify { camera } => judging::identify(&to, camera.camera),
        Verb::Explain { user, camera } => explain::run(&to, user, camera.camera),
        Verb::Look { door } => judging::look(&to, door),
        Verb::List { user } => people::list(&to, user),
        Verb::Remove { user, which, yes } => people::remove(&to, &user, which, yes),
        Verb::Reset { user } => people::reset(&to, user),
        Verb::Pin { user, duress, remove, stdin } => pin::run(&to, user, duress, remove, stdin),
        Verb::Allow { whom, factor, clear } => rules::allow(&to, &whom.into(), factor.map(Into::into), clear),
        Verb::Deny { whom } => rules::deny(&to, &whom.into()),
        Verb::Guest { whom, from, until, clear: _ } => rules::guest(&to, &whom.into(), from, until),
        Verb::Hours { whom, spans, clear: _ } => rules::hours(&to, &whom.into(), &spans),
        Verb::Holiday { act } => rules::holidays(&to, act.map_or(Holidays::List, Into::into)),
        Verb::Face { state } => rules::face(&to, state.map(|state| state == OnOff::On)),
        Verb::Keep(verb) => kept(&to, verb),
        Verb::Models { act: ModelsAct::Add { file, float, folder } } => {
            models::add(&to, &file, &folder.path, float)
        }
        Verb::Models { act: ModelsAct::List { folder } } => models::list(&to, &folder.path),
        Verb::Models { act: ModelsAct::Remove { name, folder } } => models::remove(&to, &name, &folder.path),
        Verb::Setup(args) => setup::main(&to, args),
        Verb::Enrolled(asked) => enrolled::run(&to, asked),
        Verb::Status => status::run(&to),
        Verb::Events => events::run(&to),
        Verb::Doctor { report } => doctor::run(&to, report.as_deref()),
        Verb::Bench(args) => bench::run(&to, args),
        Verb::Completions { shell } => manual::completions(shell),
        Verb::Man { folder } => manual::pages(&folder),
    };
    done.unwrap_or_else(|error| exit::report(&error, json)).into()
}

fn kept(to: &say::Daemon, verb: Keep) -> anyhow::Result<Exit> {
    match verb {
        Keep::Export { to: path, recipient, user } => keep::export(to, &path, recipient, user),
        Keep::Import { file, identity, skip_enrolled } => keep::import(to, &file, &identity, skip_enrolled),
        Keep::Backup { to: path, recipient, root } => backup::backup(to, &path, recipient, &root),
        Keep::Restore { file, identity, skip_enrolled, root } => {
            backup::restore(to, &file, &identity, skip_enrolled, &root)
        }
        Keep::Renew { machine: true, .. } => keep::renew_machine(to),
        Keep::Renew { store_key, .. } => keep::renew(to, store_key),
        Keep::Log { user, since } => log::run(to, user, since),
        Keep::Audit { act: AuditAct::Verify } => keep::audit(to),
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
