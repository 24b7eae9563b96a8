use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::code::Code;

const MINUTE: Duration = Duration::from_secs(60);

/// What comes of a daemon that says these bytes and closes.
fn hear(bytes: &[u8]) -> Result<Outcome, Trouble> {
    let (ours, mut theirs) = UnixStream::pair().expect("socket pair");
    theirs.write_all(bytes).expect("fits the socket's buffer");
    theirs.shutdown(std::net::Shutdown::Write).expect("closed");
    over(ours, MINUTE, &mut |_| ())
}

fn over(ours: UnixStream, time: Duration, say: &mut dyn FnMut(Said)) -> Result<Outcome, Trouble> {
    let deadline = Deadline::within(time);
    converse(Client::over(ours, deadline), "alice", deadline, &Keyboard::none(), &|| None, say)
}

fn ask_at(path: &Path, time: Duration) -> Trouble {
    ask(path, "alice", Deadline::within(time), &Keyboard::none(), &|| None, &mut |_| ())
        .expect_err("nobody answers")
}

#[test]
fn the_daemon_is_asked_about_the_user_and_told_to_leave_the_latch_alone() {
    let (ours, theirs) = UnixStream::pair().expect("socket pair");
    let mut daemon = Client::over(theirs, Deadline::within(MINUTE));
    daemon.send(b"{\"parameters\":{\"verdict\":\"no-match\"}}\0").expect("sent");
    assert!(matches!(over(ours, MINUTE, &mut |_| ()), Ok(Outcome::NoMatch)));
    let call = String::from_utf8(daemon.receive_bytes().expect("a call")).expect("text");
    let wanted =
        r#"{"method":"io.facelatch.v1.Verify","parameters":{"user":"alice","latch":false},"more":true}"#;
    assert_eq!(call, wanted);
}

#[test]
fn no_socket_and_no_listener_are_absence() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("s");
    assert_eq!(Code::of(&Err(ask_at(&path, MINUTE))), Code::Ignore);
    drop(UnixListener::bind(&path).expect("socket"));
    if nix::unistd::Uid::effective().is_root() {
        assert_eq!(Code::of(&Err(ask_at(&path, MINUTE))), Code::Ignore);
    }
}

#[test]
fn a_file_that_is_no_socket_is_not_trusted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (file, link) = (folder.path().join("f"), folder.path().join("l"));
    std::fs::write(&file, "match").expect("written");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    for path in [file, link] {
        assert!(matches!(ask_at(&path, MINUTE), Trouble::Untrusted { .. }));
    }
}

#[test]
fn a_socket_of_somebody_else_is_not_trusted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("s");
    let _listener = UnixListener::bind(&path).expect("socket");
    // Only root can give it away; anybody else owns it, and is somebody else, already.
    let _ = chown(&path, Some(12_345), None);
    assert!(matches!(ask_at(&path, MINUTE), Trouble::Untrusted { .. }));
}

#[test]
fn a_daemon_that_takes_no_more_connections_is_left_at_the_deadline() {
    use nix::sys::socket::{Backlog, bind, listen};
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("s");
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("socket");
    bind(fd.as_raw_fd(), &UnixAddr::new(&path).expect("address")).expect("bound");
    listen(&fd, Backlog::new(0).expect("valid")).expect("listens");
    let soon = || Deadline::within(Duration::from_millis(50));
    let mut waiting = Vec::new();
    let full = (0..8).find_map(|_| connect_in_time(&path, soon()).map(|stream| waiting.push(stream)).err());
    assert!(matches!(full, Some(Trouble::Late { .. })), "{full:?}");
}

