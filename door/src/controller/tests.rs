use super::*;
use std::path::Path;

mod reaction;
mod several;

const FILE: &str = "
[[door]]
name = \"front\"
[door.strike]
line = \"A\"
[door.contact]
line = \"B\"
[door.exit]
line = \"C\"
[door.trigger]
line = \"D\"

[[door]]
name = \"back\"
face = false
[door.strike]
line = \"E\"
[door.exit]
line = \"F\"
";

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// The doors of the file, with all lines there and both closed.
struct Doors(Controller);

impl Doors {
    fn new(exit_only: bool) -> Self {
        let config = Config::parse(Path::new("door.toml"), FILE).expect("right");
        let mut doors = Self(Controller::new(&config, exit_only));
        assert!(!doors.0.is_ready());
        for door in 0..2 {
            doors.hears(0, Message::Strike { door, lost: None });
            doors.input(0, door, Role::Exit, LineState::There(false));
        }
        doors.input(0, 0, Role::Contact, LineState::There(true));
        doors.input(0, 0, Role::Trigger, LineState::There(false));
        assert!(doors.0.is_ready());
        assert!(doors.0.status().ends_with("not there: daemon (not called yet)"));
        let there = doors.hears(0, Message::Daemon { lost: None });
        assert!(says(&there, Urgency::Info, "daemon: its events come in"));
        doors
    }

    fn hears(&mut self, ms: u64, message: Message) -> Vec<Order> {
        self.0.handle(message, at(ms), Duration::from_millis(ms))
    }

    fn input(&mut self, ms: u64, door: usize, role: Role, state: LineState) -> Vec<Order> {
        self.hears(ms, Message::Input { door, role, state })
    }

    fn matched(&mut self, ms: u64, time: u64) -> Vec<Order> {
        self.recognised(ms, EventKind::Identify, Some("front"), time)
    }

    fn recognised(&mut self, ms: u64, kind: EventKind, door: Option<&str>, time: u64) -> Vec<Order> {
        let (user, verdict) = (Some("alice".into()), Some(Outcome::Match));
        let door = door.map(str::to_owned);
        self.hears(ms, Message::Event(Event { kind, verdict, time, user, door, ..Event::default() }))
    }

    fn looked(&mut self, ms: u64, door: usize, outcome: Outcome) -> Vec<Order> {
        self.hears(ms, Message::Looked { door, ended: Ok(outcome) })
    }
}

fn opened(orders: &[Order]) -> Vec<usize> {
    let numbers = orders.iter().filter_map(|order| match order {
        Order::Open(number) => Some(*number),
        _ => None,
    });
    numbers.collect()
}

fn says(orders: &[Order], urgency: Urgency, text: &str) -> bool {
    orders.iter().any(
        |order| matches!(order, Order::Say(note, said) if note.entry().0 == urgency && said.contains(text)),
    )
}

#[test]
fn each_match_opens_the_one_door_that_faces_open() {
    let mut doors = Doors::new(false);
    let orders = doors.matched(1000, 1);
    assert_eq!(opened(&orders), [0]);
    assert!(says(&orders, Urgency::Info, "front: unlocked for \"alice\""), "{orders:?}");
    assert_eq!(opened(&doors.matched(2000, 2)), [0; 0], "while it is open");
    assert_eq!(opened(&doors.matched(9000, 9)), [0]);
}

#[test]
fn a_match_that_is_late_opens_nothing_and_is_told() {
    let mut doors = Doors::new(false);
    let orders = doors.matched(10_000, 4);
    assert!(opened(&orders).is_empty() && says(&orders, Urgency::Error, "no door opens"), "{orders:?}");
}

#[test]
fn nobody_else_opens_a_door() {
    let mut doors = Doors::new(false);
    for outcome in Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Match) {
        let event = Event { kind: EventKind::Identify, verdict: Some(outcome), ..Event::default() };
        assert_eq!(doors.hears(100, Message::Event(event)), [], "{outcome}");
    }
    let login = Event { kind: EventKind::Verify, verdict: Some(Outcome::Match), ..Event::default() };
    assert_eq!(doors.hears(100, Message::Event(login)), []);
    let looked = doors.looked(100, 0, Outcome::Match);
    assert!(opened(&looked).is_empty(), "the reply to a look opens nothing, the event does");
}

