//! The systemd units: do they parse, and how much of the machine do they leave open?

use anyhow::{Context, Result};

use crate::run::{command, root, succeed};

const UNITS: &[&str] = &["facelatchd.service", "facelatchd.socket"];

/// Highest exposure `systemd-analyze security` may find, in tenths.
const MAX_EXPOSURE: &str = "10";

/// Fails when a unit has an error or the service is more exposed than [`MAX_EXPOSURE`].
pub(crate) fn check() -> Result<()> {
    // The program need not be installed here, but `verify` wants to see one.
    let folder = root().join("target/units");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for unit in UNITS {
        let text = std::fs::read_to_string(root().join("systemd").join(unit))?;
        std::fs::write(folder.join(unit), text.replace("/usr/bin/facelatchd", "/bin/true"))?;
    }
    let mut verify = command("systemd-analyze", &["verify", "--man=no"]);
    verify.args(UNITS.iter().map(|unit| folder.join(unit)));
    succeed(verify)?;
    let threshold = format!("--threshold={MAX_EXPOSURE}");
    let mut security = command("systemd-analyze", &["security", "--offline=true", "--no-pager", &threshold]);
    security.arg(folder.join("facelatchd.service"));
    let found = crate::run::read(security)?;
    let words: Vec<&str> = found.lines().filter(|line| line.contains("Overall exposure")).collect();
    eprintln!("{}", words.join("\n"));
    Ok(())
}