#[test]
fn the_first_look_is_announced_once() {
    let look = b"{\"parameters\":{\"guidance\":\"too-dark\"},\"continues\":true}\0";
    let within = |ms| {
        let (ours, mut theirs) = UnixStream::pair().expect("socket pair");
        theirs.write_all(&look.repeat(3)).expect("sent");
        let mut said = Vec::new();
        let end = over(ours, Duration::from_millis(ms), &mut |word| said.push(word));
        (end, said)
    };
    // A busy machine may need longer to read what is there.
    let (end, said) =
        [50, 1_000, 20_000].into_iter().map(within).find(|(_, said)| !said.is_empty()).expect("announced");
    assert!(matches!(end, Err(Trouble::Late { guidance: Some(Outcome::TooDark) })), "{end:?}");
    assert_eq!(said, [Said::Looking]);
}

#[test]
fn whatever_the_person_is_asked_to_do_is_said_once() {
    let (ours, mut theirs) = UnixStream::pair().expect("socket pair");
    let reply = |word: &str| format!("{{\"parameters\":{{\"guidance\":\"{word}\"}},\"continues\":true}}\0");
    for word in ["turn-left", "turn-left", "too-dark", "turn-left", "look-straight"] {
        theirs.write_all(reply(word).as_bytes()).expect("sent");
    }
    let mut said = Vec::new();
    let mut theirs = Some(theirs);
    let end = over(ours, MINUTE, &mut |word| {
        said.push(word);
        if word == Said::Prompt(Outcome::LookStraight) {
            let verdict = b"{\"parameters\":{\"verdict\":\"attack\",\"user\":\"alice\"}}\0";
            theirs.take().expect("once").write_all(verdict).expect("sent");
        }
    });
    assert!(matches!(end, Ok(Outcome::Attack)), "{end:?}");
    let told = [Said::Looking, Said::Prompt(Outcome::TurnLeft), Said::Prompt(Outcome::LookStraight)];
    assert_eq!(said, told);
}

#[test]
fn every_word_that_lets_nobody_in_has_a_text() {
    assert!(Outcome::ALL.into_iter().all(|word| !word.text().is_empty()));
}

#[test]
fn a_match_that_comes_as_the_lid_closes_lets_nobody_in() {
    let (ours, mut theirs) = UnixStream::pair().expect("socket pair");
    theirs.write_all(b"{\"parameters\":{\"verdict\":\"match\",\"user\":\"alice\"}}\0").expect("sent");
    let deadline = Deadline::within(MINUTE);
    let looks = std::cell::Cell::new(0);
    // Open while the answer is waited for.
    let away = || (looks.replace(looks.get() + 1) > 0).then_some("the lid is closed");
    let end =
        converse(Client::over(ours, deadline), "alice", deadline, &Keyboard::none(), &away, &mut |_| ());
    assert!(matches!(end, Err(Trouble::Away { .. })), "{end:?}");
}

/// Replies that are nearly right.
fn nearly() -> impl Strategy<Value = String> {
    let verdict = prop_oneof!["match|no-match|no-face|Match|match ", Just("\\u006datch".to_owned())];
    let user = "alice|bob|alic|alice \\PC?";
    (verdict, user, any::<bool>(), "\\PC{0,20}").prop_map(|(verdict, user, continues, more)| {
        let more = serde_json::Value::from(more);
        format!(
            r#"{{"parameters":{{"verdict":"{verdict}","user":{},"message":{more}}},"continues":{continues}}}"#,
            serde_json::Value::from(user)
        )
    })
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_but_a_whole_match_of_the_user_lets_in(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert_ne!(Code::of(&hear(&bytes)), Code::Success);
    }

    #[test]
    fn of_replies_that_are_nearly_right_only_the_right_one_lets_in(text in nearly(), cut in 0_usize..200) {
        let whole = [text.as_bytes(), b"\0"].concat();
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let parameters = &value["parameters"];
        let right = parameters["verdict"] == "match" && parameters["user"] == "alice" && value["continues"] == false;
        prop_assert_eq!(Code::of(&hear(&whole)) == Code::Success, right, "{}", text);
        let short = &whole[..cut.min(whole.len() - 1)];
        prop_assert_ne!(Code::of(&hear(short)), Code::Success);
    }
}
