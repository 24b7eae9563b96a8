//! How people change: error rates by what differs between two pictures of one person, as glasses or years.
//!
//! A file of tags says of each picture what it shows: lines of `PATH,TAG`, where PATH is the end of a picture's path, as in a
//! [`list`](super::list). A tag that is a number is an age or a date in years: pairs are parted by the years between. Any other
//! is a word, such as `glasses`: pairs are parted by their two words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::RatesError;
use super::groups::{Compared, Row};
use super::list::Ends;
use super::set::Set;
use super::table::Table;
use super::trials::Trial;

/// Years between two pictures: up to, name.
const YEARS: [(f32, &str); 7] = [
    (1.0, "up to 1 year"),
    (3.0, "1 to 3 years"),
    (5.0, "3 to 5 years"),
    (10.0, "5 to 10 years"),
    (20.0, "10 to 20 years"),
    (30.0, "20 to 30 years"),
    (f32::INFINITY, "over 30 years"),
];

/// What a picture shows.
#[derive(Debug, Clone, PartialEq)]
enum Tag {
    Years(f32),
    Word(String),
}

/// What is different between two pictures, in the order of the tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Between {
    /// Years, by their place in a fixed list.
    Years(usize),
    /// Two words, in order of the alphabet.
    Words(String, String),
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Years(at) => f.write_str(YEARS.get(*at).map_or("", |(_, name)| name)),
            Self::Words(a, b) if a == b => write!(f, "both {a}"),
            Self::Words(a, b) => write!(f, "{a}, {b}"),
        }
    }
}

/// What each sample of a set shows.
#[derive(Debug, Clone)]
pub struct Tags {
    /// By sample.
    of: Vec<Option<Tag>>,
    /// Lines about pictures that gave no sample of their own.
    pub left_out: usize,
}

/// Rates by what differs. The field names are the JSON keys.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Log-odds from which pairs match.
    pub z: f32,
    /// Pictures with a tag.
    pub tagged: usize,
    /// Lines about pictures that gave no embedding, or repeat another.
    pub left_out: usize,
    /// One for each difference.
    pub rows: Vec<Row>,
}

impl Tags {
    /// Reads the file.
    ///
    /// # Errors
    /// [`RatesError`]: the file cannot be read, a line is no `PATH,TAG`, a path means several pictures, or none means any.
    pub fn read(file: &Path, set: &Set) -> Result<Self, RatesError> {
        let text = std::fs::read_to_string(file).map_err(RatesError::file(file))?;
        let known = Ends::new(set.samples.iter().map(|sample| sample.path.as_path()).zip(0..));
        let repeats = set.aliases.iter().map(|(path, _)| path.as_path());
        let gone = Ends::new(set.losses.paths().chain(repeats).map(|path| (path, ())));
        let mut tags = Self { of: vec![None; set.samples.len()], left_out: 0 };
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let wrong = |why: String| RatesError::data(file, format!("line {line}: {why}"));
            let (path, tag) = text.rsplit_once(',').ok_or_else(|| wrong("wanted PATH,TAG".to_owned()))?;
            let (path, tag) = (path.trim(), tag.trim());
            match known.find(path) {
                Ok(sample) => tags.of[sample] = Some(Tag::of(tag)),
                Err(_) if gone.find(path).is_ok() => tags.left_out += 1,
                Err(why) => return Err(wrong(why)),
            }
        }
        match tags.of.iter().any(Option::is_some) {
            true => Ok(tags),
            false => Err(RatesError::data(file, "tags no picture of the set; wanted: lines of PATH,TAG")),
        }
    }

    /// What differs between two samples; `None` where one has no tag, or one a number and the other a word.
    fn between(&self, a: usize, b: usize) -> Option<Between> {
        match (self.of.get(a)?.as_ref()?, self.of.get(b)?.as_ref()?) {
            (Tag::Years(a), Tag::Years(b)) => {
                YEARS.iter().position(|(up_to, _)| (a - b).abs() <= *up_to).map(Between::Years)
            }
            (Tag::Word(a), Tag::Word(b)) => {
                let (a, b) = if a < b { (a, b) } else { (b, a) };
                Some(Between::Words(a.clone(), b.clone()))
            }
            _ => None,
        }
    }
}

