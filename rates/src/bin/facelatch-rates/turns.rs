//! `facelatch-rates turns`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use facelatch::config::Config;
use facelatch::detect::Detector;
use facelatch::model::Manifest;
use facelatch_rates::turns::{self, heads, markdown};

use super::args::Turns;

pub(crate) fn run(args: &Turns) -> Result<()> {
    if let Some(count) = args.heads {
        let ends = |(name, manner)| (name, heads::ends(&manner, count, args.seed));
        return super::say(&heads::markdown(&heads::manners().into_iter().map(ends).collect::<Vec<_>>()));
    }
    let source = args.source.as_deref().context("which folder?")?;
    let config = Config::default().detect;
    let network = Manifest::load(&args.models)?.detector(&args.detector, config.input_px as usize)?;
    let detector = Detector::new(network, config.min_confidence)?;
    let people = folders(source)?;
    let every = people.into_iter().skip(args.skip).step_by(args.every.max(1));
    let table = if args.clips {
        turns::live(&detector, &every.filter(|clip| clip.join("fps").exists()).collect::<Vec<_>>())?
    } else {
        turns::sheets(&detector, &every.collect::<Vec<_>>(), args.seed)?
    };
    super::say(&markdown(&table))
}

/// All folders below this one that hold a file.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        let (mut files, entries) =
            (false, std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?);
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { files = true }
        }
        if files {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}
