//! Keys to a PIN. No clock and no I/O. Nothing here has `Debug`, and every digit is wiped once it is used.

use std::time::Duration;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::clock::Moment;

/// Most digits of a PIN.
const MAX_DIGITS: usize = 10;

/// Digits are forgotten when no key follows for this long: the next person must not add to them.
const PATIENCE: Duration = Duration::from_secs(10);

/// A key that matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// 0 to 9.
    Digit(u8),
    /// Sends what was typed.
    Enter,
    /// Forgets it.
    Clear,
}

/// Digits that somebody has typed and sent: at least one.
#[derive(PartialEq, Eq, ZeroizeOnDrop)]
pub(crate) struct Pin(String);

/// Digits that somebody is typing.
#[derive(Default)]
pub(crate) struct Entry {
    /// ASCII; has room for all of them from the start, so that no copy is left behind.
    digits: Digits,
    last: Moment,
    /// There were too many: none counts until somebody sends, clears, or waits.
    too_long: bool,
}

#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Digits {
    typed: [u8; MAX_DIGITS],
    count: usize,
}

impl Entry {
    /// A key was pressed. Gives the PIN that it sends.
    pub(crate) fn press(&mut self, key: Key, now: Moment) -> Option<Pin> {
        self.tick(now);
        self.last = now;
        match key {
            Key::Digit(digit) => {
                self.digit(digit);
                None
            }
            Key::Clear => {
                self.forget();
                None
            }
            Key::Enter => {
                let pin = (self.digits.count > 0).then(|| self.digits.pin());
                self.forget();
                pin
            }
        }
    }

    /// Forgets digits that are too old.
    pub(crate) fn tick(&mut self, now: Moment) {
        if now.since(self.last) >= PATIENCE {
            self.forget();
        }
    }

    fn digit(&mut self, digit: u8) {
        match self.digits.typed.get_mut(self.digits.count) {
            _ if self.too_long => {}
            Some(place) => {
                *place = b'0' + digit % 10;
                self.digits.count += 1;
            }
            None => {
                self.forget();
                self.too_long = true;
            }
        }
    }

    fn forget(&mut self) {
        self.digits.zeroize();
        self.too_long = false;
    }
}

impl Digits {
    fn pin(&self) -> Pin {
        Pin(self.typed[..self.count].iter().map(|digit| char::from(*digit)).collect())
    }
}

impl Pin {
    /// The digits; whoever takes them wipes them.
    pub(crate) fn into_text(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// What is sent by keys a second apart: digits, `#` to send, `*` to clear, `.` to wait ten seconds.
    fn sent(keys: &str) -> Vec<String> {
        let (mut entry, mut now) = (Entry::default(), 0);
        let mut sent = Vec::new();
        for key in keys.chars() {
            now += if key == '.' { 10_000 - 1000 } else { 1000 };
            let key = match key {
                '#' => Key::Enter,
                '*' => Key::Clear,
                '.' => {
                    entry.tick(at(now));
                    continue;
                }
                digit => {
                    Key::Digit(digit.to_digit(10).and_then(|digit| digit.try_into().ok()).expect("a digit"))
                }
            };
            sent.extend(entry.press(key, at(now)).map(Pin::into_text));
        }
        sent
    }

    #[test]
    fn digits_are_sent_by_enter_and_then_forgotten() {
        assert_eq!(sent("4711#"), ["4711"]);
        assert_eq!(sent("4711##"), ["4711"], "an empty entry is nothing to send");
        assert_eq!(sent("0123456789#12#"), ["0123456789", "12"]);
        assert_eq!(sent("4711"), [""; 0]);
    }

    #[test]
    fn clear_and_ten_seconds_without_a_key_empty_it() {
        assert_eq!(sent("99*4711#"), ["4711"]);
        assert_eq!(sent("99.4711#"), ["4711"]);
        assert_eq!(sent("47.#"), [""; 0]);
        let mut entry = Entry::default();
        for (ms, digit) in [(0, 4), (9999, 7), (19_998, 1)] {
            assert!(entry.press(Key::Digit(digit), at(ms)).is_none());
        }
        assert!(
            entry.press(Key::Enter, at(29_997)).is_some_and(|pin| pin.into_text() == "471"),
            "each key counts anew"
        );
    }

    #[test]
    fn more_than_ten_digits_are_none_until_the_next_entry() {
        assert_eq!(sent("01234567890#4711#"), ["4711"]);
        assert_eq!(sent("012345678904711#"), [""; 0], "the end of a longer number is no PIN");
        assert_eq!(sent("01234567890*4711#"), ["4711"]);
        assert_eq!(sent("01234567890.4711#"), ["4711"]);
    }

    #[test]
    fn nothing_typed_is_left_in_memory() {
        let mut entry = Entry::default();
        for key in [Key::Digit(4), Key::Digit(7), Key::Enter] {
            let _ = entry.press(key, at(0));
        }
        assert!(entry.digits.typed == [0; MAX_DIGITS] && entry.digits.count == 0);
        let _ = entry.press(Key::Digit(9), at(0));
        entry.tick(at(10_000));
        assert!(entry.digits.typed == [0; MAX_DIGITS]);
    }
}
