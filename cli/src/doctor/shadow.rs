//! Enrolled people whom shadow(5) bars. Only root can read that, so the daemon does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use facelatch_wire::shadow::{self, Bar};

use super::Finding;

/// What the shadow file below `root` says of these names; nothing where it cannot be opened.
pub(super) fn examine(root: &Path, names: &BTreeSet<&str>) -> Option<Finding> {
    let file = File::open(root.join(shadow::FILE)).ok()?;
    let mut barred: BTreeMap<String, Bar> = BTreeMap::new();
    let read = shadow::barred(file, today(), |name, bar| {
        if names.contains(name) {
            barred.insert(name.to_owned(), bar);
        }
    });
    if let Err(error) = read {
        let found = format!("/{}: {error}; logins ask nobody for a face", shadow::FILE);
        return Some(Finding::bad("accounts", found, "`sudo pwck` says what is wrong with it"));
    }
    let shown: Vec<String> = barred.iter().map(|(name, bar)| format!("{name} ({bar})")).collect();
    let found = format!(
        "barred from logins, but the face still counts at the door and in screen locks that run as the user: {}",
        shown.join(", ")
    );
    let fix = "`sudo facelatch remove NAME` ends that; for people without a password see allow-no-password in \
               pam_facelatch(8)";
    (!barred.is_empty()).then(|| Finding::note("accounts", found, fix))
}

/// What bars this account from logins, if anything is known to.
pub(crate) fn bar(root: &Path, account: &str) -> Option<Bar> {
    let mut bars = None;
    let file = File::open(root.join(shadow::FILE)).ok()?;
    let read = shadow::barred(file, today(), |name, bar| {
        if name == account {
            bars = Some(bar);
        }
    });
    read.ok().and(bars)
}

/// Days since 1970-01-01 UTC.
#[expect(clippy::disallowed_methods, reason = "shadow(5) counts days of the wall clock")]
fn today() -> u64 {
    UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO).as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined(shadow: &str, names: &[&str]) -> Option<Finding> {
        let root = tempfile::tempdir().expect("folder");
        std::fs::create_dir(root.path().join("etc")).expect("made");
        std::fs::write(root.path().join(shadow::FILE), shadow).expect("written");
        examine(root.path(), &names.iter().copied().collect())
    }

    #[test]
    fn only_people_who_are_enrolled_are_named_with_the_reason() {
        let lines =
            "root:*:1:0:9:7:::\nalice:!$y$x:1:0:9:7:::\nbob:$y$x:1:0:9:7:::\ncarol:$y$x:1:0:9:7::1:\n";
        let found = examined(lines, &["alice", "bob", "carol"]).expect("a finding").found;
        assert!(found.ends_with(": alice (locked), carol (expired)"), "{found}");
        assert!(examined(lines, &["bob"]).is_none());
    }

    #[test]
    fn a_file_that_stops_logins_by_face_is_reported() {
        assert!(!examined(&"a".repeat(10_000), &["alice"]).expect("a finding").ok);
    }
}
