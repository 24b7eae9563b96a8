use super::*;

const NOW: (BootTime, WallTime) = (BootTime(Duration::ZERO), WallTime(7));

fn door(name: &str) -> DoorName {
    DoorName::new(name).expect("a name")
}

fn places(names: &[&str]) -> Vec<Place> {
    names.iter().map(|name| Place { name: door(name), camera: None }).collect()
}

fn report(name: &str, change: DoorChange, note: Option<&str>) -> Report {
    Report { door: door(name), change, note: note.map(str::to_owned) }
}

fn text<T: std::fmt::Debug>(refused: Result<T, Fault>) -> String {
    refused.expect_err("refused").to_string()
}

#[test]
fn a_door_is_there_while_its_connection_is_and_belongs_to_that_alone() {
    let doors = Doors::default();
    assert!(text(doors.find(None)).contains("none is attached; start facelatch-door"));
    let (first, second) = (doors.attachment(), doors.attachment());
    first.set(1001, false, places(&["front", "back"])).expect("attached");
    assert!(
        text(second.set(1001, false, places(&["side", "back"]))).contains("door back: another connection")
    );
    assert!(text(doors.find(Some("side"))).contains("attached are back, front"), "all or none");
    assert!(text(doors.find(None)).contains("there are several"));
    assert_eq!(doors.find(Some("back")).map(|place| place.name), Ok(door("back")));
    first.set(1001, false, places(&["front"])).expect("fewer");
    assert_eq!(doors.find(None).map(|place| place.name), Ok(door("front")));
    assert!(text(second.set(1002, false, places(&["back"]))).contains("door back: it is another user's"));
    second.set(1001, false, places(&["back"])).expect("free again");
    drop(first);
    assert_eq!(doors.find(None).map(|place| place.name), Ok(door("back")));
    drop(second);
    let root = doors.attachment();
    root.set(0, true, places(&["back", "side"])).expect("root may try everybody's");
    drop(root);
    doors.attachment().set(1002, false, places(&["side"])).expect("what root tried is nobody's");
}

#[test]
fn the_only_door_is_meant_by_whoever_names_its_camera_or_none() {
    let doors = Doors::default();
    assert_eq!(doors.only(None, "desk"), None);
    let connection = doors.attachment();
    let attach = |places| connection.set(1001, false, places).expect("attached");
    attach(places(&["front"]));
    assert_eq!(
        (doors.only(None, "desk"), doors.only(Some("desk"), "desk")),
        (Some(door("front")), Some(door("front")))
    );
    assert_eq!(doors.only(Some("porch"), "desk"), None);
    attach(vec![Place { name: door("front"), camera: Some("porch".to_owned()) }]);
    assert_eq!((doors.only(None, "desk"), doors.only(Some("porch"), "desk")), (None, Some(door("front"))));
    attach(places(&["front", "back"]));
    assert_eq!(doors.only(None, "desk"), None);
}

#[test]
fn doors_are_few_each_with_a_name_of_its_own_and_names_are_bounded() {
    let doors = Doors::default();
    let names: Vec<String> = (0..200).map(|n| format!("door-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let connection = doors.attachment();
    assert!(text(connection.set(1001, false, places(&names[..17]))).contains("may attach 16"));
    assert!(text(connection.set(1001, false, places(&["a", "a"]))).contains("same name"));
    let attach = |uid, is_owner| {
        names.chunks(16).filter(|names| connection.set(uid, is_owner, places(names)).is_ok()).count()
    };
    assert_eq!(
        (attach(1001, false), attach(1002, false), attach(0, true)),
        (4, 4, 13),
        "each has names of their own"
    );
    assert!(connection.set(1001, false, places(&names[..16])).is_ok(), "names that were there before");
}

#[test]
fn a_report_is_taken_from_whoever_attached_the_door_and_not_without_end() {
    let doors = Doors::default();
    let connection = doors.attachment();
    connection.set(1001, false, places(&["front"])).expect("attached");
    let opened = report("front", DoorChange::Opened, None);
    assert!(text(doors.report(1002, &opened, NOW)).contains("another user"));
    assert!(text(doors.report(1001, &report("back", DoorChange::Opened, None), NOW)).contains("front"));
    let taken = (0..1000).filter(|_| doors.report(1001, &opened, NOW).is_ok()).count();
    assert_eq!(taken, 128);
    assert!(matches!(doors.report(1001, &opened, NOW), Err(Fault::Busy { .. })));
    connection.set(1001, false, places(&["front"])).expect("attached again");
    assert!(doors.report(1001, &opened, NOW).is_err(), "which gives no room");
    let other = doors.attachment();
    other.set(1002, false, places(&["back"])).expect("attached");
    assert_eq!(
        doors.report(1002, &report("back", DoorChange::Opened, None), NOW),
        Ok(()),
        "another user's room"
    );
}

#[test]
fn the_state_of_a_door_is_what_was_last_reported() {
    let doors = Doors::default();
    let connection = doors.attachment();
    connection.set(1001, false, places(&["front"])).expect("attached");
    let seen = |change, note| {
        doors.report(1001, &report("front", change, note), NOW).expect("taken");
        let state = doors.states("default").remove(0);
        assert_eq!((state.change, state.time, state.camera.as_str()), (Some(change), Some(7), "default"));
        (state.open, state.faults.join("; "))
    };
    assert_eq!(doors.states("default")[0].open, None);
    assert_eq!(seen(DoorChange::Forced, None), (Some(true), String::new()));
    assert_eq!(seen(DoorChange::Fault, Some("contact: gone")), (Some(true), "contact: gone".to_owned()));
    assert_eq!(seen(DoorChange::Fault, Some("contact: taken")).1, "contact: taken");
    assert_eq!(seen(DoorChange::Fault, Some("strike: gone")).1, "contact: taken; strike: gone");
    assert_eq!(seen(DoorChange::Tampered, None).1, "contact: taken; strike: gone; tampered with");
    assert_eq!(seen(DoorChange::FaultOver, Some("strike: works again")).1, "contact: taken; tampered with");
    assert_eq!(seen(DoorChange::Untampered, None).1, "contact: taken");
    for note in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        seen(DoorChange::Fault, Some(note));
    }
    assert_eq!(doors.states("default")[0].faults.len(), FAULTS);
    assert_eq!(seen(DoorChange::FaultOver, None).1, "");
    assert_eq!(seen(DoorChange::Closed, None), (Some(false), String::new()));
}
