//! Times the steps from a decoded frame to an embedding: detect, align, embed, on one thread.
//!
//! `cargo run --release --example time_frame -- [RUNS]`
#![allow(clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::path::Path;
use std::time::Instant;

use facelatch::camera::decode::{Layout, PixelFormat, decode};
use facelatch::clock::BootTime;
use facelatch::config::Config;
use facelatch::pipeline::Networks;

fn main() -> anyhow::Result<()> {
    let runs = std::env::args().nth(1).map_or(Ok(20), |runs| runs.parse::<usize>())?.max(1);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = Config::default();
    config.models.folder = here.join("models");
    let networks = Networks::load(&config.models, &config.detect, &config.attack)?;
    let jpeg = std::fs::read(here.join("tests/data/faces/obama-3.jpg"))?;
    let layout = Layout { format: PixelFormat::Mjpeg, width: 0, height: 0 };
    let frame = decode(layout, &jpeg, BootTime::default())?;
    let mut times = Vec::new();
    for _ in 0..runs + 2 {
        let start = Instant::now();
        let faces = networks.detector.detect(&frame)?;
        networks.embedder.embed_face(&frame, &faces[0])?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut times = times.split_off(2); // Two to warm up.
    times.sort_by(f64::total_cmp);
    println!(
        "{}x{}: least {:.3} ms, median {:.3} ms",
        frame.width(),
        frame.height(),
        times[0],
        times[runs / 2]
    );
    Ok(())
}
