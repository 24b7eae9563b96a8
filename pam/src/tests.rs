use std::cell::RefCell;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

use super::*;
use crate::host::Host;
use crate::lock::tests::FakeClock;

/// An application that plays a part and remembers what it was told.
#[derive(Default)]
pub(crate) struct Play {
    pub(crate) user: Option<&'static str>,
    pub(crate) service: Option<&'static str>,
    pub(crate) remote_host: Option<&'static str>,
    pub(crate) terminal: Option<&'static str>,
    pub(crate) answer: Option<&'static str>,
    pub(crate) password: bool,
    pub(crate) heard: RefCell<Vec<String>>,
    pub(crate) logged: RefCell<Vec<String>>,
}

impl Host for Play {
    fn user(&self) -> Option<String> {
        self.user.map(str::to_owned)
    }

    fn service(&self) -> Option<String> {
        self.service.map(str::to_owned)
    }

    fn remote_host(&self) -> Option<String> {
        self.remote_host.map(str::to_owned)
    }

    fn terminal(&self) -> Option<String> {
        self.terminal.map(str::to_owned)
    }

    fn has_password(&self) -> bool {
        self.password
    }

    fn tell(&self, text: &str) {
        self.heard.borrow_mut().push(text.to_owned());
    }

    fn agrees(&self, question: &str) -> bool {
        self.heard.borrow_mut().push(question.to_owned());
        self.answer.is_some_and(means_yes)
    }

    fn log(&self, _: Level, text: &str) {
        self.logged.borrow_mut().push(text.to_owned());
    }
}

fn alice() -> Play {
    Play { user: Some("alice"), service: Some("sudo"), ..Play::default() }
}

/// The machine whose files lie there, 1000 s after its start.
fn machine(root: &Path) -> Machine {
    Machine {
        seat: Seat::at(root),
        accounts: Accounts::at(root, 20_000),
        keyboard: Keyboard::none(),
        clock: Box::new(FakeClock::at(1000)),
    }
}

