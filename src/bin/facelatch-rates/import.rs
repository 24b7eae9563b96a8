//! `facelatch-rates import`.

use anyhow::{Result, bail};

use super::args::Import;

pub(crate) fn run(_args: &Import) -> Result<()> {
    bail!("not written yet")
}
