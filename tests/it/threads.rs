//! With any number of threads an attempt takes the same frames, says the same and ends the same.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use facelatch::config::{AttackLevel, Config, Millis};
use facelatch::people::{Accounts, Misses, UserName};
use facelatch::pipeline::{Attempt, Pipeline, Progress};
use facelatch::store::TemplateStore;
use facelatch_wire::Outcome;

use facelatch_testkit::film::{BEFORE, film, random};
use facelatch_testkit::infrared::Shown;
use facelatch_testkit::masks::UID;
use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, BOB, NOBODY, Shot};
use facelatch_testkit::world::World;

const LIVE_ALICE: Shot = Shot::Live("obama-3b.jpg");
const TURNED: Shot = Shot::LiveSpoilt("obama-3b.jpg", Spoil::Head(30));
const RECAPTURED: Shot = Shot::Spoilt("obama-3.jpg", Spoil::Recaptured);

/// What may be before the camera, or go wrong with it.
const SHOTS: [Shot; 14] = [
    ALICE[0],
    ALICE[1],
    ALICE[2],
    LIVE_ALICE,
    LIVE_ALICE,
    TURNED,
    RECAPTURED,
    BOB[0],
    NOBODY[0],
    Shot::Spoilt("obama-3.jpg", Spoil::Twice),
    Shot::Spoilt("obama-3.jpg", Spoil::Mask),
    Shot::Again,
    Shot::Silent,
    Shot::Unplugged,
];

fn alice() -> UserName {
    UserName::new("alice").expect("valid")
}

/// A world that knows alice, and a pipeline over its camera with so many threads.
fn watched_by(threads: u32, change: impl Fn(&mut Config)) -> (World, Pipeline) {
    let world = World::with(|config| {
        config.engine.threads = threads;
        config.decision.frames = 3;
        config.decision.deadline_ms = Millis(6000);
        config.attack.level = AttackLevel::Passive;
        change(config);
    });
    let world = world.knows_alice();
    let pipeline = world.pipeline();
    (world, pipeline)
}

/// All that is known of an attempt.
#[derive(Debug, PartialEq)]
struct Told {
    verdict: String,
    said: Vec<Progress>,
    trace: String,
    /// Of alice, and of everybody.
    misses: [Misses; 2],
    frames_taken: usize,
}

/// An attempt while these are before the camera; the caller hangs up when they are told the thing of this number.
fn told(
    (world, pipeline): &mut (World, Pipeline),
    shots: &[Shot],
    claimed: bool,
    hangs_up_at: usize,
) -> Told {
    let alice = alice();
    for user in [Some(&alice), None] {
        world.store.set_misses(user, Misses::default()).expect("kept");
    }
    world.stage.shows(shots);
    let before = world.stage.taken().0;
    let accounts = Accounts { uids: [(alice.clone(), UID)].into(), login: false };
    let mut said = Vec::new();
    let mut observer = |progress| {
        said.push(progress);
        if said.len() > hangs_up_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let Attempt { verdict, trace } = if claimed {
        pipeline.verify(None, &alice, &accounts, &mut observer)
    } else {
        pipeline.identify(None, None, &accounts, &mut observer)
    };
    let (p, live, face) = (trace.probability, &trace.scores, trace.face);
    let misses = [Some(&alice), None].map(|user| world.store.misses(user).expect("misses"));
    Told {
        verdict: format!("{verdict:?}"),
        said,
        trace: format!("{p:?} {live:?} {face:?} {} {:?}", trace.frames, trace.picture),
        misses,
        frames_taken: world.stage.taken().0 - before,
    }
}

/// Whether these scripts come to the same with one thread, two and three. Returns how each ended.
fn same(scripts: &[Vec<Shot>], change: impl Fn(&mut Config)) -> Vec<String> {
    let mut setups = [1, 2, 3].map(|threads| watched_by(threads, &change));
    let mut ends = Vec::new();
    for (n, script) in scripts.iter().enumerate() {
        let [one, two, three] = setups.each_mut().map(|setup| told(setup, script, n % 3 > 0, usize::MAX));
        assert_eq!(one, two, "two threads: {script:?}");
        assert_eq!(one, three, "three threads: {script:?}");
        ends.push(one.verdict);
    }
    ends
}

#[test]
fn every_kind_of_end_is_the_same_with_several_threads() {
    let stalls = |shots: &[Shot]| [shots, &[Shot::Silent; 3]].concat();
    let scripts = [
        ALICE.to_vec(),
        BOB.to_vec(),
        vec![RECAPTURED],
        stalls(NOBODY),
        // A stranger in the middle, then alice for long enough.
        [&ALICE[..2], BOB, ALICE].concat(),
        stalls(&[ALICE[0], BOB[0], ALICE[1], BOB[0]]),
        // The camera stalls for a while, for good, and is lost.
        vec![ALICE[0], Shot::Silent, ALICE[1], ALICE[2]],
        stalls(&ALICE[..1]),
        stalls(&ALICE[..2]),
        vec![ALICE[0], Shot::Unplugged],
        vec![ALICE[0], ALICE[1], Shot::Unplugged],
        // A frame that comes twice is one.
        vec![LIVE_ALICE, Shot::Again, LIVE_ALICE, LIVE_ALICE, LIVE_ALICE],
        // Not one of these counts for liveness.
        stalls(&[TURNED; 4]),
    ];
    let ends = same(&scripts, |_| ()).join("\n");
    for end in ["Granted", "NoMatch", "Attack", "NoFace", "SeveralFaces", "Camera", "TurnedAway"] {
        assert!(ends.contains(end), "no script ended with {end}: {ends}");
    }
}

#[test]
fn whatever_is_before_the_camera_it_comes_to_the_same() {
    let mut state = 19_u32;
    let mut draw = |from: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % from
    };
    let scripts: Vec<Vec<Shot>> = (0..16)
        .map(|_| {
            let drawn: Vec<Shot> = (0..3 + draw(4)).map(|_| SHOTS[draw(SHOTS.len())]).collect();
            // No attempt takes long.
            [drawn, vec![Shot::Silent; 2]].concat()
        })
        .collect();
    same(&scripts, |_| ());
}

