//! `facelatch-rates import`.

use anyhow::Result;
use facelatch::rates::bench::about;
use facelatch::rates::import::read;
use facelatch::rates::write::Sheet;

use super::args::Import;

pub(crate) fn run(args: &Import) -> Result<()> {
    let layer = read(&args.source)?;
    let embedder = about(&args.models, &args.embedder)?;
    let name = args.source.file_name().unwrap_or_default().to_string_lossy();
    let sheet = Sheet {
        comments: vec![
            format!(
                "Made by: facelatch-rates import {name} --embedder {} --threshold {}",
                args.embedder, args.threshold
            ),
            "The threshold was typed, not measured.".to_owned(),
        ],
        embedder: args.embedder.clone(),
        embedder_sha256: embedder.sha256,
        length: embedder.length,
        bias: layer.bias,
        alpha: layer.alpha,
        threshold: args.threshold,
        fitted_on: format!("imported from {name}"),
        fitted_at: args.date.clone().unwrap_or_else(super::fit::today),
        ..Default::default()
    };
    let head = sheet.write(&args.output)?;
    super::say(&format!(
        "written: {} (an identical pair scores {}); measure it: facelatch-rates measure DIR --head {0}",
        args.output.display(),
        head.identical_pair()
    ))
}
