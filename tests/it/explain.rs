//! An attempt that is explained: to the owner, and to nobody else; counted like any other, and opening nothing.

use facelatch::config::AttackLevel;
use facelatch::people::UserName;
use facelatch::serve::peer::Role;
use facelatch::store::TemplateStore;
use facelatch_wire::call::{Events, Explain};
use facelatch_wire::reply::{Decision, Event, EventKind, Explaining, FrameUse};
use facelatch_wire::{ClientError, Fault, Outcome};

use facelatch_testkit::spoil::Spoil;
use facelatch_testkit::stage::{ALICE, BOB, NOBODY, Shot};
use facelatch_testkit::world::World;

fn asking(user: Option<&str>) -> Explain {
    Explain { user: user.map(str::to_owned), camera: None }
}

fn explain(world: &World, user: Option<&str>) -> Explaining {
    world.ask(&asking(user)).expect("a verdict")
}

fn decision(told: &Explaining) -> &Decision {
    let explanation = told.explanation.as_ref().expect("it is explained");
    explanation.decision.as_ref().expect("it came to a comparison")
}

fn misses(world: &World, user: Option<&str>) -> (u32, u32) {
    let user = user.map(|name| UserName::new(name).expect("valid"));
    let misses = world.store.misses(user.as_ref()).expect("misses");
    (misses.count, misses.attacks)
}

/// 0.0001 is the rounding of each number.
fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 3e-4
}

#[test]
fn nobody_but_the_owner_is_told_anything() {
    let world = World::new().knows_alice();
    world.stage.shows(BOB);
    let taken = world.stage.taken();
    for role in [Role::User, Role::Door, Role::Manager] {
        world.called_by("alice", role);
        for user in [None, Some("alice"), Some("nobody")] {
            match world.ask(&asking(user)) {
                Err(ClientError::Refused(Fault::PermissionDenied { message })) => {
                    assert!(message.contains("only root"), "{message}");
                }
                other => panic!("{role:?} was told {other:?}"),
            }
        }
    }
    assert_eq!((world.stage.taken(), misses(&world, Some("alice"))), (taken, (0, 0)), "nothing was tried");
    world.called_by("root", Role::Owner);
    assert_eq!(explain(&world, Some("alice")).attempt.verdict, Some(Outcome::NoMatch));
}

#[test]
fn a_match_is_explained_down_to_each_template_and_opens_nothing() {
    let world = World::new().knows_alice();
    world.stage.shows(ALICE);
    let told = explain(&world, Some("alice"));
    assert_eq!((told.attempt.verdict, told.attempt.user.as_deref()), (Some(Outcome::Match), Some("alice")));
    assert!(world.tape.opened_for().is_empty(), "it opens nothing");

    let judged = decision(&told);
    assert!(near(judged.bias + judged.sum, judged.z), "{judged:?}");
    assert_eq!((Some(judged.p), Some(judged.threshold)), (told.attempt.p, told.attempt.threshold));
    assert!(near(judged.least_z, 3.5) && judged.margin.is_none() && judged.compared == 1, "{judged:?}");
    assert!(judged.meaning.contains("95 %") && judged.measured.is_some(), "{}", judged.meaning);
    let [alice] = &judged.people[..] else { panic!("{judged:?}") };
    assert_eq!((alice.templates.len(), alice.frames.len()), (3, 2));
    assert!(near(alice.frames.iter().sum::<f64>() / 2.0, judged.z), "{judged:?}");
    for (at, frame) in alice.frames.iter().enumerate() {
        let mut each: Vec<f64> = alice.templates.iter().map(|template| template.frames[at]).collect();
        each.sort_by(|one, other| other.total_cmp(one));
        assert!(near((each[0] + each[1]) / 2.0, *frame), "{judged:?}");
    }
    let listed = world.store.templates(None).expect("templates");
    let (ids, wanted): (Vec<&String>, Vec<&String>) =
        (alice.templates.iter().map(|t| &t.id).collect(), listed.iter().map(|t| &t.id).collect());
    assert_eq!(ids, wanted);
    assert_eq!(alice.templates[0].created_at, listed[0].created_at.0);

    // The same pictures from the first one on.
    world.stage.shows(ALICE);
    assert_eq!(world.verify("alice").p, Some(judged.p), "an ordinary attempt is judged the same");
}

