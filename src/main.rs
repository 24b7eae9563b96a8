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
}

fn main() -> ExitCode {
    serve::main(&Args::parse().daemon)
}
