//! Arguments of `facelatch-rates turns`.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Turns {
    /// A folder with one folder per person, or with clips (--clips).
    #[arg(value_name = "DIR", required_unless_present = "heads")]
    pub(crate) source: Option<PathBuf>,
    /// Instead of pictures, so many rigid heads that do as they are told, in landmarks alone: how fast and how far they turn, from
    /// how high they are seen.
    #[arg(long, value_name = "N", conflicts_with_all = ["source", "clips"])]
    pub(crate) heads: Option<usize>,
    /// DIR holds clips of live people, each a folder of pictures and a file `fps`: cut out the turns of their heads. Without
    /// this, the first picture of each person is put on a sheet, bent and turned.
    #[arg(long)]
    pub(crate) clips: bool,
    /// The folder with MODELS.toml.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(crate) models: PathBuf,
    /// Detector, by its name in MODELS.toml.
    #[arg(long, default_value = "yunet", value_name = "NAME")]
    pub(crate) detector: String,
    /// Take each Nth folder only.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) every: usize,
    /// Pass over the first N folders.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) skip: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
}
