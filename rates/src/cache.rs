//! Keeps embeddings between runs, so that a stopped run resumes where it left off.
//!
//! One file for each way of making embeddings (embedder, detector, preparation), named after it. It holds
//! **biometric data**: mode 0600; delete it after use. A truncated last record (the run was killed) is dropped; any
//! other damage is an error that names the file.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::RatesError;
use super::people::FileHash;
use facelatch::embed::{Embedding, Measures};

const MAGIC: &[u8; 8] = b"flemb\0\0\x02";

/// The result for one picture.
#[derive(Clone)]
pub struct Record {
    /// The quality gate's verdict, 0 if it passed; see [`super::set::Quality`].
    pub quality: u8,
    /// Whether a border was needed to find the face.
    pub bordered: bool,
    /// `None` if no face was found.
    pub embedding: Option<Embedding>,
    /// What the embedder's limits are compared with; 0 if no face was found.
    pub measures: Measures,
}

/// How embeddings are made. Anything that changes one must change this.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of the embedder.
    pub embedder: String,
    /// SHA-256 of its file, hex.
    pub embedder_sha256: String,
    /// How chips are made, with the detector's hash.
    pub preparation: String,
    /// Values of an embedding.
    pub length: usize,
}

impl Recipe {
    fn key(&self) -> [u8; 32] {
        Sha256::digest(format!("{}\n{}\n{}", self.embedder_sha256, self.preparation, self.length)).into()
    }

    fn file_name(&self) -> String {
        let hex: String = self.key().iter().take(6).map(|b| format!("{b:02x}")).collect();
        format!("{}-{hex}.embeddings", self.embedder)
    }
}

/// An open cache file and what it holds.
pub struct Cache {
    path: PathBuf,
    file: File,
    known: HashMap<FileHash, Record>,
}

