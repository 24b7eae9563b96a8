//! Slow, silent, greedy and malformed clients: each gets a clear error, and no other client is affected.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use facelatch::config::Millis;
use facelatch_wire::call::{Events, Reset, Status, Verify};
use facelatch_wire::reply::{EventKind, State};
use facelatch_wire::{Client, ClientError, Deadline, Fault, MAX_MESSAGE_BYTES};

use facelatch_testkit::stage::NOBODY;
use facelatch_testkit::world::{PATIENCE, World, until};

const STATUS: &[u8] = b"{\"method\":\"io.facelatch.v1.Status\"}\0";

fn raw(world: &World) -> UnixStream {
    let stream = UnixStream::connect(&world.socket).expect("the daemon listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    stream
}

/// The error these bytes produce.
fn fault(client: &mut Client, bytes: &[u8]) -> serde_json::Value {
    client.send(bytes).expect("sent");
    serde_json::from_slice(&client.receive_bytes().expect("a reply")).expect("JSON")
}

#[test]
fn each_bad_message_gets_its_error_and_the_connection_stays_usable() {
    let world = World::new();
    let mut client = world.client();
    let cases: &[(&str, &str, &str)] = &[
        ("hello", "io.facelatch.v1.BadMessage", "not JSON"),
        ("", "io.facelatch.v1.BadMessage", "not JSON"),
        ("[]", "io.facelatch.v1.BadMessage", "not an object"),
        ("{}", "io.facelatch.v1.BadMessage", "without a method"),
        (r#"{"method":"x.y.Z","parameters":{}}"#, "org.varlink.service.InterfaceNotFound", "x.y"),
        (r#"{"method":""}"#, "org.varlink.service.MethodNotFound", "method"),
        (
            r#"{"method":"io.facelatch.v1.Open","parameters":{"door":1}}"#,
            "org.varlink.service.MethodNotFound",
            "io.facelatch.v1.Open",
        ),
        (
            r#"{"method":"io.facelatch.v1.Verify","parameters":{"user":["alice"]}}"#,
            "org.varlink.service.InvalidParameter",
            "user",
        ),
        (
            r#"{"method":"io.facelatch.v1.Verify","parameters":{"name":"alice"}}"#,
            "org.varlink.service.InvalidParameter",
            "name",
        ),
        (r#"{"method":"io.facelatch.v1.Events"}"#, "org.varlink.service.ExpectedMore", ""),
        (
            r#"{"method":"io.facelatch.v1.Status","upgrade":true}"#,
            "org.varlink.service.InvalidParameter",
            "upgrade",
        ),
    ];
    for (message, error, detail) in cases {
        let reply = fault(&mut client, format!("{message}\0").as_bytes());
        assert_eq!(reply["error"], *error, "{message}");
        assert!(reply["parameters"].to_string().contains(detail), "{message}: {reply}");
    }
    assert!(client.call(&Status {}).is_ok());
}

#[test]
fn a_fault_sent_by_a_client_is_treated_as_a_call() {
    let world = World::new();
    let forged =
        br#"{"method":"","parameters":{"error":"io.facelatch.v1.Busy","parameters":{"message":"m"}}}"#;
    let reply = fault(&mut world.client(), &[forged, &b"\0"[..]].concat());
    assert_eq!(reply["error"], "org.varlink.service.MethodNotFound");
}

#[test]
fn escaped_and_reordered_keys_are_understood() {
    let world = World::new();
    let odd = b" {\"more\":null,\"parameters\":null,\"\\u006dethod\":\"io.facelatch.v1.\\u0053tatus\"} \n\0";
    let reply = fault(&mut world.client(), odd);
    assert_eq!(reply["parameters"]["state"], "ready", "{reply}");
}

#[test]
fn an_oversized_message_is_discarded_as_it_arrives() {
    let world = World::new();
    let mut stream = raw(&world);
    let mut reader = Client::over(stream.try_clone().expect("clone"), Deadline::within(PATIENCE));
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..100 {
        stream.write_all(&megabyte).expect("the daemon keeps reading");
    }
    stream.write_all(b"\0").expect("sent");
    let error = reader.receive::<Status>().expect_err("too long");
    let ClientError::Refused(Fault::TooLong { limit_bytes, .. }) = error else { panic!("{error:?}") };
    assert_eq!(limit_bytes, MAX_MESSAGE_BYTES as u64);
    assert!(reader.call(&Status {}).is_ok(), "the connection stays usable");
}

#[test]
fn the_longest_message_is_accepted_and_one_byte_more_is_not() {
    let world = World::new();
    let call = |length: usize| {
        let mut bytes = STATUS[..STATUS.len() - 1].to_vec();
        bytes.resize(length, b' ');
        bytes.push(0);
        bytes
    };
    let mut client = world.client();
    assert!(fault(&mut client, &call(MAX_MESSAGE_BYTES)).get("error").is_none());
    assert_eq!(fault(&mut client, &call(MAX_MESSAGE_BYTES + 1))["error"], "io.facelatch.v1.TooLong");
}

#[test]
fn a_stalled_message_ends_with_an_error_and_others_are_served_meanwhile() {
    let world = World::with(|config| config.serve.client_timeout_ms = Millis(300));
    // On a slow machine each client itself may be too slow.
    let rest = until(|| {
        let mut half = raw(&world);
        half.write_all(b"{\"method\":").ok()?;
        until(|| world.ask(&Status {}).ok());
        let mut rest = String::new();
        half.read_to_string(&mut rest).ok()?;
        Some(rest).filter(|rest| !rest.is_empty())
    });
    assert!(rest.contains("io.facelatch.v1.BadMessage") && rest.contains("300 ms"), "{rest}");
}

#[test]
fn a_silent_connection_is_closed() {
    let world = World::with(|config| config.serve.client_timeout_ms = Millis(100));
    let mut rest = Vec::new();
    raw(&world).read_to_end(&mut rest).expect("the daemon closes the connection");
    assert!(rest.is_empty());
}

#[test]
fn a_client_that_follows_events_may_stay_silent() {
    let world = World::with(|config| config.serve.client_timeout_ms = Millis(100));
    // On a slow machine the client itself may be too slow.
    let mut follower = until(|| {
        let mut follower = world.client();
        follower.start(&Events {}, true).ok()?;
        follower.receive::<Events>().ok().map(|_| follower)
    });
    // As long as a silent client is kept.
    raw(&world).read_to_end(&mut Vec::new()).expect("closed");
    until(|| world.ask(&Reset { user: None }).ok());
    assert_eq!(follower.receive::<Events>().expect("event").reply.kind, EventKind::Reset);
}

#[test]
fn a_client_that_does_not_read_delays_nobody() {
    let world = World::new();
    let mut deaf = raw(&world);
    let call = b"{\"method\":\"io.facelatch.v1.Events\",\"more\":true}\0";
    deaf.write_all(call).expect("sent");
    let mut client = world.client();
    for _ in 0..3000 {
        client.call(&Reset { user: None }).expect("served");
    }
    drop(deaf);
    assert!(client.call(&Status {}).is_ok());
}

#[test]
fn calls_split_into_bytes_or_sent_together_are_answered() {
    let world = World::new();
    let mut slow = raw(&world);
    for byte in STATUS {
        slow.write_all(&[*byte]).expect("sent");
    }
    slow.write_all(&[STATUS, STATUS].concat()).expect("sent");
    let mut reader = Client::over(slow, Deadline::within(PATIENCE));
    for _ in 0..3 {
        assert_eq!(reader.receive::<Status>().expect("reply").reply.state, State::Ready);
    }
}

#[test]
fn a_oneway_call_is_carried_out_and_not_answered() {
    let world = World::new();
    let mut follower = world.client();
    follower.start(&Events {}, true).expect("sent");
    follower.receive::<Events>().expect("listening");
    let mut client = world.client();
    client.send(b"{\"method\":\"io.facelatch.v1.Reset\",\"oneway\":true}\0").expect("sent");
    client.send(b"{\"method\":\"io.facelatch.v1.Open\",\"oneway\":true}\0").expect("sent");
    assert!(client.call(&Status {}).is_ok(), "the first reply is that of the status");
    assert_eq!(follower.receive::<Events>().expect("event").reply.kind, EventKind::Reset);
}

#[test]
fn a_client_that_shut_down_writing_still_gets_the_reply() {
    let world = World::new().knows_alice();
    world.stage.shows(NOBODY);
    let mut stream = raw(&world);
    let call = br#"{"method":"io.facelatch.v1.Verify","parameters":{"user":"alice"}}"#;
    stream.write_all(&[call, &b"\0"[..]].concat()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("half-closed");
    let mut reader = Client::over(stream, Deadline::within(PATIENCE));
    assert!(reader.receive::<Verify>().expect("reply").reply.verdict.is_some());
}

#[test]
fn a_thousand_clients_are_refused_with_an_error_and_connected_ones_are_served() {
    let world = World::with(|config| {
        config.serve.max_connections = 16;
        config.serve.client_timeout_ms = Millis(600_000);
    });
    let mut inside = world.client();
    inside.call(&Status {}).expect("served");
    // One user gets half of all places.
    let kept: Vec<UnixStream> = (0..7).map(|_| raw(&world)).collect();
    for _ in 0..1000 {
        match world.ask(&Status {}) {
            Err(ClientError::Refused(Fault::TooManyClients { limit: 8, .. })) => {}
            other => panic!("there is no room, got {other:?}"),
        }
    }
    inside.call(&Status {}).expect("served meanwhile");
    drop(kept);
    // Places are freed one by one as the daemon notices.
    until(|| world.ask(&Status {}).ok());
    inside.call(&Status {}).expect("served");
}
