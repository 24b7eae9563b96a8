//! The target machines of the packages.

use std::env::consts::ARCH;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::run;

/// A target, with its names in Rust, Debian and the GNU tools.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Name in cargo.
    pub(crate) triple: &'static str,
    /// Name in dpkg.
    pub(crate) debian: &'static str,
    /// Name in gcc; also the name of Debian's library folder.
    pub(crate) gnu: &'static str,
    /// ELF class: 1 for 32 bits, 2 for 64.
    pub(crate) elf_class: u8,
    /// ELF machine number, see elf(5).
    pub(crate) elf_machine: u8,
    /// Its emulator, from `qemu-user-static`.
    pub(crate) qemu: &'static str,
}

/// All targets of the packages.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        triple: "aarch64-unknown-linux-gnu",
        debian: "arm64",
        gnu: "aarch64-linux-gnu",
        elf_class: 2,
        elf_machine: 0xb7,
        qemu: "qemu-aarch64-static",
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        debian: "armhf",
        gnu: "arm-linux-gnueabihf",
        elf_class: 1,
        elf_machine: 0x28,
        qemu: "qemu-arm-static",
    },
    Target {
        triple: "x86_64-unknown-linux-gnu",
        debian: "amd64",
        gnu: "x86_64-linux-gnu",
        elf_class: 2,
        elf_machine: 0x3e,
        qemu: "qemu-x86_64-static",
    },
];

impl Target {
    /// The target of this triple or Debian name.
    pub(crate) fn named(word: &str) -> Result<&'static Self> {
        let found = TARGETS.iter().find(|target| target.triple == word || target.debian == word);
        let Some(target) = found else {
            let known: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
            bail!("no packages are built for {word}; choose from {}", known.join(", "));
        };
        Ok(target)
    }

    /// The target of this machine.
    pub(crate) fn host() -> Result<&'static Self> {
        let arch = if ARCH == "arm" { "armv7" } else { ARCH };
        match TARGETS.iter().find(|target| target.triple.starts_with(arch)) {
            Some(target) => Ok(target),
            None => bail!("no packages are built for this machine ({ARCH}); name a target with --target"),
        }
    }

    /// Whether this machine runs its programs natively.
    pub(crate) fn is_host(&self) -> bool {
        Self::host().is_ok_and(|host| host == self)
    }

    /// Folder of the programs cargo builds for it.
    pub(crate) fn folder(&self, profile: &str) -> PathBuf {
        let folder = run::target_folder();
        // Builds for this machine are shared with plain `cargo build`.
        if self.is_host() { folder.join(profile) } else { folder.join(self.triple).join(profile) }
    }

    /// The cargo arguments that select it.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        if self.is_host() { Vec::new() } else { vec!["--target", self.triple] }
    }

    /// `CARGO_TARGET_<THIS>_<WHAT>`.
    pub(crate) fn variable(&self, what: &str) -> String {
        format!("CARGO_TARGET_{}_{what}", self.triple.to_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_either_name_and_an_unknown_one_lists_them() {
        let arm64 = &TARGETS[0];
        assert!(Target::named("arm64").is_ok_and(|found| found == arm64));
        assert!(Target::named(arm64.triple).is_ok_and(|found| found == arm64));
        assert_eq!(arm64.variable("LINKER"), "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER");
        let error = Target::named("mips").map(drop).expect_err("not made").to_string();
        assert!(error.contains("armv7-unknown-linux-gnueabihf"), "{error}");
    }
}
