//! Several doors that open by face, with lamps.

use super::*;

const THREE: &str = "
[[door]]
name = \"front\"
motion = true
[door.strike]
line = \"A\"
[door.lamp_left]
line = \"B\"
[door.lamp_right]
line = \"C\"
[door.lamp_granted]
line = \"D\"
[door.buzzer]
line = \"E\"

[[door]]
name = \"yard\"
camera = \"yard\"
motion = true
[door.strike]
line = \"F\"
[door.lamp_refused]
line = \"G\"

[[door]]
name = \"cellar\"
face = false
[door.strike]
line = \"H\"
[door.keypad]
device = \"/dev/input/event0\"
";

fn three() -> Doors {
    let config = Config::parse(Path::new("door.toml"), THREE).expect("right");
    let mut doors = Doors(Controller::new(&config, false));
    for door in 0..3 {
        doors.hears(0, Message::Strike { door, lost: None });
    }
    doors.hears(0, Message::Daemon { lost: None });
    doors
}

#[test]
fn a_keypad_is_waited_for_unless_only_the_exit_buttons_work() {
    let config = Config::parse(Path::new("door.toml"), THREE).expect("right");
    for exit_only in [false, true] {
        let mut doors = Doors(Controller::new(&config, exit_only));
        for (door, settings) in config.door.iter().enumerate() {
            doors.hears(0, Message::Strike { door, lost: None });
            for (signal, _) in settings.signals() {
                doors.hears(0, Message::Signal { door, signal, lost: None });
            }
        }
        assert_eq!(doors.0.is_ready(), exit_only);
        doors.hears(0, Message::Keypad { door: 2, news: keypad::News::Device { lost: None } });
        assert!(doors.0.is_ready());
    }
}

fn looks_at(orders: &[Order]) -> Vec<usize> {
    let numbers = orders.iter().filter_map(|order| match order {
        Order::Look(number) => Some(*number),
        _ => None,
    });
    numbers.collect()
}

/// Lamps that are switched, in this order.
fn shows(orders: &[Order]) -> Vec<(usize, Signal, bool)> {
    let shown = orders.iter().filter_map(|order| match order {
        Order::Show(door, signal, on) => Some((*door, *signal, *on)),
        _ => None,
    });
    shown.collect()
}

#[test]
fn a_match_opens_the_door_that_it_names_and_no_other() {
    let mut doors = three();
    let face = |doors: &mut Doors, door| doors.recognised(1000, EventKind::Identify, door, 1);
    assert_eq!(opened(&face(&mut doors, Some("yard"))), [1]);
    assert_eq!(opened(&face(&mut doors, Some("front"))), [0]);
    let unnamed = face(&mut doors, None);
    assert!(opened(&unnamed).is_empty() && says(&unnamed, Urgency::Info, "no door was named"));
    let by_pin_only = face(&mut doors, Some("cellar"));
    assert!(opened(&by_pin_only).is_empty() && says(&by_pin_only, Urgency::Info, "not opened by a face"));
    let unknown = face(&mut doors, Some("shed"));
    assert!(opened(&unknown).is_empty() && says(&unknown, Urgency::Info, "no door here is named \"shed\""));
}

#[test]
fn a_pin_opens_the_door_where_it_was_typed() {
    let mut doors = three();
    let pin = |doors: &mut Doors, door| doors.recognised(1000, EventKind::Pin, door, 1);
    assert_eq!(opened(&pin(&mut doors, Some("cellar"))), [2]);
    let without_keypad = pin(&mut doors, Some("front"));
    assert!(
        opened(&without_keypad).is_empty() && says(&without_keypad, Urgency::Info, "front has no keypad")
    );
    let nowhere = pin(&mut doors, None);
    assert!(opened(&nowhere).is_empty() && says(&nowhere, Urgency::Info, "no door was named"), "{nowhere:?}");
}

#[test]
fn doors_are_looked_at_in_turn() {
    let mut doors = three();
    assert_eq!(looks_at(&doors.hears(1000, Message::Sight { door: 0 })), [0], "at once");
    assert_eq!(looks_at(&doors.hears(1100, Message::Sight { door: 1 })), [0; 0], "one at a time");
    assert_eq!(doors.0.next(), None, "nothing to wait for but the reply");
    let ended = doors.looked(2000, 0, Outcome::TooFar);
    assert!(says(&ended, Urgency::Info, "front: looked: too-far"));
    assert_eq!(looks_at(&ended), [1], "the other one has waited");
    doors.hears(2500, Message::Sight { door: 0 });
    assert_eq!(looks_at(&doors.looked(4000, 1, Outcome::TooFar)), [0]);
    assert_eq!(looks_at(&doors.looked(5000, 0, Outcome::NoFace)), [1]);
}

