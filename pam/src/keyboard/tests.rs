use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

use facelatch_wire::Outcome;
use nix::pty::{OpenptyResult, openpty};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A terminal: the end that a person types on, and the end of the program.
fn terminal() -> (File, File, Keyboard) {
    let OpenptyResult { master, slave } = openpty(None, None).expect("a pseudo-terminal");
    let keyboard = Keyboard::at(format!("/proc/self/fd/{}", slave.as_raw_fd()));
    (master.into(), slave.into(), keyboard)
}

/// Types at a program that does not wait, and sees that it arrived.
fn type_ahead(person: &mut File, keys: &str) {
    person.write_all(keys.as_bytes()).expect("typed");
    let shown = keys.replace('\n', "\r\n");
    let mut echo = vec![0; shown.len()];
    person.read_exact(&mut echo).expect("shown");
    assert_eq!(echo, shown.as_bytes());
}

fn flags(terminal: &File) -> LocalFlags {
    tcgetattr(terminal).expect("a terminal").local_flags
}

fn wait(watch: &Watch, stream: &UnixStream) -> Result<(), Trouble> {
    watch.wait(stream, Deadline::within(MINUTE), &|| None)
}

#[test]
fn a_typed_password_ends_the_wait_and_is_there_for_the_next_reader() {
    let (mut person, mut program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    let before = flags(&program);
    let watch = keyboard.watch();
    person.write_all(b"hunt").expect("typed");
    assert!(matches!(wait(&watch, &stream), Err(Trouble::Typed)));
    drop(watch);
    assert_eq!(flags(&program), before);
    person.write_all(b"er2\n").expect("typed");
    // Byte by byte up to the end of the line, as sudo reads it.
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        program.read_exact(&mut byte).expect("a byte");
        line.extend(byte);
    }
    assert_eq!(line, b"hunter2\n");
}

#[test]
fn what_was_typed_before_the_wait_does_not_end_it_and_stays_too() {
    let (mut person, mut program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    type_ahead(&mut person, "ls\npw");
    let watch = keyboard.watch();
    let soon = Deadline::within(Duration::from_millis(20));
    assert!(matches!(watch.wait(&stream, soon, &|| None), Err(Trouble::Late { .. })));
    person.write_all(b"d").expect("typed");
    assert!(matches!(wait(&watch, &stream), Err(Trouble::Typed)));
    drop(watch);
    let mut read = [0; 6];
    program.read_exact(&mut read).expect("what was typed");
    assert_eq!(&read, b"ls\npwd");
}

#[test]
fn where_a_whole_script_was_typed_before_nothing_is_watched() {
    let (mut person, program, keyboard) = terminal();
    let (stream, mut daemon) = UnixStream::pair().expect("socket pair");
    let before = flags(&program);
    type_ahead(&mut person, &"ls\n".repeat(100));
    let watch = keyboard.watch();
    assert_eq!(flags(&program), before);
    daemon.write_all(b"reply").expect("sent");
    assert!(wait(&watch, &stream).is_ok());
}

#[test]
fn what_is_typed_meanwhile_is_not_shown() {
    let (mut person, mut program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    let watch = keyboard.watch();
    person.write_all(b"hunter2").expect("typed");
    assert!(matches!(wait(&watch, &stream), Err(Trouble::Typed)));
    drop(watch);
    // An echo would stand before it.
    program.write_all(b"Password:").expect("written");
    let mut shown = [0; 9];
    person.read_exact(&mut shown).expect("shown");
    assert_eq!(&shown, b"Password:");
}

#[test]
fn a_reply_ends_the_wait_and_leaves_the_terminal_as_it_was() {
    let (_person, program, keyboard) = terminal();
    let (stream, mut daemon) = UnixStream::pair().expect("socket pair");
    let before = flags(&program);
    let watch = keyboard.watch();
    assert!(!flags(&program).intersects(LocalFlags::ICANON | LocalFlags::ECHO));
    daemon.write_all(Outcome::Match.as_str().as_bytes()).expect("sent");
    assert!(wait(&watch, &stream).is_ok());
    drop(watch);
    assert_eq!(flags(&program), before);
}

#[test]
fn silence_ends_at_the_deadline() {
    let (_person, _program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    let soon = Deadline::within(Duration::from_millis(20));
    assert!(matches!(keyboard.watch().wait(&stream, soon, &|| None), Err(Trouble::Late { .. })));
}

#[test]
fn a_signal_ends_the_wait_and_is_delivered_afterwards() {
    let (_person, program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    let before = (flags(&program), SigSet::thread_get_mask().expect("a mask"));
    let watch = keyboard.watch();
    // To this thread alone, and one whose delivery ends no test.
    nix::sys::signal::raise(Signal::SIGALRM).expect("sent");
    assert!(matches!(wait(&watch, &stream), Err(Trouble::Typed)));
    // Taken here, or it would end this program now.
    let mut alarm = SigSet::empty();
    alarm.add(Signal::SIGALRM);
    assert_eq!(alarm.wait(), Ok(Signal::SIGALRM));
    drop(watch);
    assert_eq!((flags(&program), SigSet::thread_get_mask().expect("a mask")), before);
}

#[test]
fn what_is_no_terminal_is_not_watched() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    let (stream, mut daemon) = UnixStream::pair().expect("socket pair");
    daemon.write_all(b"reply").expect("sent");
    for keyboard in [Keyboard::none(), Keyboard::at(file.path()), Keyboard::at("/nonexistent/tty")] {
        assert!(wait(&keyboard.watch(), &stream).is_ok());
    }
}

#[test]
fn who_cannot_look_any_more_is_not_waited_for() {
    let (_person, _program, keyboard) = terminal();
    let (stream, _silent_daemon) = UnixStream::pair().expect("socket pair");
    for keyboard in [keyboard, Keyboard::none()] {
        let times = std::cell::Cell::new(0);
        // The lid is closed while the camera looks.
        let away = || {
            times.set(times.get() + 1);
            (times.get() > 2).then_some("the lid is closed")
        };
        let end = keyboard.watch().wait(&stream, Deadline::within(MINUTE), &away);
        assert!(matches!(end, Err(Trouble::Away { why: "the lid is closed" })), "{end:?}");
    }
}
