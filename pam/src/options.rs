//! The words after the module's name in /etc/pam.d as [`Options`]. Nothing here can fail: an option that makes no sense
//! is logged and ignored, since an error would lock people out.

use std::ops::RangeInclusive;
use std::time::Duration;

use facelatch_wire::services;

/// How the module behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `timeout=SECONDS`: all of one attempt. Default 4 s, 1 to 10 s.
    pub timeout: Duration,
    /// `quiet`: says nothing to the person but what they are asked to do.
    pub quiet: bool,
    /// `require-confirm`: a recognised person must also press Enter.
    pub require_confirm: bool,
    /// `allow-no-password`: accounts that have no password are asked for a face too.
    pub allow_no_password: bool,
    /// `after-password`: asks for no face, and tells the daemon that the password was right. For a line behind the password's.
    pub after_password: bool,
    /// `first-login=face`: a login screen asks for the face at the first login too. Default: the password, which opens the keyring.
    pub face_at_first_login: bool,
    /// `lock-delay=SECONDS`: no face counts before, after a screen was locked. Default 5 s, 0 to 60 s.
    pub lock_delay: Duration,
    /// `services=NAME,NAME`: services that ask for a face besides [those that always do](facelatch_wire::services).
    pub services: Vec<String>,
}

/// Seconds that `timeout=` may take; beyond, the nearest is used.
const TIMEOUT_S: RangeInclusive<u64> = 1..=10;

/// The same of `lock-delay=`.
const LOCK_DELAY_S: RangeInclusive<u64> = 0..=60;

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(4),
            quiet: false,
            require_confirm: false,
            allow_no_password: false,
            after_password: false,
            face_at_first_login: false,
            lock_delay: Duration::from_secs(5),
            services: Vec::new(),
        }
    }
}

impl Options {
    /// The options and, for the log, what is wrong with the words.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let (mut options, mut complaints) = (Self::default(), Vec::new());
        for word in words {
            if let Some(names) = services::added(word) {
                options.add_services(names, &mut complaints);
                continue;
            }
            // PAM's own modules write it with an underscore.
            match word.replace('_', "-").as_str() {
                "quiet" => options.quiet = true,
                "require-confirm" => options.require_confirm = true,
                "allow-no-password" => options.allow_no_password = true,
                "after-password" => options.after_password = true,
                "first-login=face" => options.face_at_first_login = true,
                "first-login=password" => options.face_at_first_login = false,
                other => match other.split_once('=') {
                    Some(("timeout", value)) => set(&mut options.timeout, value, TIMEOUT_S, &mut complaints),
                    Some(("lock-delay", value)) => {
                        set(&mut options.lock_delay, value, LOCK_DELAY_S, &mut complaints)
                    }
                    _ => complaints.push(format!("unknown option {word:?} is left out")),
                },
            }
        }
        (options, complaints)
    }

    fn add_services<'a>(&mut self, names: impl Iterator<Item = &'a str>, complaints: &mut Vec<String>) {
        let (remote, added): (Vec<&str>, Vec<&str>) = names.partition(|name| services::REMOTE.contains(name));
        let complaint = |name| format!("services={name}: it serves people elsewhere and is left out");
        complaints.extend(remote.into_iter().map(complaint));
        self.services.extend(added.into_iter().map(str::to_owned));
    }
}

/// Reads seconds; nonsense leaves `time` as it is, and what is outside becomes the nearest.
fn set(time: &mut Duration, text: &str, range: RangeInclusive<u64>, complaints: &mut Vec<String>) {
    let (least, most) = range.into_inner();
    let seconds = text.parse::<u64>();
    if !seconds.as_ref().is_ok_and(|seconds| (least..=most).contains(seconds)) {
        complaints.push(format!("{text:?} is not {least} to {most} seconds"));
    }
    if let Ok(seconds) = seconds {
        *time = Duration::from_secs(seconds.clamp(least, most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_options_an_attempt_takes_four_seconds_and_says_so() {
        assert_eq!(Options::parse([]), (Options::default(), Vec::new()));
        assert_eq!(Options::default().timeout, Duration::from_secs(4));
    }

    #[test]
    fn each_option_is_understood() {
        let (options, complaints) = Options::parse(
            "timeout=3 quiet require-confirm allow-no-password after-password first-login=face lock-delay=0"
                .split(' '),
        );
        let wanted = Options {
            timeout: Duration::from_secs(3),
            quiet: true,
            require_confirm: true,
            allow_no_password: true,
            after_password: true,
            face_at_first_login: true,
            lock_delay: Duration::ZERO,
            ..Options::default()
        };
        assert_eq!((options, complaints), (wanted, Vec::new()));
        assert!(Options::parse(["require_confirm"]).0.require_confirm);
        assert_eq!(Options::parse(["first-login=face", "first-login=password"]), Options::parse([]));
    }

    #[test]
    fn services_are_added_except_those_that_serve_people_elsewhere() {
        let (options, complaints) = Options::parse(["services=my_lock,ttyd", "services=other-lock"]);
        assert_eq!(options.services, ["my_lock", "other-lock"]);
        assert!(complaints.len() == 1 && complaints[0].contains("ttyd"), "{complaints:?}");
    }

    #[test]
    fn a_timeout_outside_its_range_becomes_the_nearest_and_nonsense_the_default() {
        for (word, seconds) in [("timeout=0", 1), ("timeout=99", 10), ("timeout=", 4), ("timeout=-3", 4)] {
            let (options, complaints) = Options::parse([word]);
            assert_eq!(options.timeout, Duration::from_secs(seconds), "{word}");
            assert_eq!(complaints.len(), 1, "{word}");
        }
    }

    #[test]
    fn the_delay_after_a_lock_is_at_most_a_minute() {
        let (options, complaints) = Options::parse(["lock-delay=61"]);
        assert_eq!((options.lock_delay, complaints.len()), (Duration::from_secs(60), 1));
    }

    #[test]
    fn an_unknown_option_is_complained_about_and_changes_nothing() {
        let (options, complaints) = Options::parse(["sufficient", "Quiet", "first-login=soon"]);
        assert_eq!(options, Options::default());
        assert_eq!(complaints.len(), 3);
        assert!(complaints[0].contains("sufficient"), "{complaints:?}");
    }
}
