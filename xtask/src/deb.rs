//! Builds the packages for one target: `target/debian/facelatch_..._ARCH.deb`, `libpam-facelatch_...` and
//! `facelatch-door_...`.
//!
//! [`crate::cross`] builds the programs, [`crate::elf`] checks them, the programs print their own manual pages and
//! completions, and cargo-deb packs them according to `[package.metadata.deb]` in Cargo.toml.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{cargo_tool, command, installed, metadata, ours, read, root, succeed, target_folder};
use crate::target::Target;
use crate::{cross, elf, manual};

/// The version of cargo-deb.
const CARGO_DEB: &str = "3.8.0";

/// Size limit of the stripped programs, without models, on a board.
const MAX_BYTES: u64 = 15_000_000;

/// The same for a PC, where code is larger.
const MAX_BYTES_AMD64: u64 = 17_500_000;

/// Packs the relocation table (DT_RELR, supported since glibc 2.36): 0.9 MB less on x86-64. bookworm's linkers for ARM
/// do not support it.
const PACKED: &str = "-Clink-arg=-Wl,-z,pack-relative-relocs";

/// Cargo packages to build, and the file each produces.
pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    ("facelatch", "facelatchd"),
    ("facelatch-cli", "facelatch"),
    ("facelatch-door", "facelatch-door"),
    ("pam_facelatch", "libpam_facelatch.so"),
];

/// Debian packages. The PAM module is separate, because a door without logins does not need it, and so is the door's
/// program, which a machine without a door does not need.
pub(crate) const PACKAGES: &[&str] = &["facelatch", MODULE, "facelatch-door"];

/// The package of the PAM module.
const MODULE: &str = "libpam-facelatch";

/// `[--target TARGET] [--profile PROFILE]`
struct Wanted {
    target: &'static Target,
    profile: String,
}

/// Builds, checks and packs.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let Wanted { target, profile } = wanted(words)?;
    // The system's xz compresses, so there is no C code to build.
    let tool = cargo_tool("cargo-deb", CARGO_DEB, &["--no-default-features"])?;
    let programs = build(target, &profile)?;
    manual::write(target, &programs)?;
    let output = target_folder().join("debian");
    let version = format!("{}-1", version()?);
    std::fs::create_dir_all(&output).with_context(|| output.display().to_string())?;
    for package in PACKAGES {
        remove_older(&output, package, target)?;
        let path = output.join(format!("{package}_{version}_{}.deb", target.debian));
        pack(&tool, target, &profile, package, &path)?;
        let bytes = std::fs::metadata(&path).with_context(|| path.display().to_string())?.len();
        eprintln!("{} ({:.2} MB)", path.display(), bytes as f64 / 1e6);
        lint(&path)?;
    }
    Ok(())
}

fn wanted(words: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted { target: Target::host()?, profile: "dist".to_owned() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), words.next().cloned()),
        };
        match (name, value) {
            ("--target", Some(value)) => wanted.target = Target::named(&value)?,
            ("--profile", Some(value)) => wanted.profile = value,
            _ => bail!(
                "unknown argument {word}; use --target TARGET or --profile PROFILE (dist, or release for a faster build)"
            ),
        }
    }
    Ok(wanted)
}

/// Builds everything that is packed, each part with its shipped features, and checks it.
fn build(target: &Target, profile: &str) -> Result<PathBuf> {
    let words = ["build", "--locked", "--profile", profile];
    let cargo = || {
        let mut cargo = cross::cargo(target, &words)?;
        // `release` shares its builds with plain cargo.
        if profile != "release" {
            ship(&mut cargo, target)?;
        }
        anyhow::Ok(cargo)
    };
    let folder = target.folder(profile);
    let mut files = Vec::new();
    for (package, file) in PROGRAMS {
        // One by one: a single build would unify the features of their common crates.
        let mut build = cargo()?;
        build.args(["--package", package]);
        succeed(build)?;
        files.push(folder.join(file));
    }
    for file in &files {
        let needs = elf::check(file)?;
        let bytes = std::fs::metadata(file)?.len();
        let (major, minor) = needs.glibc;
        let megabytes = bytes as f64 / 1e6;
        let name = file.file_name().unwrap_or_default().display();
        eprintln!("{name}: {megabytes:.2} MB, glibc {major}.{minor} ({})", needs.symbol);
        let limit = if target.debian == "amd64" { MAX_BYTES_AMD64 } else { MAX_BYTES };
        if profile == "dist" && bytes > limit {
            bail!("{name} has {megabytes:.1} MB, more than {:.0}", limit as f64 / 1e6);
        }
    }
    Ok(folder)
}