#[test]
fn the_exit_buttons_work_without_the_daemon_each_for_its_door() {
    let mut doors = Doors::new(false);
    let lost = doors.hears(50, Message::Daemon { lost: Some("gone".into()) });
    assert!(says(&lost, Urgency::Error, "gone; until then only exit buttons open a door"));
    assert_eq!(doors.hears(60, Message::Daemon { lost: Some("gone".into()) }), [], "told once");
    assert_eq!(opened(&doors.input(100, 0, Role::Exit, LineState::Edge(true))), [0]);
    assert_eq!(opened(&doors.input(100, 1, Role::Exit, LineState::Edge(true))), [1]);
    assert_eq!(doors.0.status(), "not there: daemon (gone)");
}

#[test]
fn with_a_refused_configuration_only_the_exit_buttons_work() {
    let mut doors = Doors::new(true);
    let orders = doors.matched(1000, 1);
    assert!(opened(&orders).is_empty() && says(&orders, Urgency::Info, "no door opens"), "{orders:?}");
    assert_eq!(doors.input(2000, 0, Role::Trigger, LineState::Edge(true)), []);
    assert_eq!(opened(&doors.input(3000, 0, Role::Exit, LineState::Edge(true))), [0]);
    assert!(doors.0.status().starts_with("the configuration is refused"));
}

#[test]
fn the_trigger_asks_for_looks_and_a_match_ends_them() {
    let mut doors = Doors::new(false);
    assert_eq!(doors.input(100, 0, Role::Trigger, LineState::Edge(true)), [Order::Look(0)]);
    assert_eq!(doors.input(300, 0, Role::Trigger, LineState::Edge(false)), []);
    let orders = doors.looked(900, 0, Outcome::TooFar);
    assert!(says(&orders, Urgency::Info, "front: looked: too-far"));
    assert_eq!(doors.0.next(), Some(at(1000)));
    assert_eq!(doors.0.tick(at(1000)), [Order::Look(0)]);
    doors.looked(1500, 0, Outcome::Match);
    assert_eq!(doors.0.next(), None);
}

#[test]
fn a_line_that_is_lost_is_told_once_and_so_is_its_return() {
    let mut doors = Doors::new(false);
    let lost = || LineState::Lost("unplugged".into());
    let orders = doors.input(100, 0, Role::Contact, lost());
    assert!(says(&orders, Urgency::Error, "front: contact: unplugged"), "{orders:?}");
    assert_eq!(doors.input(200, 0, Role::Contact, lost()), []);
    assert_eq!(doors.0.status(), "not there: front: contact");
    assert!(opened(&doors.matched(1000, 1)).is_empty(), "it stays locked");
    let orders = doors.input(2000, 0, Role::Contact, LineState::There(true));
    assert!(says(&orders, Urgency::Info, "front: contact: works again"), "{orders:?}");
    assert_eq!(opened(&doors.matched(3000, 3)), [0]);
    assert!(says(
        &doors.hears(3000, Message::Strike { door: 1, lost: Some("held".into()) }),
        Urgency::Error,
        "back: strike: held"
    ));
}

