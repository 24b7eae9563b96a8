//! Compiler, C library and emulator of a target, from Debian's packages.

use std::path::Path;

use anyhow::{Result, bail};

use super::apt;
use crate::run::installed;
use crate::target::Target;

/// Installs what is missing, if permitted.
pub(super) fn install(target: &Target) -> Result<()> {
    let missing = missing(target);
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("{}: installing {}", target.debian, missing.join(", "));
    apt::install(&missing)?;
    match self::missing(target).as_slice() {
        [] => Ok(()),
        still => bail!("{} installed, but some of their files are still missing", still.join(", ")),
    }
}

/// Packages whose files are missing. Checks for files, so that those of another distribution will do.
fn missing(target: &Target) -> Vec<String> {
    let gnu = target.gnu;
    let there = [
        (format!("gcc-{gnu}"), installed(&format!("{gnu}-gcc"), &["--version"])),
        (format!("libc6-dev-{}-cross", target.debian), Path::new(&format!("/usr/{gnu}/lib/crt1.o")).exists()),
        ("qemu-user-static".to_owned(), installed(target.qemu, &["--version"])),
    ];
    there.into_iter().filter(|(_, there)| !there).map(|(package, _)| package.replace('_', "-")).collect()
}
