use super::*;
use facelatch_wire::reply::DoorChange;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A daemon that answers each call of one connection with its messages and hangs up. It returns the calls.
fn answers(messages: &'static [&'static [&'static str]]) -> (TempDir, PathBuf, JoinHandle<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let serve = move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut calls = Vec::new();
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        for messages in messages {
            reader.read_until(0, &mut calls).expect("a call");
            for message in *messages {
                stream.write_all(message.as_bytes()).and_then(|()| stream.write_all(&[0])).expect("sent");
            }
        }
        String::from_utf8_lossy(&calls).into_owned()
    };
    (folder, socket, std::thread::spawn(serve))
}

const DONE: &[&str] = &[r#"{"parameters": {}}"#];
const LISTENING: &str = r#"{"parameters": {"kind": "listening", "time": 1}, "continues": true}"#;
const MATCH: &str = r#"{"parameters": {"kind": "identify", "time": 2, "user": "alice", "verdict": "match"}, "continues": true}"#;
const WATCHING: &str = r#"{"parameters": {"seen": "watching"}, "continues": true}"#;
const FACE: &str = r#"{"parameters": {"seen": "face"}, "continues": true}"#;
const UNKNOWN_CAMERA: &str =
    r#"{"error": "io.facelatch.v1.NotFound", "parameters": {"message": "camera \"porch\": unknown"}}"#;

fn doors() -> Vec<DoorPlace> {
    vec![
        DoorPlace { name: "front".into(), camera: Some("porch".into()) },
        DoorPlace { name: "back".into(), camera: None },
    ]
}

#[test]
fn the_doors_are_attached_and_events_passed_on_until_the_daemon_hangs_up() {
    let (_folder, socket, daemon) = answers(&[DONE, &[LISTENING, MATCH]]);
    let mut told = Vec::new();
    let ended = follow(&socket, &doors(), |event| {
        told.push((event.kind, event.verdict));
        true
    });
    assert!(matches!(ended, Err(ClientError::Closed)), "{ended:?}");
    assert_eq!(told, [(EventKind::Listening, None), (EventKind::Identify, Some(Outcome::Match))]);
    let calls = daemon.join().expect("no panic");
    let attach = r#"io.facelatch.v1.Attach","parameters":{"doors":[{"name":"front","camera":"porch"},{"name":"back"}]}"#;
    assert!(calls.contains(attach) && calls.contains("io.facelatch.v1.Events"), "{calls}");
}

#[test]
fn doors_that_are_refused_get_no_events() {
    let (_folder, socket, _daemon) = answers(&[&[UNKNOWN_CAMERA]]);
    let ended = follow(&socket, &doors(), |event| panic!("{event:?}")).expect_err("refused");
    assert!(matches!(ended, ClientError::Refused(_)) && ended.to_string().contains("porch"), "{ended}");
}

#[test]
fn a_stream_that_does_not_begin_at_its_beginning_is_not_believed() {
    let (_folder, socket, _daemon) = answers(&[DONE, &[MATCH]]);
    let ended = follow(&socket, &doors(), |event| panic!("{event:?}"));
    assert!(matches!(ended, Err(ClientError::Garbage { .. })), "{ended:?}");
    let (_folder, socket, _daemon) = answers(&[&[FACE]]);
    let ended = watch(&socket, "front", |sight| panic!("{sight:?}"));
    assert!(matches!(ended, Err(ClientError::Garbage { .. })), "{ended:?}");
}

#[test]
fn a_watched_door_tells_each_face() {
    let (_folder, socket, daemon) = answers(&[&[WATCHING, FACE, FACE]]);
    let mut told = Vec::new();
    let ended = watch(&socket, "front", |seen| {
        told.push(seen);
        true
    });
    assert!(matches!(ended, Err(ClientError::Closed)), "{ended:?}");
    assert_eq!(told, [Seen::Watching, Seen::Face, Seen::Face]);
    assert!(daemon.join().expect("no panic").contains(r#"Watch","parameters":{"door":"front"},"more":true"#));
}

#[test]
fn a_look_gives_the_verdict_or_says_why_there_is_none() {
    let (_folder, socket, daemon) = answers(&[&[r#"{"parameters": {"verdict": "too-far"}}"#]]);
    assert_eq!(look(&socket, "front"), Ok(Outcome::TooFar));
    assert!(daemon.join().expect("no panic").contains(r#"Look","parameters":{"door":"front"}"#));
    let (_folder, socket, _daemon) = answers(&[DONE]);
    assert!(look(&socket, "front").expect_err("no verdict").contains("gave no verdict"));
    let nobody = socket.with_file_name("nobody");
    let why = look(&nobody, "front").expect_err("no daemon");
    assert!(why.contains("nobody listens") && why.contains("`socket` in door.toml"), "{why}");
    assert!(!why.contains("--socket"), "it has no such option: {why}");
}

#[test]
fn reports_are_counted_up_to_the_one_that_was_not_answered() {
    let report = |change| Report { door: "front".into(), change, ..Report::default() };
    let reports = [DoorChange::Opened, DoorChange::Closed, DoorChange::Forced].map(report);
    let (_folder, socket, daemon) = answers(&[DONE, DONE, &[UNKNOWN_CAMERA]]);
    let (answered, failed) = super::report(&socket, &reports);
    assert!(answered == 2 && matches!(failed, Some(ClientError::Refused(_))), "{answered} {failed:?}");
    assert!(daemon.join().expect("no panic").contains(r#""change":"opened""#));
}
