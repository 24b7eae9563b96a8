use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use facelatch_setup::ask::{Answers, Stop};
use facelatch_setup::files;
use facelatch_wire::Outcome;

use self::bench::{Bench, Contents, PASSWORD};
use self::script::{Script, Way};
use super::undo::Done;
use super::world::{Account, Csi, Tried};
use super::{KEYS, begin, wrong};
use crate::doctor::pam::{self, LINE, PLACE};

mod bench;
mod people;
mod script;

/// A login, a screen lock and a door, at a camera that is upside down.
const ALL: &str = "for = \"lock,door\"\ndoor.answers = \"/door.toml\"\n";

const CSI: &str = "systemd/system/facelatchd.service.d/csi-camera.conf";
const PLASMA: &str = "pam.d/kde-fingerprint";
const EVERYBODY: &str = "systemd/system/facelatchd.socket.d/everybody.conf";

fn run(bench: &mut Bench, answers: &str, undo: bool, unattended: bool) -> (Result<(), Stop>, String) {
    let file = bench.path().join("answers");
    std::fs::write(&file, answers).expect("written");
    let mut script = Script::new(Answers::read(&file, KEYS, |_, _| None).expect("read"), bench);
    let files = bench.files();
    let ended = begin(&mut script, unattended, bench, files, undo);
    (ended, script.said.join("\n"))
}

/// Ends it after so many effects. Whether there were fewer.
fn is_whole(bench: &mut Bench, undo: bool, after: usize, way: Way) -> bool {
    bench.fuse.set(Some((after, way)));
    let ended = catch_unwind(AssertUnwindSafe(|| run(bench, ALL, undo, true)));
    let went_off = ended.is_err() || bench.fuse.is_spent();
    bench.fuse.set(None);
    !went_off
}

/// The password opens, and nothing opens without a face or a password.
fn nobody_is_shut_out(bench: &Bench, told: &str) {
    assert!(bench.lets_in(false, true) && !bench.lets_in(false, false), "{told}");
    assert!(pam::faults(bench.path()).is_empty() || !pam::asks(bench.path()), "{told}");
}

#[test]
fn a_setup_finds_the_camera_turns_it_enrols_and_switches_the_login_on_and_all_of_it_is_taken_back() {
    let mut bench = Bench::new();
    let before = bench.contents();
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert_eq!(ended, Ok(()), "{said}");
    let now = bench.contents();
    let config = &now[Path::new("facelatch/facelatch.toml")];
    assert!(config.contains("\nrotate = 180\n") && config.contains("\"/usr/bin/rpicam-vid\""), "{config}");
    assert!(now.contains_key(Path::new(CSI)) && now[Path::new(EVERYBODY)].contains("SocketMode=0666"));
    assert!(now[Path::new(PLASMA)].contains("pam_facelatch.so"));
    assert!(bench.lets_in(true, false), "{said}");
    nobody_is_shut_out(&bench, &said);
    assert!(bench.door && bench.enrolled.len() == 1 && said.contains("It works."), "{said}");
    assert_eq!(bench.running.as_ref(), Some(&bench.to_be_read()));
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert_eq!((ended, bench.contents(), bench.enrolled.len()), (Ok(()), now, 1), "again: {said}");
    let (ended, said) = run(&mut bench, "", true, false);
    assert_eq!((ended, bench.contents()), (Ok(()), before), "{said}");
    assert!(!bench.door && bench.enrolled.is_empty() && said.contains("still installed: libpam-facelatch"));
    assert_eq!(bench.running.as_ref(), Some(&bench.to_be_read()));
    assert!(run(&mut bench, "", true, false).1.contains("there is no setup to take back"));
}

/// How all is after a whole setup.
fn complete() -> (Contents, Bench) {
    let mut bench = Bench::new();
    bench.remembers = true;
    assert_eq!(run(&mut bench, ALL, false, true).0, Ok(()));
    (bench.contents(), bench)
}