/// A daemon that says these messages to the first who connects, then waits until they have gone.
fn daemon(folder: &Path, messages: &[&str]) -> JoinHandle<()> {
    let listener = UnixListener::bind(folder.join("s")).expect("socket");
    let bytes: Vec<u8> = messages.iter().flat_map(|message| [message.as_bytes(), b"\0"].concat()).collect();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        // Whoever was not asked has only knocked to let us go.
        let _ = stream.write_all(&bytes);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

/// One attempt at a daemon that says these messages. The tests must own the socket as root or the service user would;
/// run as somebody else they see what a rogue daemon gets.
fn attempt(host: &Play, options: &Options, messages: &[&str]) -> Code {
    attempt_besides(&[], host, options, messages)
}

/// The same with further files on the machine.
fn attempt_besides(files: &[(&str, &str)], host: &Play, options: &Options, messages: &[&str]) -> Code {
    let folder = tempfile::tempdir().expect("temporary folder");
    let daemon = daemon(folder.path(), messages);
    let root = crate::seat::tests::machine(&[crate::seat::tests::AT_THE_DESK, files].concat());
    let machine = machine(root.path());
    let code = authenticate(host, options, &machine, &folder.path().join("s"));
    // Whoever was not asked still waits for a caller.
    let _ = std::os::unix::net::UnixStream::connect(folder.path().join("s"));
    daemon.join().expect("the daemon ends");
    code
}

/// A rogue's "match" is never believed; else what `wanted` says.
fn if_trusted(wanted: Code) -> Code {
    if nix::unistd::Uid::effective().is_root() { wanted } else { Code::Unavailable }
}

/// A session of hers that has a screen, as logind writes it down.
pub(crate) const ON_A_SCREEN: &str =
    "UID=1000\nUSER=alice\nSTATE=active\nREMOTE=0\nTYPE=wayland\nCLASS=user\nSEAT=seat0\n";

const LOOKING: &str = r#"{"parameters":{"guidance":"too-dark"},"continues":true}"#;
const MATCH: &str = r#"{"parameters":{"verdict":"match","user":"alice"}}"#;
const NO_MATCH: &str = r#"{"parameters":{"verdict":"no-match","user":"alice"}}"#;

#[test]
fn a_match_lets_in_and_is_told() {
    let host = alice();
    assert_eq!(attempt(&host, &Options::default(), &[LOOKING, LOOKING, MATCH]), if_trusted(Code::Success));
    if if_trusted(Code::Success) == Code::Success {
        assert_eq!(*host.heard.borrow(), ["facelatch: look at the camera", "facelatch: recognised as alice"]);
    }
}

#[test]
fn quiet_is_quiet() {
    let (host, options) = (alice(), Options { quiet: true, ..Options::default() });
    assert_eq!(attempt(&host, &options, &[LOOKING, NO_MATCH]), if_trusted(Code::Denied));
    assert!(host.heard.borrow().is_empty() && !host.logged.borrow().is_empty());
    let turn = r#"{"parameters":{"guidance":"turn-right"},"continues":true}"#;
    assert_eq!(attempt(&host, &options, &[LOOKING, turn, NO_MATCH]), if_trusted(Code::Denied));
    if if_trusted(Code::Denied) == Code::Denied {
        let asked = ["facelatch: turn your head to the right"];
        assert_eq!(*host.heard.borrow(), asked, "nobody could answer otherwise");
    }
}

#[test]
fn a_match_of_another_user_lets_nobody_in() {
    for other in
        [r#"{"parameters":{"verdict":"match","user":"bob"}}"#, r#"{"parameters":{"verdict":"match"}}"#]
    {
        assert_eq!(attempt(&alice(), &Options::default(), &[other]), Code::Unavailable, "{other}");
    }
}

#[test]
fn a_verdict_in_the_middle_and_none_at_the_end_are_no_verdicts() {
    let early = r#"{"parameters":{"verdict":"match","user":"alice"},"continues":true}"#;
    for reply in [early, r#"{"parameters":{}}"#, r#"{"parameters":{"verdict":"splendid","user":"alice"}}"#] {
        assert_eq!(attempt(&alice(), &Options::default(), &[reply]), Code::Unavailable, "{reply}");
    }
}

#[test]
fn who_is_not_enrolled_hears_nothing() {
    let host = alice();
    let not_enrolled = r#"{"parameters":{"verdict":"not-enrolled"}}"#;
    assert_eq!(attempt(&host, &Options::default(), &[not_enrolled]), if_trusted(Code::Ignore));
    assert!(host.heard.borrow().is_empty());
}

#[test]
fn whoever_must_confirm_may_say_no() {
    let options = Options { require_confirm: true, ..Options::default() };
    for (answer, wanted) in [
        (Some(""), Code::Success),
        (Some("y"), Code::Success),
        (Some("n"), Code::Unavailable),
        (Some("my password"), Code::Unavailable),
        (None, Code::Unavailable),
    ] {
        let host = Play { answer, ..alice() };
        assert_eq!(attempt(&host, &options, &[MATCH]), if_trusted(wanted), "{answer:?}");
    }
    // Asked or not, a stranger is denied.
    let host = Play { answer: Some(""), ..alice() };
    assert_eq!(attempt(&host, &options, &[NO_MATCH]), if_trusted(Code::Denied));
}

#[test]
fn a_confirmation_that_comes_too_late_counts_for_nothing() {
    let host = Play { answer: Some("y"), ..alice() };
    assert_eq!(confirm(&host, &FakeClock::at(1), "alice", Duration::ZERO), Code::Unavailable);
}

#[test]
fn only_yes_means_yes() {
    for (typed, yes) in
        [("", true), ("y\n", true), ("yes", true), ("n", false), ("y ou", false), ("password", false)]
    {
        assert_eq!(means_yes(typed), yes, "{typed}");
    }
}

#[test]
fn nobody_far_away_is_asked_for_a_face() {
    let host = Play { remote_host: Some("192.0.2.7"), ..alice() };
    assert_eq!(attempt(&host, &Options::default(), &[MATCH]), Code::Ignore);
    assert!(host.heard.borrow().is_empty());
    assert!(host.logged.borrow()[0].contains("192.0.2.7"));
}

#[test]
fn only_a_service_for_people_here_asks_for_a_face() {
    for service in ["ttyd", "shellinabox", "wetty", "guacd", "wayvnc", "dovecot", "samba", "other", "sshd"] {
        let host = Play { service: Some(service), ..alice() };
        assert_eq!(attempt(&host, &Options::default(), &[MATCH]), Code::Ignore, "{service}");
        assert!(host.heard.borrow().is_empty() && host.logged.borrow()[0].contains(service));
    }
    let host = Play { service: None, ..alice() };
    assert_eq!(attempt(&host, &Options::default(), &[MATCH]), Code::Ignore);
    for service in ["sudo", "swaylock", "quickshell", "login", "gdm-password"] {
        let host = Play { service: Some(service), ..alice() };
        let logged_in = [("run/systemd/sessions/4", ON_A_SCREEN)];
        let code = attempt_besides(&logged_in, &host, &Options::default(), &[MATCH]);
        assert_eq!(code, if_trusted(Code::Success), "{service}");
    }
}

#[test]
fn a_service_that_the_owner_adds_asks_unless_it_serves_people_elsewhere() {
    let options = Options { services: vec!["my-lock".to_owned(), "ttyd".to_owned()], ..Options::default() };
    for (service, wanted) in [("my-lock", if_trusted(Code::Success)), ("ttyd", Code::Ignore)] {
        let host = Play { service: Some(service), ..alice() };
        assert_eq!(attempt(&host, &options, &[MATCH]), wanted, "{service}");
    }
}

#[test]
fn a_login_screen_asks_for_the_password_first_and_then_for_the_face() {
    let bobs = || ON_A_SCREEN.replace("alice", "bob");
    let by_face = Options { face_at_first_login: true, ..Options::default() };
    for (session, options, wanted) in [
        // She is logged in, and unlocks her screen or comes back to it.
        (ON_A_SCREEN.to_owned(), Options::default(), if_trusted(Code::Success)),
        (bobs(), Options::default(), Code::Ignore),
        (bobs(), by_face, if_trusted(Code::Success)),
    ] {
        let host = Play { service: Some("sddm"), ..alice() };
        // A display manager of root's, before there is a session.
        let files = [
            ("proc/self/cgroup", "0::/system.slice/sddm.service\n"),
            ("proc/self/status", "Uid:\t0\t0\t0\t0\n"),
            ("run/systemd/sessions/5", session.as_str()),
        ];
        assert_eq!(attempt_besides(&files, &host, &options, &[MATCH]), wanted, "{session}");
        let told = host.logged.borrow().iter().any(|line| line.contains("first login"));
        assert_eq!(told, wanted == Code::Ignore);
    }
    // Elsewhere nobody is logged in first.
    for service in ["sudo", "login", "quickshell"] {
        let host = Play { service: Some(service), ..alice() };
        assert_eq!(attempt(&host, &Options::default(), &[MATCH]), if_trusted(Code::Success), "{service}");
    }
}

#[test]
fn just_after_a_lock_the_face_does_not_unlock() {
    let just_now = ("proc/self/stat", "60 (kde) S 1 60 50 0 60 0 0 0 0 0 0 0 0 0 20 0 1 0 99900 1 2\n");
    let at_once = Options { lock_delay: Duration::ZERO, ..Options::default() };
    for (service, options, wanted) in [
        ("swaylock", &Options::default(), Code::Ignore),
        ("kde", &Options::default(), Code::Ignore),
        ("swaylock", &at_once, if_trusted(Code::Success)),
        // It waits, without keeping the password waiting.
        ("kde-fingerprint", &Options::default(), if_trusted(Code::Success)),
        // These run all the time, or are started by each question.
        ("quickshell", &Options::default(), if_trusted(Code::Success)),
        ("polkit-1", &Options::default(), if_trusted(Code::Success)),
        ("sudo", &Options::default(), if_trusted(Code::Success)),
    ] {
        let host = Play { service: Some(service), ..alice() };
        assert_eq!(attempt_besides(&[just_now], &host, options, &[MATCH]), wanted, "{service}");
    }
}

#[test]
fn a_machine_that_goes_to_sleep_is_not_unlocked_by_a_face() {
    let asleep = ("run/facelatch/asleep/x", "");
    for service in ["sudo", "swaylock", "kde-fingerprint"] {
        let host = Play { service: Some(service), ..alice() };
        assert_eq!(attempt_besides(&[asleep], &host, &Options::default(), &[MATCH]), Code::Ignore);
        assert!(host.heard.borrow().is_empty() && host.logged.borrow()[0].contains("sleep"));
    }
}

#[test]
fn only_where_the_password_is_asked_on_a_terminal_a_key_ends_the_wait() {
    let on = |place, terminal| has_terminal(&Play { terminal, ..alice() }, place);
    assert!(on(Place::Terminal, Some("/dev/pts/3")) && on(Place::Console, Some("tty1")));
    for (place, terminal) in [
        (Place::Terminal, None),
        (Place::Terminal, Some("")),
        (Place::Terminal, Some(":0")),
        (Place::Console, None),
        (Place::Screen, Some("/dev/pts/3")),
        (Place::Greeter, Some("tty7")),
    ] {
        assert!(!on(place, terminal), "{place:?} {terminal:?}");
    }
}

#[test]
fn a_key_or_word_that_no_daemon_of_this_version_says_lets_nobody_in() {
    for reply in [
        r#"{"parameters":{"verdict":"no-match","verdict":"match","user":"alice"}}"#,
        r#"{"parameters":{"verdict":"match","user":"bob","user":"alice"}}"#,
        r#"{"parameters":{"verdict":"match","user":"alice","unsure":true}}"#,
        r#"{"parameters":{"verdict":"match","user":"alice"},"unsure":true}"#,
    ] {
        let host = alice();
        assert_eq!(attempt(&host, &Options::default(), &[reply]), Code::Unavailable, "{reply}");
        assert!(!host.logged.borrow().is_empty());
    }
}

#[test]
fn without_a_user_there_is_nobody_to_recognise() {
    assert_eq!(attempt(&Play::default(), &Options::default(), &[MATCH]), Code::Ignore);
}

#[test]
fn names_reach_the_log_on_one_line() {
    let host = Play { user: Some("al\nice"), service: Some("su\ndo"), ..Play::default() };
    attempt(&host, &Options::default(), &[MATCH]);
    assert!(host.logged.borrow().iter().all(|line| !line.contains('\n')), "{:?}", host.logged);
}

/// What a daemon hears from a line behind the password's, and the code of that line.
fn told(host: &Play) -> (Code, String) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let listener = UnixListener::bind(folder.path().join("s")).expect("socket");
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let _ = stream.write_all(b"{\"parameters\":{}}\0");
        let mut heard = String::new();
        let _ = std::io::Read::read_to_string(&mut stream, &mut heard);
        heard
    });
    let root = crate::seat::tests::machine(crate::seat::tests::AT_THE_DESK);
    let machine = machine(root.path());
    let options = Options { after_password: true, ..Options::default() };
    let code = authenticate(host, &options, &machine, &folder.path().join("s"));
    // Whoever was told nothing still waits for a caller.
    let _ = std::os::unix::net::UnixStream::connect(folder.path().join("s"));
    (code, heard.join().expect("the daemon ends"))
}

