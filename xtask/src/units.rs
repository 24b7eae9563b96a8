//! Checks that the systemd units parse and how exposed the services are.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{command, root};

const UNITS: &[&str] = &[
    "facelatchd.service",
    "facelatchd.socket",
    "facelatchd-door.socket",
    "facelatch-door.service",
    "facelatch-health.service",
    "facelatch-health.timer",
    "facelatch-sleep.service",
];

/// Those that run a program.
const SERVICES: &[&str] = &["facelatchd.service", "facelatch-door.service"];

/// Drop-ins shipped as examples, and their units.
const EXAMPLES: &[(&str, &str)] =
    &[("csi-camera.conf", "facelatchd.service"), ("everybody.conf", "facelatchd.socket")];

/// Highest exposure `systemd-analyze security` may find, in tenths.
const MAX_EXPOSURE: &str = "10";

/// Fails when a unit has an error or a service is more exposed than [`MAX_EXPOSURE`].
pub(crate) fn check() -> Result<()> {
    let folder = root().join("target/units");
    put(&folder)?;
    verify(&folder)?;
    let changed = root().join("target/units-with-examples");
    put(&changed)?;
    for (example, unit) in EXAMPLES {
        let place = changed.join(format!("{unit}.d"));
        std::fs::create_dir_all(&place)?;
        std::fs::copy(root().join("systemd/examples").join(example), place.join(example))
            .with_context(|| (*example).to_owned())?;
    }
    verify(&changed)?;
    let threshold = format!("--threshold={MAX_EXPOSURE}");
    for service in SERVICES {
        let mut security =
            command("systemd-analyze", &["security", "--offline=true", "--no-pager", &threshold]);
        security.arg(folder.join(service));
        let found = crate::run::read(security)?;
        let words: Vec<&str> = found.lines().filter(|line| line.contains("Overall exposure")).collect();
        eprintln!("{}", words.join("\n"));
    }
    Ok(())
}

/// Copies the units with /bin/true as the program, because `verify` needs the program to exist.
fn put(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for unit in UNITS {
        let text = std::fs::read_to_string(root().join("systemd").join(unit))?;
        let text = text.replace("/usr/bin/facelatchd", "/bin/true");
        let text = text.replace("/usr/bin/facelatch-door", "/bin/true");
        std::fs::write(folder.join(unit), text.replace("/usr/bin/facelatch ", "/bin/true "))?;
    }
    Ok(())
}

/// systemd only warns about a line it does not know, so any output is a failure.
fn verify(folder: &Path) -> Result<()> {
    let mut verify = command("systemd-analyze", &["verify", "--man=no"]);
    verify.args(UNITS.iter().map(|unit| folder.join(unit)));
    let said = verify.output().context("cannot start systemd-analyze")?;
    let words = String::from_utf8_lossy(&said.stderr);
    let ours: Vec<&str> = words.lines().filter(|line| line.contains("facelatch")).collect();
    if !said.status.success() || !ours.is_empty() {
        bail!("{}", ours.join("; "));
    }
    Ok(())
}