/// Adds the compiler flags of what is shipped.
fn ship(cargo: &mut Command, target: &Target) -> Result<()> {
    let name = target.variable("RUSTFLAGS");
    let there =
        cargo.get_envs().find(|(variable, _)| *variable == OsStr::new(&name)).and_then(|(_, flags)| flags);
    let mut flags = vec![there.unwrap_or_default().to_str().context("flags that are not UTF-8")?.to_owned()];
    // Panics name files. The same source gives the same bytes wherever it, and cargo's copies of crates, lie.
    let mut places = vec![(root(), "/facelatch"), (target_folder(), "/facelatch/target")];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let crates = home.context("neither CARGO_HOME nor HOME is set")?.join("registry/src");
    for registry in std::fs::read_dir(&crates).into_iter().flatten() {
        places.push((registry?.path(), "/crates"));
    }
    for (place, name) in places {
        flags.push(format!("--remap-path-prefix={}={name}", place.display()));
    }
    if target.debian == "amd64" && target.is_host() {
        flags.push(PACKED.to_owned());
    }
    cargo.env(name, flags.join(" "));
    Ok(())
}

/// Removes older packages, so that nobody installs one by mistake.
fn remove_older(output: &Path, package: &str, target: &Target) -> Result<()> {
    let (start, end) = (format!("{package}_"), format!("_{}.deb", target.debian));
    for entry in std::fs::read_dir(output)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&start) && name.ends_with(&end) {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn pack(tool: &Path, target: &Target, profile: &str, package: &str, path: &Path) -> Result<()> {
    let mut deb =
        command(tool.to_str().context("the cache's path is not UTF-8")?, &["--no-build", "--no-strip"]);
    deb.args(["--package", "facelatch", "--locked", "--profile", profile]).args(target.flags());
    if package != "facelatch" {
        deb.args(["--variant", package]);
    }
    if package == MODULE {
        // PAM looks for its modules in the folder of the architecture.
        deb.args(["--multiarch", "same"]);
    }
    deb.arg("--output").arg(path);
    // Files get the time of the commit, so that the same source gives the same package.
    let commit = read(command("git", &["log", "-1", "--format=%ct"])).unwrap_or_default();
    if std::env::var_os("SOURCE_DATE_EPOCH").is_none() && !commit.is_empty() {
        deb.env("SOURCE_DATE_EPOCH", commit.trim());
    }
    succeed(deb)
}

/// Runs Debian's package checker; its errors fail the build.
fn lint(package: &Path) -> Result<()> {
    if !installed("lintian", &["--version"]) {
        eprintln!("lintian is not installed, so the package is not checked; `apt-get install lintian`");
        return Ok(());
    }
    let mut lintian = command("lintian", &["--fail-on", "error", "--allow-root", "--no-tag-display-limit"]);
    lintian.arg(package);
    succeed(lintian)
}

/// Of Cargo.toml.
pub(crate) fn version() -> Result<String> {
    let metadata = metadata()?;
    let version = ours(&metadata)?["version"].as_str();
    version.map(str::to_owned).context("`cargo metadata` gives no version of facelatch")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn target_and_profile_are_accepted_in_either_form_and_nothing_else() {
        let quick = wanted(&words("--target=armhf --profile release")).expect("both");
        assert_eq!((quick.target.debian, quick.profile.as_str()), ("armhf", "release"));
        let shipped = wanted(&words("--target aarch64-unknown-linux-gnu")).expect("one");
        assert_eq!((shipped.target.debian, shipped.profile.as_str()), ("arm64", "dist"));
        for bad in ["--target", "--target mips", "armhf"] {
            assert!(wanted(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_version_is_the_one_of_cargo_toml() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there");
        assert!(manifest.contains(&format!("\nversion = \"{}\"\n", version().expect("named"))));
    }
}
