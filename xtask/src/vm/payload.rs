//! The machine's second disk: packages, pictures, the steps, and the programs that they use.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pictures;
use crate::release;
use crate::run::{command, root, succeed};
use crate::target::Target;

/// Where the machine serves its archive of packages.
const ARCHIVE: &str = "http://127.0.0.1:8080";

/// What the machine's initial file system holds, and the machine does not: a web server.
const BUSYBOX: &str = "bin/busybox";

/// Makes `work/payload.img`, ext4, labelled `payload`.
pub(super) fn make(
    work: &Path,
    machine: &Path,
    target: &Target,
    debs: &[PathBuf],
    upgrade: bool,
) -> Result<PathBuf> {
    let (folder, image) = (work.join("payload"), work.join("payload.img"));
    let pictures = folder.join("pictures");
    std::fs::create_dir_all(&pictures)?;
    pictures::convert(&root().join("tests/data/faces"), &pictures)?;
    release::for_a_test(target, debs, ARCHIVE, &folder.join("archive"))?;
    if upgrade {
        let later = debs.iter().map(|deb| later(work, deb)).collect::<Result<Vec<_>>>()?;
        release::for_a_test(target, &later, ARCHIVE, &folder.join("later"))?;
    }
    let words = r#"gzip -dc "$0" | cpio -i --quiet --to-stdout "$1" >"$2" && chmod 755 "$2""#;
    let mut unpack = command("sh", &["-c", words]);
    unpack.arg(machine.join("initrd.img")).arg(BUSYBOX).arg(folder.join("busybox"));
    succeed(unpack)?;
    for steps in ["steps.sh", "door.sh", "typed.sh", "witness.sh"] {
        std::fs::copy(root().join("tests/vm").join(steps), folder.join(steps))?;
    }
    for program in ["watch", "says", "stalls", "keys"] {
        let mut compile =
            command(&format!("{}-gcc", target.gnu), &["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o"]);
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

/// The same package, one revision on.
fn later(work: &Path, deb: &Path) -> Result<PathBuf> {
    let parts = work.join("parts");
    let name = deb.file_name().context("no file name")?;
    let output = work.join("debs").join(name);
    std::fs::create_dir_all(work.join("debs"))?;
    let words = r#"dpkg-deb --raw-extract "$0" "$1" && sed -i 's/^Version: .*/&+later/' "$1/DEBIAN/control" &&
        dpkg-deb --root-owner-group -Zgzip -z1 --build "$1" "$2" >/dev/null && rm -r "$1""#;
    let mut repack = command("sh", &["-c", words]);
    repack.arg(deb).arg(parts).arg(&output);
    succeed(repack)?;
    Ok(output)
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
