use super::process::{NO_SESSION, REMOTE_VARIABLES};
use super::*;
use crate::tests::Play;

/// A machine with these files.
pub(crate) fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("temporary folder");
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    root
}

/// One whose only user sits at it.
pub(crate) const AT_THE_DESK: &[(&str, &str)] = &[IN_SESSION_3, ALICE, LOCAL_3, STARTED_AT_0];

type Text = (&'static str, &'static str);
const STARTED_AT_0: Text = ("proc/self/stat", "60 (sudo) S 1 60 50 0 60 0 0 0 0 0 0 0 0 0 20 0 1 0 0 1 2\n");
const IN_SESSION_3: Text = ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
const IN_A_USERS_SERVICE: Text =
    ("proc/self/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/lock.service\n");
const IN_GETTY: Text = ("proc/self/cgroup", "0::/system.slice/system-getty.slice/getty@tty1.service\n");
const IN_NO_UNIT: Text = ("proc/self/cgroup", "0::/\n");
const ALICE: Text = ("run/systemd/users/1000", "NAME=alice\nSTATE=active\nSESSIONS=3\n");
const REMOTE_3: Text =
    ("run/systemd/sessions/3", "UID=1000\nACTIVE=1\nSTATE=active\nREMOTE=1\nREMOTE_HOST=192.0.2.7\n");
const LOCAL_3: Text =
    ("run/systemd/sessions/3", "UID=1000\nACTIVE=1\nSTATE=active\nREMOTE=0\nSEAT=seat0\nTTY=tty2\n");
const STARTED_BY_ROOT: Text = ("proc/self/status", "Name:\tlogin\nUid:\t0\t0\t0\t0\n");
const STARTED_BY_ALICE: Text = ("proc/self/status", "Name:\tsudo\nUid:\t1000\t0\t0\t0\n");

fn objection_to(host: &Play, place: Place, files: &[(&str, &str)]) -> Option<String> {
    Seat::at(machine(files).path()).objection(host, place)
}

fn objection(files: &[(&str, &str)]) -> Option<String> {
    objection_to(&Play::default(), Place::Terminal, files)
}

/// Everybody at the desk, and these files besides.
fn objection_besides(files: &[(&str, &str)]) -> Option<String> {
    objection(&[AT_THE_DESK, files].concat())
}

#[test]
fn who_sits_here_meets_no_objection() {
    assert_eq!(objection(AT_THE_DESK), None);
    let here = Play { remote_host: Some("localhost"), ..Play::default() };
    assert_eq!(objection_to(&here, Place::Terminal, AT_THE_DESK), None);
}

#[test]
fn hosts_of_elsewhere_are_objected_to() {
    let host = Play { remote_host: Some("pc.example\n"), ..Play::default() };
    let why = objection_to(&host, Place::Terminal, AT_THE_DESK);
    assert!(why.is_some_and(|why| why.contains("pc.example") && !why.contains('\n')));
}

#[test]
fn each_variable_of_ssh_is_objected_to_unless_it_is_empty() {
    let objection = |variables: &str| objection_besides(&[("proc/self/environ", variables)]);
    for name in REMOTE_VARIABLES {
        let why = objection(&format!("HOME=/\0{name}=192.0.2.7 22\0PATH=/bin\0"));
        assert!(why.is_some_and(|why| why.contains(name)));
        assert_eq!(objection(&format!("{name}=\0MY_{name}=1\0{name}X=1\0A={name}=1\0")), None);
    }
}

#[test]
fn a_session_that_logind_calls_remote_is_objected_to_without_any_variable() {
    assert!(objection(&[IN_SESSION_3, ALICE, REMOTE_3]).is_some_and(|why| why.contains("session 3")));
    // The control group knows better than the audit session.
    let in_session_4 = ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-4.scope\n");
    let local_4 = ("run/systemd/sessions/4", "UID=1000\nSTATE=active\nREMOTE=0\nSEAT=seat0\n");
    assert_eq!(objection(&[in_session_4, local_4, ALICE, ("proc/self/sessionid", "3"), REMOTE_3]), None);
}

#[test]
fn a_session_that_is_not_shown_at_a_seat_is_objected_to() {
    for text in [
        // `su -` and `sudo -i` in a window; a VNC server of its own; cron.
        "UID=1000\nSTATE=active\nREMOTE=0\n",
        "UID=1000\nSTATE=active\nREMOTE=0\nSEAT=\n",
        // Another one is in the foreground; it was logged out.
        "UID=1000\nSTATE=online\nREMOTE=0\nSEAT=seat0\n",
        "UID=1000\nSTATE=closing\nREMOTE=0\nSEAT=seat0\n",
        // Does not say.
        "UID=1000\nSTATE=active\nSEAT=seat0\n",
        "UID=1000\nREMOTE=0\nSEAT=seat0\n",
    ] {
        let session = ("run/systemd/sessions/3", text);
        assert!(objection(&[IN_SESSION_3, ALICE, session]).is_some(), "{text}");
        assert!(objection(&[IN_A_USERS_SERVICE, ALICE, session]).is_some(), "{text}");
    }
}

