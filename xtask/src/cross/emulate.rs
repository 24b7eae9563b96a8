//! Lets programs of a target start other programs of the target: through the kernel instead of a runner.
//!
//! The daemon's tests start the daemon. If binfmt_misc does not already run the target's programs, the command gets a
//! user and mount namespace with its own binfmt_misc (Linux 6.7 or newer); nothing is registered on the machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::run::succeed;
use crate::target::Target;

/// Waits until the user ids are mapped, mounts a fresh binfmt_misc, registers the rule and executes the command.
const INSIDE: &str = r#"read -r _ && mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc &&
printf %s "$0" >/proc/sys/fs/binfmt_misc/register && exec "$@" </dev/null"#;

/// User ids 0 to 65535 stay the same, since tests check them.
const OWNERS: &str = "0 0 65536";

/// How long a namespace may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the command where programs of the target start like any other.
pub(super) fn run(target: &Target, command: Command) -> Result<()> {
    let registered = Path::new("/proc/sys/fs/binfmt_misc").join(target.qemu.trim_end_matches("-static"));
    if target.is_host() || registered.exists() {
        return succeed(command);
    }
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--mount", "sh", "-c", INSIDE, &rule(target)]).stdin(Stdio::piped());
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    let mut child = outer.spawn().context("cannot start unshare")?;
    let mapped = map_owners(child.id());
    if let Some(mut go) = child.stdin.take().filter(|_| mapped.is_ok()) {
        go.write_all(b"go\n")?;
    }
    // Its input is closed by now, so it ends in any case.
    let status = child.wait()?;
    mapped?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Waits until the process has its own namespace.
fn map_owners(process: u32) -> Result<()> {
    let proc = PathBuf::from(format!("/proc/{process}"));
    let ours = std::fs::read_link("/proc/self/ns/user")?;
    let step = Duration::from_millis(10);
    let mut left = PATIENCE;
    while std::fs::read_link(proc.join("ns/user"))? == ours {
        if left.is_zero() {
            bail!("unshare created no user namespace");
        }
        pause(step);
        left = left.saturating_sub(step);
    }
    for map in ["uid_map", "gid_map"] {
        std::fs::write(proc.join(map), OWNERS).with_context(|| {
            format!(
                "cannot write {map} of a user namespace; run as root, or `apt-get install binfmt-support`"
            )
        })?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// A rule in the format of the kernel's binfmt-misc.rst: the start of a little-endian ELF header of this class and
/// machine, for fixed or position-independent programs; the kernel opens the interpreter at once and passes it the
/// opened program.
fn rule(target: &Target) -> String {
    let (class, machine) = (target.elf_class, target.elf_machine);
    let magic = format!(r"\x7fELF\x0{class}\x01\x01{}\x02\x00\x{machine:02x}\x00", r"\x00".repeat(9));
    let mask = format!(r"{}\x00{}\xfe\xff\xff\xff", r"\xff".repeat(7), r"\xff".repeat(8));
    format!(":{}:M::{magic}:{mask}:/usr/bin/{}:OCF", target.debian, target.qemu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_has_twenty_bytes_and_a_mask() {
        let target = Target::named("armhf").expect("known");
        let rule = rule(target);
        let parts: Vec<&str> = rule.split(':').collect();
        let bytes = |text: &str| text.matches(r"\x").count();
        // The letters ELF stand for themselves.
        assert_eq!((bytes(parts[4]) + 3, bytes(parts[5])), (20, 20), "{rule}");
        assert!(parts[4].ends_with(r"\x02\x00\x28\x00") && parts[6].ends_with("qemu-arm-static"), "{rule}");
    }
}