#[test]
fn a_challenge_goes_the_same_way() {
    let change = |config: &mut Config| config.attack.level = AttackLevel::Challenge;
    let mut setups = [1, 2, 3].map(|threads| watched_by(threads, change));
    for (scenes, end) in [
        ([(BEFORE, LIVE_ALICE), (4, TURNED), (60, LIVE_ALICE)], "Granted"),
        ([(BEFORE, LIVE_ALICE), (4, TURNED), (4, Shot::Unplugged)], "Camera"),
    ] {
        let [one, two, three] = setups.each_mut().map(|setup| {
            setup.0.random.store(random(true), Ordering::SeqCst);
            told(setup, &film(&scenes), true, usize::MAX)
        });
        assert!(one.verdict.contains(end), "{one:?}");
        assert_eq!((&one, &one), (&two, &three));
    }
}

#[test]
fn a_caller_who_hangs_up_ends_all_threads_and_one_frame_more_may_be_gone() {
    let mut setups = [1, 2, 3].map(|threads| watched_by(threads, |_| ()));
    for hangs_up_at in 0..3 {
        let [one, two, three] = setups.each_mut().map(|setup| told(setup, ALICE, true, hangs_up_at));
        for several in [two, three] {
            let more = several.frames_taken - one.frames_taken;
            assert!(more <= 1, "{more} frames");
            assert_eq!(Told { frames_taken: one.frames_taken, ..several }, one);
        }
    }
}

#[test]
fn the_next_frame_is_taken_while_the_last_is_embedded_and_none_too_many() {
    for (threads, ahead) in [(1, 0), (2, 1), (3, 1)] {
        let (world, mut pipeline) = watched_by(threads, |_| ());
        world.stage.shows(ALICE);
        let before = world.stage.taken().0;
        let accounts = Accounts { uids: [(alice(), UID)].into(), login: false };
        let mut taken = Vec::new();
        let attempt = pipeline.verify(None, &alice(), &accounts, &mut |progress| {
            if let Progress::Captured { .. } = progress {
                taken.push(world.stage.taken().0 - before);
            }
            ControlFlow::Continue(())
        });
        assert_eq!(attempt.trace.frames, 3);
        assert_eq!(taken, [1 + ahead, 2 + ahead, 3], "{threads} threads");
    }
}

#[test]
fn an_infrared_camera_says_the_same() {
    let change = |config: &mut Config| {
        config.attack.infrared = "/dev/video2".into();
        config.decision.enroll_deadline_ms = Millis(20_000);
    };
    let worlds = [1, 2, 3].map(|threads| watched_by(threads, change).0);
    for (shown, end) in [
        (Shown::Live, Outcome::Match),
        (Shown::Screen, Outcome::Attack),
        (Shown::Covered, Outcome::NoInfrared),
    ] {
        for world in &worlds {
            world.stage.shows(ALICE);
            world.infrared.shows(shown);
            assert_eq!(world.verify("alice").verdict, Some(end), "{shown:?}");
        }
    }
}