#[test]
fn a_setup_that_ends_anywhere_leaves_each_file_as_some_step_wrote_it_and_is_finished_or_taken_back_by_the_next()
 {
    let (complete, whole) = complete();
    for way in [Way::Kill, Way::Fail] {
        for undoes in [false, true] {
            let mut steps = 0;
            loop {
                let mut bench = Bench::new();
                let before = bench.contents();
                let ended = is_whole(&mut bench, false, steps, way);
                let told = format!("{way:?} at {steps}, then undo: {undoes}");
                nobody_is_shut_out(&bench, &told);
                for (path, text) in bench.contents() {
                    assert!(whole.seen.contains(&(path.clone(), text)), "{told}: {}", path.display());
                }
                let (next, said) = run(&mut bench, ALL, undoes, true);
                assert_eq!(next, Ok(()), "{told}: {said}");
                nobody_is_shut_out(&bench, &told);
                let (now, wanted) = (bench.contents(), if undoes { &before } else { &complete });
                let copy = files::before(&bench.files().config());
                assert!(!undoes || !copy.exists(), "{told}: {}", copy.display());
                let differs = now.iter().find(|(path, text)| wanted.get(*path) != Some(text));
                assert!(differs.is_none() && now.len() == wanted.len(), "{told}: {differs:?}: {said}");
                let folders =
                    ["service", "socket"].map(|unit| format!("etc/systemd/system/facelatchd.{unit}.d"));
                assert!(folders.iter().all(|folder| bench.path().join(folder).exists() != undoes), "{told}");
                assert_eq!(
                    (bench.door, bench.enrolled.len()),
                    (!undoes, usize::from(!undoes)),
                    "{told}: {said}"
                );
                assert_eq!(bench.running.as_ref(), Some(&bench.to_be_read()), "{told}: {said}");
                if ended {
                    break;
                }
                steps += 1;
            }
            assert!(steps > 60, "{steps}");
        }
    }
}

#[test]
fn an_undo_that_ends_anywhere_shuts_nobody_out_and_is_finished_by_the_next() {
    for way in [Way::Kill, Way::Fail] {
        for steps in 0.. {
            let (_, mut bench) = complete();
            let ended = is_whole(&mut bench, true, steps, way);
            let told = format!("{way:?} at {steps}");
            nobody_is_shut_out(&bench, &told);
            let (next, said) = run(&mut bench, "", true, false);
            assert_eq!((next, bench.contents()), (Ok(()), Bench::new().contents()), "{told}: {said}");
            assert!(bench.enrolled.is_empty() && !bench.door, "{told}");
            let (files, is_left) = (bench.files(), |path: std::path::PathBuf| path.exists());
            assert!(!is_left(files.record()) && !is_left(files.common_auth_before()), "{told}");
            assert_eq!(bench.running.as_ref(), Some(&bench.to_be_read()), "{told}: {said}");
            if ended {
                assert!(steps > 20, "{steps}");
                break;
            }
        }
    }
}

#[test]
fn what_was_there_before_the_first_setup_stays_and_other_answers_change_what_a_setup_did() {
    let mut bench = Bench::new();
    bench.write(EVERYBODY, "# mine\n[Socket]\nSocketMode=0666\n");
    bench.enrolls("alice", 7);
    let before = bench.contents();
    assert_eq!(run(&mut bench, ALL, false, true).0, Ok(()));
    assert!(bench.contents()[Path::new(EVERYBODY)].starts_with("# mine"));
    assert_eq!(run(&mut bench, "", true, false).0, Ok(()));
    assert_eq!((bench.contents(), bench.enrolled.len()), (before, 1), "whom no setup enrolled");

    let (_, mut bench) = complete();
    let (ended, said) = run(&mut bench, "for = \"socket\"\neverybody = false\n", false, true);
    assert_eq!(ended, Ok(()), "{said}");
    assert!([EVERYBODY, PLASMA].iter().all(|path| !bench.contents().contains_key(Path::new(path))));
    assert!(!bench.lets_in(true, false), "{said}");
    nobody_is_shut_out(&bench, &said);
}

#[test]
fn a_login_that_would_shut_people_out_is_taken_back_at_once() {
    let no_password = "auth\t[success=1 default=die]\tpam_facelatch.so\nauth\trequisite\tpam_deny.so\n";
    let mut bench = Bench::new();
    bench.stack = no_password.to_owned();
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert!(ended.is_err_and(|why| why.0.contains("locked out") && why.0.contains("taken back")), "{said}");
    nobody_is_shut_out(&bench, &said);
    let mut bench = Bench::new();
    bench.edited = true;
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert!(ended.is_err_and(|why| why.0.contains("edited by hand")), "{said}");
    assert_eq!(run(&mut bench, "", true, false).0, Ok(()));
}

#[test]
fn a_pam_auth_update_that_merely_failed_costs_no_later_edit() {
    let (_, mut bench) = complete();
    let record = bench.files().record();
    let done: Done = files::load(&record).expect("a record");
    files::save(&record, &Done { switching: true, ..done }).expect("written");
    let path = Path::new("pam.d/common-auth");
    let edited = bench.contents()[path].replace("nullok", "nodelay");
    bench.write("pam.d/common-auth", &edited);
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert_eq!((ended, &bench.contents()[path]), (Ok(()), &edited), "{said}");
}

#[test]
fn a_screen_lock_that_asks_for_the_face_is_no_login() {
    let mut bench = Bench::new();
    bench.write(
        "pam.d/swaylock",
        "auth [success=done default=ignore] pam_facelatch.so\n@include common-auth\n",
    );
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert!(ended == Ok(()) && bench.lets_in(true, false), "{said}");
    let (ended, said) = run(&mut bench, "", true, false);
    assert!(
        ended == Ok(()) && !bench.lets_in(true, false) && said.contains("Some logins still ask"),
        "{said}"
    );
}

