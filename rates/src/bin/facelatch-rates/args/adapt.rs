//! Arguments of `facelatch-rates adapt`.

use super::Rates;

#[derive(clap::Args)]
pub(crate) struct Adapt {
    #[command(flatten)]
    pub(crate) rates: Rates,
    /// How far below the threshold adapted templates reach, in log-odds: a row for each.
    #[arg(long, value_delimiter = ',', default_value = "0.5,1,1.5,2,3,4", value_name = "LIST")]
    pub(crate) reach: Vec<f32>,
    /// People with fewer pictures are left out.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) pictures_each: usize,
    /// Pictures of a person at most, in the order of their names.
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub(crate) most_each: usize,
    /// Runs for each person, with other pictures enrolled.
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub(crate) rounds: usize,
}
