//! `facelatch-rates import`.

use std::path::Path;

use anyhow::Result;
use facelatch::head::Head;
use facelatch_rates::bench::{Pixels, about};
use facelatch_rates::import::read;
use facelatch_rates::network::{self, Naming};
use facelatch_rates::write::Sheet;

use super::args::{Colours, Import, PixelValues};

pub(crate) fn run(args: &Import) -> Result<()> {
    let whole = args.source.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
    let date = args.date.clone().unwrap_or_else(super::fit::today);
    if whole { network(args, date) } else { layer(args, date) }
}

fn layer(args: &Import, date: String) -> Result<()> {
    let layer = read(&args.source)?;
    let embedder = about(&args.models, &args.embedder)?;
    let name = args.source.file_name().unwrap_or_default().to_string_lossy();
    let sheet = Sheet {
        comments: vec![
            format!(
                "Made by: facelatch-rates import {name} --embedder {} --threshold {}",
                args.embedder, args.threshold
            ),
            "The threshold was given by hand, not measured.".to_owned(),
        ],
        embedder: args.embedder.clone(),
        embedder_sha256: embedder.sha256,
        length: embedder.length,
        unscaled: !embedder.unit_length,
        bias: layer.bias,
        alpha: layer.alpha,
        threshold: args.threshold,
        fitted_on: format!("imported from {name}"),
        fitted_at: date,
        ..Default::default()
    };
    say(&sheet.write(&args.output)?, &args.output, &args.embedder)
}

fn network(args: &Import, date: String) -> Result<()> {
    let naming = Naming {
        name: &args.embedder,
        pixels: match args.pixels {
            PixelValues::Bytes => Pixels::Bytes,
            PixelValues::Unit => Pixels::Unit,
            PixelValues::Signed => Pixels::Signed,
        },
        bgr: matches!(args.colours, Colours::Bgr),
        threshold: args.threshold,
        date,
    };
    let imported = network::import(&args.source, &args.models, &naming)?;
    say(&imported.head, &imported.head_path, &args.embedder)
}

fn say(head: &Head, path: &Path, embedder: &str) -> Result<()> {
    super::say(&format!(
        "written: {0} (an identical pair scores {1}); measure it: facelatch-rates measure DIR --embedder {embedder} \
         --head {0}",
        path.display(),
        head.identical_pair()
    ))
}
