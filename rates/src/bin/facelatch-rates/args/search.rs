//! The arguments of `search` and `threshold`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Pictures;

#[derive(ClapArgs)]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Head file (default: the one beside the embedder).
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    /// More people to search who are never enrolled: a folder or list like DIR; one picture of a person is enough.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) strangers: Option<PathBuf>,
    /// People enrolled, drawn from DIR. The odds asked for are those of that many, even where DIR has fewer.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) enrolled: usize,
    /// Templates of a person at most: as many as they have pictures.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Enrol only people with so many templates.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) least: usize,
    /// Frames of a search at most: measured with one up to so many.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Instead, searches of one picture, of which so many frames are made, alike as those of one attempt at a door are.
    #[arg(long, value_name = "M", conflicts_with = "frames", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) alike: Option<u8>,
    /// How often the people enrolled are drawn anew.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) galleries: usize,
    /// Search as the daemon does: pictures below the embedder's limits in MODELS.toml take no part.
    #[arg(long)]
    pub(crate) limits: bool,
    /// Search as the daemon does: pictures that its quality gate refuses, such as those of several people, take no part.
    #[arg(long)]
    pub(crate) gate: bool,
    /// Seed of the draws.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Threshold {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Head file (default: the one beside the embedder).
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    /// Another set like DIR; may be given again.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) also: Vec<PathBuf>,
    /// Another set, of aligned faces of 112x112 pixels; may be given again.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) also_aligned: Vec<PathBuf>,
    /// False match rate of a decision that a chosen threshold keeps with 95 % confidence.
    #[arg(long, default_value_t = 1e-4, value_name = "RATE")]
    pub(crate) target_fmr: f64,
    /// Templates in a decision.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames in a decision.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Decide as the daemon does: pictures below the embedder's limits in MODELS.toml take no part in decisions.
    #[arg(long)]
    pub(crate) limits: bool,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}
