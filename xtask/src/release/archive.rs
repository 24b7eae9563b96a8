//! The Debian archive: packages in `pool/`, indexes in `dists/`, and the files that make a machine use it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::key::Key;
use super::{Release, into_file, template, write};
use crate::deb::PACKAGES;
use crate::run::{command, read, succeed};
use crate::target::Target;

/// One set of packages installs on bookworm and on trixie, so there is one suite.
const SUITE: &str = "stable";
const COMPONENT: &str = "main";

/// Makes the archive at the top of the release's folder.
pub(super) fn lay_out(release: &Release, targets: &[&Target], debs: &[PathBuf], key: &Key) -> Result<()> {
    let top = &release.output;
    let pool = top.join("pool");
    std::fs::create_dir_all(&pool).with_context(|| pool.display().to_string())?;
    for deb in debs {
        let name = deb.file_name().context("a package without a name")?;
        std::fs::copy(deb, pool.join(name)).with_context(|| deb.display().to_string())?;
    }
    for target in targets {
        index(top, target)?;
    }
    let suite = top.join("dists").join(SUITE);
    let unsigned = top.join("Release");
    into_file(describe(release, targets)?, &unsigned)?;
    std::fs::rename(&unsigned, suite.join("Release"))?;
    key.inline(&suite.join("Release"), &suite.join("InRelease"))?;
    key.detached(&suite.join("Release"), &suite.join("Release.gpg"))?;
    key.keyring(&top.join("facelatch-archive-keyring.gpg"))?;
    let sources = sources(release, key)?;
    write(&top.join("facelatch.sources"), &sources)?;
    for name in ["install.sh", "user-data"] {
        write(&top.join(name), &filled(&template(name)?, &sources)?)?;
    }
    Ok(())
}

/// The packages of this version for these targets, by the names that `cargo xtask deb` gives them.
pub(super) fn debs(folder: &Path, targets: &[&Target], version: &str) -> Result<Vec<PathBuf>> {
    let mut debs = Vec::new();
    for target in targets {
        for package in PACKAGES {
            let deb = folder.join(format!("{package}_{version}-1_{}.deb", target.debian));
            ensure!(deb.is_file(), "{} is not there; `cargo xtask deb` makes it", deb.display());
            debs.push(deb);
        }
    }
    Ok(debs)
}

/// Writes the list of one architecture's packages.
fn index(top: &Path, target: &Target) -> Result<()> {
    let folder = top.join(format!("dists/{SUITE}/{COMPONENT}/binary-{}", target.debian));
    std::fs::create_dir_all(&folder)?;
    // One by one: of a folder, apt-ftparchive lists them in the order of the disk.
    let mut names = Vec::new();
    super::files(top, Path::new("pool"), &mut names)?;
    names.retain(|name| name.ends_with(&format!("_{}.deb", target.debian)));
    names.sort();
    let mut list = String::new();
    for name in names {
        let mut about = command("apt-ftparchive", &["packages", &name]);
        about.current_dir(top);
        list += &read(about)?;
    }
    write(&folder.join("Packages"), &list)?;
    let mut xz = command("xz", &["--keep", "--best", "--force"]);
    xz.arg(folder.join("Packages"));
    succeed(xz)
}

/// Prints the suite's description, with the checksums of all lists.
fn describe(release: &Release, targets: &[&Target]) -> Result<std::process::Command> {
    let architectures: Vec<&str> = targets.iter().map(|target| target.debian).collect();
    let mut date = command("date", &["--utc", &format!("--date=@{}", release.committed)]);
    date.arg("+%a, %d %b %Y %H:%M:%S UTC").env("LC_ALL", "C");
    let mut describe = command("apt-ftparchive", &[]);
    for (field, value) in [
        ("Origin", "facelatch"),
        ("Label", "facelatch"),
        ("Suite", SUITE),
        ("Codename", SUITE),
        ("Components", COMPONENT),
        ("Architectures", &architectures.join(" ")),
        ("Date", read(date)?.trim()),
        ("Description", &format!("facelatch {}", release.version)),
    ] {
        describe.arg("-o").arg(format!("APT::FTPArchive::Release::{field}={value}"));
    }
    describe.args(["release", &format!("dists/{SUITE}")]).current_dir(&release.output);
    Ok(describe)
}

/// The deb822 file that names the archive, with the key inside: one file to add, and one to remove.
fn sources(release: &Release, key: &Key) -> Result<String> {
    let mut lines = String::new();
    for line in key.armored()?.trim_end().lines() {
        lines += if line.is_empty() { " ." } else { " " };
        lines += line;
        lines.push('\n');
    }
    let text = template("facelatch.sources")?;
    Ok(text.replace("@URL@", &release.url).replace("@SUITE@", SUITE).replace(" @KEY@\n", &lines))
}

/// The template with the line `@SOURCES@` replaced, each line as far in as that one.
fn filled(text: &str, sources: &str) -> Result<String> {
    let place = text.lines().find(|line| line.trim() == "@SOURCES@").context("no line @SOURCES@")?;
    let indent = place.trim_end_matches("@SOURCES@");
    let lines: String = sources.lines().map(|line| format!("{indent}{line}\n")).collect();
    Ok(text.replace(&format!("{place}\n"), &lines))
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;

    #[test]
    fn every_line_of_the_sources_is_as_far_in_as_its_place() {
        let text = filled("a:\n    @SOURCES@\nb\n", "Types: deb\nSigned-By:\n x\n").expect("has a place");
        assert_eq!(text, "a:\n    Types: deb\n    Signed-By:\n     x\nb\n");
        assert!(filled("nothing here\n", "").is_err());
    }

    #[test]
    fn packages_of_another_version_are_not_taken() {
        let folder = scratch();
        let target = Target::named("armhf").expect("known");
        let make = |name: String| std::fs::write(folder.join(name), "").expect("written");
        for package in PACKAGES {
            make(format!("{package}_1.0.0-1_armhf.deb"));
            make(format!("{package}_1.1.0-1_armhf.deb"));
        }
        let found = debs(&folder, &[target], "1.1.0").expect("there");
        assert!(found.iter().all(|deb| deb.to_string_lossy().contains("_1.1.0-1_")));
        assert!(found.len() == PACKAGES.len() && debs(&folder, &[target], "1.2.0").is_err());
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn the_script_has_at_most_eighty_lines_with_a_key_in_it() {
        // A public ed25519 key has 9 lines in ASCII.
        let sources = template("facelatch.sources").expect("there").replace(" @KEY@\n", &" x\n".repeat(9));
        let script = filled(&template("install.sh").expect("there"), &sources).expect("has a place");
        let lines = script.lines().count();
        assert!(lines <= 80, "{lines} lines");
    }
}
