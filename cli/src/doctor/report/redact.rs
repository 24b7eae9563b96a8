//! Takes names and secrets out of text.

use std::collections::BTreeSet;

/// Words of at least so many characters that are nothing but letters and digits are keys, hashes or ids.
const LONG: usize = 24;

/// Knows names.
pub(super) struct Redactor(BTreeSet<String>);

impl Redactor {
    pub(super) fn new(names: BTreeSet<String>) -> Self {
        let mut redactor = Self(BTreeSet::new());
        redactor.learn(names);
        redactor
    }

    /// Further names. One letter is no name that could be told from other words.
    pub(super) fn learn(&mut self, names: impl IntoIterator<Item = String>) {
        let names = names.into_iter().map(|name| name.trim().to_lowercase());
        self.0.extend(names.filter(|name| name.chars().nth(1).is_some()));
    }

    /// The text without names, and without words that may be secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // The longest first: one name may be part of another.
        let mut names: Vec<&String> = self.0.iter().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names {
            text = without(&text, name);
        }
        let mut shown = String::new();
        for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let end = word.trim_end_matches(|c: char| !c.is_alphanumeric());
            let hidden = end.chars().count() >= LONG;
            shown += if hidden { "(hidden)" } else { end };
            shown += &word[end.len()..];
        }
        shown
    }
}

/// The text with each occurrence of a name as a word of its own replaced, whatever its case.
fn without(text: &str, name: &str) -> String {
    let lower = text.to_lowercase();
    // Where letters change their length in lower case, positions do not fit.
    if lower.len() != text.len() {
        return if lower.contains(name) { "(hidden)".to_owned() } else { text.to_owned() };
    }
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (mut shown, mut at) = (String::new(), 0);
    while let Some(found) = lower[at..].find(name) {
        let (start, end) = (at + found, at + found + name.len());
        let whole = !is_part(lower[..start].chars().next_back()) && !is_part(lower[end..].chars().next());
        shown += &text[at..start];
        shown += if whole { "(name)" } else { &text[start..end] };
        at = end;
    }
    shown + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let names = ["anna", "anna-lena", "Bob Smith", "Jo", "a", "küche"].map(str::to_owned);
        Redactor::new(names.into()).redact(text)
    }

    #[test]
    fn names_go_and_other_words_stay() {
        assert_eq!(redacted("not enrolled: anna"), "not enrolled: (name)");
        assert_eq!(
            redacted("Anna, anna-lena and annabel; bob smith's"),
            "(name), (name) and annabel; (name)'s"
        );
        assert_eq!(
            redacted("a Pi 4, not enrolled: jo"),
            "a Pi 4, not enrolled: (name)",
            "one letter is none"
        );
        assert_eq!(redacted("/home/anna/hook"), "/home/(name)/hook");
        assert_eq!(redacted("door Küche"), "door (name)");
        assert_eq!(redacted("İ anna"), "(hidden)");
    }

    #[test]
    fn keys_and_hashes_go() {
        let key = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SJ5KQY";
        assert_eq!(redacted(key), "AGE-SECRET-KEY-(hidden)");
        assert_eq!(redacted(&format!("sha256 {}", "ab".repeat(32))), "sha256 (hidden)");
        assert_eq!(redacted("version 0.1.0, 640x480"), "version 0.1.0, 640x480");
    }
}