#[test]
fn a_session_that_logind_has_forgotten_is_objected_to() {
    assert!(objection(&[IN_SESSION_3, ALICE]).is_some_and(|why| why.contains("does not know")));
    let nameless = ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-.scope\n");
    assert!(objection(&[nameless, ALICE, LOCAL_3]).is_some());
}

#[test]
fn a_name_deeper_down_gives_nobody_a_session() {
    for below in ["app.slice/session-4.scope", "session-4.scope", "a.slice/b.service/session-4.scope"] {
        let group = format!("0::/user.slice/user-1000.slice/user@1000.service/{below}\n");
        let local_4 = ("run/systemd/sessions/4", "UID=1001\nSTATE=active\nREMOTE=0\nSEAT=seat0\n");
        assert!(objection(&[("proc/self/cgroup", &group), ALICE, REMOTE_3, local_4]).is_some(), "{below}");
    }
    // Nor does a controller's own hierarchy, which others may divide as they like.
    let hybrid =
        "4:memory:/session-4.scope\n1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n0::/\n";
    let local_4 = ("run/systemd/sessions/4", "UID=1000\nSTATE=active\nREMOTE=0\nSEAT=seat0\n");
    assert!(objection(&[("proc/self/cgroup", hybrid), ALICE, REMOTE_3, local_4]).is_some());
    assert_eq!(objection(&[("proc/self/cgroup", hybrid), ALICE, LOCAL_3]), None);
}

#[test]
fn in_a_users_own_service_an_active_session_of_theirs_at_a_seat_is_needed_and_none_may_be_remote() {
    assert_eq!(objection(&[IN_A_USERS_SERVICE, ALICE, LOCAL_3]), None);
    assert!(objection(&[IN_A_USERS_SERVICE, ALICE, REMOTE_3]).is_some());
    let both = ("run/systemd/users/1000", "SESSIONS=3 c4\n");
    let remote_4 = ("run/systemd/sessions/c4", "UID=1000\nSTATE=closing\nREMOTE=1\n");
    assert!(objection(&[IN_A_USERS_SERVICE, both, LOCAL_3, remote_4]).is_some());
    let none = ("run/systemd/users/1000", "NAME=alice\nSTATE=lingering\nSESSIONS=\n");
    assert!(objection(&[IN_A_USERS_SERVICE, none]).is_some_and(|why| why.contains("no active session")));
    let forgotten = ("run/systemd/users/1000", "SESSIONS=3 9\n");
    assert!(
        objection(&[IN_A_USERS_SERVICE, forgotten, LOCAL_3]).is_some_and(|why| why.contains("does not know"))
    );
    // Somebody else's session at the seat is not hers.
    let bobs = ("run/systemd/sessions/3", "UID=1001\nSTATE=active\nREMOTE=0\nSEAT=seat0\n");
    assert!(objection(&[IN_A_USERS_SERVICE, none, ("proc/self/sessionid", "3"), bobs]).is_some());
    let audit = ("proc/self/sessionid", "4");
    let remote_4 = ("run/systemd/sessions/4", "UID=1000\nSTATE=active\nREMOTE=1\n");
    assert!(objection(&[IN_A_USERS_SERVICE, ALICE, LOCAL_3, audit, remote_4]).is_some());
    let no_audit = ("proc/self/sessionid", NO_SESSION);
    assert_eq!(objection(&[IN_A_USERS_SERVICE, ALICE, LOCAL_3, no_audit]), None);
}

#[test]
fn outside_all_sessions_a_service_of_the_system_is_objected_to() {
    for unit in ["cron.service", "mystery.service", "docker-0123.scope"] {
        let group = format!("0::/system.slice/{unit}\n");
        let files = [("proc/self/cgroup", group.as_str()), STARTED_BY_ALICE, ALICE, LOCAL_3];
        assert!(objection(&files).is_some_and(|why| why.contains(unit)), "{unit}");
    }
    // polkit's helper, where it is started by a socket.
    let helper = ("proc/self/cgroup", "0::/system.slice/system-polkit.slice/polkit-agent-helper@0.service\n");
    assert!(
        objection_to(&Play::default(), Place::Screen, &[helper, STARTED_BY_ROOT, ALICE, LOCAL_3]).is_some()
    );
    // Where systemd says nothing, whoever started it is asked about.
    assert_eq!(objection(&[IN_NO_UNIT, STARTED_BY_ALICE, ALICE, LOCAL_3]), None);
    assert!(objection(&[IN_NO_UNIT, STARTED_BY_ALICE, ALICE, REMOTE_3]).is_some());
    assert!(objection(&[IN_NO_UNIT, STARTED_BY_ROOT, ALICE, LOCAL_3]).is_some());
}

