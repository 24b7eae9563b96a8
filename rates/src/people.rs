//! Reads and checks the labelled pictures: a folder with one sub-folder per person, a list file, or a folder of pictures
//! with a list of pairs.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::list::{Ends, Named};
use super::{RatesError, cores};

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
    /// Files that repeat an earlier one of the same person, each with that one; counted once.
    pub repeated: Vec<(PathBuf, PathBuf)>,
    /// Pictures that stand under two people, with all their files. Nobody knows whose they are: left out.
    pub of_two: Vec<Vec<PathBuf>>,
    /// Files that could not even be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl People {
    /// Reads a folder (one sub-folder per person, hidden files skipped) or a list file
    /// (`PATH<tab>PERSON` lines, paths relative to the list).
    ///
    /// # Errors
    /// [`RatesError`]: empty, or one person only.
    pub fn load(source: &Path) -> Result<Self, RatesError> {
        let named = if source.is_dir() { folders(source)? } else { list(source)? };
        let named =
            named.into_iter().flat_map(|(name, paths)| paths.into_iter().map(move |p| (name.clone(), p)));
        let mut found = Self::default();
        let hashed = found.hashed(named.collect());
        found.add(hashed);
        found.checked(source)
    }

    /// Each picture in a folder, or in its sub-folders, as a person of its own, named after its path in the folder: for sets
    /// that tell who somebody is like, but not who they are.
    ///
    /// # Errors
    /// [`RatesError`]: fewer than two pictures.
    pub fn apart(folder: &Path) -> Result<Self, RatesError> {
        let mut files = Vec::new();
        for path in entries(folder)? {
            files.extend(if path.is_dir() { entries(&path)? } else { vec![path] });
        }
        let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let named = files.into_iter().filter(|path| path.is_file()).map(|path| (name(&path), path));
        let mut found = Self::default();
        let hashed = found.hashed(named.collect());
        found.add(hashed);
        found.checked(folder)
    }

    /// The pictures in a folder, or in the one folder in it, that a list of pairs names. People are what the list tells:
    /// pictures that it, or their
    /// bytes, say are the same person, also by way of others. All else are taken for different people.
    ///
    /// # Errors
    /// [`RatesError`]: a picture that is not in the folder, or one person only.
    pub fn listed(folder: &Path, list: &Path, pairs: &[Named]) -> Result<Self, RatesError> {
        let mut files: Vec<PathBuf> = entries(folder)?.into_iter().filter(|p| p.is_file()).collect();
        files.extend(folders(folder)?.into_values().flatten());
        let known = Ends::new(files.iter().enumerate().map(|(number, path)| (path.as_path(), number)));
        let mut first: Vec<usize> = (0..files.len()).collect();
        let mut used = vec![false; files.len()];
        for Named { line, files: [x, y], same } in pairs {
            let find = |name: &String| {
                known.find(name).map_err(|why| RatesError::data(list, format!("line {line}: {why}")))
            };
            let (x, y) = (find(x)?, find(y)?);
            (used[x], used[y]) = (true, true);
            if *same {
                join(&mut first, x, y);
            }
        }
        let number: HashMap<&Path, usize> = files.iter().map(PathBuf::as_path).zip(0..).collect();
        let named = files.iter().zip(used).filter(|(_, used)| *used);
        let mut found = Self::default();
        let mut hashed = found.hashed(named.map(|(path, _)| (String::new(), path.clone())).collect());
        let mut of_bytes: BTreeMap<FileHash, usize> = BTreeMap::new();
        for (_, path, sha256) in &hashed {
            let number = number[path.as_path()];
            join(&mut first, *of_bytes.entry(*sha256).or_insert(number), number);
        }
        for (name, path, _) in &mut hashed {
            *name = name_of(&files[root(&first, number[path.as_path()])]);
        }
        hashed.sort();
        found.add(hashed);
        found.checked(folder)
    }

    /// Hashes the files on all cores; keeps those that cannot be read apart.
    fn hashed(&mut self, named: Vec<(String, PathBuf)>) -> Vec<(String, PathBuf, FileHash)> {
        let hashes = cores::map(named.iter(), |(_, path)| hash(path));
        let mut hashed = Vec::with_capacity(named.len());
        for ((name, path), sha256) in named.into_iter().zip(hashes) {
            match sha256 {
                Ok(sha256) => hashed.push((name, path, sha256)),
                Err(why) => self.unreadable.push((path, why)),
            }
        }
        hashed
    }

    /// Files in the order of people.
    fn add(&mut self, files: Vec<(String, PathBuf, FileHash)>) {
        let mut copies: BTreeMap<FileHash, Vec<(&str, &Path)>> = BTreeMap::new();
        for (name, path, sha256) in &files {
            copies.entry(*sha256).or_default().push((name, path));
        }
        for (name, path, sha256) in &files {
            let copies = &copies[sha256];
            let first = copies[0].1;
            if copies.iter().any(|(other, _)| other != name) {
                if first == path {
                    self.of_two.push(copies.iter().map(|(_, path)| (*path).to_owned()).collect());
                }
                continue;
            }
            if first != path {
                self.repeated.push((path.clone(), first.to_owned()));
                continue;
            }
            if self.people.last().is_none_or(|person| person.name != *name) {
                self.people.push(Person { name: name.clone(), pictures: Vec::new() });
            }
            if let Some(person) = self.people.last_mut() {
                person.pictures.push(Picture { path: path.clone(), sha256: *sha256 });
            }
        }
    }

    fn checked(self, source: &Path) -> Result<Self, RatesError> {
        match self.people.as_slice() {
            [] => Err(RatesError::data(
                source,
                "holds no pictures of people; put each person's pictures in a folder of their own, or name pairs of \
                 pictures with measure --pairs",
            )),
            [only] => Err(RatesError::data(
                source,
                format!("holds only one person ({}); impostor trials need at least two", only.name),
            )),
            _ => Ok(self),
        }
    }

    /// Number of picture files in the set, repeated ones counted once.
    pub fn pictures(&self) -> usize {
        self.people.iter().map(|p| p.pictures.len()).sum()
    }
}

