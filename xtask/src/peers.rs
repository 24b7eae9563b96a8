//! Times facelatch against onnxruntime, ncnn, rten and LiteRT, one thread each, interleaved in one run.
//!
//! Builds everything under target/peers; benches/peers describes the setup of each peer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, root, succeed};

/// The last file `forms.py` writes.
const LAST_FORM: &str = "mobilefacenet.tflite";

/// Prints a table, or JSON with `--json`.
pub(crate) fn main(words: &[String]) -> Result<()> {
    if words.iter().any(|word| word != "--json") {
        bail!("peers takes only --json");
    }
    let folder = root().join("target/peers");
    let python = python(&folder)?;
    let forms = folder.join("forms");
    if !forms.join(LAST_FORM).exists() {
        let mut make = command(text(&python)?, &["benches/peers/forms.py"]);
        make.args([folder.join("packages"), forms.clone()]).stdout(std::process::Stdio::null());
        succeed(make)?;
    }
    let bin = programs(&folder)?;
    let mut peers = command(text(&python)?, &["benches/peers/peers.py"]);
    peers.args([bin, forms]).args(words);
    succeed(peers)
}

/// A Python with the peers in their pinned versions.
fn python(folder: &Path) -> Result<PathBuf> {
    let (venv, wanted) = (folder.join("venv"), root().join("benches/peers/requirements.txt"));
    let (python, installed) = (venv.join("bin/python"), venv.join("requirements.txt"));
    if std::fs::read(&installed).ok() != Some(std::fs::read(&wanted)?) {
        std::fs::create_dir_all(folder)?;
        succeed(command("python3", &["-m", "venv", "--clear", text(&venv)?]))?;
        let words = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", text(&wanted)?];
        succeed(command(text(&python)?, &words))?;
        std::fs::copy(&wanted, &installed)?;
    }
    Ok(python)
}

/// Builds the timed programs into one folder.
fn programs(folder: &Path) -> Result<PathBuf> {
    let (bin, rten) = (folder.join("bin"), folder.join("rten"));
    std::fs::create_dir_all(&bin)?;
    for words in [
        ["--package", "facelatch-fused", "--example", "time_model"],
        ["--package", "facelatch", "--example", "time_frame"],
    ] {
        let mut build = command("cargo", &["build", "--release", "--locked"]);
        build.args(words).env_remove("CARGO_TARGET_DIR");
        succeed(build)?;
        copy(&root().join("target/release/examples").join(words[3]), &bin.join(words[3]))?;
    }
    let mut build = command("cargo", &["build", "--release", "--locked"]);
    build.args(["--manifest-path", "benches/peers/rten/Cargo.toml"]).env("CARGO_TARGET_DIR", &rten);
    succeed(build)?;
    copy(&rten.join("release/rten-peer"), &bin.join("rten-peer"))?;
    Ok(bin)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path of the repository is not UTF-8")
}
