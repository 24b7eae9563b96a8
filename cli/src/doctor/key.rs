//! Where the key of the templates comes from, and whether it still opens here.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use super::Finding;

/// Where the unit's `LoadCredentialEncrypted=` finds it.
const CREDENTIAL: &str = "etc/credstore.encrypted/facelatch.store-key";
/// The name it is sealed under, as the unit asks for it.
const NAME: &str = "store-key";
/// Where the daemon keeps a key of its own, if it gets none.
const OWN_KEY: &str = "var/lib/facelatch/store.key";

/// `running`: the daemon answers, so it has its key.
pub(super) fn examine(root: &Path, running: bool) -> Finding {
    let seen = |path: &str| match fs::metadata(root.join(path)) {
        Ok(about) => Some(about.len() > 0),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(_) => Some(false),
    };
    match (seen(CREDENTIAL), seen(OWN_KEY)) {
        (Some(true), _) if !running && geteuid().is_root() && refused(&root.join(CREDENTIAL)) => locked(),
        (Some(true), _) => Finding::good("key", format!("systemd unlocks /{CREDENTIAL} for the daemon")),
        (_, Some(true)) => {
            let found = format!("the daemon keeps its own in /{OWN_KEY}: whoever copies the card has it too");
            Finding::good("key", found)
        }
        (Some(false), Some(false)) if running => Finding::good(
            "key",
            "not sealed, and not in /var/lib/facelatch; it is where `store.key` says, or beside the store",
        ),
        (Some(false), Some(false)) => Finding::good("key", "none yet; the daemon makes one when it starts"),
        _ => Finding::note("key", "you may not look", "run it as root"),
    }
}

/// Whether systemd cannot open it; what it opens goes nowhere. Without systemd nothing is known.
fn refused(sealed: &Path) -> bool {
    let mut decrypt = Command::new("systemd-creds");
    decrypt.args(["decrypt", &format!("--name={NAME}")]).arg(sealed).arg("-");
    decrypt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    decrypt.status().is_ok_and(|status| !status.success())
}

fn locked() -> Finding {
    let found = format!(
        "systemd cannot unlock /{CREDENTIAL}: it was sealed under another machine-id, or on another board"
    );
    let fix = format!(
        "put the old /etc/machine-id and /var/lib/systemd/credential.secret back; without them what was enrolled is lost: \
         `sudo rm -rf /{CREDENTIAL} /var/lib/facelatch/store && sudo dpkg-reconfigure facelatch`, then `sudo facelatch \
         restore` a backup, or enrol again"
    );
    Finding::bad("key", found, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::root;

    fn machine(path: &str) -> tempfile::TempDir {
        root(&[(path, "no credential")])
    }

    #[test]
    fn the_key_is_found_where_it_is() {
        assert!(examine(machine(CREDENTIAL).path(), true).found.contains("systemd unlocks"));
        assert!(examine(machine(OWN_KEY).path(), false).found.contains("its own"));
        assert!(examine(machine("etc/hosts").path(), false).found.contains("none yet"));
        assert!(examine(machine("etc/hosts").path(), true).found.contains("beside the store"), "it has one");
    }

    #[test]
    fn a_credential_that_does_not_open_is_told_when_the_daemon_is_silent() {
        let root = machine(CREDENTIAL);
        let finding = examine(root.path(), false);
        let can_try = geteuid().is_root() && Command::new("systemd-creds").arg("--version").output().is_ok();
        assert_eq!(finding.ok, !can_try, "{finding:?}");
        assert!(finding.ok || finding.fix.is_some_and(|fix| fix.contains("dpkg-reconfigure")));
    }
}
