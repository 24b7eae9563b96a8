//! The daemon, and the demo that needs no camera.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use facelatch::{demo, serve};

/// The doorkeeper that knows faces: answers on a Unix socket until it is stopped
#[derive(Debug, Parser)]
#[command(name = "facelatchd", version, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(flatten)]
    daemon: serve::DaemonArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the whole job on bundled pictures: no camera, no root
    Demo(demo::Options),
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.verb {
        None => serve::main(&args.daemon),
        Some(Verb::Demo(options)) => demo::main(&options),
    }
}
