//! Calls the PAM module makes; tests/pam tests the module itself.

use facelatch_wire::Outcome;
use facelatch_wire::call::Verify;

use facelatch_testkit::stage::ALICE;
use facelatch_testkit::world::World;

#[test]
fn a_login_opens_no_door() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let login = Verify { user: Some("alice".into()), latch: Some(false), camera: None };
    let judged = world.ask(&login).expect("a verdict");
    assert_eq!((judged.verdict, judged.latch_error), (Some(Outcome::Match), None));
    assert!(world.tape.opened_for().is_empty());
    // If the call asks for the latch or does not mention it, the configuration decides.
    for latch in [Some(true), None] {
        let asked = Verify { user: Some("alice".into()), latch, camera: None };
        assert_eq!(world.ask(&asked).expect("a verdict").verdict, Some(Outcome::Match));
    }
    assert_eq!(world.tape.opened_for(), ["alice", "alice"]);
}
