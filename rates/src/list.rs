//! Lists of pairs of pictures, in the forms that benchmarks come with.
//!
//! - `file_x,file_y,Yes|No`, with or without that header; or `path1 path2 1|0`, between blanks, tabs or commas;
//! - `pairs.txt` of Labeled Faces in the Wild: a line with one or two numbers, then `NAME n m` for two pictures of one
//!   person and `NAME n OTHER m` of two, where picture n of NAME is `NAME_000n.jpg`.
//!
//! A picture is named by the end of its path, with or without its extension.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::RatesError;
use super::acquire::Set;
use super::trials::Pairs;

/// A pair as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Number of its line, from 1.
    pub line: usize,
    /// The two pictures.
    pub files: [String; 2],
    /// Whether they show one person.
    pub same: bool,
}

/// A pair of samples of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The two samples.
    pub samples: (usize, usize),
    /// Whether they show one person.
    pub same: bool,
}

/// Reads a list.
///
/// # Errors
/// [`RatesError`] for a file that cannot be read, a malformed line, or no pair of one kind.
pub fn read(file: &Path) -> Result<Vec<Named>, RatesError> {
    let text = std::fs::read_to_string(file).map_err(RatesError::file(file))?;
    let mut lines = (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()).peekable();
    let first = lines.peek().map_or(Vec::new(), |(_, text)| fields(text));
    let numbered = (1..=2).contains(&first.len()) && first.iter().all(|field| field.parse::<u32>().is_ok());
    let header = matches!(first.as_slice(), ["file_x", "file_y", _]);
    let mut pairs = Vec::new();
    for (line, text) in lines.skip(usize::from(numbered || header)) {
        let fields = fields(text);
        let (wanted, pair) = if numbered {
            ("NAME n m or NAME n OTHER m", of_names(&fields))
        } else {
            ("two files and Yes or No (or 1 or 0)", of_files(&fields))
        };
        let wrong = || RatesError::data(file, format!("line {line}: expected {wanted}"));
        let (files, same) = pair.ok_or_else(wrong)?;
        pairs.push(Named { line, files, same });
    }
    if [true, false].iter().all(|kind| pairs.iter().any(|pair| pair.same == *kind)) {
        return Ok(pairs);
    }
    Err(RatesError::data(file, "needs at least one pair with Yes and one with No"))
}

/// Between commas, else between tabs, else between blanks.
fn fields(line: &str) -> Vec<&str> {
    match [',', '\t'].into_iter().find(|separator| line.contains(*separator)) {
        Some(separator) => line.split(separator).map(str::trim).collect(),
        None => line.split_whitespace().collect(),
    }
}

fn of_files(fields: &[&str]) -> Option<([String; 2], bool)> {
    let [x, y, answer] = fields else { return None };
    let same = match answer.to_ascii_lowercase().as_str() {
        "yes" | "1" | "true" | "same" => true,
        "no" | "0" | "-1" | "false" | "different" => false,
        _ => return None,
    };
    Some(([x, y].map(|file| (*file).to_owned()), same))
}

fn of_names(fields: &[&str]) -> Option<([String; 2], bool)> {
    let file = |name: &str, number: &str| Some(format!("{name}_{:04}", number.parse::<u32>().ok()?));
    match fields {
        [name, n, m] => Some(([file(name, n)?, file(name, m)?], true)),
        [one, n, other, m] => Some(([file(one, n)?, file(other, m)?], false)),
        _ => None,
    }
}

/// Things by the ends of their paths.
pub struct Ends<T>(HashMap<String, Option<T>>);

impl<T: Copy + PartialEq> Ends<T> {
    /// `None` where two things share an end.
    pub fn new<'a>(paths: impl Iterator<Item = (&'a Path, T)>) -> Self {
        let mut known: HashMap<String, Option<T>> = HashMap::new();
        for (path, thing) in paths {
            for end in ends(path) {
                known
                    .entry(end)
                    .and_modify(|other| *other = other.filter(|o| *o == thing))
                    .or_insert(Some(thing));
            }
        }
        Self(known)
    }

    /// The one that a list names so.
    ///
    /// # Errors
    /// Text for people: several, or none.
    pub fn find(&self, name: &str) -> Result<T, String> {
        match self.0.get(name.trim_start_matches("./")) {
            Some(Some(thing)) => Ok(*thing),
            Some(None) => Err(format!("{name} matches several files of the set; write more of its path")),
            None => Err(format!("{name} is not in the set")),
        }
    }
}

/// `a/b/c.png` gives `c.png`, `b/c.png` and the whole path, each with and without `.png`.
fn ends(path: &Path) -> Vec<String> {
    let parts: Vec<_> = path.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let mut ends: Vec<String> =
        (1..=parts.len().min(3)).map(|n| parts[parts.len() - n..].join("/")).collect();
    ends.push(path.to_string_lossy().into_owned());
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
    let bare =
        |end: &String| extension.as_ref().and_then(|e| end.strip_suffix(e.as_str())).map(str::to_owned);
    let bare: Vec<String> = ends.iter().filter_map(bare).collect();
    ends.extend(bare);
    ends.sort();
    ends.dedup();
    ends
}