#[test]
fn undoing_says_where_the_present_text_is_and_forgets_whose_face_was_adapted() {
    let (_, mut bench) = complete();
    bench.enrolls("alice", 999_999);
    bench.enrolled.last_mut().expect("one").adapted = true;
    bench.write(EVERYBODY, "# mine\n");
    let (ended, said) = run(&mut bench, "", true, false);
    assert!(ended == Ok(()) && bench.enrolled.is_empty(), "{said}");
    assert!(said.contains("facelatch.toml is as before the setup; what it said until now is"), "{said}");
    assert!(said.contains("everybody.conf is gone, as before the setup"), "{said}");
}

#[test]
fn a_copy_that_somebody_removed_is_missed_aloud_and_no_text_of_the_setup_takes_its_place() {
    let (_, mut bench) = complete();
    let copy = files::before(&bench.files().config());
    std::fs::remove_file(&copy).expect("removed");
    let (ended, said) = run(&mut bench, &format!("{ALL}camera.rotate = 90\n"), false, true);
    assert!(ended == Ok(()) && !copy.exists(), "{said}");
    let (ended, said) = run(&mut bench, "", true, false);
    assert!(ended == Ok(()) && said.contains("facelatch.toml stays as it is now"), "{said}");
    assert!(bench.contents()[Path::new("facelatch/facelatch.toml")].contains("rpicam-vid"));
}

#[test]
fn a_try_that_lets_nobody_in_asks_whether_the_face_is_to_stay() {
    for (answers, unattended, stays) in
        [("", false, false), ("login.keep = true\n", false, true), ("", true, true)]
    {
        let mut bench = Bench::new();
        bench.tried = Tried { let_in: false, verdict: Some(Outcome::NoFace) };
        let (ended, said) = run(&mut bench, &format!("for = \"login\"\n{answers}"), false, unattended);
        assert_eq!((ended, bench.lets_in(true, false)), (Ok(()), stays), "{said}");
    }
}

#[test]
fn a_change_that_the_daemon_does_not_start_with_is_taken_back() {
    let mut bench = Bench::new();
    bench.refuses = "rotate = 180";
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert!(ended.is_err_and(|why| why.0.contains("taken back")), "{said}");
    assert!(bench.running.is_some() && !bench.lets_in(true, false), "{said}");
    assert_eq!(run(&mut bench, "", true, false).0, Ok(()));
    assert_eq!(bench.contents(), Bench::new().contents());
}

#[test]
fn without_a_camera_it_ends_unless_it_may_go_on_and_a_person_may_be_enrolled_later() {
    let mut bench = Bench::new();
    bench.csi = Csi::Unread;
    let (ended, said) = run(&mut bench, ALL, false, true);
    assert!(ended.is_err_and(|why| why.0.contains("mend that first")), "{said}");
    assert!(said.contains("rpicam-apps") && bench.contents() == Bench::new().contents(), "{said}");
    bench.failing = 9;
    bench.caller = Some("bob".to_owned());
    let answers = "for = \"login\"\ncamera.go_on = true\n";
    let (ended, said) = run(&mut bench, answers, false, true);
    assert_eq!((ended, bench.lets_in(true, false)), (Ok(()), true), "{said}");
    assert!(said.contains("enrol later: sudo facelatch enroll bob"), "{said}");
    // At the first boot of a card nobody called sudo.
    (bench.caller, bench.failing) = (None, 0);
    let (ended, said) = run(&mut bench, answers, false, true);
    assert!(ended == Ok(()) && bench.enrolled.is_empty(), "{said}");
}

#[test]
fn whom_a_login_would_not_ask_is_not_enrolled_for_it_or_told_why() {
    let mut bench = Bench::new();
    bench.accounts = [("ghost", Account::Missing), ("bob", Account::Barred("no password".to_owned()))].into();
    let named = |name: &str, uses: &str| format!("for = \"{uses}\"\nenroll.name = \"{name}\"\n");
    let (ended, said) = run(&mut bench, &named("ghost", "login"), false, true);
    assert!(ended.is_err_and(|why| why.0.contains("enroll.name: there is no account ghost here")), "{said}");
    assert!(bench.enrolled.is_empty() && !bench.lets_in(true, false));
    let (ended, said) = run(&mut bench, &named("ghost", "socket"), false, true);
    assert!(ended.is_ok() && bench.enrolled.len() == 1, "for programs a name will do: {said}");
    bench.enrolled.clear();
    let (ended, said) = run(&mut bench, &named("bob", "login"), false, true);
    assert!(ended.is_ok() && said.contains("Logins do not ask bob for a face: no password"), "{said}");
    assert!(!said.contains("sudo looks"), "{said}");
}

