//! THIRD-PARTY-NOTICES.md: every crate linked into one of our programs, from Cargo.lock.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::run;

const FILE: &str = "THIRD-PARTY-NOTICES.md";

/// Linked crates differ slightly between these targets; the notices list the union.
pub(crate) const TARGETS: &[&str] =
    &["aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf", "x86_64-unknown-linux-gnu"];

/// Members of this workspace are not third parties.
const OURS: &[&str] = &["facelatch", "pam_facelatch", "v4l2-sys-mit", "xtask"];

const HEAD: &str = "# Third-party notices

Written by `cargo xtask notices` from Cargo.lock; `cargo xtask check` fails when it is out of date.

## Models and pictures

| what | where its source, licence and limits are stated |
| --- | --- |
| networks in `models/` | `models/MODELS.toml` and the model cards beside it |
| pictures in `tests/data/faces/` (used by tests and the demo, not installed) | `tests/data/faces/SOURCES.md` |

## Crates that are linked into the programs

On Linux, with all features. Helpers for building and testing are not in the programs and not in this
table. Each crate's package carries its full licence text.

| crate | version | licence | source |
| --- | --- | --- | --- |
";

/// Writes the file.
pub(crate) fn main(_: &[String]) -> Result<()> {
    std::fs::write(run::root().join(FILE), text()?).with_context(|| FILE.to_owned())
}

/// Fails if the file differs from what [`main`] would write.
pub(crate) fn check() -> Result<()> {
    let kept = std::fs::read_to_string(run::root().join(FILE)).unwrap_or_default();
    if kept != text()? {
        bail!("{FILE} is out of date; run `cargo xtask notices`");
    }
    Ok(())
}

fn text() -> Result<String> {
    let mut text = HEAD.to_owned();
    for Linked { name, version, licence, source } in linked()? {
        writeln!(text, "| {name} | {version} | {licence} | {source} |")?;
    }
    Ok(text)
}

/// A crate that is linked into one of our programs.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Linked {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
    source: String,
}

/// All of them, on all targets.
pub(crate) fn linked() -> Result<BTreeSet<Linked>> {
    let mut rows = BTreeSet::new();
    for target in TARGETS {
        let tree = run::command(
            "cargo",
            &["tree", "--locked", "--workspace", "--exclude", "xtask", "--all-features", "--target", target]
                .into_iter()
                .chain(["--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe"])
                .chain(["--format", "{p}|{l}|{r}"])
                .collect::<Vec<_>>(),
        );
        for line in run::read(tree)?.lines().filter(|line| !line.is_empty()) {
            rows.extend(row(line)?);
        }
    }
    Ok(rows)
}

/// One line of `cargo tree` ("name v1.2.3 (where)|licence|repository"); `None` for our own crates.
fn row(line: &str) -> Result<Option<Linked>> {
    let mut parts = line.trim_end_matches(" (*)").split('|');
    let (Some(package), Some(licence), Some(source)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("unexpected output of `cargo tree`: {line}");
    };
    let mut words = package.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if OURS.contains(&name) || name.starts_with("facelatch-") {
        return Ok(None);
    }
    if licence.is_empty() {
        bail!("{name} declares no licence; read its files and add it here by hand");
    }
    Ok(Some(Linked {
        name: name.to_owned(),
        version: version.trim_start_matches('v').to_owned(),
        licence: licence.replace('/', " OR "),
        source: source.trim().to_owned(),
    }))
}
