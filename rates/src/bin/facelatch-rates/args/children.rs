//! The command line of `facelatch-rates children`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Pictures;

#[derive(ClapArgs)]
pub(crate) struct Children {
    /// Measured on these: names of pictures begin with an age (`AGE_...`), folders are groups of people; one picture a person.
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Learnt from these: lines of `PATH<tab>AGES`, such as `3-9`. Only pictures whose terms allow that.
    #[arg(long, value_name = "LIST")]
    pub(crate) learn: PathBuf,
    /// Grown people, to count whom the direction refuses; may be given again.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) adults: Vec<PathBuf>,
    /// What the second table is for.
    #[arg(long, default_value_t = 0.25, value_name = "COSINE")]
    pub(crate) min_cosine: f32,
}
