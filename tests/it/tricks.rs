//! Ways round the decision that somebody might try, each of them shut.

use facelatch_wire::Word;

use crate::stage::{BOB, Shot};
use crate::world::World;

/// The very picture alice is enrolled from: nothing can look more like her.
const HERSELF: Shot = Shot::Show("obama-1.jpg");

#[test]
fn one_frame_of_the_owner_does_not_carry_a_stranger_who_steps_into_his_place() {
    let world = World::with(|config| config.decision.frames = 3).knows_alice();
    world.stage.shows(&[HERSELF]);
    world.enroll("alice").expect("the same picture three times");
    world.stage.shows(&[&[HERSELF], BOB, BOB].concat());
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Word::SeveralFaces), "frames of two people in turn: {judged:?}");
    assert_eq!(judged.p, None, "they were never judged together");

    world.stage.shows(&[&[HERSELF], [BOB; 30].concat().as_slice()].concat());
    let judged = world.verify("alice");
    assert_eq!(judged.verdict, Some(Word::NoMatch), "the stranger alone is judged: {judged:?}");
    assert!(world.tape.opened_for().is_empty());
}
