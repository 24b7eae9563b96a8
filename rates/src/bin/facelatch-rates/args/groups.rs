//! The command lines of `facelatch-rates groups` and `facelatch-rates change`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Pictures;

#[derive(ClapArgs)]
pub(crate) struct Groups {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Groups of people: lines of person,group, where a person is the name of a folder. Without this, DIR holds pictures of
    /// UTKFace, whose names tell age, sex and race, each of somebody else.
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,
    /// Head file (default: the one beside the embedder).
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    /// Leave out pairs of people with pictures more alike than this cosine, as repeats of one person (default: 0.8 without
    /// --groups, else none).
    #[arg(long, value_name = "COSINE")]
    pub(crate) repeats: Option<f32>,
    /// People that a group must have to be the best or the worst, or to need a threshold.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub(crate) least: usize,
    /// Other thresholds to measure at, as log-odds.
    #[arg(long, value_name = "Z", value_delimiter = ',')]
    pub(crate) at: Vec<f32>,
    /// The false match rate to look for the threshold of, group by group.
    #[arg(long, default_value_t = 1e-4, value_name = "RATE")]
    pub(crate) target_fmr: f64,
    /// Most templates of a decision; people with fewer pictures have fewer.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames of a decision, in one table each.
    #[arg(long, default_values_t = [1, 3], value_name = "M", value_delimiter = ',')]
    pub(crate) frames: Vec<usize>,
    /// Halve each group so often, choose its threshold on the one half and judge it on the other.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) halves: u64,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// What each picture shows: lines of PATH,TAG, where PATH is the end of its path. A number is an age or a date in years,
    /// anything else a word.
    #[arg(long, value_name = "FILE")]
    pub(crate) tags: PathBuf,
    /// Head file (default: the one beside the embedder).
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}
