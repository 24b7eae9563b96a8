//! The challenge: who turns their head when asked is compared, and nobody else.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use facelatch::clock::Clock;
use facelatch::config::{AttackLevel, Config, Millis};
use facelatch::detect::attack::{Need, Species};
use facelatch::people::{Accounts, UserName};
use facelatch::pipeline::{Cause, DenyReason, Progress, Verdict};
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Events, Status, Verify};
use facelatch_wire::reply::EventKind;
use facelatch_wire::{Kind, Outcome};

use facelatch_testkit::film::{BEFORE, film, random};
use facelatch_testkit::infrared::Shown;
use facelatch_testkit::masks::UID;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::Shot;
use facelatch_testkit::world::World;

const ALICE: Shot = Shot::Live("obama-3b.jpg");
const TURNED: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(30));
const HARDLY_TURNED: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(24));
/// Bob, to the pixel where alice was.
const BOB: Shot = Shot::LiveSpoilt("biden.jpg", Spoil::InPlaceOf("obama-3b.jpg", 0));
const BOB_TURNED: Shot = Shot::LiveSpoilt("biden.jpg", Spoil::InPlaceOf("obama-3b.jpg", 40));

/// A picture of alice that is an attack by itself, though hardly.
const WEAK: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Scored(-1));

/// Bob, with so many hundredths of alice laid over, turned by so many degrees.
const fn morph(hundredths: u32, degrees: i32) -> Shot {
    Shot::LiveSpoilt("biden.jpg", Spoil::Morph("obama-3b.jpg", hundredths, degrees))
}

fn challenge(config: &mut Config) {
    config.attack.level = AttackLevel::Challenge;
}

/// What the last attack was like, on record.
fn species(mut world: World) -> String {
    world.stop();
    let log = std::fs::read_to_string(world.store_folder().join("audit/audit.log")).expect("a log");
    let line = log.lines().rfind(|line| line.contains("attack")).expect("a line").to_owned();
    let (_, note) = line.split_once(r#""note":""#).expect("a note");
    note.split('"').next().expect("text").to_owned()
}

/// Where alice is enrolled, and the first question is to turn left, or right.
fn world(left: bool) -> World {
    let world = World::with(challenge).knows_alice();
    world.random.store(random(left), Ordering::SeqCst);
    world
}

fn alice() -> UserName {
    UserName::new("alice").expect("valid")
}

/// Misses and refused attacks of alice.
fn counts(world: &World) -> (u32, u32) {
    let misses = world.store.misses(Some(&alice())).expect("misses");
    (misses.count, misses.attacks)
}

/// What alice is asked to do while this film plays, and the verdict.
fn played(world: &World, scenes: &[(usize, Shot)]) -> (Vec<Outcome>, Option<Outcome>) {
    world.stage.shows(&film(scenes));
    let mut client = world.client();
    client.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, true).expect("sent");
    let mut prompts = Vec::new();
    loop {
        let received = client.receive::<Verify>().expect("a reply");
        if !received.continues {
            return (prompts, received.reply.verdict);
        }
        prompts.extend(received.reply.guidance.filter(|word| word.kind() == Kind::Prompt));
        prompts.dedup();
    }
}

#[test]
fn whoever_turns_their_head_when_asked_is_compared_afterwards() {
    let world = world(true);
    let mut events = world.client();
    events.start(&Events {}, true).expect("sent");
    let (prompts, verdict) = played(&world, &[(BEFORE, ALICE), (4, TURNED), (60, ALICE)]);
    assert_eq!(prompts, [Outcome::LookStraight, Outcome::TurnLeft, Outcome::LookStraight]);
    assert_eq!(verdict, Some(Outcome::Match));
    assert_eq!(world.tape.opened_for(), ["alice"]);
    assert_eq!(counts(&world), (0, 0));
    let seen: Vec<_> = (0..3).map(|_| events.receive::<Events>().expect("an event").reply).collect();
    assert_eq!(seen[0].kind, EventKind::Listening);
    let told: Vec<_> = seen[1..].iter().map(|event| (event.kind, event.guidance)).collect();
    let prompt = |word| (EventKind::Prompt, Some(word));
    assert_eq!(told, [prompt(Outcome::LookStraight), prompt(Outcome::TurnLeft)], "for a light at the door");
}

