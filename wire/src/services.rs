//! Which PAM services mean a person at this machine: the login module asks for a face for these and for no other, and
//! `facelatch doctor` says so of each stack. Names of services are names of files in /etc/pam.d.

/// Where a service meets the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a session, on its terminal: `sudo`.
    Terminal,
    /// In a session, on its screen: screen lockers.
    Screen,
    /// At the login prompt of a console, before there is a session; some screen lockers borrow the name.
    Console,
    /// At a login screen, before there is a session; some unlock the screen as well.
    Greeter,
}

/// Services that ask for a face. A new one is a word here.
const LOCAL: &[(Place, &[&str])] = &[
    (Place::Terminal, &["doas", "su", "su-l", "sudo", "sudo-i", "vlock"]),
    (
        Place::Screen,
        &[
            "cinnamon-screensaver",
            "gnome-screensaver",
            "gtklock",
            "hyprlock",
            "i3lock",
            "kde",
            "kscreenlocker",
            "mate-screensaver",
            "phosh",
            "physlock",
            "polkit-1",
            "quickshell",
            "schlock",
            "swaylock",
            "waylock",
            "xfce4-screensaver",
            "xlock",
            "xscreensaver",
            "xsecurelock",
        ],
    ),
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
