//! The daemon `facelatchd`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use facelatch::serve::{self, DaemonArgs};

/// Face unlock daemon: answers on a Unix socket until it is stopped
#[derive(Debug, Parser)]
#[command(name = "facelatchd", version)]
struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,
    /// Show in this terminal what the camera sees, and whether faces are upright in it; serve nobody
    #[arg(long)]
    show: bool,
}

fn main() -> ExitCode {
    let Args { daemon, show } = Args::parse();
    if show { serve::show(&daemon) } else { serve::main(&daemon) }
}
