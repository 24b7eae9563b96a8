//! Tests the PAM module: which crates are linked into it, and how it behaves under a real libpam.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{command, installed, read, root, succeed};

/// Every crate the module may bring into sudo and login: our wire, serde with its JSON, and nix over libc. Any addition
/// must be justified here.
const CEILING: &[&str] = &[
    "bitflags",
    "cfg-if",
    "facelatch-wire",
    "itoa",
    "libc",
    "memchr",
    "memoffset",
    "nix",
    "pam_facelatch",
    "serde",
    "serde_core",
    "serde_json",
    "zeroize",
    "zmij",
];

/// Fails when the module, built alone as packages build it, links a crate above the ceiling.
pub(crate) fn ceiling() -> Result<()> {
    for target in crate::notices::TARGETS {
        let words = ["tree", "--locked", "--package", "pam_facelatch", "--edges", "normal,no-proc-macro"];
        let mut tree = command("cargo", &words);
        tree.args(["--target", target, "--prefix", "none", "--no-dedupe", "--format", "{p}"]);
        let tree = read(tree)?;
        let linked: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        let above: Vec<&str> = linked.into_iter().filter(|name| !CEILING.contains(name)).collect();
        if !above.is_empty() {
            bail!("on {target} pam_facelatch links {}; see CEILING in xtask/src/pam.rs", above.join(", "));
        }
    }
    Ok(())
}

/// What [`main`] lacks on this machine, if anything.
pub(crate) fn missing() -> Option<&'static str> {
    let root = read(Command::new("id")).is_ok_and(|id| id.starts_with("uid=0("));
    if !root {
        return Some("a real PAM stack needs root");
    }
    // No option makes it exit with 0; it only has to be found.
    let pamtester = Command::new("pamtester").output().is_ok();
    if !pamtester || !installed("python3", &["--version"]) {
        return Some("pamtester or python3 is not installed; `apt install pamtester python3`");
    }
    let namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "true"];
    (!installed("unshare", &namespaces)).then_some("mount and process namespaces cannot be created here")
}

/// Builds the module, once as shipped and once to panic, and the daemon; then runs tests/pam/run.
pub(crate) fn main(words: &[String]) -> Result<()> {
    if !words.is_empty() {
        bail!("pam takes no arguments");
    }
    if let Some(missing) = missing() {
        bail!("{missing}");
    }
    let folder = root().join("target/pam");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let module = "libpam_facelatch.so";
    build(&["--package", "pam_facelatch", "--features", "panic-on-purpose"])?;
    take(module, &folder.join("pam_facelatch-panic.so"))?;
    build(&["--package", "pam_facelatch"])?;
    take(module, &folder.join("pam_facelatch.so"))?;
    build(&["--bin", "facelatchd", "--bin", "facelatch"])?;
    for program in ["facelatchd", "facelatch"] {
        take(program, &folder.join(program))?;
    }
    let mut matrix = Command::new(root().join("tests/pam/run"));
    matrix.arg(folder);
    succeed(matrix)
}

fn build(words: &[&str]) -> Result<()> {
    let mut build = command("cargo", &["build", "--locked"]);
    build.args(words).env_remove("CARGO_TARGET_DIR");
    succeed(build)
}

/// Copies a built file, since the next build may overwrite it.
fn take(name: &str, to: &Path) -> Result<()> {
    let from = root().join("target/debug").join(name);
    // A running program cannot be overwritten, but it can be replaced.
    let _ = std::fs::remove_file(to);
    std::fs::copy(&from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
