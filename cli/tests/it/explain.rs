//! `facelatch explain`: for root, in words and as JSON; for nobody else.

use facelatch::serve::peer::Role;
use facelatch_testkit::stage::{ALICE, BOB};
use facelatch_testkit::world::World;
use serde_json::Value;

use crate::command::run;

#[test]
fn a_decision_is_explained_in_words_and_as_json() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let (code, out, err) = run(&world, &["explain", "alice"]);
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "match: alice (p = ",
        "1 kept, obama-3.jpg; norm ",
        "confidence ",
        "compared with alice",
        "decision: z = b + sum = 40.684 + (-",
        "wanted: z >= 3.500, p >= 0.970688",
        "with 95 % confidence at most one in ",
        "nothing was opened",
    ] {
        assert!(out.contains(wanted), "{wanted} is not in:\n{out}");
    }
    assert!(world.tape.opened_for().is_empty());
    world.stage.shows(BOB);
    let (code, out, _) = run(&world, &["--json", "explain"]);
    let told: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &told["attempt"]["verdict"]), (1, &Value::from("no-match")));
    let decision = &told["explanation"]["decision"];
    assert_eq!(decision["people"][0]["user"], "alice");
    assert!(decision["z"].as_f64() < decision["least_z"].as_f64(), "{decision}");
}

#[test]
fn nobody_but_root_gets_an_explanation() {
    let world = World::new().knows_alice();
    for role in [Role::User, Role::Door, Role::Manager] {
        world.called_by("alice", role);
        let (code, out, err) = run(&world, &["explain", "alice"]);
        assert!(code == 5 && out.is_empty() && err.contains("use sudo"), "{role:?}: {out}{err}");
    }
}
