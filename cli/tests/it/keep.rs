//! Export, import and the audit log on the command line.

use std::fs;

use age::secrecy::ExposeSecret;
use facelatch::serve::peer::Role;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB};
use facelatch_testkit::world::World;
use facelatch_wire::Outcome;
use facelatch_wire::call::{Remove, Secret, SetPin};

use crate::command::run;

/// Public key, and the text of an identity file.
fn keys() -> (String, String) {
    let identity = age::x25519::Identity::generate();
    (identity.to_public().to_string(), format!("# test\n{}\n", identity.to_string().expose_secret()))
}

#[test]
fn from_one_device_to_another_on_the_command_line() {
    let here = World::sealed(|_| {}).knows_alice();
    let there = World::sealed(|_| {});
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (public, secret) = keys();
    fs::write(path("key.txt"), secret).expect("written");

    let (code, _, err) = run(&here, &["export", "--to", &path("all.age")]);
    assert!(code == 2 && err.contains("store.export_recipient"), "{err}");
    let (code, _, err) = run(&here, &["export", "--to", &path("all.age"), "--recipient", "age1typo"]);
    assert!(code == 2 && err.contains("age-keygen"), "{err}");
    let (code, out, err) = run(&here, &["export", "--to", &path("all.age"), "--recipient", &public]);
    assert!(code == 0 && out.starts_with("3 templates of 1 person sealed in "), "{out}{err}");
    let (code, _, err) = run(&here, &["export", "--to", &path("all.age"), "--recipient", &public]);
    assert!(code == 4 && err.contains("exists already"), "{err}");

    let (code, _, err) = run(&here, &["export", "--to", &path("no/all.age"), "--recipient", &public]);
    assert!(code == 4 && err.contains("there is no folder") && !err.contains("remove it"), "{err}");

    // Neither another's file nor one behind a link is written to.
    std::os::unix::fs::symlink(path("key.txt"), path("link.age.part")).expect("linked");
    let (code, _, err) = run(&here, &["export", "--to", &path("link.age"), "--recipient", &public]);
    assert!(code == 4 && err.contains("link.age.part: cannot be made; remove it"), "{err}");
    assert!(fs::read_to_string(path("key.txt")).expect("read").contains("AGE-SECRET-KEY"));
    assert!(!folder.path().join("all.age.part").exists() && !folder.path().join("link.age").exists());

    let import = |world: &World, more: &[&str]| {
        let (file, key) = (path("all.age"), path("key.txt"));
        run(world, &[&["import", file.as_str(), "--identity", key.as_str()], more].concat())
    };
    let (code, out, err) = import(&there, &[]);
    assert_eq!((code, out.as_str()), (0, "3 templates of alice added\n"), "{err}");
    let (code, out, _) = import(&there, &[]);
    assert_eq!((code, out.as_str()), (0, "nothing was added: all of it is here already\n"));
    there.stage.shows(ALICE);
    assert_eq!(there.verify("alice").verdict, Some(Outcome::Match));
    there.stage.shows(BOB);
    assert_eq!(there.verify("alice").verdict, Some(Outcome::NoMatch));

    there.ask(&Remove { user: "alice".into(), id: None, adapted: None }).expect("removed");
    there.stage.shows(ALICE_ENROLS);
    there.enroll("alice").expect("enrolled anew");
    let (code, _, err) = import(&there, &[]);
    assert!(code == 2 && err.contains("alice: already enrolled here"), "{err}");
    let (code, out, _) = import(&there, &["--skip-enrolled"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "nothing was added\nleft out, since they are enrolled already: alice\n")
    );
}

#[test]
fn an_edited_audit_log_ends_the_command_with_1() {
    let world = World::sealed(|_| {}).knows_alice();
    let (code, out, err) = run(&world, &["audit", "verify"]);
    assert!(code == 0 && out.contains("all as they were written"), "{out}{err}");
    assert!(
        out.contains("changes.log: 2 lines since 1970-01-12T") && out.contains("audit.log: 1 line since"),
        "{out}"
    );
    let path = world.store_folder().join("audit/changes.log");
    let text = fs::read_to_string(&path).expect("log");
    fs::write(&path, text.replace("alice", "mallory")).expect("written");
    let (code, out, _) = run(&world, &["audit", "verify"]);
    assert!(code == 1 && out.contains("was changed"), "{out}");
}

#[test]
fn status_says_how_the_store_is() {
    let world = World::sealed(|_| {}).knows_alice();
    let (code, out, _) = run(&world, &["status"]);
    assert!(code == 0 && out.contains("store     whole"), "{out}");
}

