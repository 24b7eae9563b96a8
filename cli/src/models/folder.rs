//! The folder of the owner's own models: the files, and the MODELS.toml that lists them for the daemon.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::MAX_FILE_BYTES;

/// Name of the list.
const LIST: &str = "MODELS.toml";

/// Longest list that is read.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// Above the list.
const HEADER: &str =
    "# Models of your own. Written by `facelatch models`; it keeps no changes made by hand.\n\n";

/// An entry of MODELS.toml: what the daemon reads, and some for people.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) kind: &'static str,
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) bytes: usize,
    pub(super) licence: &'static str,
    pub(super) source: &'static str,
    pub(super) source_path: &'static str,
    pub(super) source_sha256: String,
    pub(super) form: &'static str,
    pub(super) input_shape: [usize; 4],
    pub(super) colour: &'static str,
    pub(super) outputs: [&'static str; 1],
    /// Which value of the output is for a live face.
    pub(super) live: usize,
    pub(super) operating_points: OperatingPoints,
}

/// What it does at several thresholds: shares of live presentations that are refused, and the least score that is not.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct OperatingPoints {
    pub(super) bpcer: &'static [f64],
    pub(super) threshold: &'static [f64],
    /// The median score of live frames.
    pub(super) live_median: f64,
}

/// A model as it was found.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) source: String,
    /// What is wrong with its file.
    pub(super) fault: Option<String>,
}

/// A folder that need not be there yet.
pub(super) struct Folder<'a>(pub(super) &'a Path);

impl Folder<'_> {
    fn list(&self) -> PathBuf {
        self.0.join(LIST)
    }

    /// The list as it is; empty where there is none.
    fn read(&self) -> Result<toml::Table> {
        let path = self.list();
        let Some(bytes) = read(&path, MAX_LIST_BYTES)? else { return Ok(toml::Table::new()) };
        String::from_utf8(bytes).map_err(anyhow::Error::from).and_then(|text| Ok(text.parse()?)).with_context(
            || format!("{}: not a list of models; remove it and add them again", path.display()),
        )
    }

    /// Writes the model and puts it on the list, in place of the one of that name.
    pub(super) fn add(&self, name: &str, entry: &Entry, model: &[u8]) -> Result<()> {
        let mut list = self.read()?;
        list.insert(name.to_owned(), toml::Value::try_from(entry)?);
        make(self.0)?;
        replace(&self.0.join(&entry.file), model)?;
        self.write(&list)
    }

    /// Takes the model from the list and deletes it.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let mut list = self.read()?;
        let Some(entry) = list.remove(name) else {
            let names: Vec<&str> = list.keys().map(String::as_str).collect();
            let there = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            bail!("{name}: not in {}, which lists {there}", self.list().display());
        };
        self.write(&list)?;
        let path = self.0.join(file(&entry)?);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{}: off the list, but cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// All that are on the list.
    pub(super) fn models(&self) -> Result<Vec<Found>> {
        let found = |(name, entry): (&String, &toml::Value)| {
            let word = |key| entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
            let fault = self.fault(entry).err().map(|why| format!("{why:#}"));
            Found {
                name: name.clone(),
                kind: word("kind").to_owned(),
                source: word("source").to_owned(),
                fault,
            }
        };
        Ok(self.read()?.iter().map(found).collect())
    }

    fn fault(&self, entry: &toml::Value) -> Result<()> {
        let path = self.0.join(file(entry)?);
        let bytes = read(&path, MAX_FILE_BYTES)?.with_context(|| format!("{}: not there", path.display()))?;
        if entry.get("sha256").and_then(toml::Value::as_str) != Some(sha256(&bytes).as_str()) {
            bail!("{}: not what was added", path.display());
        }
        Ok(())
    }

    fn write(&self, list: &toml::Table) -> Result<()> {
        replace(&self.list(), format!("{HEADER}{}", toml::to_string(list)?).as_bytes())
    }
}

/// A file of at most `most` bytes; `None` if it is not there.
pub(super) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|open| open.take(most + 1).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", path.display())),
        Ok(_) if bytes.len() as u64 > most => bail!("{}: longer than {most} bytes", path.display()),
        Ok(_) => Ok(Some(bytes)),
    }
}

/// The name of the file: in this folder, whatever the list says.
fn file(entry: &toml::Value) -> Result<&str> {
    let name = entry.get("file").and_then(toml::Value::as_str).unwrap_or_default();
    if name.is_empty() || name.contains('/') || [".", "..", LIST].contains(&name) {
        bail!("file {name:?}: not the name of a file in the folder");
    }
    Ok(name)
}

/// SHA-256, lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a folder that the daemon may read, whatever root's umask is.
fn make(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    folder.parent().map_or(Ok(()), make)?;
    fs::create_dir(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .with_context(|| {
            format!("{}: cannot be made; run this as root, or name another with --folder", folder.display())
        })
}

/// Writes a file that the daemon may read; it appears whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    // Left over from a run that was interrupted.
    let _ = fs::remove_file(part);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(part)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(part, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(part);
    }
    written.with_context(|| format!("{}: cannot be written; run this as root", path.display()))
}
