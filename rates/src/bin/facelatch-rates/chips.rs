//! `facelatch-rates chips`.

use anyhow::{Context, Result, bail};
use facelatch_rates::acquire::Bench;
use facelatch_rates::bench::Names;
use facelatch_rates::people::People;
use facelatch_rates::picture;

use super::args::Chips;

pub(crate) fn run(args: &Chips) -> Result<()> {
    let pictures = &args.pictures;
    let detector = (!pictures.aligned).then_some(pictures.networks.detector.as_str());
    let bench = Bench::load(
        &pictures.networks.models,
        Names { embedder: &pictures.networks.embedder, detector, central: pictures.central },
    )?;
    let people = People::load(&pictures.source)?;
    let (mut written, mut left_out) = (0, people.unreadable.len());
    for person in &people.people {
        let folder = args.output.join(&person.name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for source in &person.pictures {
            let why = match bench.chip(&source.path)? {
                Ok(Some(chip)) => {
                    // The whole name, so that a.jpg and a.png do not collide.
                    let name = source.path.file_name().unwrap_or_default().to_string_lossy();
                    let path = folder.join(format!("{name}.png"));
                    picture::write_chip(&chip, &path).with_context(|| path.display().to_string())?;
                    written += 1;
                    continue;
                }
                Ok(None) => "shows no face".to_owned(),
                Err(why) => why,
            };
            left_out += 1;
            eprintln!("facelatch-rates: {}: {why}", source.path.display());
        }
    }
    if written == 0 {
        bail!("{}: no face found in {left_out} pictures", pictures.source.display());
    }
    super::say(&format!("written: {written} chips to {}; left out: {left_out}", args.output.display()))
}