#[test]
fn a_backup_brings_everything_to_another_machine() {
    let here = World::sealed(|_| {}).knows_alice();
    let there = World::sealed(|_| {});
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (public, secret) = keys();
    fs::write(path("key.txt"), secret).expect("written");
    let toml = "etc/facelatch/facelatch.toml";
    for (root, text) in [("old", "# mine\n"), ("new", "# shipped\n")] {
        fs::create_dir_all(folder.path().join(root).join("etc/facelatch")).expect("folder");
        fs::write(folder.path().join(root).join(toml), text).expect("written");
    }
    fs::create_dir_all(folder.path().join("old/etc/pam.d")).expect("folder");
    fs::write(path("old/etc/pam.d/sudo"), "auth sufficient pam_facelatch.so\n").expect("written");
    fs::write(path("old/etc/pam.d/login"), "# auth sufficient pam_facelatch.so\n").expect("written");
    let pin = Some(Secret("471182".into()));
    here.ask(&SetPin { user: "carol".into(), pin, duress: None }).expect("set");

    let (old, new, all, key) = (path("old"), path("new"), path("all.age"), path("key.txt"));
    let backup = ["backup", "--to", &all, "--recipient", &public, "--root", &old];
    let (code, out, err) = run(&here, &backup);
    assert!(
        code == 0 && out.starts_with("3 templates of 1 person, with rules and PINs, and 1 files"),
        "{out}{err}"
    );
    assert!(out.contains("  /etc/facelatch/facelatch.toml\n") && out.contains("not in it: misses"), "{out}");
    let (code, _, err) = run(&here, &backup);
    assert!(code == 4 && err.contains("exists already"), "{err}");

    let (code, out, err) = run(&there, &["restore", &all, "--identity", &key, "--root", &new]);
    assert!(code == 0 && out.contains("3 templates of alice added"), "{out}{err}");
    assert!(out.contains("what it said until now is /etc/facelatch/facelatch.toml.before-restore"), "{out}");
    assert!(out.contains("PAM asked for a face there (sudo)"), "{out}");
    assert_eq!(fs::read_to_string(folder.path().join("new").join(toml)).expect("read"), "# mine\n");
    there.stage.shows(ALICE);
    assert_eq!(there.verify("alice").verdict, Some(Outcome::Match));
    let (code, out, _) = run(&there, &["list", "carol"]);
    assert!(code == 0 && out.contains("PIN"), "{out}");

    there.called_by("carol", Role::Manager);
    let (code, _, err) = run(&there, &["restore", &all, "--identity", &key, "--root", &new]);
    assert!(code == 5 && err.contains("restore"), "{err}");
    let (code, _, err) = run(&there, &["import", &all, "--identity", &key]);
    assert!(code == 2 && err.contains("only root may restore"), "{err}");
    let (code, _, err) = run(&there, &["backup", "--to", &path("x.age"), "--recipient", &public]);
    assert!(code == 5 && err.contains("backup"), "{err}");
}

#[test]
fn the_log_says_who_came_and_what_was_changed() {
    let world = World::sealed(|_| {}).knows_alice();
    world.stage.shows(BOB);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoMatch));
    let (code, out, err) = run(&world, &["log"]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("  enroll  alice  by root"), "{out}");
    assert!(lines[1].contains("  verify  alice  no-match  by root"), "{out}");
    assert_eq!(run(&world, &["log", "bob"]), (0, String::new(), "no lines about bob\n".to_owned()));
    // The clock of the test stands in 1970.
    assert_eq!(run(&world, &["log", "--since", "1d"]).1, "");
    assert_eq!(run(&world, &["log", "--since", "1970-01-01"]).1, out);
    let (code, out, _) = run(&world, &["--json", "log", "alice"]);
    assert!(code == 0 && out.lines().count() == 2 && out.contains(r#""verdict":"no-match""#), "{out}");
    let (code, _, err) = run(&world, &["log", "--since", "someday"]);
    assert!(code == 2 && err.contains("7d"), "{err}");
    world.called_by("mallory", Role::User);
    assert_eq!(run(&world, &["log"]).0, 5);
}

#[test]
fn a_copied_card_gets_keys_of_its_own() {
    let world = World::sealed(|_| {}).knows_alice();
    let (code, out, err) = run(&world, &["renew", "--machine"]);
    assert!(code == 0 && out.starts_with("3 templates reissued; this machine's from now on\n"), "{out}{err}");
    assert!(out.contains("new store key"), "{out}");
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Match));
    assert_eq!(run(&world, &["renew", "--machine", "--store-key"]).0, 2);
}

#[test]
fn a_report_names_nobody() {
    let world = World::sealed(|_| {}).knows_alice();
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("report.txt").display().to_string();
    let (_, out, err) = run(&world, &["doctor", "--report", &path]);
    assert!(out.contains("written; it has no faces, keys and names"), "{out}{err}");
    let text = fs::read_to_string(&path).expect("read");
    assert!(text.contains("enrolled 1 people, 3 templates") && !text.contains("alice"), "{text}");
    let (code, _, err) = run(&world, &["doctor", "--report", &path]);
    assert!(code == 4 && err.contains("does not exist"), "{err}");
}
