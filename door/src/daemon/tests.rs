use super::*;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A daemon that answers one call with these messages and hangs up. It returns the call.
fn answers(messages: &'static [&'static str]) -> (TempDir, PathBuf, JoinHandle<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let serve = move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut call = Vec::new();
        BufReader::new(&stream).read_until(0, &mut call).expect("a call");
        for message in messages {
            stream.write_all(message.as_bytes()).and_then(|()| stream.write_all(&[0])).expect("sent");
        }
        String::from_utf8_lossy(&call).into_owned()
    };
    (folder, socket, std::thread::spawn(serve))
}

const LISTENING: &str = r#"{"parameters": {"kind": "listening", "time": 1}, "continues": true}"#;
const MATCH: &str = r#"{"parameters": {"kind": "identify", "time": 2, "user": "alice", "verdict": "match"}, "continues": true}"#;

#[test]
fn events_are_passed_on_until_the_daemon_hangs_up() {
    let (_folder, socket, daemon) = answers(&[LISTENING, MATCH]);
    let mut told = Vec::new();
    let ended = follow(&socket, |event| {
        told.push((event.kind, event.verdict));
        true
    });
    assert!(matches!(ended, Err(ClientError::Closed)), "{ended:?}");
    assert_eq!(told, [(EventKind::Listening, None), (EventKind::Identify, Some(Outcome::Match))]);
    assert!(daemon.join().expect("no panic").contains("io.facelatch.v1.Events"));
}

#[test]
fn a_stream_that_does_not_begin_at_its_beginning_is_not_believed() {
    let (_folder, socket, _daemon) = answers(&[MATCH]);
    let ended = follow(&socket, |event| panic!("{event:?}"));
    assert!(matches!(ended, Err(ClientError::Garbage { .. })), "{ended:?}");
}

#[test]
fn a_look_gives_the_verdict_or_says_why_there_is_none() {
    let (_folder, socket, daemon) = answers(&[r#"{"parameters": {"verdict": "too-far"}}"#]);
    assert_eq!(look(&socket), Ok(Outcome::TooFar));
    assert!(daemon.join().expect("no panic").contains("io.facelatch.v1.Identify"));
    let (_folder, socket, _daemon) = answers(&[r#"{"parameters": {}}"#]);
    assert!(look(&socket).expect_err("no verdict").contains("gave no verdict"));
    let nobody = socket.with_file_name("nobody");
    assert!(look(&nobody).expect_err("no daemon").contains("nobody listens"));
}
