//! Builds and tests programs for ARM boards on a PC without Docker: gcc, libc and qemu come from Debian's packages, and
//! Rust's standard library from `rustup target add` or, if that is unavailable, from a build done once.
//!
//! User documentation: `docs/cross.md`.

mod apt;
mod emulate;
mod library;
mod tools;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::command;
use crate::target::{TARGETS, Target};

/// Tests that cannot pass under emulation, or take too long, and why.
const NOT_EMULATED: &[(&str, &str)] = &[
    (
        "a_command_that_is_not_there_or_may_not_run",
        "qemu-user forks where posix_spawn shares memory, so the child's error is lost",
    ),
    ("lockout::tests::a_stranger_gets", MINUTES),
    ("lockout::tests::matches_in_between", MINUTES),
    ("lockout::tests::whoever_misses", MINUTES),
    ("rollback_tests::nothing_older_passes", MINUTES),
    ("room_tests::room_for_misses_ends", MINUTES),
];

/// Of tests whose result does not depend on the processor.
const MINUTES: &str = "takes minutes; it counts and reorders, and no arithmetic in it differs by processor";

/// `setup`, `test` or `env`.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let rest = words.get(1..).unwrap_or_default();
    match words.first().map(String::as_str) {
        Some("setup") if rest.is_empty() => TARGETS.iter().try_for_each(|target| cross(target).map(drop)),
        Some("setup") => rest.iter().try_for_each(|word| cross(Target::named(word)?).map(drop)),
        Some("test") => test(rest),
        Some("env") if rest.len() == 1 => env(Target::named(&rest[0])?),
        _ => bail!("say `setup [TARGET...]`, `test TARGET [WORD...]` or `env TARGET`"),
    }
}

/// The default tests: all unit tests, the kernels and networks bit by bit, and each stage against an independent
/// runtime. Tests that start whole daemons depend on real time, which an emulator does not keep, so they run natively.
const TESTED: &[&[&str]] = &[
    &["--lib", "--bins"],
    &["--test", "exact", "--test", "bounds", "--test", "limits", "--test", "quantise", "--test", "scan"],
    &["--test", "search", "--test", "jpeg", "--test", "models", "--test", "allocations"],
    &["--test", "it", "golden"],
];

/// Builds tests for the target and runs them here, under emulation if needed.
fn test(words: &[String]) -> Result<()> {
    let Some((name, rest)) = words.split_first() else { bail!("say which target to test") };
    let target = Target::named(name)?;
    if !rest.is_empty() {
        return run(target, &rest.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for tested in TESTED {
        // Without xtask itself, which runs on the developer's machine.
        run(target, &[&["--workspace", "--exclude", "xtask"], *tested].concat())?;
    }
    Ok(())
}

/// One `cargo test`, without the tests that cannot pass, or take too long, under emulation.
fn run(target: &Target, words: &[&str]) -> Result<()> {
    let mut command = cargo(target, &["test", "--locked"])?;
    command.args(words);
    if !target.is_host() {
        // Property tests run in full natively; emulated, one of 256 cases takes minutes.
        command.env("PROPTEST_CASES", "4");
        if !words.contains(&"--") {
            command.arg("--");
        }
        for (name, why) in NOT_EMULATED {
            eprintln!("{}: {name} is skipped: {why}", target.debian);
            command.args(["--skip", name]);
        }
    }
    emulate::run(target, command)
}

/// Prints the environment plain cargo needs: `eval "$(cargo xtask cross env arm64)"`.
#[expect(clippy::print_stdout, reason = "the shell reads it")]
fn env(target: &Target) -> Result<()> {
    for (name, value) in cross(target)? {
        println!("export {name}='{value}'");
    }
    Ok(())
}

/// A cargo command that builds for the target and runs the result.
pub(crate) fn cargo(target: &Target, words: &[&str]) -> Result<Command> {
    let mut command = command("cargo", words);
    command.args(target.flags()).envs(cross(target)?);
    Ok(command)
}

/// A command that runs a program of the target here.
pub(crate) fn program(target: &Target, path: &Path) -> Result<Command> {
    let path = path.to_str().context("the path of the build is not UTF-8")?;
    if target.is_host() {
        return Ok(command(path, &[]));
    }
    Ok(command(target.qemu, &["-L", &format!("/usr/{}", target.gnu), path]))
}

/// Installs what is missing and returns the environment variables by which cargo finds it.
fn cross(target: &Target) -> Result<Vec<(String, String)>> {
    if target.is_host() {
        return Ok(Vec::new());
    }
    tools::install(target)?;
    let gcc = format!("{}-gcc", target.gnu);
    let mut found = vec![
        (target.variable("LINKER"), gcc.clone()),
        (target.variable("RUNNER"), format!("{} -L /usr/{}", target.qemu, target.gnu)),
        // For programs the kernel passes to the emulator.
        ("QEMU_LD_PREFIX".to_owned(), format!("/usr/{}", target.gnu)),
        (format!("CC_{}", target.triple.replace('-', "_")), gcc),
    ];
    if let Some(sysroot) = library::sysroot(target)? {
        // rustc takes the target's standard library from here; its own folder stays unchanged.
        let flag = format!("--sysroot={}", sysroot.display());
        found.push((target.variable("RUSTFLAGS"), flag.clone()));
        found.push((target.variable("RUSTDOCFLAGS"), flag));
    }
    Ok(found)
}