#[test]
fn what_runs_in_a_unit_for_people_elsewhere_is_objected_to_however_deep() {
    for path in [
        "system.slice/ssh.service",
        "system.slice/system-sshd.slice/sshd@7-192.0.2.1:22-192.0.2.7:3120.service",
        "system.slice/tailscaled.service",
        "user.slice/user-1000.slice/session-3.scope/ttyd.service",
        "user.slice/user-1000.slice/user@1000.service/app.slice/rpi-connect.service",
        "user.slice/user-1000.slice/user@1000.service/app.slice/code-tunnel.service/shell.scope",
        r"user.slice/user-1000.slice/user@1000.service/app.slice/app-rpi\x2dconnect@autostart.service",
        "user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-ttyd-4711.scope",
    ] {
        for hierarchy in ["0::/", "1:name=systemd:/"] {
            let group = format!("{hierarchy}{path}\n");
            let why = objection(&[("proc/self/cgroup", &group), ALICE, LOCAL_3]);
            assert!(why.is_some_and(|why| why.contains("for people elsewhere")), "{group}");
        }
    }
    let agent = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/ssh-agent.service\n";
    assert_eq!(objection(&[("proc/self/cgroup", agent), ALICE, LOCAL_3]), None);
}

#[test]
fn what_a_program_for_people_elsewhere_started_is_objected_to() {
    let chain = |top: &'static str| {
        let parent = format!("40 ({top}) S 1 40 40 0 -1 0\n");
        objection(&[
            IN_A_USERS_SERVICE,
            ALICE,
            LOCAL_3,
            ("proc/self/stat", "60 (sudo) S 50 60 50 34816 60 0\n"),
            ("proc/50/stat", "50 (my (odd) sh) S 40 50 50 34816 60 0\n"),
            ("proc/40/stat", &parent),
        ])
    };
    for program in ["rpi-connectd", "ttyd", "tailscaled", "code-tunnel", "openvscode-serv"] {
        assert!(chain(program).is_some_and(|why| why.contains(program)), "{program}");
    }
    for program in ["gnome-terminal-", "tmux: server", "systemd", "ttydx"] {
        assert_eq!(chain(program), None, "{program}");
    }
    // A chain that bites its tail ends.
    let tail = ("proc/self/stat", "60 (sudo) S 60 60 50 0 60 0\n");
    assert_eq!(objection_besides(&[tail, ("proc/60/stat", "60 (sudo) S 60 60 50 0 60 0\n")]), None);
}

#[test]
fn a_login_prompt_is_here_on_a_virtual_console_only() {
    let login = |terminal, files: &[(&str, &str)]| {
        let host = Play { terminal, ..Play::default() };
        objection_to(&host, Place::Console, &[files, &[IN_GETTY, STARTED_BY_ROOT]].concat())
    };
    let nobody_yet: &[(&str, &str)] = &[("run/systemd/users/1001", "SESSIONS=\n")];
    for files in [nobody_yet, &[]] {
        assert_eq!(login(Some("/dev/tty1"), files), None);
        assert_eq!(login(Some("tty63"), files), None);
        // ttyd, shellinabox and wetty run `login` on a pseudo-terminal; a serial line may be long.
        for terminal in [
            Some("/dev/pts/3"),
            Some("ttyS0"),
            Some("ttyAMA0"),
            Some("tty64"),
            Some("tty"),
            Some("tty+1"),
            None,
        ] {
            assert!(login(terminal, files).is_some(), "{terminal:?}");
        }
    }
    // A screen locker that borrows the name.
    let lock = objection_to(
        &Play::default(),
        Place::Console,
        &[IN_A_USERS_SERVICE, STARTED_BY_ALICE, ALICE, LOCAL_3],
    );
    assert_eq!(lock, None);
}

