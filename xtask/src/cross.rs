//! Programs for ARM boards, built and tried on a PC without Docker: gcc, libc and qemu from Debian's packages,
//! and Rust's standard library as `rustup target add` brings it or, where that is not to be had, built once.
//!
//! `docs/cross.md` tells the same to people.

mod apt;
mod emulate;
mod library;
mod tools;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::command;
use crate::target::{TARGETS, Target};

/// Tests that an emulator can't pass, and why.
const NOT_EMULATED: &[(&str, &str)] = &[(
    "a_command_that_is_not_there_or_may_not_run",
    "qemu-user forks where posix_spawn shares memory, so the child's error is lost",
)];

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

/// What is tested when nothing else is asked for: all unit tests, the kernels and networks bit by bit, each stage
/// against an independent runtime. The tests that start whole daemons wait for them by the clock, which an emulator
/// does not keep; they run natively.
const TESTED: &[&[&str]] = &[
    &["--lib", "--bins"],
    &["--test", "exact", "--test", "scan", "--test", "models", "--test", "allocations"],
    &["--test", "it", "golden"],
];

/// Tests built for the target and run here, by emulation where it must be.
fn test(words: &[String]) -> Result<()> {
    let Some((name, rest)) = words.split_first() else { bail!("say which target to test") };
    let target = Target::named(name)?;
    if !rest.is_empty() {
        return run(target, &rest.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for tested in TESTED {
        // Without these helpers: they run on the machine of whoever develops.
        run(target, &[&["--workspace", "--exclude", "xtask"], *tested].concat())?;
    }
    Ok(())
}

/// One `cargo test`, without the tests that an emulator can't pass.
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
            eprintln!("{}: {name} is left out: {why}", target.debian);
            command.args(["--skip", name]);
        }
    }
    emulate::run(target, command)
}

/// What plain cargo needs to know, for a shell: `eval "$(cargo xtask cross env arm64)"`.
#[expect(clippy::print_stdout, reason = "the shell reads it")]
fn env(target: &Target) -> Result<()> {
    for (name, value) in cross(target)? {
        println!("export {name}='{value}'");
    }
    Ok(())
}

/// A cargo command that builds for the target and runs what it built.
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

/// Installs what is missing and tells how cargo finds it, as environment variables.
fn cross(target: &Target) -> Result<Vec<(String, String)>> {
    if target.is_host() {
        return Ok(Vec::new());
    }
    tools::install(target)?;
    let gcc = format!("{}-gcc", target.gnu);
    let mut found = vec![
        (target.variable("LINKER"), gcc.clone()),
        (target.variable("RUNNER"), format!("{} -L /usr/{}", target.qemu, target.gnu)),
        // For programs that the kernel hands to the emulator.
        ("QEMU_LD_PREFIX".to_owned(), format!("/usr/{}", target.gnu)),
        (format!("CC_{}", target.triple.replace('-', "_")), gcc),
    ];
    if let Some(sysroot) = library::sysroot(target)? {
        // rustc takes the target's standard library from there; its own folder stays as it is.
        let flag = format!("--sysroot={}", sysroot.display());
        found.push((target.variable("RUSTFLAGS"), flag.clone()));
        found.push((target.variable("RUSTDOCFLAGS"), flag));
    }
    Ok(found)
}
