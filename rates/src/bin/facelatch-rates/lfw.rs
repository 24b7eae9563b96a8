//! `facelatch-rates lfw`.

use anyhow::Result;
use facelatch_rates::measure::{Measured, Question};
use facelatch_rates::protocol::{Protocol, protocol};
use facelatch_rates::{list, report};
use serde::Serialize;

use super::args::Lfw;
use super::measure::{acquire, head, measured, shape};

/// The field names are the JSON keys.
#[derive(Serialize)]
struct Both {
    protocol: Protocol,
    #[serde(flatten)]
    measured: Measured,
}

pub(crate) fn run(args: &Lfw) -> Result<()> {
    let rates = &args.rates;
    let pictures = &rates.pictures;
    let file = args.pairs.clone().unwrap_or_else(|| pictures.source.join("pairs.txt"));
    let pairs = list::read(&file)?;
    let (bench, mut set) = acquire(pictures, &pictures.source, pictures.aligned)?;
    if rates.limits {
        set.heed_limits(&bench.embedder);
    }
    let head = head(rates, &bench)?;
    let protocol = protocol(&set, &head, &file, &pairs)?;
    let measured = measured(rates, &set, &head, Question { shape: shape(rates), ..Default::default() })?;
    super::say(&if rates.json {
        serde_json::to_string_pretty(&Both { protocol, measured })?
    } else {
        report::protocol(&protocol) + &report::measured(&measured)
    })
}
