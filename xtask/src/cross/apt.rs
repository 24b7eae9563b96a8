//! Debian's package tool: installs programs into the system and downloads sources into our own folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, read, succeed};

/// A suite that packages the standard library source of current Rust versions.
const SUITE: &str = "trixie-backports";

/// Installs packages, or says how.
pub(super) fn install(packages: &[String]) -> Result<()> {
    let words = ["install", "--yes", "--no-install-recommends"];
    if !is_root() {
        bail!("not installed: {0}; type `sudo apt-get {1} {0}`", packages.join(" "), words.join(" "));
    }
    succeed(command("apt-get", &["update", "--quiet=2"]))?;
    let mut install = command("apt-get", &words);
    install.arg("--quiet=2").args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    succeed(install)
}

/// Whether we are root. Runs `id`, because the system call would need a dependency.
fn is_root() -> bool {
    read(command("id", &["-u"])).is_ok_and(|uid| uid.trim() == "0")
}

/// A package of [`SUITE`], downloaded into `folder` and checked against the suite's signature.
///
/// apt keeps its state there: the machine's sources and architectures stay unchanged, and a stale index for one of
/// them does no harm.
pub(super) fn download(folder: &Path, package: &str, upstream: &str) -> Result<PathBuf> {
    let config = private_state(folder)?;
    let apt = |program: &str, words: &[&str]| {
        let mut command = command(program, words);
        command.env("APT_CONFIG", &config).current_dir(folder);
        command
    };
    succeed(apt("apt-get", &["update", "--quiet=2"]))?;
    let listed = read(apt("apt-cache", &["madison", package]))?;
    let versions: Vec<&str> =
        listed.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
    let of_upstream =
        |version: &&&str| version.strip_prefix(upstream).is_some_and(|rest| rest.starts_with(['+', '-']));
    let Some(version) = versions.iter().find(of_upstream) else {
        bail!("{SUITE} has no {package} {upstream}; it has {}", versions.join(", "));
    };
    succeed(apt("apt-get", &["download", "--quiet=2", &format!("{package}={version}")]))?;
    let files = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut debs = files.filter(|path| path.extension().is_some_and(|end| end == "deb"));
    debs.next().with_context(|| format!("apt-get succeeded but did not download {package}"))
}

/// Writes the configuration and returns where it is.
fn private_state(folder: &Path) -> Result<PathBuf> {
    let state = folder.join("apt");
    for part in ["lists/partial", "cache/archives/partial", "sources"] {
        std::fs::create_dir_all(state.join(part))?;
    }
    std::fs::write(state.join("status"), "")?;
    let sources = format!(
        "Types: deb\nURIs: {}\nSuites: {SUITE}\nComponents: main\nArchitectures: amd64\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        mirror()?
    );
    std::fs::write(state.join("sources/backports.sources"), sources)?;
    let at = state.display();
    let config = format!(
        "Dir::State \"{at}\";\nDir::State::lists \"{at}/lists\";\nDir::State::status \"{at}/status\";\n\
         Dir::Cache \"{at}/cache\";\nDir::Etc::sourcelist \"/dev/null\";\n\
         Dir::Etc::sourceparts \"{at}/sources\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\nAcquire::Languages \"none\";\n\
         APT::Sandbox::User \"root\";\n"
    );
    let path = state.join("apt.conf");
    std::fs::write(&path, config)?;
    Ok(path)
}

/// Where this machine gets Debian from.
fn mirror() -> Result<String> {
    let sites =
        read(command("apt-get", &["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]))?;
    let debian = sites.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    debian.map(str::to_owned).context("apt's sources name no Debian archive on this machine")
}
