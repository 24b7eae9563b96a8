//! `facelatch-rates adapt`.

use anyhow::{Result, bail};
use facelatch::head::Head;
use facelatch::judge::adapt::Reach;
use facelatch_rates::adapt::Crowd;
use facelatch_rates::adapt::drift;
use facelatch_rates::adapt::life::{self, Plan};
use facelatch_rates::adapt::table::{Measured, markdown};
use facelatch_rates::measure::SEED;
use facelatch_rates::rate::Rates;
use facelatch_rates::set::Set;
use facelatch_rates::table::{Features, Table};
use facelatch_rates::trials::{Shape, decisions};

use super::args::Adapt;
use super::measure::{acquire, bar, head, told};

pub(crate) fn run(args: &Adapt) -> Result<()> {
    let rates = &args.rates;
    let pictures = &rates.pictures;
    let (templates, frames) = (rates.templates, rates.frames);
    if templates == 0 || frames == 0 {
        bail!("--templates and --frames: at least 1");
    }
    let (bench, mut set) = acquire(pictures, &pictures.source, pictures.aligned)?;
    set.heed_limits(&bench.embedder);
    let head = head(rates, &bench)?;
    let least = args.pictures_each.max(templates + 2 * frames);
    let crowd = Crowd::of(&set, &head, least, args.most_each.max(least));
    if crowd.people.len() < 3 {
        bail!(
            "{}: fewer than three people have {least} pictures that are believed",
            pictures.source.display()
        );
    }
    let lives = args.reach.iter().map(|reach| {
        let plan = Plan { templates, frames, rounds: args.rounds, reach: Reach(*reach), seed: SEED };
        life::live(&crowd, &head, plan)
    });
    let lives = lives.collect();
    let worst = worst(args, &set, &head)?;
    let bar = bar("morphs");
    let drift =
        drift::attack((&bench, &set), &crowd, &head, (templates, frames, Reach::SHIPPED), &mut told(&bar))?;
    bar.finish_and_clear();
    let measured = Measured { lives, worst, drift };
    super::say(&if rates.json { serde_json::to_string_pretty(&measured)? } else { markdown(&measured) })
}

/// Decisions about two people at the threshold lowered by each reach: what holds whatever was taken.
fn worst(args: &Adapt, set: &Set, head: &Head) -> Result<Vec<(f32, Rates)>> {
    let shape = Shape { templates: args.rates.templates, frames: args.rates.frames };
    let table = Table::new(&Features::of_head(set, head), head.formula(), &mut |_, _| ());
    let Some(scored) = decisions(set, shape, SEED, &|_| true, &|a, b| table.at(a, b)) else {
        bail!("too few people have {} pictures", shape.templates + shape.frames);
    };
    let threshold = head.threshold().log_odds().0;
    Ok(args.reach.iter().map(|reach| (*reach, Rates::at(&scored, threshold - reach))).collect())
}
