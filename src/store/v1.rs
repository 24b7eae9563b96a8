//! Stores of the first schema: sled at the top of the folder, records that are not sealed. Read once, sealed, destroyed.
//!
//! A mark says that the new store is in the making; until sled's file gets another name the old one is the store,
//! and whatever there is of the new one is thrown away at the next start.
//!
//! A record: a line of JSON, the embedding as little-endian f32, the first 8 bytes of SHA-256.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::backup::GENERATIONS;
use super::files::{Disk, Folder, shred};
use super::keyring::MIRRORS;
use super::{MAX_LABEL_BYTES, StoreError, Template};
use crate::clock::WallTime;
use crate::embed::Embedding;
use crate::people::{Attempts, UserName};

const SCHEMA: u32 = 1;

/// Bytes of SHA-256 kept: enough against accidents, and only accidents are meant.
const CHECKSUM_BYTES: usize = 8;

/// Most values an embedding may have.
const MAX_VALUES: usize = 4096;

/// sled's file, what it is called once the new store counts, and the mark.
const OLD: &str = "db";
const SPENT: &str = "db.spent";
const MARK: &str = "migrating";

/// What an old store held.
pub(super) struct OldStore {
    /// As they were: not turned.
    pub(super) templates: Vec<Template>,
    /// Misses; `None` for those of identification.
    pub(super) attempts: Vec<(Option<UserName>, Attempts)>,
}

/// The old store in this folder that is still to be taken over, if there is one.
pub(super) fn waiting(folder: &Folder, path: &Path, records: &Path) -> Result<Option<OldStore>, StoreError> {
    let io = |e: std::io::Error| StoreError::Io { path: path.into(), why: e.to_string() };
    let there = |name: &str| folder.length(name).map(|length| length.is_some()).map_err(io);
    if !there(OLD)? || (!there(MARK)? && there(MIRRORS[0])?) {
        return Ok(None);
    }
    folder.write(MARK, 0, b"").and_then(|()| folder.sync_names()).map_err(io)?;
    for name in MIRRORS.iter().chain(&GENERATIONS) {
        folder.remove(name).map_err(io)?;
    }
    if records.exists() {
        std::fs::remove_dir_all(records).map_err(io)?;
    }
    read(path).map(Some).map_err(|why| StoreError::Damaged {
        path: path.into(),
        record: "of the older version".to_owned(),
        why,
    })
}

/// The new store counts: the old one, which is not sealed, is overwritten and removed.
pub(super) fn done(folder: &Folder, path: &Path) -> std::io::Result<()> {
    if folder.length(MARK)?.is_some() {
        if folder.length(OLD)?.is_some() {
            folder.rename(OLD, SPENT)?;
            folder.sync_names()?;
        }
        folder.remove(MARK)?;
    }
    if folder.length(SPENT)?.is_none() {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == "conf" || name.starts_with("snap.") {
            shred(folder, &name)?;
        }
    }
    let blobs = path.join("blobs");
    if blobs.is_dir() {
        let inside = Folder::new(&blobs)?;
        for entry in std::fs::read_dir(&blobs)? {
            shred(&inside, &entry?.file_name().to_string_lossy())?;
        }
        std::fs::remove_dir(blobs)?;
    }
    shred(folder, SPENT)
}

/// On a thread of its own, since sled may panic.
fn read(path: &Path) -> Result<OldStore, String> {
    let path = path.to_owned();
    let reading = std::thread::spawn(move || {
        let db = super::sled::open_db(&path)?;
        let tree = |name: &str| db.open_tree(name).map_err(|e| e.to_string());
        let values = |entry: ::sled::Result<(::sled::IVec, ::sled::IVec)>| entry.map_err(|e| e.to_string());
        let templates = tree("templates")?.iter().map(|entry| decode(&values(entry)?.1));
        let templates = templates.collect::<Result<Vec<_>, String>>()?;
        let attempts = tree("attempts")?.iter().map(|entry| {
            let (key, value) = values(entry)?;
            let user = match key.strip_prefix(b"=") {
                Some(name) => {
                    let name = std::str::from_utf8(name).map_err(|e| e.to_string())?;
                    Some(UserName::new(name).map_err(|e| e.to_string())?)
                }
                None => None,
            };
            Ok((user, serde_json::from_slice(&value).map_err(|e| e.to_string())?))
        });
        Ok(OldStore { templates, attempts: attempts.collect::<Result<Vec<_>, String>>()? })
    });
    reading.join().unwrap_or_else(|_| Err("the files are damaged (sled panicked)".to_owned()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema: u32,
    id: String,
    user: String,
    label: String,
    created_at: WallTime,
    embedder_sha256: String,
    values: usize,
}

/// Bytes to template, or what is wrong with them.
fn decode(bytes: &[u8]) -> Result<Template, String> {
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or("it is too short")?;
    if Sha256::digest(body)[..CHECKSUM_BYTES] != sum[..] {
        return Err("its checksum is wrong".to_owned());
    }
    let end = body.iter().position(|b| *b == b'\n').ok_or("it has no header")?;
    let (header, values) = (&body[..end], &body[end + 1..]);
    let header: Header = serde_json::from_slice(header).map_err(|e| e.to_string())?;
    if header.schema != SCHEMA {
        return Err(format!("schema {}, this program reads {SCHEMA}", header.schema));
    }
    if header.values > MAX_VALUES || values.len() != header.values * 4 || header.label.len() > MAX_LABEL_BYTES
    {
        return Err("its lengths are wrong".to_owned());
    }
    let values = values.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Ok(Template {
        id: header.id,
        user: UserName::new(&header.user).map_err(|e| e.to_string())?,
        label: header.label,
        created_at: header.created_at,
        embedder_sha256: header.embedder_sha256,
        embedding: Embedding::new(values).map_err(|e| e.to_string())?,
    })
}

#[cfg(test)]
mod tests;
