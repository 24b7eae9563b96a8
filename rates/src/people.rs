//! Reads and checks the labelled pictures: a folder with one sub-folder per person, or a list file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::RatesError;

/// SHA-256 of a file.
pub type FileHash = [u8; 32];

/// Largest picture file accepted, in bytes.
const MAX_PICTURE_BYTES: u64 = 64 << 20;

/// One person's pictures.
#[derive(Debug, Clone)]
pub struct Person {
    /// Name of the folder, or the second column of the list.
    pub name: String,
    /// In order of their paths.
    pub pictures: Vec<Picture>,
}

/// One picture file.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Where it is.
    pub path: PathBuf,
    /// Of its bytes.
    pub sha256: FileHash,
}

/// Everyone in the set, and what was left out.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// By name.
    pub people: Vec<Person>,
    /// Files that repeat an earlier one of the same person; counted once.
    pub repeated: Vec<PathBuf>,
    /// Files that could not even be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl People {
    /// Reads a folder (one sub-folder per person, hidden files skipped) or a list file
    /// (`PATH<tab>PERSON` lines, paths relative to the list).
    ///
    /// # Errors
    /// [`RatesError`]: empty, one person only, or the same picture under two people.
    pub fn load(source: &Path) -> Result<Self, RatesError> {
        let named = if source.is_dir() { folders(source)? } else { list(source)? };
        let mut found = Self::default();
        let mut owner: BTreeMap<FileHash, (String, PathBuf)> = BTreeMap::new();
        for (name, paths) in named {
            let mut pictures = Vec::new();
            for path in paths {
                let sha256 = match hash(&path) {
                    Ok(sha256) => sha256,
                    Err(why) => {
                        found.unreadable.push((path, why));
                        continue;
                    }
                };
                match owner.get(&sha256) {
                    Some((other, _)) if *other == name => found.repeated.push(path),
                    Some((other, first)) => {
                        let why = format!(
                            "is the same picture as {}, but {name} and {other} are two people; remove one",
                            first.display()
                        );
                        return Err(RatesError::data(path, why));
                    }
                    None => {
                        owner.insert(sha256, (name.clone(), path.clone()));
                        pictures.push(Picture { path, sha256 });
                    }
                }
            }
            if !pictures.is_empty() {
                found.people.push(Person { name, pictures });
            }
        }
        match found.people.as_slice() {
            [] => Err(RatesError::data(
                source,
                "holds no pictures; put each person's pictures in a folder of their own",
            )),
            [only] => Err(RatesError::data(
                source,
                format!("holds only one person ({}); impostor trials need at least two", only.name),
            )),
            _ => Ok(found),
        }
    }

    /// Number of picture files in the set, repeated ones counted once.
    pub fn pictures(&self) -> usize {
        self.people.iter().map(|p| p.pictures.len()).sum()
    }
}

fn folders(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, RatesError> {
    let mut named = BTreeMap::new();
    for path in entries(folder)? {
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let files = entries(&path)?.into_iter().filter(|p| p.is_file()).collect();
            named.insert(name, files);
        }
    }
    Ok(named)
}

/// Entries of a folder, sorted, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, RatesError> {
    let read = std::fs::read_dir(folder).map_err(RatesError::file(folder))?;
    let mut paths = Vec::new();
    for entry in read {
        let path = entry.map_err(RatesError::file(folder))?.path();
        if !path.file_name().unwrap_or_default().to_string_lossy().starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn list(path: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, RatesError> {
    let text = std::fs::read_to_string(path).map_err(RatesError::file(path))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut named: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let Some((file, person)) = line.split_once('\t') else {
            return Err(RatesError::data(path, format!("line {}: wanted PATH<tab>PERSON", number + 1)));
        };
        named.entry(person.trim().to_owned()).or_default().push(folder.join(file));
    }
    for files in named.values_mut() {
        files.sort();
    }
    Ok(named)
}

fn hash(path: &Path) -> Result<FileHash, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > MAX_PICTURE_BYTES {
        return Err(format!("has {length} bytes; a picture may have at most {MAX_PICTURE_BYTES}"));
    }
    Ok(Sha256::digest(std::fs::read(path).map_err(|e| e.to_string())?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for (path, bytes) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, bytes).expect("file");
        }
        dir
    }

    fn refusal(files: &[(&str, &str)]) -> String {
        People::load(folder(files).path()).expect_err("refused").to_string()
    }

    #[test]
    fn an_empty_folder_and_a_single_person_are_refused() {
        assert!(refusal(&[]).contains("no pictures"));
        assert!(refusal(&[("anna/1", "a"), ("anna/2", "b")]).contains("only one person (anna)"));
    }

    #[test]
    fn one_picture_under_two_people_is_refused_and_both_files_are_named() {
        let text = refusal(&[("anna/1", "a"), ("bert/2", "a")]);
        assert!(text.contains("anna/1") && text.contains("bert/2"), "{text}");
    }

    #[test]
    fn a_repeated_picture_of_one_person_counts_once() {
        let dir = folder(&[("anna/1", "a"), ("anna/2", "a"), ("bert/1", "b"), ("bert/.hidden", "c")]);
        let people = People::load(dir.path()).expect("two people");
        assert_eq!((people.pictures(), people.repeated.len()), (2, 1));
    }

    #[test]
    fn a_list_names_pictures_and_people() {
        let dir = folder(&[("x.png", "a"), ("y.png", "b"), ("list.tsv", "x.png\tanna\ny.png\tbert\n")]);
        let people = People::load(&dir.path().join("list.tsv")).expect("two people");
        assert_eq!(people.people.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["anna", "bert"]);
        std::fs::write(dir.path().join("bad.tsv"), "x.png anna\n").expect("file");
        let text = People::load(&dir.path().join("bad.tsv")).expect_err("no tab").to_string();
        assert!(text.contains("line 1"), "{text}");
    }
}
