//! Programs of a target that start programs of the target: not by a runner, but by the kernel itself.
//!
//! The daemon's tests start the daemon. Where the machine does not run its programs by binfmt_misc already, the
//! command gets a user and mount namespace with a binfmt_misc of its own (Linux 6.7 or newer); nothing is registered
//! on the machine.

use std::path::Path;
use std::process::Command;

use crate::target::Target;

/// Mounts a fresh binfmt_misc, tells it the rule, and goes on as the command.
const INSIDE: &str = r#"mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc &&
printf %s "$0" >/proc/sys/fs/binfmt_misc/register && exec "$@""#;

/// The same command, where programs of the target can be started like any other.
pub(super) fn emulated(target: &Target, command: Command) -> Command {
    let registered = Path::new("/proc/sys/fs/binfmt_misc").join(target.qemu.trim_end_matches("-static"));
    if target.is_host() || registered.exists() {
        return command;
    }
    let mut outer = Command::new("unshare");
    outer.args(["--map-root-user", "--mount", "sh", "-c", INSIDE, &rule(target)]);
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
    outer
}

/// What the kernel's binfmt-misc.rst asks for: the start of an ELF header of this class and machine, little-endian,
/// a program with fixed or free place; the interpreter is opened at once, and gets the program opened.
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
    fn the_kernel_is_told_twenty_bytes_and_which_of_them_count() {
        let target = Target::named("armhf").expect("known");
        let rule = rule(target);
        let parts: Vec<&str> = rule.split(':').collect();
        let bytes = |text: &str| text.matches(r"\x").count();
        // The letters ELF stand for themselves.
        assert_eq!((bytes(parts[4]) + 3, bytes(parts[5])), (20, 20), "{rule}");
        assert!(parts[4].ends_with(r"\x02\x00\x28\x00") && parts[6].ends_with("qemu-arm-static"), "{rule}");
    }
}