#[test]
fn what_happens_is_reported_with_who_and_why() {
    let mut doors = Doors::new(false);
    let report = |change, user: Option<&str>, note: Option<&str>| {
        let (user, note) = (user.map(str::to_owned), note.map(str::to_owned));
        Order::Report(Report { door: "front".into(), change, user, note })
    };
    let alice = Some("alice");
    assert!(doors.matched(1000, 1).contains(&report(DoorChange::Unlocked, alice, None)));
    let again = report(DoorChange::Unlocked, alice, Some("it was unlocked already"));
    assert!(doors.matched(2000, 2).contains(&again));
    assert!(doors.0.tick(at(4000)).contains(&report(DoorChange::Locked, None, None)));
    let refused = report(DoorChange::Refused, alice, Some("the last pulse ended less than rearm_s ago"));
    assert!(doors.matched(5000, 5).contains(&refused));
    let contact = |doors: &mut Doors, ms, state| doors.input(ms, 0, Role::Contact, state);
    let forced = contact(&mut doors, 9000, LineState::Edge(false));
    assert!(forced.contains(&report(DoorChange::Forced, None, None)), "{forced:?}");
    assert!(doors.0.tick(at(39_000)).contains(&report(DoorChange::Held, None, None)));
    let closed = contact(&mut doors, 40_000, LineState::Edge(true));
    assert!(closed.contains(&report(DoorChange::Closed, None, None)), "{closed:?}");
    let lost = contact(&mut doors, 41_000, LineState::Lost("cut".into()));
    assert!(lost.contains(&report(DoorChange::Fault, None, Some("contact: cut"))), "{lost:?}");
    let back = contact(&mut doors, 42_000, LineState::There(true));
    assert!(back.contains(&report(DoorChange::FaultOver, None, Some("contact: works again"))), "{back:?}");
    let exit = doors.input(43_000, 0, Role::Exit, LineState::Edge(true));
    assert!(exit.contains(&report(DoorChange::Exit, None, None)), "{exit:?}");
}

#[test]
fn a_daemon_that_comes_back_is_told_how_the_doors_are() {
    let mut doors = Doors::new(false);
    doors.input(100, 0, Role::Contact, LineState::Edge(false));
    doors.input(200, 1, Role::Exit, LineState::Lost("unplugged".into()));
    doors.hears(300, Message::Daemon { lost: Some("gone".into()) });
    let orders = doors.hears(400, Message::Daemon { lost: None });
    let reports: Vec<(&str, DoorChange, Option<&str>)> = orders
        .iter()
        .filter_map(|order| match order {
            Order::Report(report) => Some((report.door.as_str(), report.change, report.note.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(
        reports,
        [("front", DoorChange::Opened, None), ("back", DoorChange::Fault, Some("exit: unplugged"))]
    );
}

#[test]
fn alarms_are_told_as_such() {
    let mut doors = Doors::new(false);
    let orders = doors.input(100, 0, Role::Contact, LineState::Edge(false));
    assert!(says(&orders, Urgency::Alarm, "front: forced"), "{orders:?}");
    assert!(says(&doors.0.tick(at(30_100)), Urgency::Alarm, "front: held open"));
    let lost = Event { kind: EventKind::Identify, lost: Some(7), ..Event::default() };
    assert!(says(&doors.hears(200, Message::Event(lost)), Urgency::Error, "7 events were lost"));
}

#[test]
fn a_keypad_that_is_gone_is_a_fault_and_a_right_pin_that_wants_the_face_has_the_camera_look() {
    let mut doors = Doors::new(false);
    let news = |news| Message::Keypad { door: 0, news };
    let gone = doors.hears(1000, news(keypad::News::Device { lost: Some("gone".into()) }));
    assert!(says(&gone, Urgency::Error, "front: keypad: gone"), "{gone:?}");
    assert!(
        gone.iter().any(|order| matches!(order, Order::Report(report) if report.change == DoorChange::Fault))
    );
    let back = doors.hears(2000, news(keypad::News::Device { lost: None }));
    assert!(says(&back, Urgency::Info, "front: keypad: works again"), "{back:?}");
    let wrong = doors.hears(3000, news(keypad::News::Judged(Ok(Outcome::NoMatch))));
    assert_eq!(wrong, [Order::Say(Note::Judged, "front: a PIN was typed: no-match".into())]);
    let right = doors.hears(4000, news(keypad::News::Judged(Ok(Outcome::NoFace))));
    assert!(right.contains(&Order::Look(0)), "{right:?}");
    let mut exit_only = Doors::new(true);
    let right =
        exit_only.hears(4000, Message::Keypad { door: 0, news: keypad::News::Judged(Ok(Outcome::NoFace)) });
    assert!(!right.contains(&Order::Look(0)), "{right:?}");
}