#[test]
fn without_pam_auth_update_the_line_for_each_file_is_said_and_nothing_is_changed() {
    let mut bench = Bench::new();
    bench.is_debian = false;
    bench.write("pam.d/common-auth", PASSWORD);
    let before = bench.contents()[Path::new("pam.d/sudo")].clone();
    let (ended, said) = run(&mut bench, "for = \"login\"\n", false, true);
    assert!(ended.is_ok() && said.contains(&format!("  {LINE}\n    /etc/pam.d/")), "{said}");
    assert!(said.contains(PLACE) && !said.contains("Try it as") && !said.contains("sudo asked"), "{said}");
    assert_eq!(bench.contents()[Path::new("pam.d/sudo")], before);
    assert!(!bench.lets_in(true, false));
    bench.write("pam.d/sudo", &format!("{LINE}\n{before}"));
    assert_eq!(pam::faults(bench.path()), [""; 0], "the doctor is content with it");
    let (ended, said) = run(&mut bench, "", true, false);
    assert!(ended.is_ok() && said.contains("added by hand stay"), "{said}");
    assert!(bench.contents()[Path::new("pam.d/sudo")].starts_with(LINE));
    for service in ["sudo", "kde"] {
        std::fs::remove_file(bench.path().join("etc/pam.d").join(service)).expect("removed");
    }
    let (ended, said) = run(&mut bench, "for = \"login\"\n", false, true);
    assert!(ended.is_ok() && said.contains("No service") && !said.contains("these files"), "{said}");
}

#[test]
fn a_wrong_answer_of_a_file_is_found_before_anything_is_done() {
    for (key, answer, why) in [
        ("for", "login,window", Some("window")),
        ("for", "login,door", None),
        ("camera.rotate", "45", Some("90, 180")),
        ("enroll.now", "perhaps", Some("yes or no")),
        ("try.sudo", "false", None),
        ("enroll.name", "anna", None),
        ("door.answers", "/none/of/this.toml", Some("no file")),
    ] {
        let found = wrong(key, answer);
        assert!(
            found.as_deref().map_or(why.is_none(), |found| why.is_some_and(|why| found.contains(why))),
            "{key}: {found:?}"
        );
    }
}

#[test]
fn each_key_has_a_check_and_a_pipe_may_hold_the_answers_of_a_door() {
    let unchecked = |key: &&&str| wrong(key, "x").is_some_and(|why| why.contains("no question"));
    assert_eq!(KEYS.iter().find(unchecked), None);
    assert_eq!(wrong("door.answers", "/dev/stdin"), None);
    assert!(wrong("door.answers", "/etc").is_some(), "a folder");
}

#[test]
fn one_of_several_cameras_is_named_and_a_turn_is_asked_for_where_nobody_is_seen() {
    let (a, b) = ("/dev/v4l/by-id/a-video-index0", "/dev/v4l/by-id/b-video-index0");
    let mut bench = Bench::new();
    bench.usb = vec![a.to_owned(), b.to_owned()];
    bench.is_empty = true;
    let answers = "for = \"socket\"\ncamera.device = 2\ncamera.rotate = 90\n";
    let (ended, said) = run(&mut bench, answers, false, false);
    assert_eq!(ended, Ok(()), "{said}");
    let config = &bench.contents()[Path::new("facelatch/facelatch.toml")];
    assert!(config.contains(&format!("\ndevice = \"{b}\"\n")) && config.contains("\nrotate = 90\n"));
    for (answers, why) in [("camera.device = 3", "one of the numbers"), ("camera.rotate = 45", "90, 180")] {
        let (ended, said) = run(&mut bench, &format!("for = \"socket\"\n{answers}\n"), false, false);
        assert!(ended.is_err_and(|told| told.0.contains(why)), "{answers}: {said}");
    }
    assert!(run(&mut bench, "for = \"window\"\n", false, true).0.is_err_and(|why| why.0.contains("window")));
}

#[test]
fn a_setup_leaves_a_record_and_undoing_removes_it() {
    let (_, mut bench) = complete();
    let record = bench.files().record();
    assert!(files::read(&record).is_ok_and(|text| !text.is_empty()));
    assert_eq!(run(&mut bench, "", true, false).0, Ok(()));
    assert!(!record.exists());
}

#[test]
fn the_documents_have_every_key() {
    let page = include_str!("../../../docs/install.md");
    for key in KEYS {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
    for page in [include_str!("../../../docs/pam.md"), include_str!("../../../packaging/README.md")] {
        let text = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&format!("`{LINE}`")) && text.contains(PLACE), "{text}");
    }
}