impl Tag {
    fn of(text: &str) -> Self {
        match text.parse::<f32>() {
            Ok(years) if years.is_finite() => Self::Years(years),
            _ => Self::Word(text.to_owned()),
        }
    }
}

/// Compares all pairs of tagged pictures, at a threshold in log-odds.
pub fn changed(set: &Set, tags: &Tags, table: &Table, z: f32) -> Changed {
    let mut parts: BTreeMap<Between, Compared> = BTreeMap::new();
    for (b, sample) in set.samples.iter().enumerate() {
        for (a, score) in table.before(b).iter().enumerate() {
            let Some(between) = tags.between(a, b) else { continue };
            let people = (set.samples[a].person as u32, sample.person as u32);
            let scored = &mut parts.entry(between).or_default().scored;
            let side = if people.0 == people.1 { &mut scored.genuine } else { &mut scored.impostor };
            side.push(Trial { z: *score, people });
        }
    }
    let rows = parts.into_iter().filter(|(_, compared)| !compared.scored.genuine.is_empty());
    Changed {
        z,
        tagged: tags.of.iter().flatten().count(),
        left_out: tags.left_out,
        rows: rows.map(|(between, compared)| row(&between, compared, z)).collect(),
    }
}

/// A row counts the people with a pair of their own.
fn row(between: &Between, mut compared: Compared, z: f32) -> Row {
    let mut people: Vec<u32> = compared.scored.genuine.iter().map(|trial| trial.people.0).collect();
    people.dedup();
    people.sort_unstable();
    people.dedup();
    compared.people = people.len();
    Row::at(&between.to_string(), &compared, z)
}

#[cfg(test)]
mod tests {
    use super::super::set::set_of;
    use super::*;

    fn set() -> Set {
        let looks = |x: f32| (0..3).map(|i| vec![1.0, x + i as f32]).collect();
        set_of(&[("anna", looks(0.0)), ("bert", looks(10.0))])
    }

    fn tags(text: &str) -> Result<Tags, String> {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("written");
        Tags::read(file.path(), &set()).map_err(|why| why.to_string())
    }

    fn rows(text: &str, score: impl Fn(usize, usize) -> f32) -> Vec<(String, usize, f64, usize)> {
        let changed = changed(&set(), &tags(text).expect("tags"), &Table::of(6, score), 3.5);
        let of = |row: Row| (row.group, row.people, row.rates.fnmr, row.rates.fmr_bounds.trials);
        changed.rows.into_iter().map(of).collect()
    }

    #[test]
    fn pairs_are_parted_by_their_words() {
        let text = "anna/0,glasses\nanna/1,none\nanna/2,none\nbert/0,none\nbert/1,none\n";
        let found = rows(text, |a, b| if a == 0 || b == 0 { 0.0 } else { 9.0 });
        let wanted = [("glasses, none", 1, 1.0, 2), ("both none", 2, 0.0, 4)];
        assert_eq!(
            found,
            wanted.map(|(name, people, fnmr, impostor)| (name.to_owned(), people, fnmr, impostor))
        );
    }

    #[test]
    fn numbers_are_years_between() {
        let found = rows("anna/0,20\nanna/1,20.5\nanna/2,34\nbert/0,x\n", |_, _| 9.0);
        let names: Vec<_> = found.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(names, ["up to 1 year", "10 to 20 years"]);
    }

    #[test]
    fn a_repeated_picture_and_one_without_a_face_are_counted() {
        let mut set = set();
        set.aliases = vec![("anna/again".into(), Some(1))];
        set.losses.no_face = vec!["bert/none".into()];
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "anna/0,x\nanna/again,x\nbert/none,x\n").expect("written");
        assert_eq!(Tags::read(file.path(), &set).expect("tags one").left_out, 2);
    }

    #[test]
    fn a_file_that_tags_nothing_or_what_is_not_there_is_refused() {
        assert!(tags("").expect_err("nothing").contains("no picture"));
        assert!(tags("anna/0\n").expect_err("no tag").contains("line 1: wanted PATH,TAG"));
        assert!(tags("\nanna/9,x\n").expect_err("not there").contains("line 2: anna/9 is not in the set"));
    }
}
