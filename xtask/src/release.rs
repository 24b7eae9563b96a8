//! Makes all that is published of a version, in one folder that any web server can serve: a signed Debian archive with
//! the packages, `install.sh`, the source, bills of materials, licences, release notes and checksums.
//!
//! User documentation: `docs/release.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::run::{command, metadata, read, root, succeed, target_folder};
use crate::target::{TARGETS, Target};
use crate::{deb, licences, notices};
use key::Key;

mod archive;
mod changes;
mod key;
mod sbom;

/// The command line.
struct Wanted {
    targets: Vec<&'static Target>,
    /// The secret key that signs; without it one that is made for tests.
    key: Option<PathBuf>,
    /// Where the folder will be served; without it the address in Cargo.toml.
    url: Option<String>,
    /// Packages that are built already.
    packages: Option<PathBuf>,
    /// The archive and nothing beside it.
    archive_only: bool,
    profile: String,
    output: PathBuf,
}

/// What every part of a release needs to know of it.
struct Release {
    version: String,
    url: String,
    /// When it was committed, in seconds since 1970: the time of everything that holds one.
    committed: u64,
    /// What is served.
    output: PathBuf,
}

/// Builds what is missing, and lays everything out.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let wanted = wanted(words)?;
    let release = Release {
        version: deb::version()?,
        url: wanted.url.clone().map_or_else(address, Ok)?,
        committed: committed()?,
        output: wanted.output.clone(),
    };
    if wanted.key.is_some() {
        publishable(&release)?;
    }
    let packages = match &wanted.packages {
        Some(folder) => folder.clone(),
        None => build(&wanted)?,
    };
    let debs = archive::debs(&packages, &wanted.targets, &release.version)?;
    let key = Key::open(wanted.key.as_deref(), &test_key())?;
    make_empty(&release.output)?;
    archive::lay_out(&release, &wanted.targets, &debs, &key)?;
    if !wanted.archive_only {
        beside(&release, &wanted.targets, &key)?;
    }
    eprintln!("{}: signed by {}", release.output.display(), key.fingerprint());
    if wanted.key.is_none() {
        eprintln!(
            "That key was made for tests, so publish none of this; docs/release.md says how to make one."
        );
    }
    Ok(())
}

/// Makes the folder, or removes what is in it; only what an earlier release left there.
fn make_empty(folder: &Path) -> Result<()> {
    let failed = || folder.display().to_string();
    if folder.exists() {
        let is_empty = std::fs::read_dir(folder).with_context(failed)?.next().is_none();
        ensure!(
            is_empty || folder.join("dists").is_dir() || folder.join("pool").is_dir(),
            "{} is no release, so it stays; give --output a new folder",
            folder.display()
        );
        std::fs::remove_dir_all(folder).with_context(failed)?;
    }
    std::fs::create_dir_all(folder).with_context(failed)
}

/// An archive of these packages, signed by the key for tests.
pub(crate) fn for_a_test(target: &Target, debs: &[PathBuf], url: &str, output: &Path) -> Result<()> {
    let (version, url, output) = (deb::version()?, url.to_owned(), output.to_owned());
    let release = Release { version, url, committed: committed()?, output };
    archive::lay_out(&release, &[target], debs, &Key::open(None, &test_key())?)
}

/// Where the key for tests is kept.
fn test_key() -> PathBuf {
    target_folder().join("test-archive-key.asc")
}

/// What a release has beside the archive.
fn beside(release: &Release, targets: &[&Target], key: &Key) -> Result<()> {
    source(release)?;
    write(&release.output.join("NOTES.md"), &changes::of(&release.version)?)?;
    write(&release.output.join("LICENCES.txt"), &licences::text(&notices::linked()?)?)?;
    sbom::write(release, targets)?;
    sums(release, key)
}

fn wanted(words: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted {
        targets: Vec::new(),
        key: None,
        url: None,
        packages: None,
        archive_only: false,
        profile: "dist".to_owned(),
        output: target_folder().join("release-files"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None if word == "--archive-only" => {
                wanted.archive_only = true;
                continue;
            }
            None if word.starts_with("--") => (word.as_str(), words.next().cloned()),
            None => {
                wanted.targets.push(Target::named(word)?);
                continue;
            }
        };
        let value = value.with_context(|| format!("{name} wants a value"))?;
        match name {
            "--key" => wanted.key = Some(std::path::absolute(value)?),
            "--url" => wanted.url = Some(value.trim_end_matches('/').to_owned()),
            "--packages" => wanted.packages = Some(std::path::absolute(value)?),
            "--profile" => wanted.profile = value,
            "--output" => wanted.output = std::path::absolute(value)?,
            _ => {
                bail!(
                    "unknown argument {name}; release takes --key, --url, --packages, --archive-only, --profile, --output"
                )
            }
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets = TARGETS.iter().collect();
    }
    Ok(wanted)
}

/// Builds the packages of all targets.
fn build(wanted: &Wanted) -> Result<PathBuf> {
    for target in &wanted.targets {
        deb::main(&["--target", target.debian, "--profile", &wanted.profile].map(str::to_owned))?;
    }
    Ok(target_folder().join("debian"))
}

/// The address in Cargo.toml, where the owner fills it in.
fn address() -> Result<String> {
    let metadata = metadata()?;
    let url = metadata.pointer("/metadata/release/url").and_then(Value::as_str);
    url.map(str::to_owned).context("Cargo.toml has no [workspace.metadata.release] url")
}

/// The time of the last commit, or `SOURCE_DATE_EPOCH`.
fn committed() -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => read(command("git", &["log", "-1", "--format=%ct"]))?,
    };
    text.trim().parse().with_context(|| format!("{text} is no time in seconds"))
}

