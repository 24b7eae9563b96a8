//! The machine's second disk: packages, pictures, the steps, and the programs that they use.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures;
use crate::run::{command, root, succeed};

/// Makes `work/payload.img`, ext4, labelled `payload`.
pub(super) fn make(work: &Path, debs: &[PathBuf]) -> Result<PathBuf> {
    let (folder, image) = (work.join("payload"), work.join("payload.img"));
    let (pictures, packages) = (folder.join("pictures"), folder.join("debs"));
    std::fs::create_dir_all(&pictures)?;
    std::fs::create_dir_all(&packages)?;
    pictures::convert(&root().join("tests/data/faces"), &pictures)?;
    for deb in debs {
        std::fs::copy(deb, packages.join(deb.file_name().context("no file name")?))
            .with_context(|| deb.display().to_string())?;
    }
    for steps in ["steps.sh", "door.sh", "witness.sh"] {
        std::fs::copy(root().join("tests/vm").join(steps), folder.join(steps))?;
    }
    for program in ["watch", "says", "stalls", "keys"] {
        let mut compile =
            command("aarch64-linux-gnu-gcc", &["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o"]);
        compile.arg(folder.join(program)).arg(root().join(format!("tests/vm/{program}.c")));
        succeed(compile)?;
    }
    let text = |path: &Path| path.to_str().map(str::to_owned).context("the cache's path is not UTF-8");
    let words = ["-q", "-O", "^has_journal", "-L", "payload", "-d"];
    let mut make = command("mkfs.ext4", &words);
    make.args([&text(&folder)?, &text(&image)?, &format!("{}K", kilobytes(&folder)? * 5 / 4 + 8192)]);
    make.stdout(std::process::Stdio::null());
    succeed(make)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(image)
}

/// Size of all files below `folder`.
fn kilobytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { kilobytes(&entry.path())? } else { about.len().div_ceil(1024) + 4 };
    }
    Ok(sum)
}
