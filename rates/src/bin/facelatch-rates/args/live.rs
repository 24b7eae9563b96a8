//! Arguments of `facelatch-rates live`.

use std::path::PathBuf;

use clap::Args;

use super::Networks;

#[derive(Args)]
pub(crate) struct Live {
    /// A folder of clips, as for `attack`; only live ones count. All clips of a SOURCE show one person, unless a file `who` in
    /// a CLIP names somebody else.
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) networks: Networks,
    /// Leave out this source; may be given again.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) without: Vec<String>,
    /// More people to be taken for: a folder with one folder per person, or a list of `PATH<tab>PERSON` lines. Nobody in it may
    /// be in the clips.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) background: Option<PathBuf>,
    /// In pictures of --background with several faces, take the one nearest to the middle instead of the largest.
    #[arg(long, requires = "background")]
    pub(crate) central: bool,
    /// Templates of an enrolment.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub(crate) templates: u32,
    /// From an enrolment to the first probe in the same clip, where a person has one clip only.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub(crate) gap: f64,
    /// From the beginning of one attempt to that of the next, at least.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub(crate) every: f64,
    /// How long the board works on each frame; those that come meanwhile are lost. 0: each frame of the clip is taken.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) work_ms: u32,
    /// Where embeddings are kept between runs. They are biometric data: delete the folder afterwards.
    #[arg(long, default_value = "facelatch-rates-cache", value_name = "DIR")]
    pub(crate) cache: PathBuf,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}