#[test]
fn a_look_without_a_reply_is_an_error_and_the_next_one_has_its_turn() {
    let mut doors = three();
    doors.hears(1000, Message::Sight { door: 0 });
    doors.hears(1100, Message::Sight { door: 1 });
    let ended = doors.hears(2000, Message::Looked { door: 0, ended: Err("no reply in time".into()) });
    assert!(says(&ended, Urgency::Error, "front: looked: no reply in time"));
    assert_eq!(looks_at(&ended), [1]);
}

#[test]
fn what_is_asked_is_shown_at_its_door_until_the_look_ends() {
    let mut doors = three();
    let asks = |doors: &mut Doors, door: &str, guidance| {
        let (kind, door) = (EventKind::Prompt, Some(door.to_owned()));
        let event = Event { kind, door, guidance: Some(guidance), ..Event::default() };
        shows(&doors.hears(1000, Message::Event(event)))
    };
    let dark = [(0, Signal::Left, false), (0, Signal::Right, false)];
    let left = [dark[0], dark[1], (0, Signal::Left, true), (0, Signal::Buzzer, true)];
    assert_eq!(asks(&mut doors, "front", Outcome::TurnLeft), left);
    assert_eq!(
        asks(&mut doors, "front", Outcome::TurnFarther),
        [(0, Signal::Buzzer, true)],
        "the lamp stays on"
    );
    let straight = asks(&mut doors, "front", Outcome::LookStraight);
    assert_eq!(straight[2..4], [(0, Signal::Left, true), (0, Signal::Right, true)]);
    assert_eq!(asks(&mut doors, "yard", Outcome::TurnLeft), [], "it has no lamp for that");
    assert_eq!(asks(&mut doors, "shed", Outcome::TurnLeft), []);
    assert_eq!(shows(&doors.looked(2000, 0, Outcome::NoAnswer)), dark);
    assert_eq!(shows(&doors.hears(3000, Message::Daemon { lost: Some("gone".into()) })), dark);
}

#[test]
fn who_is_let_in_or_not_is_shown_where_there_is_a_lamp() {
    let mut doors = three();
    let unlocked = shows(&doors.recognised(1000, EventKind::Identify, Some("front"), 1));
    assert_eq!(unlocked.last(), Some(&(0, Signal::Granted, true)));
    let (kind, door) = (EventKind::Identify, Some("yard".to_owned()));
    for verdict in [Outcome::NoMatch, Outcome::NotAllowed, Outcome::Attack, Outcome::Wait] {
        let event = Event { kind, door: door.clone(), verdict: Some(verdict), ..Event::default() };
        assert_eq!(
            shows(&doors.hears(2000, Message::Event(event))),
            [(1, Signal::Refused, true)],
            "{verdict}"
        );
    }
    let pin =
        Event { kind, door: Some("front".into()), verdict: Some(Outcome::EnterPin), ..Event::default() };
    assert_eq!(shows(&doors.hears(2000, Message::Event(pin))).last(), Some(&(0, Signal::Buzzer, true)));
}

#[test]
fn a_camera_that_cannot_be_watched_is_told_while_the_daemon_is_there() {
    let mut doors = three();
    let watch = |doors: &mut Doors, lost: Option<&str>| {
        doors.hears(100, Message::Watch { door: 1, lost: lost.map(str::to_owned) })
    };
    assert_eq!(watch(&mut doors, None), []);
    let lost = watch(&mut doors, Some("no camera"));
    assert!(says(&lost, Urgency::Error, "yard: motion: no camera"), "{lost:?}");
    assert!(doors.0.status().contains("yard: motion"));
    assert!(says(&watch(&mut doors, None), Urgency::Info, "yard: motion: works again"));
    doors.hears(200, Message::Daemon { lost: Some("gone".into()) });
    assert_eq!(watch(&mut doors, Some("nobody listens")), [], "one line is enough");
}

#[test]
fn doors_that_the_daemon_refuses_are_named_in_the_status() {
    let mut doors = three();
    let why = "attach: no camera is named \"yard\"";
    let said = doors.hears(100, Message::Daemon { lost: Some(why.into()) });
    assert!(says(&said, Urgency::Error, why));
    assert!(doors.0.status().contains(why));
    assert_eq!(opened(&doors.input(200, 2, Role::Exit, LineState::Edge(true))), [2]);
}