#[test]
fn whoever_turns_as_far_as_the_words_say_is_compared_too() {
    let world = world(true);
    let turned = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(40));
    let (_, verdict) = played(&world, &[(BEFORE, ALICE), (4, turned), (60, ALICE)]);
    assert_eq!((verdict, counts(&world)), (Some(Outcome::Match), (0, 0)));
}

#[test]
fn whoever_turns_too_little_is_told_to_turn_farther() {
    let world = world(true);
    let scenes = [(BEFORE, ALICE), (14, HARDLY_TURNED), (4, TURNED), (60, ALICE)];
    let (prompts, verdict) = played(&world, &scenes);
    let farther = [Outcome::LookStraight, Outcome::TurnLeft, Outcome::TurnFarther, Outcome::LookStraight];
    assert_eq!((&prompts[..], verdict), (&farther[..], Some(Outcome::Match)));
    assert_eq!(counts(&world), (0, 0));
}

#[test]
fn whoever_turns_too_little_all_the_same_gives_no_answer_and_is_counted() {
    let world = world(true);
    let (prompts, verdict) = played(&world, &[(BEFORE, ALICE), (100, HARDLY_TURNED)]);
    assert_eq!((prompts.last(), verdict), (Some(&Outcome::TurnFarther), Some(Outcome::NoAnswer)));
    assert_eq!(counts(&world), (0, 1));
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn a_head_that_turns_to_the_other_side_is_a_film() {
    let world = world(false);
    let (prompts, verdict) = played(&world, &[(BEFORE, ALICE), (4, TURNED), (60, ALICE)]);
    assert_eq!(prompts, [Outcome::LookStraight, Outcome::TurnRight]);
    assert_eq!((verdict, counts(&world)), (Some(Outcome::Attack), (0, 1)));
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn whoever_does_not_answer_is_told_and_is_not_compared() {
    let world = world(true);
    let (_, verdict) = played(&world, &[(100, ALICE)]);
    assert_eq!(verdict, Some(Outcome::NoAnswer));
    assert_eq!(counts(&world), (0, 1), "no miss; but nobody has the question drawn until it suits a film");
    assert!(world.tape.opened_for().is_empty());
}

/// A world as above, with an audit log.
fn recorded() -> World {
    let world = World::sealed(challenge).knows_alice();
    world.random.store(random(true), Ordering::SeqCst);
    world
}

#[test]
fn a_face_that_is_swapped_for_the_answer_is_an_attack() {
    let world = recorded();
    // Alice's picture, then a live head that answers for it, then the picture again.
    let (_, verdict) = played(&world, &[(BEFORE, ALICE), (6, BOB_TURNED), (60, ALICE)]);
    assert_eq!(verdict, Some(Outcome::Attack));
    assert!(world.tape.opened_for().is_empty());
    assert_eq!(species(world), "swap");
}

#[test]
fn a_face_that_is_swapped_after_the_answer_is_an_attack() {
    let world = recorded();
    let (prompts, verdict) = played(&world, &[(BEFORE, ALICE), (4, TURNED), (4, ALICE), (60, BOB)]);
    assert_eq!((prompts.len(), verdict), (3, Some(Outcome::Attack)));
    assert!(world.tape.opened_for().is_empty());
    assert_eq!(species(world), "swap");
}

#[test]
fn faces_that_lead_from_one_to_another_are_no_way_to_a_grant() {
    // Each face is like the one before it. Bob is a live head, and what is compared after he answered is a picture.
    let after_the_turn = [(1, morph(30, 34)), (1, morph(50, 28)), (1, morph(60, 22)), (3, morph(60, 0))];
    let before_it = [(1, morph(60, 22)), (1, morph(50, 30)), (1, morph(40, 40))];
    let films = [
        [&[(BEFORE, BOB), (6, BOB_TURNED)], &after_the_turn[..], &[(60, ALICE)]].concat(),
        [&[(BEFORE, ALICE)], &before_it[..], &[(2, BOB_TURNED), (60, ALICE)]].concat(),
        // Who was there before is like both.
        vec![(BEFORE, morph(30, 0)), (6, BOB_TURNED), (4, morph(30, 0)), (60, morph(60, 0))],
    ];
    for film in films {
        let world = world(true);
        let (prompts, verdict) = played(&world, &film);
        assert!(
            matches!(verdict, Some(Outcome::Attack | Outcome::Unclear)),
            "{film:?} {prompts:?} {verdict:?}"
        );
        assert_eq!(counts(&world), (0, 1), "{film:?}");
        assert!(world.tape.opened_for().is_empty());
    }
}

#[test]
fn nor_are_those_before_the_first_question() {
    let world = world(true);
    let steps = [30, 60].map(|hundredths| [(1, BOB_TURNED), (3, morph(hundredths, 0))]).concat();
    world.stage.shows(&film(&[&[(6, BOB)][..], &steps, &[(1, BOB_TURNED), (60, BOB)]].concat()));
    let accounts = Accounts { uids: [(alice(), UID)].into(), login: false };
    let mut is_asked = false;
    let attempt = world.pipeline().verify(None, &alice(), &accounts, &mut |progress| {
        match progress {
            Progress::Prompt(Need::TurnLeft) => world.stage.shows(&film(&[(3, BOB), (60, BOB_TURNED)])),
            Progress::Prompt(Need::LookStraight) if is_asked => world.stage.shows(&[ALICE]),
            _ => {}
        }
        is_asked |= progress == Progress::Prompt(Need::TurnLeft);
        ControlFlow::Continue(())
    });
    assert!(
        matches!(attempt.verdict, Verdict::Denied(DenyReason::Attack(Species::Swap))),
        "{:?}",
        attempt.verdict
    );
}

#[test]
fn what_was_live_before_the_answer_says_nothing_of_a_picture_after_it() {
    let world = world(true);
    let (prompts, verdict) = played(&world, &[(BEFORE, ALICE), (4, TURNED), (3, ALICE), (60, WEAK)]);
    assert_eq!((prompts.len(), verdict), (3, Some(Outcome::Attack)));
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn nor_does_what_was_lit_before_it_in_infrared() {
    // Ten frames before the question, since the network is not sure.
    const UNSURE: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Scored(1));
    let world = World::with(|config| {
        challenge(config);
        config.attack.infrared = "/dev/video2".into();
        config.decision.enroll_deadline_ms = Millis(20_000);
    });
    let world = world.knows_alice();
    world.random.store(random(true), Ordering::SeqCst);
    let answer = film(&[(BEFORE + 7, UNSURE), (4, TURNED), (3, ALICE)]);
    world.stage.shows(&[&answer[..], &[Shot::Hold], &[ALICE; 60]].concat());
    let verdict = std::thread::scope(|scope| {
        let judged = scope.spawn(|| world.verify("alice"));
        world.stage.wait_until_held();
        world.infrared.shows(Shown::Screen);
        world.stage.let_go();
        judged.join().expect("no panic").verdict
    });
    assert_eq!((verdict, counts(&world)), (Some(Outcome::Attack), (0, 1)));
}

#[test]
fn a_turned_face_that_shows_nobody_or_another_person_answers_nothing() {
    const TURNED_FAR: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(50));
    const HALFWAY: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(27));
    // Two frames are an answer, and three would be a swap by themselves.
    let answers: [(&[(usize, Shot)], Outcome); 3] = [
        (&[(2, BOB_TURNED)], Outcome::Attack),
        (&[(2, TURNED_FAR)], Outcome::Unclear),
        // Alice's face is known by then, and not who answers.
        (&[(2, HALFWAY), (2, TURNED_FAR)], Outcome::Unclear),
    ];
    for (turned, expected) in answers {
        let world = world(true);
        let (prompts, verdict) = played(&world, &[&[(BEFORE, ALICE)], turned, &[(60, ALICE)]].concat());
        assert_eq!((prompts.last(), verdict), (Some(&Outcome::TurnLeft), Some(expected)));
        assert_eq!(counts(&world), (0, 1));
    }
}

