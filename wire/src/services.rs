//! Which PAM services mean a person at this machine: the login module asks for a face for these and for no other, and
//! `facelatch doctor` says so of each stack. Names of services are names of files in /etc/pam.d.

/// Where a service meets the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a session, on its terminal: `sudo`.
    Terminal,
    /// In a session, on its screen: `polkit-1`, and screen lockers that run all the time.
    Screen,
    /// The same, in a stack of its own beside the password's.
    ScreenBeside,
    /// On the screen of a session, where the program that asks is the locker and starts when the screen is locked.
    Lock,
    /// The same, in a stack of its own beside the password's.
    LockBeside,
    /// At the login prompt of a console, before there is a session; some screen lockers borrow the name.
    Console,
    /// At a login screen, before there is a session; some unlock the screen as well.
    Greeter,
}

impl Place {
    /// Whether the first login of a session is by password, unless the owner says otherwise: display managers hand it to the
    /// keyring, which a face cannot open.
    pub fn password_first(self) -> bool {
        self == Self::Greeter
    }

    /// Whether the service belongs to a lock that begins when its program starts.
    pub fn starts_with_lock(self) -> bool {
        matches!(self, Self::Lock | Self::LockBeside)
    }

    /// Whether the password has another stack, and is asked for whatever this one says.
    pub fn is_beside_password(self) -> bool {
        matches!(self, Self::ScreenBeside | Self::LockBeside)
    }
}

/// Services that ask for a face. A new one is a word here.
const LOCAL: &[(Place, &[&str])] = &[
    (Place::Terminal, &["doas", "su", "su-l", "sudo", "sudo-i", "vlock"]),
    (
        Place::Screen,
        &[
            "cinnamon-screensaver",
            "gnome-screensaver",
            "mate-screensaver",
            "phosh",
            "polkit-1",
            "quickshell",
            "xfce4-screensaver",
            "xscreensaver",
            "xsecurelock",
        ],
    ),
    (Place::ScreenBeside, &["omarchy-lock-face"]),
    (
        Place::Lock,
        &[
            "gtklock",
            "hyprlock",
            "i3lock",
            "kde",
            "kscreenlocker",
            "physlock",
            "schlock",
            "swaylock",
            "waylock",
            "xlock",
        ],
    ),
    (Place::LockBeside, &["kde-face", "kde-fingerprint"]),
    (Place::Console, &["login"]),
    (
        Place::Greeter,
        &[
            "cosmic-greeter",
            "emptty",
            "gdm",
            "gdm-password",
            "greetd",
            "lemurs",
            "light-locker",
            "lightdm",
            "lxdm",
            "ly",
            "plasmalogin",
            "sddm",
            "slim",
            "wdm",
            "xdm",
        ],
    ),
];

/// Programs that bring in people from elsewhere. As a PAM service none asks for a face, whatever the owner adds; nor
/// does anything that runs in a systemd unit of this name, or that such a program started.
pub const REMOTE: &[&str] = &[
    "anydesk",
    "cockpit",
    "cockpit-bridge",
    "cockpit-session",
    "cockpit-ws",
    "cockpit-wsinstance-http",
    "cockpit-wsinstance-https",
    "code-insiders-tunnel",
    "code-server",
    "code-tunnel",
    "dropbear",
    "etserver",
    "gnome-remote-desktop",
    "gotty",
    "guacd",
    "in.rlogind",
    "in.rshd",
    "in.telnetd",
    "jupyter",
    "jupyterhub",
    "jupyter-lab",
    "mosh-server",
    "openvscode-server",
    "remote",
    "rlogin",
    "rpi-connect",
    "rpi-connectd",
    "rpi-connect-lite",
    "rsh",
    "rustdesk",
    "shellinabox",
    "shellinaboxd",
    "ssh",
    "sshd",
    "sshd-session",
    "sshx",
    "tailscale",
    "tailscaled",
    "teamviewerd",
    "teleport",
    "telnet",
    "telnetd",
    "tigervnc",
    "tmate",
    "ttyd",
    "upterm",
    "vnc",
    "vncserver",
    "wayvnc",
    "webmin",
    "wetty",
    "x11vnc",
    "xrdp",
    "xrdp-sesman",
    "Xvnc",
];