/// Whether all pictures lie side by side, in this folder or in one that is in it, as `images` beside a list. Then no folder
/// says who is who.
pub fn is_flat(folder: &Path) -> bool {
    let has_files = || entries(folder).into_iter().flatten().any(|path| path.is_file());
    let filled = |named: BTreeMap<_, Vec<PathBuf>>| named.values().filter(|files| !files.is_empty()).count();
    match folders(folder).map(filled) {
        Ok(0) => has_files(),
        Ok(folders) => folders == 1,
        Err(_) => false,
    }
}

/// The first of the pictures that are joined with this one.
fn root(first: &[usize], mut at: usize) -> usize {
    while first[at] != at {
        at = first[at];
    }
    at
}

/// Makes two pictures those of one person.
fn join(first: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(first, one), root(first, other));
    first[one.max(other)] = one.min(other);
}

fn folders(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, RatesError> {
    let mut named = BTreeMap::new();
    for path in entries(folder)? {
        if path.is_dir() {
            let name = name_of(&path);
            let files = entries(&path)?.into_iter().filter(|p| p.is_file()).collect();
            named.insert(name, files);
        }
    }
    Ok(named)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Entries of a folder, sorted, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, RatesError> {
    let read = std::fs::read_dir(folder).map_err(RatesError::file(folder))?;
    let mut paths = Vec::new();
    for entry in read {
        let path = entry.map_err(RatesError::file(folder))?.path();
        if !name_of(&path).starts_with('.') {
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
    fn one_picture_under_two_people_is_left_out_and_all_its_files_are_named() {
        let files = [("anna/1", "a"), ("anna/2", "b"), ("bert/2", "a"), ("bert/3", "c"), ("bert/4", "a")];
        let dir = folder(&files);
        let people = People::load(dir.path()).expect("two people");
        let names = |paths: &[PathBuf]| {
            paths.iter().map(|p| p.strip_prefix(dir.path()).expect("inside").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(people.of_two.len(), 1);
        assert_eq!(names(&people.of_two[0]), ["anna/1", "bert/2", "bert/4"].map(PathBuf::from));
        assert_eq!((people.pictures(), people.repeated.len()), (2, 0));
    }

    #[test]
    fn a_repeated_picture_of_one_person_counts_once() {
        let dir = folder(&[("anna/1", "a"), ("anna/2", "a"), ("bert/1", "b"), ("bert/.hidden", "c")]);
        let people = People::load(dir.path()).expect("two people");
        assert_eq!((people.pictures(), people.repeated.len()), (2, 1));
        assert!(people.repeated[0].1.ends_with("anna/1"));
    }

    #[test]
    fn a_list_of_pairs_tells_who_is_who_in_a_flat_folder() {
        let files =
            [("1.jpg", "a"), ("2.jpg", "b"), ("3.jpg", "c"), ("4.jpg", "d"), ("5.jpg", "c"), ("6.jpg", "x")];
        let dir = folder(&files);
        assert!(is_flat(dir.path()) && !is_flat(folder(&[("anna/1", "a"), ("bert/1", "b")]).path()));
        assert!(!is_flat(folder(&[]).path()) && !is_flat(&dir.path().join("1.jpg")));
        let named = |text: &str| {
            let list = dir.path().join("list.txt");
            std::fs::write(&list, text).expect("file");
            crate::list::read(&list).and_then(|pairs| People::listed(dir.path(), &list, &pairs))
        };
        // 3 and 5 are one picture, so 1, 2, 3 and 5 show one person; nothing is said of 6.
        let people = named("1.jpg 2.jpg 1\n5.jpg 2.jpg 1\n3.jpg 4.jpg 0\n").expect("two people");
        let names: Vec<_> = people.people.iter().map(|p| (p.name.as_str(), p.pictures.len())).collect();
        assert_eq!((names, people.repeated.len()), (vec![("1.jpg", 3), ("4.jpg", 1)], 1));
        let why = named("1.jpg 2.jpg 1\n3.jpg 9.jpg 0\n").expect_err("no such picture").to_string();
        assert!(why.contains("line 2: 9.jpg"), "{why}");
    }

    #[test]
    fn the_pictures_of_a_list_may_lie_in_one_folder_beside_it() {
        let files = [("images/1.jpg", "a"), ("images/2.jpg", "b"), ("images/3.jpg", "c"), ("list.txt", "")];
        let dir = folder(&files);
        assert!(is_flat(dir.path()));
        let list = dir.path().join("list.txt");
        for names in [["images/1.jpg", "images/2.jpg", "images/3.jpg"], ["1", "2.jpg", "3"]] {
            let [one, two, three] = names;
            std::fs::write(&list, format!("{one} {two} 1\n{one} {three} 0\n")).expect("file");
            let pairs = crate::list::read(&list).expect("a list");
            let people = People::listed(dir.path(), &list, &pairs).expect("two people").people;
            let count: Vec<_> = people.iter().map(|p| (p.name.as_str(), p.pictures.len())).collect();
            assert_eq!(count, [("1.jpg", 2), ("3.jpg", 1)]);
        }
    }

    #[test]
    fn pictures_apart_are_a_person_each() {
        let dir = folder(&[("x/1.jpg", "a"), ("x/2.jpg", "b"), ("3.jpg", "c"), ("y/4.jpg", "a")]);
        let people = People::apart(dir.path()).expect("two people");
        let names: Vec<_> = people.people.iter().map(|p| (p.name.as_str(), p.pictures.len())).collect();
        assert_eq!((names, people.of_two.len()), (vec![("3.jpg", 1), ("x/2.jpg", 1)], 1));
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
