//! May the account be logged into at all? The password's module refuses one that is locked; a face must not be the way
//! around it. Only root can tell: a screen locker that runs as the user goes without.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use facelatch_wire::shadow::{self, Bar};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Uid;

const SECONDS_OF_A_DAY: u64 = 86_400;

/// The accounts of a machine on one day.
pub struct Accounts {
    shadow: PathBuf,
    /// Days since 1970-01-01 UTC.
    today: u64,
}

impl Accounts {
    /// Those of this machine, today.
    pub fn here() -> Self {
        let now = clock_gettime(ClockId::CLOCK_REALTIME).ok().map(Duration::from);
        let today = now.map(|now| now.as_secs() / SECONDS_OF_A_DAY);
        // Without a clock, whatever may have expired has.
        Self::at(Path::new("/"), today.unwrap_or(u64::MAX))
    }

    /// Those of a machine whose files lie below `root`, on the day `today`.
    pub fn at(root: &Path, today: u64) -> Self {
        Self { shadow: root.join(shadow::FILE), today }
    }

    /// Why this user's face must not count, if so. Who is not in the file comes from elsewhere, such as a directory, and is
    /// left to the stack's account stage.
    pub fn objection(&self, user: &str, allow_no_password: bool) -> Option<String> {
        match self.bar(user) {
            Ok(Some(Bar::NoPassword)) if allow_no_password => None,
            Ok(bar) => bar.map(why),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) if error.kind() == ErrorKind::PermissionDenied && !Uid::effective().is_root() => None,
            Err(error) => {
                Some(format!("whether the account is locked cannot be known: /{}: {error}", shadow::FILE))
            }
        }
    }

    /// If there are two lines for the user, either may bar them.
    fn bar(&self, user: &str) -> io::Result<Option<Bar>> {
        let mut worst = None;
        shadow::barred(File::open(&self.shadow)?, self.today, |name, bar| {
            if name == user && worst != Some(Bar::Locked) && worst != Some(Bar::Expired) {
                worst = Some(bar);
            }
        })?;
        Ok(worst)
    }
}

fn why(bar: Bar) -> String {
    match bar {
        Bar::Locked => "the account is locked".to_owned(),
        Bar::NoPassword => {
            "the account has no password; see allow-no-password in pam_facelatch(8)".to_owned()
        }
        Bar::Expired => "the account has expired".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u64 = 20_000;

    fn objection(shadow: &str, allow_no_password: bool) -> Option<String> {
        let root = crate::seat::tests::machine(&[(shadow::FILE, shadow)]);
        Accounts::at(root.path(), TODAY).objection("alice", allow_no_password)
    }

    #[test]
    fn a_locked_or_expired_account_is_objected_to_and_no_hash_is_told() {
        for (line, word) in [("alice:!$y$x:1::::::", "locked"), ("alice:$y$x:1:::::20000:", "expired")] {
            for allow_no_password in [false, true] {
                let why = objection(&format!("{line}\nbob:$y$x:1::::::\n"), allow_no_password);
                assert!(why.is_some_and(|why| why.contains(word) && !why.contains("$y")), "{line}");
            }
        }
    }

    #[test]
    fn whoever_has_no_password_is_objected_to_unless_the_owner_allows_it() {
        for field in ["*", "!", "!!", "!*"] {
            let why = objection(&format!("alice:{field}:1::::::"), false);
            assert!(why.is_some_and(|why| why.contains("allow-no-password")), "{field}");
            assert_eq!(objection(&format!("alice:{field}:1::::::"), true), None, "{field}");
        }
        let twice = "alice:!:1::::::\nalice:!$y$x:1::::::\nalice:!:1::::::\n";
        assert!(objection(twice, true).is_some_and(|why| why.contains("locked")));
    }

    #[test]
    fn good_accounts_and_those_of_a_directory_meet_no_objection() {
        for shadow in ["alice:$y$x:1::::20001:", "bob:!:1::::::", "", "Alice:!:1::::::", "alic:!:1::::::"] {
            assert_eq!(objection(shadow, false), None, "{shadow}");
        }
        let root = crate::seat::tests::machine(&[]);
        assert_eq!(Accounts::at(root.path(), TODAY).objection("alice", false), None, "no such file");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_objected_to() {
        assert!(objection(&"a".repeat(10_000), true).is_some());
        // Not a file.
        let root = crate::seat::tests::machine(&[("etc/shadow/x", "")]);
        assert!(Accounts::at(root.path(), TODAY).objection("alice", true).is_some());
    }
}
