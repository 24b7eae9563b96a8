//! Runs other programs or reads their output, always at the top of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The folder with the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Cache that outlives a clone: `$XDG_CACHE_HOME/facelatch`; created if missing.
pub(crate) fn cache() -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = base.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("facelatch");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// A program of crates.io, built once into the cache if this version of it is not there.
pub(crate) fn cargo_tool(name: &str, version: &str, words: &[&str]) -> Result<PathBuf> {
    let folder = cache()?.join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let mut cargo = command("cargo", &["install", "--locked", "--quiet", &format!("{name}@{version}")]);
        cargo.args(words).arg("--root").arg(&folder);
        // Into its own target folder, whatever ours is.
        cargo.env_remove("CARGO_TARGET_DIR");
        succeed(cargo)?;
    }
    Ok(program)
}

/// A command at the top of the workspace; `cargo` is the one that runs this program.
pub(crate) fn command(program: &str, words: &[&str]) -> Command {
    let program = match program {
        "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => other.into(),
    };
    let mut command = Command::new(program);
    command.args(words).current_dir(root());
    command
}

/// Runs it and fails when it fails.
pub(crate) fn succeed(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Runs it and returns its output; fails when it fails.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).context("output is not UTF-8")
}

/// What `cargo metadata` says of the workspace, without dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let words = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    Ok(serde_json::from_str(&read(command("cargo", &words))?)?)
}

/// The package `facelatch` in it.
pub(crate) fn ours(metadata: &Value) -> Result<&Value> {
    let members = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    members.iter().find(|package| package["name"] == "facelatch").context("facelatch is no member")
}

/// Whether this program is installed.
pub(crate) fn installed(program: &str, words: &[&str]) -> bool {
    let mut command = command(program, words);
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
