//! `facelatch bench`: a report in Markdown.

use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::world::World;

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
