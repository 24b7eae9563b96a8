//! Export, import and the audit log on the command line.

use std::fs;

use age::secrecy::ExposeSecret;
use facelatch_testkit::stage::{ALICE, ALICE_ENROLS, BOB};
use facelatch_testkit::world::World;
use facelatch_wire::Outcome;
use facelatch_wire::call::Remove;

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
