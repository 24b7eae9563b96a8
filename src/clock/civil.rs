//! Days and minutes as a calendar and a clock on the wall show them, and what they are at a moment in a time zone.
//!
//! As text `2026-12-24` and `2026-12-24T18:00`, also in the store.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::WallTime;

/// The years that are understood.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2999;

const HOUR: u16 = 60;

/// A day of the Gregorian calendar, in the years 2000 to 2999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(civil::Date);

/// A minute of a day, as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalMinute {
    date: Date,
    /// Minutes since midnight, 0 to 1439.
    minute: u16,
}

/// A text that names no day, or no minute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// Not a day.
    #[error("{0:?}: write a day as 2026-12-24")]
    Date(String),
    /// A day that the calendar does not have.
    #[error("{0}: there is no such day; years from {from} to {to}", from = YEARS.start(), to = YEARS.end())]
    NoSuchDay(String),
    /// Not a minute.
    #[error("{0:?}: write a minute as 2026-12-24T18:00")]
    Minute(String),
    /// A minute with a space in it.
    #[error("{typed:?}: write {minute}")]
    Spaced {
        /// As it was written.
        typed: String,
        /// What was meant.
        minute: LocalMinute,
    },
}

impl Date {
    /// 0 is Monday, 6 Sunday.
    pub fn weekday(self) -> u8 {
        self.0.weekday().to_monday_zero_offset().unsigned_abs()
    }

    /// The day after; the same at the end of time.
    pub fn next(self) -> Self {
        self.0.tomorrow().map_or(self, Self)
    }

    /// The day before.
    pub fn previous(self) -> Self {
        self.0.yesterday().map_or(self, Self)
    }

    /// Its first minute.
    pub fn midnight(self) -> LocalMinute {
        LocalMinute { date: self, minute: 0 }
    }
}

impl LocalMinute {
    /// What clocks in this zone show at a moment; the last minute that is understood if that lies beyond it.
    pub(super) fn at(wall: WallTime, zone: &TimeZone) -> Self {
        let seconds = i64::try_from(wall.0).unwrap_or(i64::MAX);
        let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        let shown = zone.to_datetime(moment);
        let minute = shown.hour().unsigned_abs() as u16 * HOUR + u16::from(shown.minute().unsigned_abs());
        Self { date: Date(shown.date()), minute }
    }

    /// The day.
    pub fn date(self) -> Date {
        self.date
    }

    /// Minutes since midnight, 0 to 1439.
    pub fn minute(self) -> u16 {
        self.minute
    }
}

/// `hours:minutes` to minutes since midnight; 24:00 is 1440.
pub fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: usize| -> Option<u16> {
        let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2).filter(|_| minutes.len() == 2)?);
    let all = hours * HOUR + minutes;
    (minutes < HOUR && all <= 24 * HOUR).then_some(all)
}

/// Minutes since midnight as `hours:minutes`.
pub fn clock_text(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / HOUR, minutes % HOUR)
}

impl FromStr for Date {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime::Date(text.chars().take(32).collect());
        let is_plain = text.bytes().zip(b"0000-00-00").all(|(byte, like)| match like {
            b'-' => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if !is_plain || text.len() != 10 {
            return Err(bad());
        }
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        let year: i16 = part(0..4).parse().map_err(|_| bad())?;
        let (month, day) = (part(5..7).parse().map_err(|_| bad())?, part(8..10).parse().map_err(|_| bad())?);
        let date = civil::Date::new(year, month, day).ok().filter(|_| YEARS.contains(&year));
        date.map(Self).ok_or_else(|| BadTime::NoSuchDay(text.to_owned()))
    }
}

impl FromStr for LocalMinute {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime::Minute(text.chars().take(32).collect());
        let Some((date, time)) = text.split_once('T') else {
            let meant = text.split_once(' ').and_then(|(date, time)| format!("{date}T{time}").parse().ok());
            return Err(meant.map_or_else(bad, |minute| BadTime::Spaced { typed: text.to_owned(), minute }));
        };
        let minute = minutes(time).filter(|minute| *minute < 24 * HOUR).ok_or_else(bad)?;
        Ok(Self { date: date.parse()?, minute })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Display for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, clock_text(self.minute))
    }
}

