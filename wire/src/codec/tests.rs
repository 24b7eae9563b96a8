use super::*;
use crate::Outcome;
use crate::call::{Status, Verify};

const MINUTE: Duration = Duration::from_secs(60);

/// A client and the bytes its daemon sends; the daemon's end is closed afterwards if `close`.
fn client(bytes: &[u8], deadline: Deadline) -> (Client, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().expect("socket pair");
    theirs.write_all(bytes).expect("fits the socket's buffer");
    (Client::over(ours, deadline), theirs)
}

#[test]
fn a_call_is_one_json_object_ended_by_nul() {
    let (mut client, mut daemon) =
        client(b"{\"parameters\":{\"verdict\":\"match\"}}\0", Deadline::within(MINUTE));
    let reply =
        client.call(&Verify { user: Some("alice".into()), latch: None, camera: None }).expect("reply");
    assert_eq!(reply.verdict, Some(Outcome::Match));
    drop(client);
    let mut sent = String::new();
    daemon.read_to_string(&mut sent).expect("text");
    assert_eq!(sent, "{\"method\":\"io.facelatch.v1.Verify\",\"parameters\":{\"user\":\"alice\"}}\0");
}

#[test]
fn two_replies_in_one_read_are_two_replies() {
    let bytes =
        b"{\"parameters\":{\"done\":1},\"continues\":true}\0{\"parameters\":{\"verdict\":\"no-match\"}}\0";
    let (mut client, _daemon) = client(bytes, Deadline::within(MINUTE));
    let first = client.receive::<Verify>().expect("first");
    assert!(first.continues && first.reply.done == Some(1));
    let last = client.receive::<Verify>().expect("last");
    assert!(!last.continues && last.reply.verdict == Some(Outcome::NoMatch));
}

#[test]
fn an_error_reply_is_a_typed_error() {
    let bytes = b"{\"error\":\"io.facelatch.v1.Busy\",\"parameters\":{\"message\":\"m\"}}\0";
    let (mut client, _daemon) = client(bytes, Deadline::within(MINUTE));
    let refused = client.call(&Verify::default()).expect_err("error");
    assert!(matches!(refused, ClientError::Refused(Fault::Busy { message }) if message == "m"));
}

#[test]
fn an_endless_reply_is_cut_off() {
    let (mut client, _daemon) = client(&vec![b' '; MAX_MESSAGE_BYTES + READ_BYTES], Deadline::within(MINUTE));
    assert!(matches!(client.receive_bytes(), Err(ClientError::TooLong)));
}

#[test]
fn silence_ends_at_the_deadline() {
    let (mut client, _daemon) = client(b"{\"half\":", Deadline::within(Duration::from_millis(1)));
    assert!(matches!(client.receive_bytes(), Err(ClientError::Timeout)));
}

#[test]
fn nonsense_is_garbage_and_a_closed_socket_is_closed() {
    let (mut nonsense, daemon) = client(b"hello\0", Deadline::within(MINUTE));
    assert!(matches!(nonsense.receive::<Status>(), Err(ClientError::Garbage { .. })));
    drop(daemon);
    assert!(matches!(nonsense.receive::<Status>(), Err(ClientError::Closed)));
}

#[test]
fn a_daemon_that_is_not_there_is_named_with_the_fix() {
    let error = Client::connect(Path::new("/nonexistent/f.sock"), Deadline::never()).expect_err("nobody");
    let text = error.to_string();
    assert!(text.contains("/nonexistent/f.sock") && text.contains("systemctl start facelatchd"), "{text}");
}

#[test]
fn a_client_of_the_daemons_own_version_takes_no_key_twice_and_none_it_does_not_know() {
    let strictly = |text: &str| read_strictly::<Verify>(text.as_bytes());
    for right in [
        r#"{"parameters":{"verdict":"match","user":"alice","p":0.1,"ms":{"detect":1.5,"align":0.1,"embed":3.0,"score":0.2}}}"#,
        r#"{"parameters":{"guidance":"too-dark"},"continues":true}"#,
        r#"{"parameters":{},"continues":false}"#,
        "{}",
    ] {
        assert!(strictly(right).is_ok(), "{right}");
    }
    for wrong in [
        r#"{"parameters":{"verdict":"no-match","verdict":"match","user":"alice"}}"#,
        r#"{"parameters":{"verdict":"match","user":"bob","user":"alice"}}"#,
        r#"{"parameters":{"verdict":"no-match"},"parameters":{"verdict":"match"}}"#,
        r#"{"parameters":{"verdict":"match","ms":{"detect":1.0,"detect":1.0,"align":0.1,"embed":3.0,"score":0.2}}}"#,
        r#"{"parameters":{"verdict":"match","ms":{"detect":1.0,"align":0.1,"embed":3.0,"score":0.2,"x":1}}}"#,
        r#"{"parameters":{"verdict":"match","user":"alice","unsure":true}}"#,
        r#"{"parameters":{"verdict":"match","user":"alice"},"unsure":true}"#,
        r#"{"parameters":{"verdict":"splendid"}}"#,
        r#"{"parameters":{"verdict":"match","ver\u0064ict":"match"}}"#,
    ] {
        assert!(matches!(strictly(wrong), Err(ClientError::Garbage { .. })), "{wrong}");
    }
    let refused = strictly(r#"{"error":"io.facelatch.v1.Busy","parameters":{"message":"m"}}"#);
    assert!(matches!(refused, Err(ClientError::Refused(Fault::Busy { .. }))));
}

#[test]
fn a_message_is_taken_once_it_was_read_whole() {
    let (mut client, mut daemon) = client(b"{\"par", Deadline::within(MINUTE));
    client.read_some().expect("bytes");
    assert_eq!(client.take_message().expect("no error"), None);
    daemon.write_all(b"ameters\":{}}\0{").expect("sent");
    client.read_some().expect("bytes");
    assert_eq!(client.take_message().expect("no error").as_deref(), Some(&b"{\"parameters\":{}}"[..]));
    assert_eq!(client.take_message().expect("no error"), None);
}

#[test]
fn a_deadline_that_is_extended_leaves_more_time() {
    let minute = Duration::from_secs(60);
    let over = Deadline::within(Duration::ZERO);
    assert!(over.left().is_err());
    assert!(over.extended(minute).left().is_ok_and(|left| left.is_some_and(|left| left <= minute)));
    assert!(Deadline::never().extended(minute).left().is_ok_and(|left| left.is_none()));
}