impl Cache {
    /// Opens or starts the cache of `recipe` in `folder`.
    ///
    /// # Errors
    /// [`RatesError`] naming the file: it belongs to another embedder, or its numbers are not an embedding.
    pub fn open(folder: &Path, recipe: &Recipe) -> Result<Self, RatesError> {
        std::fs::create_dir_all(folder).map_err(RatesError::file(folder))?;
        let path = folder.join(recipe.file_name());
        let failed = |e| RatesError::File { path: path.clone(), source: e };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let header: Vec<u8> = MAGIC.iter().copied().chain(recipe.key()).collect();
        if bytes.len() < header.len() {
            file.set_len(0).map_err(failed)?;
            file.write_all(&header).map_err(failed)?;
            return Ok(Self { path, file, known: HashMap::new() });
        }
        let Some(records) = bytes.strip_prefix(header.as_slice()) else {
            let why =
                "made by another embedder or preparation; embeddings must not be mixed: delete the file";
            return Err(RatesError::data(path, why));
        };
        let size = record_bytes(recipe.length);
        let whole = records.len() / size * size;
        file.set_len((header.len() + whole) as u64).map_err(failed)?;
        let mut known = HashMap::new();
        for (number, record) in records[..whole].chunks_exact(size).enumerate() {
            let (sha256, taken) = parse(record).ok_or_else(|| {
                let why = format!("record {number} is NaN or not an embedding; delete the file");
                RatesError::data(path.clone(), why)
            })?;
            known.insert(sha256, taken);
        }
        Ok(Self { path, file, known })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The result for this picture, if it was embedded before.
    pub fn get(&self, sha256: &FileHash) -> Option<&Record> {
        self.known.get(sha256)
    }

    /// Adds one result, written at once, so that a killed run loses only the picture in progress.
    ///
    /// # Errors
    /// [`RatesError::File`].
    pub fn put(&mut self, sha256: FileHash, taken: Record, length: usize) -> Result<(), RatesError> {
        let mut record = Vec::with_capacity(record_bytes(length));
        record.extend_from_slice(&sha256);
        record.extend([u8::from(taken.embedding.is_some()), taken.quality, u8::from(taken.bordered), 0]);
        record.extend([taken.measures.norm, taken.measures.confidence].map(f32::to_le_bytes).concat());
        match &taken.embedding {
            Some(e) => e.values().iter().for_each(|v| record.extend(v.to_le_bytes())),
            None => record.resize(record_bytes(length), 0),
        }
        self.file.write_all(&record).map_err(RatesError::file(&self.path))?;
        self.known.insert(sha256, taken);
        Ok(())
    }
}

fn record_bytes(length: usize) -> usize {
    32 + 4 + 2 * 4 + 4 * length
}

fn parse(record: &[u8]) -> Option<(FileHash, Record)> {
    let (sha256, rest) = record.split_first_chunk::<32>()?;
    let ([found, quality, bordered, _], values) = rest.split_first_chunk::<4>()?;
    let values: Vec<f32> =
        values.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let (&[norm, confidence], values) = values.split_first_chunk::<2>()?;
    let embedding = match found {
        0 => None,
        1 => Some(Embedding::as_given(values.to_vec()).ok()?),
        _ => return None,
    };
    let measures = Measures { norm, confidence };
    Some((*sha256, Record { quality: *quality, bordered: *bordered != 0, embedding, measures }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn recipe(embedder: &str) -> Recipe {
        let (embedder, embedder_sha256) = (embedder.to_owned(), embedder.repeat(3));
        Recipe { embedder, embedder_sha256, preparation: "aligned".to_owned(), length: 2 }
    }

    fn record() -> Record {
        let measures = Measures { norm: 12.0, confidence: 0.9 };
        Record { quality: 3, bordered: true, embedding: Embedding::new(vec![0.6, 0.8]).ok(), measures }
    }

    #[test]
    fn a_killed_run_loses_only_the_record_in_progress() {
        let dir = tempfile::tempdir().expect("folder");
        let mut cache = Cache::open(dir.path(), &recipe("a")).expect("new");
        cache.put([1; 32], record(), 2).expect("kept");
        cache.put([2; 32], Record { embedding: None, ..record() }, 2).expect("kept");
        cache.put([3; 32], record(), 2).expect("kept");
        let path = cache.path().to_owned();
        assert_eq!(std::fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
        let bytes = std::fs::read(&path).expect("file");
        std::fs::write(&path, &bytes[..bytes.len() - 5]).expect("cut");
        let mut cache = Cache::open(dir.path(), &recipe("a")).expect("again");
        assert!(cache.get(&[3; 32]).is_none());
        assert!(cache.get(&[2; 32]).is_some_and(|t| t.embedding.is_none()));
        assert!(cache.get(&[1; 32]).is_some_and(|t| t.embedding == record().embedding && t.quality == 3));
        assert!(cache.get(&[1; 32]).is_some_and(|t| t.measures == record().measures));
        cache.put([3; 32], record(), 2).expect("kept");
        assert!(Cache::open(dir.path(), &recipe("a")).expect("again").get(&[3; 32]).is_some());
    }

    #[test]
    fn embeddings_of_two_embedders_are_never_mixed() {
        let dir = tempfile::tempdir().expect("folder");
        let (a, b) = (recipe("a"), recipe("b"));
        Cache::open(dir.path(), &a).expect("new");
        std::fs::rename(dir.path().join(a.file_name()), dir.path().join(b.file_name())).expect("renamed");
        let text = Cache::open(dir.path(), &b).err().expect("refused").to_string();
        assert!(text.contains("must not be mixed") && text.contains(&b.file_name()), "{text}");
    }

    #[test]
    fn nan_in_a_cache_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().expect("folder");
        let mut cache = Cache::open(dir.path(), &recipe("a")).expect("new");
        cache.put([1; 32], record(), 2).expect("kept");
        let path = cache.path().to_owned();
        let mut bytes = std::fs::read(&path).expect("file");
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&path, bytes).expect("damaged");
        let text = Cache::open(dir.path(), &recipe("a")).err().expect("refused").to_string();
        assert!(text.contains("NaN") && text.contains(".embeddings"), "{text}");
    }
}