impl TryFrom<String> for Date {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}

impl TryFrom<String> for LocalMinute {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl From<LocalMinute> for String {
    fn from(minute: LocalMinute) -> Self {
        minute.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a zone shows at so many seconds after 2026-01-01 00:00 UTC.
    fn shown(zone: &str, month: i8, day: i8, hour: i8, minute: i8) -> String {
        let zone = TimeZone::posix(zone).expect("a zone");
        let moment = civil::date(2026, month, day).at(hour, minute, 59, 0);
        let moment = TimeZone::UTC.to_timestamp(moment).expect("a moment").as_second();
        LocalMinute::at(WallTime(moment.unsigned_abs()), &zone).to_string()
    }

    /// Central Europe, with the rules that hold since 1996; no data base is needed.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    #[test]
    fn clocks_jump_over_an_hour_in_spring() {
        assert_eq!(shown(BERLIN, 3, 29, 0, 59), "2026-03-29T01:59");
        assert_eq!(shown(BERLIN, 3, 29, 1, 0), "2026-03-29T03:00");
    }

    #[test]
    fn clocks_show_an_hour_twice_in_autumn() {
        assert_eq!(shown(BERLIN, 10, 25, 0, 59), "2026-10-25T02:59");
        assert_eq!(shown(BERLIN, 10, 25, 1, 0), "2026-10-25T02:00");
        assert_eq!(shown(BERLIN, 10, 25, 1, 59), "2026-10-25T02:59");
        assert_eq!(shown(BERLIN, 10, 25, 2, 0), "2026-10-25T03:00");
    }

    #[test]
    fn zones_need_not_be_whole_hours_from_utc() {
        assert_eq!(shown("<+0530>-5:30", 6, 1, 18, 29), "2026-06-01T23:59");
        assert_eq!(shown("<+0530>-5:30", 6, 1, 18, 30), "2026-06-02T00:00");
        // Lord Howe Island moves its clocks by half an hour.
        let lord_howe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
        assert_eq!(shown(lord_howe, 4, 4, 14, 59), "2026-04-05T01:59");
        assert_eq!(shown(lord_howe, 4, 4, 15, 0), "2026-04-05T01:30");
        assert_eq!(shown("EST5EDT,M3.2.0,M11.1.0", 1, 1, 4, 59), "2025-12-31T23:59");
    }

    #[test]
    fn a_moment_beyond_all_calendars_is_shown_all_the_same() {
        let far = LocalMinute::at(WallTime(u64::MAX), &TimeZone::UTC);
        assert!(far > "2999-12-31T23:59".parse().expect("a minute"), "{far}");
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for text in ["2026-12-24", "2000-02-29", "2999-12-31"] {
            assert_eq!(text.parse::<Date>().map(String::from).as_deref(), Ok(text));
        }
        let date: Date = "2026-12-31".parse().expect("a day");
        assert_eq!((date.weekday(), date.next().to_string().as_str()), (3, "2027-01-01"));
        assert_eq!(date.next().previous(), date);
        for text in ["2026-02-29", "2026-13-01", "2026-04-31", "1999-12-31", "3000-01-01", "2100-02-29"] {
            assert_eq!(text.parse::<Date>(), Err(BadTime::NoSuchDay(text.to_owned())));
        }
        for text in
            ["", "2026-1-1", "24.12.2026", "2026-12-24 ", "2026-12-2\u{e9}", "+026-12-24", "2026/12/24"]
        {
            assert_eq!(text.parse::<Date>(), Err(BadTime::Date(text.to_owned())));
        }
    }

    #[test]
    fn minutes_are_read_as_they_are_written() {
        for text in ["2026-12-24T00:00", "2026-12-24T23:59"] {
            assert_eq!(text.parse::<LocalMinute>().map(String::from).as_deref(), Ok(text));
        }
        for text in [
            "2026-12-24",
            "2026-12-24T24:00",
            "2026-12-24T8",
            "2026-12-24T08:5",
            "T08:00",
            "2026-12-24T-1:00",
        ] {
            assert!(text.parse::<LocalMinute>().is_err(), "{text}");
        }
        assert_eq!((minutes("8:05"), minutes("24:00"), minutes("24:01")), (Some(485), Some(1440), None));
    }
}
