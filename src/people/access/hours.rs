//! Weekly hours and their text form: `mon-fri 08:00-18:00`, `sat,sun 10:00-16:00`, `holiday 10:00-12:00`, `daily 07:00-22:00`.
//!
//! Days are `mon` to `sun`, `holiday`, and `daily` for all of them. On a holiday only hours of `holiday` (or `daily`) count.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::{clock_text, minutes};

/// Most spans of one person, in all their rules.
pub const MAX_SPANS: usize = 128;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const HOLIDAY: u8 = 1 << 7;

const DAILY: u8 = u8::MAX;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A span of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    /// Bit 0 is Monday, bit 6 Sunday, bit 7 a holiday.
    days: u8,
    /// First minute of the day, 0 to 1439.
    from: u16,
    /// The minute after the last one, 1 to 1440, later than `from`.
    until: u16,
}

/// Hours that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum BadHours {
    /// Not of the form.
    #[error("hours {0:?}: write them as \"mon-fri 08:00-18:00\"")]
    Form(String),
    /// A day that there is not.
    #[error(
        "hours {text:?}: no day is named {word:?}; days are mon, tue, wed, thu, fri, sat, sun, holiday and daily"
    )]
    Day { text: String, word: String },
    /// They begin and end at once.
    #[error("hours {0:?}: they are empty; the whole day is 00:00-24:00")]
    Empty(String),
    /// They end before they begin.
    #[error("hours {text:?}: they end before they begin; over midnight write two spans: {two}")]
    Backwards { text: String, two: String },
    /// Two of them overlap.
    #[error("hours \"{0}\" and \"{1}\": they overlap")]
    Overlap(Hours, Hours),
    /// Too many.
    #[error("{0} spans of hours in one rule; at most {MAX_SPANS}")]
    Spans(usize),
}

impl Hours {
    /// Whether they include this minute of a weekday (0 is Monday), or of a holiday that falls on it.
    pub fn include(self, weekday: u8, is_holiday: bool, minute: u16) -> bool {
        let day = if is_holiday { HOLIDAY } else { 1_u8.checked_shl(weekday.into()).unwrap_or_default() };
        self.days & day != 0 && (self.from..self.until).contains(&minute)
    }

    fn overlap(self, other: Self) -> bool {
        self.days & other.days != 0 && self.from < other.until && other.from < self.until
    }
}

/// Whether there are not too many, and none overlap.
pub(super) fn check(hours: &[Hours]) -> Result<(), BadHours> {
    if hours.len() > MAX_SPANS {
        return Err(BadHours::Spans(hours.len()));
    }
    for (at, one) in hours.iter().enumerate() {
        if let Some(other) = hours[..at].iter().find(|other| one.overlap(**other)) {
            return Err(BadHours::Overlap(*other, *one));
        }
    }
    Ok(())
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let shown = || text.chars().take(64).collect::<String>();
        let form = || BadHours::Form(shown());
        let mut words = text.split_whitespace();
        let (Some(days), Some(times), None) = (words.next(), words.next(), words.next()) else {
            return Err(form());
        };
        let day = |word: &str| BadHours::Day { text: shown(), word: word.chars().take(16).collect() };
        let days = days_of(days).map_err(day)?;
        let (from, until) = times.split_once('-').ok_or_else(form)?;
        let (from, until) = (minutes(from).ok_or_else(form)?, minutes(until).ok_or_else(form)?);
        match from.cmp(&until) {
            std::cmp::Ordering::Less => Ok(Self { days, from, until }),
            std::cmp::Ordering::Equal => Err(BadHours::Empty(shown())),
            std::cmp::Ordering::Greater => {
                Err(BadHours::Backwards { text: shown(), two: over_midnight(days, from, until) })
            }
        }
    }
}

/// The two spans that somebody meant who wrote one over midnight.
fn over_midnight(days: u8, from: u16, until: u16) -> String {
    // The day after a holiday is not known.
    let next = days & HOLIDAY | (days << 1 | days >> 6 & 1) & !HOLIDAY;
    let spans = [(days, from, DAY), (next, 0, until)].into_iter().filter(|(_, from, until)| from < until);
    let texts = spans.map(|(days, from, until)| format!("\"{}\"", Hours { days, from, until }));
    texts.collect::<Vec<_>>().join(" and ")
}

/// The bits of a list of days and ranges of days, or the word that is neither.
fn days_of(text: &str) -> Result<u8, &str> {
    text.split(',').try_fold(0, |days, part| Ok(days | range_of(part)?))
}

fn range_of(part: &str) -> Result<u8, &str> {
    for (name, days) in [("daily", DAILY), ("holiday", HOLIDAY)] {
        if part.eq_ignore_ascii_case(name) {
            return Ok(days);
        }
    }
    let weekday = |name: &str| WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (weekday(first).ok_or(first)?, weekday(last).ok_or(last)?);
    // From Saturday to Monday is over the end of the week.
    let count = (last + WEEKDAYS.len() - first) % WEEKDAYS.len() + 1;
    Ok((first..first + count).fold(0, |days, day| days | 1 << (day % WEEKDAYS.len())))
}