/// Whether a service asks for a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does, if the person is at this machine.
    Asks(Place),
    /// Never: it serves people elsewhere.
    Remote,
    /// It does not: nothing says that it serves people at this machine.
    Unlisted,
}

/// Whether `service` asks, where the module's option `services=` adds `added`. An added one meets the person in a
/// session, on its screen, unless the table knows better.
pub fn answer(service: &str, added: &[&str]) -> Answer {
    if REMOTE.contains(&service) {
        return Answer::Remote;
    }
    let listed = LOCAL.iter().find(|(_, names)| names.contains(&service)).map(|(place, _)| *place);
    let place = listed.or_else(|| added.contains(&service).then_some(Place::Screen));
    place.map_or(Answer::Unlisted, Answer::Asks)
}

/// The services that one option of the module adds; `None` if it is another option.
pub fn added(option: &str) -> Option<impl Iterator<Item = &str>> {
    Some(option.strip_prefix("services=")?.split(',').filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_a_person_here_asks_and_nothing_else_does() {
        for (place, names) in LOCAL {
            assert!(names.iter().all(|name| answer(name, &[]) == Answer::Asks(*place)), "{place:?}");
        }
        for name in ["dovecot", "cups", "samba", "smtp", "other", "cron", "passwd", "Sudo", ""] {
            assert_eq!(answer(name, &[]), Answer::Unlisted, "{name}");
        }
    }

    #[test]
    fn what_the_owner_adds_asks_unless_it_serves_people_elsewhere() {
        let names: Vec<&str> = added("services=mylock,ttyd,,sudo").expect("the option").collect();
        assert_eq!(names, ["mylock", "ttyd", "sudo"]);
        assert_eq!(answer("mylock", &names), Answer::Asks(Place::Screen));
        assert_eq!(answer("sudo", &names), Answer::Asks(Place::Terminal));
        assert_eq!(answer("ttyd", &names), Answer::Remote);
        assert_eq!(answer("mylock", &[]), Answer::Unlisted);
        assert!(added("timeout=3").is_none());
    }

    #[test]
    fn only_login_screens_want_the_password_first_and_only_lockers_start_with_the_lock() {
        let place = |service| match answer(service, &[]) {
            Answer::Asks(place) => place,
            other => panic!("{service}: {other:?}"),
        };
        for (service, first, lock, beside) in [
            ("sddm", true, false, false),
            ("gdm-password", true, false, false),
            ("login", false, false, false),
            ("sudo", false, false, false),
            ("polkit-1", false, false, false),
            ("swaylock", false, true, false),
            ("kde", false, true, false),
            ("kde-fingerprint", false, true, true),
            ("omarchy-lock-face", false, false, true),
        ] {
            let place = place(service);
            assert_eq!(place.password_first(), first, "{service}");
            assert_eq!(place.starts_with_lock(), lock, "{service}");
            assert_eq!(place.is_beside_password(), beside, "{service}");
        }
    }

    #[test]
    fn the_documents_list_the_services_that_ask() {
        let documents = include_str!("../../docs/pam.md");
        let table =
            documents.split("## Which services ask").nth(1).and_then(|rest| rest.split("`services=").next());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let listed: Vec<&str> = table.expect("the table").split(|c| !is_name(c)).collect();
        for name in LOCAL.iter().flat_map(|(_, names)| *names) {
            assert!(listed.contains(name), "{name} is missing in docs/pam.md");
        }
    }

    #[test]
    fn the_manual_page_names_every_service_that_asks() {
        let page = include_str!("../../man/pam_facelatch.8").replace("\\-", "-");
        let section = page.split(".SH ").find(|section| section.starts_with("SERVICES")).expect("there");
        let words: Vec<&str> = section.split([',', '\n', ' ']).collect();
        for name in LOCAL.iter().flat_map(|(_, names)| *names) {
            assert!(words.contains(name), "{name}");
        }
    }

    #[test]
    fn no_name_is_in_two_places() {
        let mut names: Vec<&str> =
            LOCAL.iter().flat_map(|(_, names)| *names).chain(REMOTE).copied().collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