#[test]
fn behind_the_password_the_daemon_is_told_of_it_and_nobody_is_let_in() {
    let told = || {
        let host = Play { password: true, ..alice() };
        let (code, heard) = told(&host);
        assert_eq!(code, Code::Ignore);
        assert!(host.heard.borrow().is_empty(), "the person is told nothing");
        heard
    };
    let mut heard = told();
    if nix::unistd::Uid::effective().is_root() {
        // A busy machine may need longer than the login waits.
        for _ in 0..20 {
            if heard.is_empty() {
                heard = told();
            }
        }
        assert!(heard.contains("io.facelatch.v1.Adapt") && heard.contains("\"alice\""), "{heard}");
    }
}

#[test]
fn nothing_is_told_without_a_password_or_where_no_face_is_asked_for() {
    let typed = || Play { password: true, ..alice() };
    for host in [
        alice(),
        Play { remote_host: Some("192.0.2.7"), ..typed() },
        Play { service: Some("sshd"), ..typed() },
        Play { user: None, ..typed() },
    ] {
        assert_eq!(told(&host), (Code::Ignore, String::new()));
    }
}

#[test]
fn a_daemon_that_is_not_there_or_says_nothing_delays_and_keeps_out_nobody() {
    let host = Play { password: true, ..alice() };
    let folder = tempfile::tempdir().expect("temporary folder");
    let options = Options { after_password: true, ..Options::default() };
    let root = crate::seat::tests::machine(crate::seat::tests::AT_THE_DESK);
    let socket = folder.path().join("s");
    assert_eq!(authenticate(&host, &options, &machine(root.path()), &socket), Code::Ignore);
    // It listens, and never answers.
    let _silent = UnixListener::bind(&socket).expect("socket");
    assert_eq!(authenticate(&host, &options, &machine(root.path()), &socket), Code::Ignore);
    assert!(!host.logged.borrow().is_empty());
}