/// Days as they are written: runs of three and more as a range.
fn days_text(days: u8) -> String {
    if days == DAILY {
        return "daily".to_owned();
    }
    let (mut parts, mut day) = (Vec::new(), 0);
    while day < WEEKDAYS.len() {
        let run = (day..WEEKDAYS.len()).take_while(|day| days & 1 << day != 0).count();
        match run {
            0 => {}
            1 | 2 => parts.extend(WEEKDAYS[day..day + run].iter().map(|name| (*name).to_owned())),
            _ => parts.push(format!("{}-{}", WEEKDAYS[day], WEEKDAYS[day + run - 1])),
        }
        day += run.max(1);
    }
    if days & HOLIDAY != 0 {
        parts.push("holiday".to_owned());
    }
    parts.join(",")
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}-{}", days_text(self.days), clock_text(self.from), clock_text(self.until))
    }
}

impl TryFrom<String> for Hours {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hours(text: &str) -> Hours {
        text.parse().unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn hours_are_read_as_they_are_written() {
        for (text, shown) in [
            ("mon-fri 08:00-18:00", "mon-fri 08:00-18:00"),
            ("sat,sun 10:00-16:00", "sat,sun 10:00-16:00"),
            ("holiday 10:00-12:00", "holiday 10:00-12:00"),
            ("daily 07:00-22:00", "daily 07:00-22:00"),
            ("sat-mon  8:00-9:30", "mon,sat,sun 08:00-09:30"),
            ("mon,tue,wed,fri,holiday 00:00-24:00", "mon-wed,fri,holiday 00:00-24:00"),
            ("mon-sun 00:00-00:01", "mon-sun 00:00-00:01"),
            ("Mon-FRI,Holiday 08:00-18:00", "mon-fri,holiday 08:00-18:00"),
            ("Daily 08:00-18:00", "daily 08:00-18:00"),
        ] {
            assert_eq!(hours(text).to_string(), shown);
        }
    }

    #[test]
    fn what_makes_no_sense_says_what_to_write() {
        for (text, told) in [
            ("", "write them as"),
            ("mon", "write them as"),
            ("08:00-18:00", "write them as"),
            ("mon 08:00", "write them as"),
            ("mon 08:00-18:00 tue 08:00-18:00", "write them as"),
            ("mon 08:00-24:01", "write them as"),
            ("mon 8-18", "write them as"),
            ("monday 08:00-18:00", "\"monday\""),
            ("mon-fri-sun 08:00-18:00", "\"fri-sun\""),
            ("holiday-mon 08:00-18:00", "\"holiday\""),
            ("mon, 08:00-18:00", "no day is named \"\""),
            ("mon 08:00-08:00", "empty"),
            ("mon-fri 22:00-06:00", "\"mon-fri 22:00-24:00\" and \"tue-sat 00:00-06:00\""),
            ("sun 22:00-06:00", "\"sun 22:00-24:00\" and \"mon 00:00-06:00\""),
            ("daily 22:00-06:00", "\"daily 22:00-24:00\" and \"daily 00:00-06:00\""),
            ("sat 22:00-00:00", "two spans: \"sat 22:00-24:00\""),
        ] {
            let error = text.parse::<Hours>().expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_advised_over_midnight_is_accepted() {
        for text in ["mon-fri 22:00-06:00", "sun,holiday 23:59-00:01", "daily 22:00-21:59"] {
            let error = text.parse::<Hours>().expect_err(text).to_string();
            let two: Vec<Hours> = error.split('"').skip(3).step_by(2).map(hours).collect();
            assert_eq!((two.len(), check(&two)), (2, Ok(())), "{error}");
        }
    }

    #[test]
    fn hours_that_overlap_are_refused() {
        let refused =
            |texts: &[&str]| check(&texts.iter().map(|text| hours(text)).collect::<Vec<_>>()).is_err();
        assert!(refused(&["mon-fri 08:00-18:00", "wed 17:59-20:00"]));
        assert!(refused(&["daily 07:00-22:00", "holiday 10:00-12:00"]));
        assert!(!refused(&["mon-fri 08:00-12:00", "mon-fri 12:00-18:00", "sat 08:00-12:00"]));
        assert!(!refused(&["mon-sun 07:00-22:00", "holiday 10:00-12:00"]));
        let many = vec![hours("mon 00:00-00:01"); MAX_SPANS + 1];
        assert_eq!(check(&many), Err(BadHours::Spans(MAX_SPANS + 1)));
    }

    #[test]
    fn on_a_holiday_only_hours_of_holidays_count() {
        let (monday, weekday, holiday) = (0, hours("mon-fri 08:00-18:00"), hours("holiday 10:00-12:00"));
        assert!(weekday.include(monday, false, 480) && !weekday.include(monday, true, 480));
        assert!(!weekday.include(monday, false, 479) && !weekday.include(monday, false, 1080));
        assert!(holiday.include(monday, true, 600) && !holiday.include(monday, false, 600));
        assert!(hours("daily 00:00-24:00").include(6, true, 1439));
        assert!(!weekday.include(5, false, 480) && !weekday.include(8, false, 480));
    }

    proptest! {
        #[test]
        fn all_hours_read_as_they_write(days in 1_u8..=255, from in 0_u16..1440, length in 1_u16..1440) {
            let one = Hours { days, from, until: (from + length).min(DAY) };
            prop_assert_eq!(one.to_string().parse(), Ok(one));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Hours>();
        }
    }
}
