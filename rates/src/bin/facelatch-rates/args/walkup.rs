//! Arguments of `facelatch-rates walkup`.

use std::path::PathBuf;

use super::Networks;

#[derive(clap::Args)]
pub(crate) struct Walkup {
    /// A folder with one folder per person, or a list of `PATH<tab>PERSON` lines. People with fewer than eight pictures are left
    /// out: five to enrol, and others for the films.
    #[arg(value_name = "DIR|LIST")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) networks: Networks,
    /// People enrolled at most, in the order of their names; as many after them are strangers.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) people: usize,
    /// Pass over the first N people with enough pictures.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) skip: usize,
    /// How long the board works on each frame; the camera gives ten a second.
    #[arg(long, default_value_t = 150, value_name = "MS")]
    pub(crate) work_ms: u64,
    /// Seed of everything random.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
}
