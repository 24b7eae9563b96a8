use super::*;
use crate::tests::Play;

/// A machine with these files.
fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("temporary folder");
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    root
}

fn objection(files: &[(&str, &str)]) -> Option<String> {
    Seat::at(machine(files).path()).objection(&Play::default())
}

const IN_SESSION_3: (&str, &str) = ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
const IN_A_USERS_SERVICE: (&str, &str) =
    ("proc/self/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/lock.service\n");
const REMOTE_3: (&str, &str) = ("run/systemd/sessions/3", "UID=1000\nREMOTE=1\nREMOTE_HOST=192.0.2.7\n");
const LOCAL_3: (&str, &str) = ("run/systemd/sessions/3", "UID=1000\nREMOTE=0\nSEAT=seat0\n");

#[test]
fn who_sits_here_meets_no_objection() {
    assert_eq!(objection(&[]), None);
    assert_eq!(objection(&[IN_SESSION_3, LOCAL_3]), None);
    let here = Play { service: Some("sudo"), remote_host: Some("localhost"), ..Play::default() };
    assert_eq!(Seat::at(machine(&[]).path()).objection(&here), None);
}

#[test]
fn services_and_hosts_of_elsewhere_are_objected_to() {
    let root = machine(&[]);
    let seat = Seat::at(root.path());
    for service in REMOTE_SERVICES {
        let host = Play { service: Some(service), ..Play::default() };
        assert!(seat.objection(&host).is_some_and(|why| why.contains(service)));
    }
    let host = Play { remote_host: Some("pc.example\n"), ..Play::default() };
    assert!(seat.objection(&host).is_some_and(|why| why.contains("pc.example") && !why.contains('\n')));
}

#[test]
fn each_variable_of_ssh_is_objected_to_unless_it_is_empty() {
    let objection = |variables: &str| objection(&[("proc/self/environ", variables)]);
    for name in REMOTE_VARIABLES {
        let why = objection(&format!("HOME=/\0{name}=192.0.2.7 22\0PATH=/bin\0"));
        assert!(why.is_some_and(|why| why.contains(name)));
        assert_eq!(objection(&format!("{name}=\0MY_{name}=1\0{name}X=1\0A={name}=1\0")), None);
    }
}

#[test]
fn a_session_that_logind_calls_remote_is_objected_to_without_any_variable() {
    assert!(objection(&[IN_SESSION_3, REMOTE_3]).is_some_and(|why| why.contains("session 3")));
    let audit = ("proc/self/sessionid", "3");
    assert!(objection(&[audit, REMOTE_3]).is_some());
    assert_eq!(objection(&[("proc/self/sessionid", NO_SESSION), REMOTE_3]), None);
    // The control group knows better.
    let in_session_4 = ("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-4.scope\n");
    let local_4 = ("run/systemd/sessions/4", "UID=1000\nREMOTE=0\n");
    assert_eq!(objection(&[in_session_4, local_4, audit, REMOTE_3]), None);
}

#[test]
fn a_session_that_logind_has_forgotten_is_objected_to() {
    assert!(objection(&[IN_SESSION_3]).is_some_and(|why| why.contains("does not know")));
    assert!(objection(&[("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-.scope\n")]).is_some());
}

#[test]
fn nobody_gives_himself_a_session_by_a_name_deeper_down() {
    let sessions = ("run/systemd/users/1000", "NAME=alice\nSESSIONS=3\n");
    for below in ["app.slice/session-4.scope", "session-4.scope", "a.slice/b.service/session-4.scope"] {
        let group = format!("0::/user.slice/user-1000.slice/user@1000.service/{below}\n");
        let local_4 = ("run/systemd/sessions/4", "REMOTE=0\n");
        assert!(objection(&[("proc/self/cgroup", &group), sessions, REMOTE_3, local_4]).is_some(), "{below}");
    }
    // Nor does a controller's own hierarchy, which others may divide as they like.
    let hybrid = "4:memory:/session-4.scope\n1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n";
    assert!(objection(&[("proc/self/cgroup", hybrid), REMOTE_3]).is_some());
}

#[test]
fn outside_all_sessions_one_remote_session_of_whoever_started_it_is_enough() {
    let cron = ("proc/self/cgroup", "0::/system.slice/cron.service\n");
    let sessions = ("run/systemd/users/1000", "NAME=alice\nSESSIONS=3\n");
    let started_by = |uid| {
        ("proc/self/status", if uid == 0 { "Uid:\t0\t0\t0\t0\n" } else { "Name:\tsu\nUid:\t1000\t0\t0\t0\n" })
    };
    assert!(objection(&[cron, started_by(1000), sessions, REMOTE_3]).is_some());
    assert_eq!(objection(&[cron, started_by(1000), sessions, LOCAL_3]), None);
    assert_eq!(objection(&[cron, started_by(0), sessions, REMOTE_3]), None);
}

#[test]
fn who_came_in_through_a_door_for_others_is_objected_to_without_any_session() {
    for unit in ["ssh.service", "sshd@7-192.0.2.1:22-192.0.2.7:3120.service", "dropbear.service"] {
        let group = format!("0::/system.slice/{unit}\n");
        assert!(
            objection(&[("proc/self/cgroup", &group)]).is_some_and(|why| why.contains("elsewhere")),
            "{unit}"
        );
    }
    assert_eq!(
        objection(&[("proc/self/cgroup", "0::/system.slice/system-getty.slice/getty@tty1.service\n")]),
        None
    );
}

#[test]
fn polkits_helper_outside_all_sessions_is_objected_to() {
    let host = Play { service: Some("polkit-1"), ..Play::default() };
    let objection = |files: &[(&str, &str)]| Seat::at(machine(files).path()).objection(&host);
    let helper = ("proc/self/cgroup", "0::/system.slice/system-polkit.slice/polkit-agent-helper@0.service\n");
    assert!(objection(&[helper]).is_some_and(|why| why.contains("polkit")));
    assert_eq!(objection(&[IN_SESSION_3, LOCAL_3]), None);
}

#[test]
fn in_a_users_own_service_one_remote_session_of_his_is_enough() {
    let sessions = ("run/systemd/users/1000", "NAME=alice\nSESSIONS=c1 3\n");
    assert!(objection(&[IN_A_USERS_SERVICE, sessions, REMOTE_3]).is_some());
    assert_eq!(objection(&[IN_A_USERS_SERVICE, sessions, LOCAL_3]), None);
}

#[test]
fn an_id_that_is_none_leads_to_no_other_file() {
    let root = machine(&[("proc/self/sessionid", "../3"), ("run/systemd/3", "REMOTE=1\n")]);
    assert_eq!(Seat::at(root.path()).objection(&Play::default()), None);
}

#[test]
fn a_closed_lid_is_objected_to() {
    assert_eq!(objection(&[("proc/acpi/button/lid/LID0/state", "state:      open\n")]), None);
    let closed = [("proc/acpi/button/lid/LID0/state", "state:      closed\n")];
    assert!(objection(&closed).is_some_and(|why| why.contains("lid")));
}
