//! `facelatch bench`: a report in Markdown.

use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::world::World;
use facelatch_wire::call::{Attach, Events};
use facelatch_wire::reply::DoorPlace;

use crate::command::run;

#[test]
fn a_report_has_the_attempts_and_opens_nothing() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let bench = ["bench", "alice", "--attempts", "2", "--cold", "1", "--idle", "0"];
    let (code, out, err) = run(&world, &bench);
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "## facelatch ",
        "| camera closed before | 1 of 1 | ",
        "| camera open | 2 of 2 | ",
        "| boot to ready | ",
    ] {
        assert!(out.contains(wanted), "{wanted} is not in:\n{out}");
    }
    assert!(world.tape.opened_for().is_empty());
    world.stage.shows(BOB);
    let (code, out, _) = run(&world, &["bench", "alice", "--attempts", "1", "--cold", "0"]);
    assert!(code == 1 && out.contains("| camera open | 0 of 1 | - | "), "{out}");
}

#[test]
fn somebody_enrolled_for_the_door_only_is_not_measured() {
    let world = World::new();
    world.stage.shows(ALICE);
    let (code, _, err) = run(&world, &["enroll", "alice", "--door"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = run(&world, &["bench", "alice", "--attempts", "3", "--cold", "0"]);
    assert!(
        code == 2 && out.is_empty() && err.contains("alice: enrolled for the door only"),
        "{code}: {err}{out}"
    );
    let (code, _, err) = run(&world, &["bench", "nobody", "--attempts", "3", "--cold", "0"]);
    assert!(code == 2 && err.contains("nobody of that name is enrolled"), "{code}: {err}");
}

#[test]
fn a_camera_that_a_door_may_watch_is_not_called_closed() {
    let world = World::new().knows_alice();
    let mut door = world.client();
    let doors = vec![DoorPlace { name: "front".into(), camera: None }];
    door.call(&Attach { doors }).expect("attached");
    door.start(&Events {}, true).expect("sent");
    world.stage.shows(ALICE);
    let (code, out, err) = run(&world, &["bench", "alice", "--attempts", "1", "--cold", "1", "--idle", "0"]);
    assert!(code == 0 && err.contains("the door front may keep the camera open"), "{code}: {err}");
    assert!(out.contains("| camera open | 1 of 1 | ") && !out.contains("camera closed before"), "{out}");
}