/// What is signed by a real key comes from a commit and names its real address.
fn publishable(release: &Release) -> Result<()> {
    let changed = read(command("git", &["status", "--porcelain"]))?;
    ensure!(changed.is_empty(), "commit first, or the source will not be what was built:\n{changed}");
    ensure!(
        !release.url.contains("example.org"),
        "{} is a placeholder; fill in url of [workspace.metadata.release] in Cargo.toml, or say --url",
        release.url
    );
    Ok(())
}

/// The source as it was committed.
fn source(release: &Release) -> Result<()> {
    let name = format!("facelatch-{}", release.version);
    let file = release.output.join(format!("{name}.tar.gz"));
    let prefix = format!("--prefix={name}/");
    let mut git = command("git", &["-c", "tar.tar.gz.command=gzip -n9", "archive", &prefix]);
    git.arg("--output").arg(&file).arg("HEAD");
    succeed(git)
}

/// Checksums of all but the archive's indexes, which have their own, and a signature over them.
fn sums(release: &Release, key: &Key) -> Result<()> {
    let mut names = Vec::new();
    files(&release.output, Path::new(""), &mut names)?;
    names.retain(|name| !name.starts_with("dists/"));
    names.sort();
    let mut sums = command("sha256sum", &["--"]);
    sums.args(&names).current_dir(&release.output);
    write(&release.output.join("SHA256SUMS"), &read(sums)?)?;
    key.detached(&release.output.join("SHA256SUMS"), &release.output.join("SHA256SUMS.asc"))
}

/// The files below `folder`, by their paths from there.
fn files(folder: &Path, below: &Path, names: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files(folder, &path, names)?;
        } else {
            names.push(path.to_str().context("a file's name is not UTF-8")?.to_owned());
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

/// Runs the command with its output into a file.
fn into_file(mut command: Command, path: &Path) -> Result<()> {
    let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
    command.stdout(Stdio::from(file));
    succeed(command)
}

/// A template of `packaging/archive/`.
fn template(name: &str) -> Result<String> {
    let path = root().join("packaging/archive").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new folder, which the caller removes.
    pub(super) fn scratch() -> PathBuf {
        let made = read(command("mktemp", &["--directory", "--tmpdir", "facelatch.XXXXXX"]));
        PathBuf::from(made.expect("made").trim())
    }

    fn parsed(text: &str) -> Result<Wanted> {
        wanted(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn all_targets_are_released_unless_some_are_named() {
        assert_eq!(parsed("").expect("valid").targets.len(), TARGETS.len());
        let some = parsed("armhf --url=http://127.0.0.1:1/ --profile release").expect("valid");
        assert_eq!(some.targets, [Target::named("armhf").expect("known")]);
        assert_eq!((some.url.as_deref(), some.profile.as_str()), (Some("http://127.0.0.1:1"), "release"));
        for bad in ["mips", "--key", "--colour blue"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_that_is_no_release_stays() {
        let top = scratch();
        let folder = top.join("out");
        assert!(make_empty(&folder).is_ok() && make_empty(&folder).is_ok());
        std::fs::write(folder.join("thesis.odt"), "x").expect("written");
        assert!(make_empty(&folder).is_err() && folder.join("thesis.odt").exists());
        std::fs::create_dir(folder.join("dists")).expect("made");
        assert!(make_empty(&folder).is_ok() && !folder.join("thesis.odt").exists());
        std::fs::remove_dir_all(top).expect("removed");
    }

    #[test]
    fn the_address_stands_in_cargo_toml_and_a_placeholder_is_not_signed() {
        let url = address().expect("there");
        let release = |url| Release { version: String::new(), url, committed: 0, output: PathBuf::new() };
        assert!(url.starts_with("https://"), "{url}");
        assert!(publishable(&release("https://example.org/x".to_owned())).is_err());
    }
}