#[test]
fn a_login_screen_needs_no_session_but_none_may_be_shown_elsewhere() {
    let gdm = ("proc/self/cgroup", "0::/system.slice/gdm.service\n");
    let greeter = |files: &[(&str, &str)]| {
        objection_to(&Play::default(), Place::Greeter, &[files, &[gdm, STARTED_BY_ROOT, ALICE]].concat())
    };
    let here = ("run/systemd/sessions/c1", "UID=114\nCLASS=greeter\nSTATE=active\nREMOTE=0\nSEAT=seat0\n");
    assert_eq!(greeter(&[here]), None);
    let shell = ("run/systemd/sessions/c3", "CLASS=user\nTYPE=tty\nREMOTE=1\n");
    assert_eq!(greeter(&[here, shell]), None);
    for elsewhere in [
        "CLASS=greeter\nREMOTE=1\nSEAT=seat0\n",
        "CLASS=greeter\nREMOTE=0\n",
        "CLASS=user\nTYPE=wayland\nREMOTE=0\n",
    ] {
        assert!(greeter(&[here, ("run/systemd/sessions/c2", elsewhere)]).is_some(), "{elsewhere}");
    }
    // Started by anybody, it is no login screen.
    let impostor = [gdm, STARTED_BY_ALICE, ALICE, LOCAL_3];
    assert!(objection_to(&Play::default(), Place::Greeter, &impostor).is_some());
}

#[test]
fn without_logind_only_a_virtual_console_is_here() {
    let stat = |terminal: u32| format!("60 (sudo) S 1 60 50 {terminal} 60 0\n");
    let of = |text: &str| objection(&[IN_NO_UNIT, STARTED_BY_ALICE, ("proc/self/stat", text)]);
    assert_eq!(of(&stat(4 << 8 | 1)), None);
    // None, a serial line, a pseudo-terminal.
    for terminal in [0, 4 << 8 | 64, 136 << 8 | 1] {
        assert!(of(&stat(terminal)).is_some_and(|why| why.contains("logind")), "{terminal}");
    }
    assert!(of("").is_some() && of("60 (sudo").is_some());
    assert!(objection(&[]).is_some());
    let greeter = objection_to(&Play::default(), Place::Greeter, &[STARTED_BY_ROOT]);
    assert_eq!(greeter, None);
}

#[test]
fn an_id_that_is_none_leads_to_no_other_file() {
    let files = [
        ALICE,
        LOCAL_3,
        IN_A_USERS_SERVICE,
        ("proc/self/sessionid", "../3"),
        ("run/systemd/3", "REMOTE=1\n"),
    ];
    assert_eq!(objection(&files), None);
}

#[test]
fn a_closed_lid_is_objected_to() {
    assert_eq!(objection_besides(&[("proc/acpi/button/lid/LID0/state", "state:      open\n")]), None);
    let closed = [("proc/acpi/button/lid/LID0/state", "state:      closed\n")];
    assert!(objection_besides(&closed).is_some_and(|why| why.contains("lid")));
}

#[test]
fn nobody_can_look_while_the_lid_is_closed_or_the_machine_goes_to_sleep() {
    let why = |files: &[(&str, &str)]| Seat::at(machine(files).path()).nobody_can_look();
    assert_eq!(why(AT_THE_DESK), None);
    assert_eq!(why(&[("run/facelatch/facelatch.sock", "")]), None);
    assert_eq!(
        why(&[("proc/acpi/button/lid/LID0/state", "state:      closed\n")]),
        Some("the lid is closed")
    );
    assert_eq!(why(&[("run/facelatch/asleep/x", "")]), Some("the machine goes to sleep"));
    assert!(objection_besides(&[("run/facelatch/asleep/x", "")]).is_some_and(|why| why.contains("sleep")));
}

#[test]
fn a_user_has_a_screen_if_a_session_of_theirs_is_shown_at_a_seat_or_would_be() {
    use crate::tests::ON_A_SCREEN as SESSION;
    let has = |text: &str| Seat::at(machine(&[("run/systemd/sessions/3", text)]).path()).has_screen("alice");
    assert!(has(SESSION));
    for (old, new, wanted) in [
        ("active", "online", true),
        ("wayland", "x11", true),
        ("CLASS=user", "CLASS=user-early", true),
        ("active", "closing", false),
        ("wayland", "tty", false),
        ("CLASS=user", "CLASS=greeter", false),
        ("CLASS=user", "CLASS=lock-screen", false),
        ("USER=alice", "USER=alicia", false),
        ("REMOTE=0", "REMOTE=1", false),
        ("SEAT=seat0\n", "SEAT=\n", false),
        ("SEAT=seat0\n", "", false),
        ("REMOTE=0\n", "", false),
    ] {
        assert_eq!(has(&SESSION.replace(old, new)), wanted, "{old} {new}");
    }
    assert!(!Seat::at(machine(&[]).path()).has_screen("alice"), "no logind");
}
