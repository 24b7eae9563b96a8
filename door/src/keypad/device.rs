//! The keypad itself: an input device of the kernel (evdev), for this program alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evdev::KeyCode;
use evdev::raw_stream::RawDevice;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use zeroize::Zeroizing;

use super::{Key, Keys};

/// `struct input_event` of <linux/input.h>: a time of two C longs, then type, code and value.
const TIME_BYTES: usize = 2 * size_of::<usize>();
const EVENT_BYTES: usize = TIME_BYTES + 8;

/// Events taken at a time.
const EVENTS: usize = 64;

const EV_SYN: u16 = 0;
const EV_KEY: u16 = 1;

/// Code of an EV_SYN: the kernel had no room for events that were before this.
const SYN_DROPPED: u16 = 3;

/// Value of an EV_KEY; 0 is let go, 2 held.
const PRESSED: i32 = 1;

/// Why a keypad cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("{}: there is no such device; `ls /dev/input/by-id /dev/input/by-path` lists them", .path.display())]
    NotFound { path: PathBuf },
    #[error("{}: may not be opened; facelatch-door must be in the group `input`", .path.display())]
    Forbidden { path: PathBuf },
    #[error("{}: another program has it for itself; end that one, or name another device", .path.display())]
    Taken { path: PathBuf },
    #[error("{}: not a keypad, since it lacks digits or enter; name another device", .path.display())]
    NotAKeypad { path: PathBuf },
    #[error("{}: gone ({source}); plug it in again", .path.display())]
    Gone { path: PathBuf, source: io::Error },
}

impl DeviceError {
    fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::Forbidden { path },
            io::ErrorKind::ResourceBusy => Self::Taken { path },
            _ => Self::Gone { path, source },
        }
    }
}

/// A keypad that nobody else hears.
pub(crate) struct Device {
    path: PathBuf,
    events: File,
    /// Holds the grab.
    _device: RawDevice,
}

/// Takes the keypad at this path, so that its digits reach no console.
pub(crate) fn open(path: &Path) -> Result<Device, DeviceError> {
    let failed = |error| DeviceError::of(path, error);
    // A pipe or a serial line would have us wait for its other end, and the exit button with it: the service is not ready yet.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits());
    let events = options.open(path).map_err(failed)?;
    let fd = events.try_clone().map_err(failed)?.into();
    // What is no input device does not know the question.
    let mut device = RawDevice::from_fd(fd).map_err(|_| DeviceError::NotAKeypad { path: path.into() })?;
    let keys = device.supported_keys();
    let has = |keys_for: Key| {
        keys.is_some_and(|keys| keys.iter().any(|code| meaning(code).is_some_and(|key| key == keys_for)))
    };
    if !(0..10).all(|digit| has(Key::Digit(digit))) || !has(Key::Enter) {
        return Err(DeviceError::NotAKeypad { path: path.into() });
    }
    device.grab().map_err(failed)?;
    Ok(Device { path: path.into(), events, _device: device })
}