/// The pairs of a list among the samples of a set, in their order, and how many are left out because a picture is.
///
/// # Errors
/// [`RatesError::Data`] for a picture that is not in the set, or several, or when no pair of one kind is left.
pub fn among(set: &Set, file: &Path, pairs: &[Named]) -> Result<(Vec<Listed>, usize), RatesError> {
    let samples = set.samples.iter().map(|sample| sample.path.as_path()).zip(0..);
    let repeats = set.aliases.iter().filter_map(|(path, number)| Some((path.as_path(), (*number)?)));
    let known = Ends::new(samples.chain(repeats));
    let gone = set.aliases.iter().filter(|(_, number)| number.is_none()).map(|(path, _)| path.as_path());
    let lost: HashSet<String> = set.losses.paths().chain(gone).flat_map(ends).collect();
    let (mut listed, mut left_out) = (Vec::new(), 0);
    for Named { line, files: [x, y], same } in pairs {
        let found = [x, y].map(|name| known.find(name));
        if [x, y].into_iter().zip(&found).any(|(name, found)| found.is_err() && lost.contains(name.as_str()))
        {
            left_out += 1;
            continue;
        }
        let [x, y] =
            found.map(|found| found.map_err(|why| RatesError::data(file, format!("line {line}: {why}"))));
        listed.push(Listed { samples: (x?, y?), same: *same });
    }
    if [true, false].iter().all(|kind| listed.iter().any(|pair| pair.same == *kind)) {
        return Ok((listed, left_out));
    }
    let why = format!("no pair of one kind is left; {left_out} name a picture that could not be used");
    Err(RatesError::data(file, why))
}

/// The same by kind.
pub fn by_kind(listed: &[Listed]) -> Pairs {
    let of = |kind| listed.iter().filter(|pair| pair.same == kind).map(|pair| pair.samples).collect();
    Pairs { genuine: of(true), impostor: of(false) }
}

#[cfg(test)]
mod tests {
    use super::super::acquire::tests::set_of;
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    fn listed(text: &str) -> Result<Pairs, String> {
        let looks = |x: f32| (0..4).map(|i| vec![1.0, x + i as f32 / 100.0]).collect();
        let set = set_of(&[("anna", looks(0.0)), ("bert", looks(1.0)), ("carl", looks(-1.0))]);
        let file = file(text);
        let found = read(file.path()).and_then(|pairs| among(&set, file.path(), &pairs));
        found.map(|(pairs, _)| by_kind(&pairs)).map_err(|why| why.to_string())
    }

    #[test]
    fn every_form_of_list_names_the_same_pairs() {
        for text in [
            "file_x,file_y,Decision\nanna/0,anna/1,Yes\nanna/0,bert/3,No\n",
            "anna/0 anna/1 1\n\nanna/0 bert/3 0\n",
            "./anna/0\tanna/1\tsame\nanna/0\tbert/3\t-1\n",
        ] {
            let pairs = listed(text).expect("found");
            assert_eq!((pairs.genuine, pairs.impostor), (vec![(0, 1)], vec![(0, 7)]), "{text}");
        }
    }

    #[test]
    fn pairs_txt_names_people_and_numbers() {
        let file = file("10\t300\nAnna_A\t1\t4\nAnna_A\t1\tBert\t12\n");
        let pairs = read(file.path()).expect("reads");
        assert_eq!(
            (&pairs[0].files, pairs[0].same),
            (&["Anna_A_0001", "Anna_A_0004"].map(str::to_owned), true)
        );
        assert_eq!(
            (&pairs[1].files, pairs[1].same),
            (&["Anna_A_0001", "Bert_0012"].map(str::to_owned), false)
        );
        let ends = Ends::new([(Path::new("x/Bert/Bert_0012.jpg"), 7)].into_iter());
        assert_eq!(ends.find("Bert_0012"), Ok(7));
    }

    #[test]
    fn a_repeated_picture_is_found_and_one_that_gave_no_sample_is_left_out() {
        let mut set = set_of(&[("anna", vec![vec![1.0, 0.0]; 2]), ("bert", vec![vec![0.0, 1.0]; 2])]);
        set.aliases = vec![("anna/again".into(), Some(1)), ("bert/again".into(), None)];
        set.losses.of_two = vec![vec!["anna/both".into(), "bert/both".into()]];
        let file = file("anna/0 anna/again 1\nanna/0 bert/0 0\nanna/0 bert/again 0\nbert/both bert/0 1\n");
        let pairs = read(file.path()).expect("reads");
        let (listed, left_out) = among(&set, file.path(), &pairs).expect("found");
        assert_eq!(
            (listed.iter().map(|p| p.samples).collect::<Vec<_>>(), left_out),
            (vec![(0, 1), (0, 2)], 2)
        );
    }

    #[test]
    fn what_a_list_may_not_say_is_refused_by_line() {
        for (text, wanted) in [
            ("0,anna/1,Yes\nanna/0,bert/0,No\n", "several files"),
            ("dora/0,anna/1,Yes\nanna/0,bert/0,No\n", "not in the set"),
            ("anna/0,anna/1,maybe\n", "line 1"),
            ("anna/0,anna/1,Yes\n", "one with No"),
            ("10 300\nanna 1\n", "line 2"),
        ] {
            let why = listed(text).expect_err("refused");
            assert!(why.contains(wanted), "{why}");
        }
    }
}
