//! Rust's standard library for a target: from rustup, or built from Debian's copy of the source.
//!
//! `cargo -Z build-std` could build it each time. Done once, into a folder of its own, later builds need no
//! nightly flag and no rebuild per target folder; `rustc --sysroot` finds it there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt;
use crate::run::{cache, command, read, succeed};
use crate::target::Target;

/// The sysroot with the target's standard library; `None` if it is in rustc's own.
pub(super) fn sysroot(target: &Target) -> Result<Option<PathBuf>> {
    let own = read(command("rustc", &["--print", "sysroot"]))?;
    if has_std(Path::new(own.trim()), target) {
        return Ok(None);
    }
    let rust = Rust::found()?;
    let folder = cache()?.join(format!("rust-{}-{}", rust.release, rust.commit));
    if !has_std(&folder, target) {
        build(&folder, &rust.release, target).with_context(|| {
            format!(
                "Rust's standard library for {0} is missing and cannot be built; with a rustup that reaches \
                 its server, run `rustup target add {0}`",
                target.triple
            )
        })?;
    }
    Ok(Some(folder))
}

/// The installed compiler.
struct Rust {
    release: String,
    commit: String,
}

impl Rust {
    fn found() -> Result<Self> {
        let text = read(command("rustc", &["-vV"]))?;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            value.map(|value| value.trim().to_owned()).with_context(|| format!("rustc -vV gives no {name}"))
        };
        let mut commit = field("commit-hash:")?;
        commit.truncate(9);
        Ok(Self { release: field("release:")?, commit })
    }
}

fn libraries(sysroot: &Path, target: &Target) -> PathBuf {
    sysroot.join("lib/rustlib").join(target.triple).join("lib")
}

fn has_std(sysroot: &Path, target: &Target) -> bool {
    let files = std::fs::read_dir(libraries(sysroot, target));
    files.is_ok_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|file| {
                let name = file.file_name();
                name.as_encoded_bytes().starts_with(b"libstd-") && name.as_encoded_bytes().ends_with(b".rlib")
            })
        })
    })
}

fn build(folder: &Path, release: &str, target: &Target) -> Result<()> {
    let source = source(folder, release)?;
    eprintln!("{}: building Rust's standard library {release}, once", target.triple);
    let work = folder.join(format!("build-{}", target.debian));
    fresh(&work)?;
    std::fs::create_dir(work.join("src"))?;
    std::fs::write(work.join("src/lib.rs"), "")?;
    std::fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let mut cargo = command("cargo", &["build", "--quiet", "--release", "--target", target.triple]);
    cargo.args(["-Z", "build-std=std,test,proc_macro,panic_unwind"]).current_dir(&work);
    cargo
        // build-std needs a nightly compiler unless this is set, and has no stable option for the source folder.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", &source)
        .env("CARGO_TARGET_DIR", work.join("target"))
        // Bitcode, so that link-time optimisation sees into it.
        .env("RUSTFLAGS", format!("-Cembed-bitcode=yes --remap-path-prefix={}=/rustc", source.display()))
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    succeed(cargo)?;
    let done = work.join("done");
    std::fs::create_dir(&done)?;
    for entry in std::fs::read_dir(work.join("target").join(target.triple).join("release/deps"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            std::fs::rename(&path, done.join(name))?;
        }
    }
    let place = libraries(folder, target);
    std::fs::create_dir_all(place.parent().context("no folder")?)?;
    fresh(&place)?;
    // Renamed in one step, so that an interrupted run leaves nothing partial.
    std::fs::rename(&done, &place).with_context(|| place.display().to_string())?;
    Ok(std::fs::remove_dir_all(&work)?)
}

/// The `library` folder of Rust's source, of exactly the compiler's version.
fn source(folder: &Path, release: &str) -> Result<PathBuf> {
    let source = folder.join("source/library");
    if source.join("std/Cargo.toml").exists() {
        return Ok(source);
    }
    let work = folder.join("download");
    fresh(&work)?;
    let package = apt::download(&work, "rust-src", release)?;
    let parts = work.join("parts");
    std::fs::create_dir(&parts)?;
    let mut unpack = command("dpkg-deb", &["--extract"]);
    unpack.arg(&package).arg(&parts);
    succeed(unpack)?;
    let whole = parts.join(format!("usr/src/rustc-{release}"));
    if !whole.join("library/std/Cargo.toml").exists() {
        bail!("{} holds no library of rustc {release}", package.display());
    }
    let place = folder.join("source");
    fresh(&place)?;
    std::fs::rename(&whole, &place).with_context(|| place.display().to_string())?;
    std::fs::remove_dir_all(&work)?;
    Ok(source)
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installed_compiler_has_a_release_and_a_commit_and_the_host_its_own_library() {
        let rust = Rust::found().expect("rustc is installed");
        assert!(rust.release.starts_with("1.") && rust.commit.len() == 9, "{} {}", rust.release, rust.commit);
        let host = Target::host().expect("tests run on a known machine");
        assert_eq!(sysroot(host).expect("rustc answers"), None);
    }
}
