//! Enrolled people whose account is locked or has expired. Only root can read that, so the daemon does not know.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::Finding;

/// What the shadow file below `root` says of these names; nothing where it cannot be read.
pub(super) fn examine(root: &Path, names: &BTreeSet<&str>) -> Option<Finding> {
    let shadow = std::fs::read_to_string(root.join("etc/shadow")).ok()?;
    let barred: Vec<&str> =
        shadow.lines().filter_map(|line| barred(line, today())).filter(|name| names.contains(name)).collect();
    let found = format!(
        "locked or expired, but the face still counts at the door, and at a login where the account stage of PAM lets \
         it: {}",
        barred.join(", ")
    );
    (!barred.is_empty()).then(|| Finding::note("accounts", found, "`sudo facelatch remove NAME` ends that"))
}

/// The name in a line of shadow(5), if its password is locked or the account has expired on this day.
fn barred(line: &str, today: u64) -> Option<&str> {
    let fields: Vec<&str> = line.split(':').collect();
    let expires: Option<u64> = fields.get(7)?.parse().ok();
    let locked = fields[1].starts_with('!') || fields[1] == "*";
    (locked || expires.is_some_and(|day| day <= today)).then_some(fields[0])
}

/// Days since 1970-01-01 UTC.
#[expect(clippy::disallowed_methods, reason = "shadow(5) counts days of the wall clock")]
fn today() -> u64 {
    UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO).as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_and_expired_accounts_are_told_apart_from_good_ones() {
        for (line, name) in [
            ("alice:$y$j9T$x:19000:0:99999:7:::", None),
            ("alice:!$y$j9T$x:19000:0:99999:7:::", Some("alice")),
            ("alice:!:19000:0:99999:7:::", Some("alice")),
            ("alice:*:19000:0:99999:7:::", Some("alice")),
            ("alice:$y$j9T$x:19000:0:99999:7::20000:", Some("alice")),
            ("alice:$y$j9T$x:19000:0:99999:7::20001:", None),
            ("alice", None),
        ] {
            assert_eq!(barred(line, 20_000), name, "{line}");
        }
    }

    #[test]
    fn only_people_who_are_enrolled_are_named() {
        let root = tempfile::tempdir().expect("folder");
        std::fs::create_dir(root.path().join("etc")).expect("made");
        let lines = "root:*:1:0:9:7:::\nalice:!:1:0:9:7:::\nbob:$y$x:1:0:9:7:::\n";
        std::fs::write(root.path().join("etc/shadow"), lines).expect("written");
        let found = examine(root.path(), &["alice", "bob"].into()).expect("a finding").found;
        assert!(found.ends_with(": alice"), "{found}");
        assert!(examine(root.path(), &["bob"].into()).is_none());
    }
}