#[test]
fn frames_are_told_with_their_measures_or_why_they_were_refused() {
    let world = World::new().knows_alice();
    let blurred = Shot::Spoilt("obama-3.jpg", Spoil::Coarse(40));
    world.stage.shows(&[NOBODY[0], blurred, ALICE[0], ALICE[1], NOBODY[0]]);
    let told = explain(&world, Some("alice"));
    let frames = told.explanation.expect("it is explained").frames;
    let used: Vec<FrameUse> = frames.iter().map(|frame| frame.used).collect();
    assert_eq!(used, [FrameUse::Refused, FrameUse::Refused, FrameUse::Kept, FrameUse::Kept]);
    assert_eq!(frames[0].reason, Some(Outcome::NoFace));
    assert!(frames[0].measures.is_empty() && frames[1].reason.is_some());
    assert_eq!(frames[2].picture.as_deref(), Some("obama-3.jpg"));
    for kept in &frames[2..] {
        let names: Vec<&str> = kept.measures.iter().chain(&kept.fitness).map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["norm", "confidence", "detail", "evenness", "eye-light", "mouth"]);
        assert!(
            kept.measures.iter().all(|measure| measure.least.is_some_and(|least| measure.value >= least))
        );
    }
}

#[test]
fn it_cannot_be_used_to_guess() {
    let world = World::with(|config| config.decision.frames = 1).knows_alice();
    world.stage.shows(BOB);
    for miss in 1..=5 {
        assert_eq!(explain(&world, Some("alice")).attempt.verdict, Some(Outcome::NoMatch), "miss {miss}");
    }
    let told = explain(&world, Some("alice"));
    assert_eq!(told.attempt.verdict, Some(Outcome::Wait));
    let explanation = told.explanation.expect("an empty one");
    assert!(explanation.frames.is_empty() && explanation.decision.is_none(), "{explanation:?}");
    assert_eq!(world.verify("alice").verdict, Some(Outcome::Wait), "they count for everybody who asks");
}

#[test]
fn a_search_names_the_second_best_and_how_far_behind_they_are() {
    let world = World::new().knows_alice();
    world.stage.shows(BOB);
    world.enroll("bob").expect("enrolled");
    world.stage.shows(ALICE);
    let told = explain(&world, None);
    assert_eq!((told.attempt.verdict, told.attempt.user.as_deref()), (Some(Outcome::Match), Some("alice")));
    let judged = decision(&told);
    let names: Vec<&str> = judged.people.iter().map(|person| person.user.as_str()).collect();
    assert_eq!((names, judged.compared), (vec!["alice", "bob"], 2));
    let behind = judged.people[0].z - judged.people[1].z;
    assert!(judged.margin.is_some_and(|margin| near(margin, behind) && margin > judged.least_margin));
    assert!(near(judged.least_z, 3.5 + 2_f64.sqrt().ln()), "each person raises the odds: {judged:?}");
    assert!(world.tape.opened_for().is_empty());
}

#[test]
fn an_attack_is_told_by_its_score_and_compared_with_nobody() {
    let world = World::with(|config| config.attack.level = AttackLevel::Passive).knows_alice();
    world.stage.shows(ALICE);
    let live =
        explain(&world, Some("alice")).explanation.and_then(|told| told.live).expect("it was looked for");
    assert!(live.log_odds.is_some_and(|log_odds| log_odds >= live.least), "{live:?}");
    let sum: f64 = live.parts.iter().map(|part| part.value).sum();
    assert!(live.log_odds.is_some_and(|log_odds| near(log_odds, sum)) && live.parts[0].name == "network");

    let picture = |name| Shot::Spoilt(name, Spoil::Recaptured);
    world.stage.shows(&["obama-3.jpg", "obama-3b.jpg", "obama-3c.jpg"].map(picture));
    let told = explain(&world, Some("alice"));
    assert_eq!(told.attempt.verdict, Some(Outcome::Attack));
    let explanation = told.explanation.expect("it is explained");
    let live = explanation.live.expect("it was looked for");
    assert!(live.log_odds.is_some_and(|log_odds| log_odds < live.least), "{live:?}");
    assert!(explanation.decision.is_none(), "compared with nobody");
    assert_eq!(misses(&world, Some("alice")), (0, 1), "it counts like any other");
}

#[test]
fn it_is_on_record_and_no_score_is() {
    let world = World::sealed(|_| {}).knows_alice();
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("asked");
    let mut next = || follower.receive::<Events>().expect("an event").reply;
    assert_eq!(next().kind, EventKind::Listening);
    world.stage.shows(ALICE);
    explain(&world, Some("alice"));
    let seen = next();
    let wanted = Event {
        kind: EventKind::Explain,
        time: seen.time,
        user: Some("alice".into()),
        verdict: Some(Outcome::Match),
        ..Event::default()
    };
    assert_eq!(seen, wanted, "nothing but what an attempt tells");
    let log = std::fs::read_to_string(world.store_folder().join("audit/audit.log")).expect("log");
    let line = log.lines().find(|line| line.contains("\"explain\"")).expect("a line");
    let (_tag, line) = line.split_once(' ').expect("a tag before it");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let mut keys: Vec<&str> = line.as_object().expect("object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.retain(|key| !["tag", "n", "time"].contains(key));
    assert_eq!(keys, ["by", "kind", "user", "verdict"], "{line}");
}
