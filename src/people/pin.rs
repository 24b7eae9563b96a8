//! A PIN as somebody typed it.

use zeroize::ZeroizeOnDrop;

/// Fewest digits.
const MIN_DIGITS: usize = 4;

/// Most digits.
const MAX_DIGITS: usize = 10;

/// 4 to 10 digits. Without `Debug` on purpose; wiped on drop.
#[derive(ZeroizeOnDrop)]
pub struct Pin {
    digits: [u8; MAX_DIGITS],
    length: usize,
}

/// What cannot be a PIN. Does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPin {
    /// Something else than digits, or too few or too many of them.
    #[error("PIN: not 4 to 10 digits; use 6 or more")]
    Digits,
    /// One that many people would choose.
    #[error(
        "PIN: each digit is the same step from the one before, as in 0000, 1234 and 8642; use one that is harder to guess"
    )]
    Guessable,
}

impl Pin {
    /// Reads a PIN that was typed at a door.
    ///
    /// # Errors
    /// [`BadPin::Digits`].
    pub fn typed(text: &str) -> Result<Self, BadPin> {
        let length = text.len();
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&length) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadPin::Digits);
        }
        let mut pin = Self { digits: [0; MAX_DIGITS], length };
        pin.digits[..length].copy_from_slice(text.as_bytes());
        Ok(pin)
    }

    /// Reads a PIN that somebody chose.
    ///
    /// # Errors
    /// [`BadPin`].
    pub fn chosen(text: &str) -> Result<Self, BadPin> {
        let pin = Self::typed(text)?;
        let mut steps = pin.digits().windows(2).map(|pair| (10 + pair[1] - pair[0]) % 10);
        let first = steps.next();
        if steps.all(|step| Some(step) == first) {
            return Err(BadPin::Guessable);
        }
        Ok(pin)
    }

    /// Its digits in ASCII.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_four_to_ten_digits() {
        for good in ["0000", "4711", "0123456789"] {
            assert!(Pin::typed(good).is_ok_and(|pin| pin.digits() == good.as_bytes()), "{good}");
        }
        for bad in ["", "123", "01234567890", "12 34", "12a4", "١٢٣٤", "-123", "1234\n"] {
            assert_eq!(Pin::typed(bad).err(), Some(BadPin::Digits), "{bad}");
        }
    }

    #[test]
    fn nobody_may_choose_digits_of_one_step() {
        for bad in ["0000", "1234", "4321", "8642", "7890", "9876543210", "5050"] {
            assert_eq!(Pin::chosen(bad).err(), Some(BadPin::Guessable), "{bad}");
        }
        for good in ["4711", "1233", "0001", "2580"] {
            assert!(Pin::chosen(good).is_ok(), "{good}");
        }
        assert!(!BadPin::Digits.to_string().contains("123"));
    }
}