impl Keys for Device {
    fn wait(&mut self, limit: Duration) -> Result<Vec<Key>, DeviceError> {
        let failed = |error| DeviceError::of(&self.path, error);
        let mut ready = [PollFd::new(self.events.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut ready, limit) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(failed(error.into())),
        }
        let mut bytes = Zeroizing::new([0; EVENTS * EVENT_BYTES]);
        match self.events.read(&mut *bytes) {
            Ok(count) => Ok(keys(&bytes[..count])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The keys that were pressed, of whole events.
fn keys(events: &[u8]) -> Vec<Key> {
    events.chunks_exact(EVENT_BYTES).filter_map(key).collect()
}

fn key(event: &[u8]) -> Option<Key> {
    let (kind, rest) = event.get(TIME_BYTES..)?.split_first_chunk()?;
    let (code, rest) = rest.split_first_chunk()?;
    let (value, _) = rest.split_first_chunk()?;
    let code = u16::from_ne_bytes(*code);
    match (u16::from_ne_bytes(*kind), i32::from_ne_bytes(*value)) {
        (EV_KEY, PRESSED) => meaning(KeyCode(code)),
        // Digits are missing.
        (EV_SYN, _) if code == SYN_DROPPED => Some(Key::Clear),
        _ => None,
    }
}

/// What a key means, whether or not NumLock is on: that is the console's affair.
fn meaning(code: KeyCode) -> Option<Key> {
    const DIGITS: [[KeyCode; 3]; 10] = [
        [KeyCode::KEY_0, KeyCode::KEY_KP0, KeyCode::KEY_NUMERIC_0],
        [KeyCode::KEY_1, KeyCode::KEY_KP1, KeyCode::KEY_NUMERIC_1],
        [KeyCode::KEY_2, KeyCode::KEY_KP2, KeyCode::KEY_NUMERIC_2],
        [KeyCode::KEY_3, KeyCode::KEY_KP3, KeyCode::KEY_NUMERIC_3],
        [KeyCode::KEY_4, KeyCode::KEY_KP4, KeyCode::KEY_NUMERIC_4],
        [KeyCode::KEY_5, KeyCode::KEY_KP5, KeyCode::KEY_NUMERIC_5],
        [KeyCode::KEY_6, KeyCode::KEY_KP6, KeyCode::KEY_NUMERIC_6],
        [KeyCode::KEY_7, KeyCode::KEY_KP7, KeyCode::KEY_NUMERIC_7],
        [KeyCode::KEY_8, KeyCode::KEY_KP8, KeyCode::KEY_NUMERIC_8],
        [KeyCode::KEY_9, KeyCode::KEY_KP9, KeyCode::KEY_NUMERIC_9],
    ];
    let digit =
        (0..).zip(DIGITS).find(|(_, codes)| codes.contains(&code)).map(|(digit, _)| Key::Digit(digit));
    digit.or(match code {
        // The key where a telephone has its #: right of the 0.
        KeyCode::KEY_ENTER | KeyCode::KEY_KPENTER | KeyCode::KEY_KPDOT | KeyCode::KEY_NUMERIC_POUND => {
            Some(Key::Enter)
        }
        KeyCode::KEY_ESC | KeyCode::KEY_BACKSPACE | KeyCode::KEY_KPASTERISK | KeyCode::KEY_NUMERIC_STAR => {
            Some(Key::Clear)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event as the kernel of this machine writes it.
    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        [&[9; TIME_BYTES][..], &kind.to_ne_bytes(), &code.to_ne_bytes(), &value.to_ne_bytes()].concat()
    }

    #[test]
    fn a_press_is_a_key_and_neither_its_release_nor_its_repeats_are() {
        let events =
            [event(1, 79, 1), event(0, 0, 0), event(1, 79, 2), event(1, 79, 0), event(4, 4, 79)].concat();
        assert!(keys(&events) == [Key::Digit(1)]);
        assert!(keys(&events[..EVENT_BYTES - 1]).is_empty(), "half an event is none");
        assert!(keys(&event(0, SYN_DROPPED, 0)) == [Key::Clear], "what is lost could have been a digit");
    }

    /// Numbers from <linux/input-event-codes.h>.
    #[test]
    fn every_row_of_digits_means_the_same() {
        let rows: [[u16; 10]; 3] = [
            [11, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            [82, 79, 80, 81, 75, 76, 77, 71, 72, 73],
            [0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209],
        ];
        for row in rows {
            for (digit, code) in (0..).zip(row) {
                assert!(meaning(KeyCode(code)) == Some(Key::Digit(digit)), "{code}");
            }
        }
        for enter in [28, 96, 83, 0x20b] {
            assert!(meaning(KeyCode(enter)) == Some(Key::Enter), "{enter}");
        }
        for clear in [1, 14, 55, 0x20a] {
            assert!(meaning(KeyCode(clear)) == Some(Key::Clear), "{clear}");
        }
        assert!((0..0x300).filter_map(|code| meaning(KeyCode(code))).count() == 38);
    }

    #[test]
    fn what_would_keep_whoever_opens_it_waiting_is_no_keypad() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).expect("made");
        let (send, opened) = std::sync::mpsc::channel();
        std::thread::spawn(move || send.send(open(&pipe).err().map(|error| error.to_string())));
        let why = opened.recv_timeout(Duration::from_secs(60)).expect("an answer").unwrap_or_default();
        assert!(why.contains("not a keypad"), "{why}");
        let why = open(folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(why.contains("not a keypad"), "a folder: {why}");
    }

    #[test]
    fn what_is_not_there_or_no_input_device_is_named_with_the_fix() {
        let why = |path: &str| open(Path::new(path)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(why("/nonexistent/keypad").contains("/nonexistent/keypad: there is no such device; `ls "));
        assert!(why("/dev/null").contains("/dev/null: not a keypad"));
        let taken = DeviceError::of(Path::new("/dev/input/event3"), io::Error::from_raw_os_error(16));
        assert!(taken.to_string().contains("another program has it for itself"), "{taken}");
        let gone = DeviceError::of(Path::new("/dev/input/event3"), io::Error::from_raw_os_error(19));
        assert!(
            gone.to_string().contains("gone (") && gone.to_string().contains("plug it in again"),
            "{gone}"
        );
    }
}
