//! Completions and manual pages, made from the command line's own description.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::args::Args;
use crate::exit::Exit;
use crate::say;

/// Prints the script that a shell wants.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    // Into memory first: it panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "facelatch", &mut script);
    say::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}

/// Writes `facelatch.1` and a page for each verb.
pub(crate) fn pages(folder: &Path) -> Result<Exit> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("folder {}: cannot be made", folder.display()))?;
    clap_mangen::generate_to(Args::command(), folder)
        .with_context(|| format!("folder {}: pages cannot be written", folder.display()))?;
    Ok(Exit::Done)
}
