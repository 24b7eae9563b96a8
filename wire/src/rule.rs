//! A rule in plain words, for people and for the record.

use crate::reply::{Factor, Rule};

impl Rule {
    /// Whether it says anything; if not, it stands for no rule.
    pub fn says_anything(&self) -> bool {
        let Self { user: _, door: _, allowed, factor, from, until, hours } = self;
        allowed.is_some() || factor.is_some() || from.is_some() || until.is_some() || !hours.is_empty()
    }

    /// What holds by it, such as `mon-fri 08:00-18:00, until 2026-12-24, by face and PIN`.
    pub fn text(&self) -> String {
        if self.allowed == Some(false) {
            return "not allowed in".to_owned();
        }
        let when = if self.hours.is_empty() { "at any time".to_owned() } else { self.hours.join(", ") };
        let from = self.from.as_ref().map_or_else(String::new, |from| format!(", from {from}"));
        let until = self.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
        let how = match self.factor {
            None | Some(Factor::Face) => "face",
            Some(Factor::FaceAndPin) => "face and PIN",
            Some(Factor::Pin) => "PIN",
            Some(Factor::Unknown) => "what this program does not know",
        };
        format!("{when}{from}{until}, by {how}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_in_plain_words() {
        let rule = Rule { user: "bob".into(), ..Rule::default() };
        assert_eq!((rule.says_anything(), rule.text().as_str()), (false, "at any time, by face"));
        let hours = vec!["mon-fri 08:00-18:00".to_owned(), "sat 10:00-12:00".to_owned()];
        let guest = Rule {
            factor: Some(Factor::FaceAndPin),
            from: Some("2026-12-24".into()),
            until: Some("2026-12-26T18:00".into()),
            hours,
            ..rule.clone()
        };
        let told =
            "mon-fri 08:00-18:00, sat 10:00-12:00, from 2026-12-24, until 2026-12-26T18:00, by face and PIN";
        assert_eq!((guest.says_anything(), guest.text().as_str()), (true, told));
        let denied = Rule { allowed: Some(false), ..rule };
        assert_eq!((denied.says_anything(), denied.text().as_str()), (true, "not allowed in"));
    }
}