/// The verdict on alice, who answers, and the refused attacks, where this is shown from then on.
fn after_the_answer(shots: &[Shot]) -> (Verdict, u32) {
    let world = world(true);
    world.stage.shows(&film(&[(BEFORE, ALICE), (4, TURNED), (60, ALICE)]));
    let accounts = Accounts { uids: [(alice(), UID)].into(), login: false };
    let mut told = 0;
    let attempt = world.pipeline().verify(None, &alice(), &accounts, &mut |progress| {
        if progress == Progress::Prompt(Need::LookStraight) {
            told += 1;
            if told == 3 {
                world.stage.shows(shots);
            }
        }
        ControlFlow::Continue(())
    });
    assert_eq!(told, 3, "before the question, on the way back, and after the answer");
    (attempt.verdict, counts(&world).1)
}

#[test]
fn whoever_answered_and_is_gone_until_the_limit_is_no_attacker_and_somebody_else_is() {
    let (verdict, attacks) = after_the_answer(&[Shot::Silent]);
    assert!(matches!(verdict, Verdict::Unavailable(_)) && attacks == 0, "{verdict:?}");
    let (verdict, attacks) = after_the_answer(&[&[BOB][..], &[Shot::Silent; 4]].concat());
    assert!(matches!(verdict, Verdict::Denied(DenyReason::Attack(_))) && attacks == 1, "{verdict:?}");
}

