//! The daemon: `facelatchd` serves, `facelatchd demo` shows the whole job on bundled pictures.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use facelatch::{demo, serve};

/// A doorkeeper that knows faces. Serves until SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "facelatchd", version, about, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(flatten)]
    daemon: serve::DaemonArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the whole job on bundled pictures, with no camera
    Demo(demo::Options),
}

fn main() -> ExitCode {
    let Args { daemon, verb } = Args::parse();
    let Some(Verb::Demo(options)) = verb else {
        return serve::main(&daemon);
    };
    match demo::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("facelatchd: {error:#}");
            ExitCode::from(2)
        }
    }
}
