//! All checks that must pass before a commit. CI runs the same.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::run::{command, installed, succeed};
use crate::{docs, notices, pam, size, units as unit_files};

/// How a step ended when it did not fail.
enum Done {
    Passed,
    /// A tool or the network is missing; the text says what to do.
    Skipped(&'static str),
}

type Step = fn() -> Result<Done>;

/// Fastest to fail first.
const STEPS: &[(&str, Step)] = &[
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("size", || size::check().map(|()| Done::Passed)),
    ("docs", || docs::check().map(|()| Done::Passed)),
    ("typos", typos),
    ("notices", || notices::check().map(|()| Done::Passed)),
    ("ceiling", || pam::ceiling().map(|()| Done::Passed)),
    ("deny", || deny(&["bans", "licenses", "sources"])),
    ("advisories", advisories),
    ("units", units),
    ("clippy", || clippy(&["--workspace", "--all-targets"])),
    ("clippy-bare", || clippy(&["--package", "facelatch", "--no-default-features", "--all-targets"])),
    ("test", || cargo(&["test", "--locked", "--workspace"])),
    ("pam", pam_matrix),
    ("doc", doc),
];

/// Runs every step, or those named, and prints a summary.
pub(crate) fn main(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| STEPS.iter().all(|(step, _)| step != name)) {
        let known: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        bail!("unknown step {unknown}; choose from {}", known.join(", "));
    }
    let mut report = Vec::new();
    let mut failed = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name))
    {
        println!("== {name}");
        let started = now();
        let word = match step() {
            Ok(Done::Passed) => "passed".to_owned(),
            Ok(Done::Skipped(why)) => format!("skipped: {why}"),
            Err(error) => {
                failed.push(*name);
                format!("FAILED: {error:#}")
            }
        };
        report.push(format!("{name:<12} {:>6.1} s  {word}", since(started).as_secs_f64()));
    }
    println!("\n{}", report.join("\n"));
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn passed(command: Command) -> Result<Done> {
    succeed(command).map(|()| Done::Passed)
}

fn cargo(words: &[&str]) -> Result<Done> {
    passed(command("cargo", words))
}

fn clippy(words: &[&str]) -> Result<Done> {
    let words: Vec<&str> =
        ["clippy", "--locked"].iter().chain(words).chain(&["--", "-D", "warnings"]).copied().collect();
    cargo(&words)
}

fn doc() -> Result<Done> {
    let mut command = command("cargo", &["doc", "--locked", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    passed(command)
}

fn typos() -> Result<Done> {
    if !installed("typos", &["--version"]) {
        return Ok(Done::Skipped("typos is not installed; `pip install typos` or `cargo install typos-cli`"));
    }
    passed(command("typos", &[]))
}

fn deny(checks: &[&str]) -> Result<Done> {
    if !installed("cargo-deny", &["--version"]) {
        return Ok(Done::Skipped("cargo-deny is not installed; `cargo install --locked cargo-deny`"));
    }
    passed(command("cargo-deny", &[&["check", "--hide-inclusion-graph"], checks].concat()))
}

/// Known vulnerabilities in dependencies. The list is fetched from the RustSec repository, which not every machine can
/// reach.
fn advisories() -> Result<Done> {
    if installed("cargo-deny", &["--version"]) && !installed("cargo-deny", &["fetch", "db"]) {
        return Ok(Done::Skipped(
            "the list of advisories cannot be fetched; run this step on a machine that can reach it",
        ));
    }
    deny(&["advisories"])
}

fn units() -> Result<Done> {
    if !installed("systemd-analyze", &["--version"]) {
        return Ok(Done::Skipped("systemd-analyze is not installed; it comes with systemd"));
    }
    unit_files::check().map(|()| Done::Passed)
}

fn pam_matrix() -> Result<Done> {
    match pam::missing() {
        Some(missing) => Ok(Done::Skipped(missing)),
        None => pam::main(&[]).map(|()| Done::Passed),
    }
}

#[expect(clippy::disallowed_methods, reason = "times the steps for people")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "times the steps for people")]
fn since(start: Instant) -> Duration {
    start.elapsed()
}