#[test]
fn two_faces_during_the_challenge_end_it() {
    let world = world(true);
    let (_, verdict) =
        played(&world, &[(BEFORE, ALICE), (60, Shot::LiveSpoilt("obama-3b.jpg", Spoil::Twice))]);
    assert_eq!((verdict, counts(&world)), (Some(Outcome::SeveralFaces), (0, 1)));
}

#[test]
fn a_camera_that_stalls_or_is_unplugged_during_the_challenge_is_told() {
    for shot in [Shot::Silent, Shot::Unplugged] {
        let world = world(true);
        let (_, verdict) = played(&world, &[(BEFORE, ALICE), (60, shot)]);
        assert_eq!(verdict, Some(Outcome::CameraUnavailable), "{shot:?}");
        assert!(world.tape.opened_for().is_empty());
    }
}

#[test]
fn frames_that_come_twice_are_no_answer() {
    let world = world(true);
    // The pose must be seen in two frames, and one that comes twice is one.
    let (_, verdict) = played(&world, &[(BEFORE, ALICE), (1, TURNED), (8, Shot::Again), (100, ALICE)]);
    assert!(matches!(verdict, Some(Outcome::NoAnswer | Outcome::Attack)), "{verdict:?}");
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn a_folder_of_stills_answers_nothing() {
    let world = world(true);
    world.stage.shows(&[Shot::Show("obama-3b.jpg")]);
    assert_eq!(world.verify("alice").verdict, Some(Outcome::NoAnswer));
    assert_eq!(counts(&world), (0, 0), "no question was put: the picture never changed");
}

#[test]
fn a_caller_that_hangs_up_after_the_question_is_counted() {
    let world = world(true);
    let mut scenes = film(&[(BEFORE, ALICE)]);
    scenes.push(Shot::Hold);
    world.stage.shows(&scenes);
    let mut client = world.client();
    client.start(&Verify { user: Some("alice".into()), latch: None, camera: None }, true).expect("sent");
    while client.receive::<Verify>().expect("a reply").reply.guidance != Some(Outcome::TurnLeft) {}
    world.stage.wait_until_held();
    drop(client);
    // The daemon sees that before it answers a later connection.
    world.ask(&Status {}).expect("status");
    world.stage.shows(&film(&[(4, TURNED), (60, ALICE)]));
    world.stage.let_go();
    let counted = || (counts(&world) == (0, 1)).then_some(());
    facelatch_testkit::world::until(counted);
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn a_caller_that_has_gone_is_noticed_at_the_next_frame() {
    let world = world(true);
    let scenes = film(&[(BEFORE, ALICE), (200, ALICE)]);
    world.stage.shows(&scenes);
    let mut pipeline = world.pipeline();
    let accounts = Accounts { uids: [(alice(), UID)].into(), login: false };
    let mut asked_at = None;
    let attempt = pipeline.verify(None, &alice(), &accounts, &mut |progress| {
        if progress == Progress::Prompt(Need::TurnLeft) {
            asked_at = Some(world.clock.now());
        } else if asked_at.is_some() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    assert!(matches!(attempt.verdict, Verdict::Unavailable(Cause::Cancelled)), "{:?}", attempt.verdict);
    let waited = world.clock.now().since(asked_at.expect("a question"));
    assert!(waited <= Duration::from_millis(100), "one frame, and not {waited:?}");
    assert_eq!(counts(&world), (0, 1), "the question was put, so it counts");
}
