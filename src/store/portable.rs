//! Templates that leave the device: an age file that one person's key opens, and back into a store.
//!
//! Inside it is text: a line about the whole, then one for each template, embeddings as they are without a turn, since
//! another device has another turn. So it is worth as much as the faces themselves, and is sealed before it leaves
//! this process. Misses do not travel.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use age::x25519;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{MAX_LABEL_BYTES, StoreError, Template, TemplateStore};
use crate::clock::WallTime;
use crate::embed::Embedding;
use crate::people::UserName;

const KIND: &str = "facelatch-export";
const SCHEMA: u32 = 1;

/// How far from 1 the length of a unit embedding may be: rounding to f32 costs a thousandth of this.
const UNIT_SLACK: f64 = 1e-3;

/// No network that does not scale its embeddings gives longer ones; far below where sums of f32 overflow.
const MAX_NORM: f64 = 1e6;

/// Larger files are refused before they are opened.
pub const MAX_EXPORT_BYTES: usize = 64 << 20;

/// Which embedder templates are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFor {
    /// Its name in MODELS.toml.
    pub embedder: String,
    /// SHA-256 of its file, lower-case hex.
    pub embedder_sha256: String,
    /// Values of an embedding.
    pub length: usize,
    /// Its embeddings have length 1. Known of an embedder that is loaded; no file says it.
    #[serde(skip)]
    pub unit_length: bool,
}

/// A sealed export.
pub struct Exported {
    /// The age file.
    pub bytes: Vec<u8>,
    /// People in it.
    pub users: usize,
    /// Templates of all of them.
    pub templates: usize,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Templates added.
    pub added: usize,
    /// Of whom.
    pub users: Vec<String>,
    /// People in the file who were left out, because they are enrolled already.
    pub skipped: Vec<String>,
}

/// Why nothing was exported or imported. Each text says what to do.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum PortableError {
    /// No recipient.
    #[error("recipient: {why}; give the public key that `age-keygen` printed: age1...")]
    Recipient { why: String },
    /// No identity.
    #[error("identity: {why}; give the file that `age-keygen -o` wrote, with a line AGE-SECRET-KEY-1...")]
    Identity { why: String },
    /// Nobody of that name, or nobody at all.
    #[error("nobody to export; `facelatch list` shows who is enrolled")]
    Nobody,
    /// It cannot be opened or is no export.
    #[error("export file: {why}; give a file that `facelatch export` wrote, and the key it was made for")]
    File { why: String },
    /// For another embedder.
    #[error(
        "export file: made for the embedder {} (sha256 {}), but this daemon has {} (sha256 {}); configure the \
         other embedder here, or enrol these people again",
        .file.embedder, .file.embedder_sha256, .here.embedder, .here.embedder_sha256
    )]
    OtherEmbedder { file: Box<MadeFor>, here: Box<MadeFor> },
    /// People who are enrolled already, with other templates.
    #[error(
        "{}: enrolled here already, with other templates, so nothing was imported; remove them first, or leave them \
         out with --skip-enrolled",
        .users.join(", ")
    )]
    Conflict { users: Vec<String> },
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct About {
    kind: String,
    schema: u32,
    #[serde(flatten)]
    made_for: MadeFor,
    created_at: WallTime,
    templates: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    user: String,
    label: String,
    created_at: WallTime,
    /// Base64 of little-endian f32.
    embedding: String,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.embedding.zeroize();
    }
}

/// Checks a public key.
///
/// # Errors
/// [`PortableError::Recipient`].
pub fn check_recipient(text: &str) -> Result<(), PortableError> {
    recipient(text).map(|_| ())
}

fn recipient(text: &str) -> Result<x25519::Recipient, PortableError> {
    x25519::Recipient::from_str(text.trim()).map_err(|why| PortableError::Recipient { why: why.to_owned() })
}

/// Seals one user's templates, or everybody's, for the holder of a key.
///
/// # Errors
/// [`PortableError`].
pub fn export(
    store: &dyn TemplateStore,
    user: Option<&UserName>,
    to: &str,
    made_for: &MadeFor,
    now: WallTime,
) -> Result<Exported, PortableError> {
    let recipient = recipient(to)?;
    let snapshot = store.snapshot()?;
    let wanted: Vec<&Template> =
        snapshot.templates.iter().filter(|t| user.is_none_or(|user| *user == t.user)).collect();
    if wanted.is_empty() {
        return Err(PortableError::Nobody);
    }
    let about = About {
        kind: KIND.to_owned(),
        schema: SCHEMA,
        made_for: made_for.clone(),
        created_at: now,
        templates: wanted.len(),
    };
    let unwritable = |e: serde_json::Error| PortableError::File { why: e.to_string() };
    // One allocation, so that no half-grown copy stays behind in memory.
    let room = 1024 + wanted.len() * (512 + 6 * made_for.length);
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, &about).map_err(unwritable)?;
    for template in &wanted {
        plain.push(b'\n');
        serde_json::to_writer(&mut *plain, &line(template, &snapshot.turn)).map_err(unwritable)?;
    }
    let bytes = age::encrypt(&recipient, &plain).map_err(|e| PortableError::File { why: e.to_string() })?;
    let users: BTreeSet<&UserName> = wanted.iter().map(|t| &t.user).collect();
    Ok(Exported { bytes, users: users.len(), templates: wanted.len() })
}

fn line(template: &Template, turn: &crate::embed::Turn) -> Line {
    let plain = turn.undo(&template.embedding);
    let bytes: Zeroizing<Vec<u8>> =
        Zeroizing::new(plain.values().iter().flat_map(|v| v.to_le_bytes()).collect());
    Line {
        id: template.id.clone(),
        user: template.user.to_string(),
        label: template.label.clone(),
        created_at: template.created_at,
        embedding: STANDARD_NO_PAD.encode(&*bytes),
    }
}

/// Opens an export and adds what is in it, all or nothing. People who are enrolled with other templates are a conflict,
/// or left out with `skip_enrolled`; templates that are here already are no conflict.
///
/// # Errors
/// [`PortableError`]; nothing was added then.
pub fn import(
    store: &dyn TemplateStore,
    file: &[u8],
    identity: &str,
    here: &MadeFor,
    skip_enrolled: bool,
) -> Result<Imported, PortableError> {
    let mut people = read(file, identity, here)?;
    let snapshot = store.snapshot()?;
    let mut there: BTreeMap<&UserName, BTreeSet<&str>> = BTreeMap::new();
    for template in &snapshot.templates {
        there.entry(&template.user).or_default().insert(&template.id);
    }
    let (mut conflicts, mut done) = (Vec::new(), Imported::default());
    people.retain(|user, templates| {
        let Some(ids) = there.get(user) else { return true };
        if !templates.iter().all(|t| ids.contains(t.id.as_str())) {
            conflicts.push(user.to_string());
        }
        false
    });
    if !conflicts.is_empty() && !skip_enrolled {
        return Err(PortableError::Conflict { users: conflicts });
    }
    done.skipped = conflicts;
    done.users = people.keys().map(ToString::to_string).collect();
    let mut templates: Vec<Template> = people.into_values().flatten().collect();
    templates.iter_mut().for_each(|t| t.embedding = snapshot.turn.apply(&t.embedding));
    if templates.iter().any(|t| t.embedding.values().iter().any(|v| !v.is_finite())) {
        let why = "an embedding that this store's turn makes infinite".to_owned();
        return Err(PortableError::File { why });
    }
    done.added = templates.len();
    if done.added > 0 {
        store.add(&templates, &snapshot.turn)?;
    }
    Ok(done)
}

/// Everybody in the file.
fn read(
    file: &[u8],
    identity: &str,
    here: &MadeFor,
) -> Result<BTreeMap<UserName, Vec<Template>>, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    if file.len() > MAX_EXPORT_BYTES {
        return Err(wrong(format!("{} bytes, at most {MAX_EXPORT_BYTES} are read", file.len())));
    }
    let key = identity.lines().map(str::trim).find(|line| line.starts_with("AGE-SECRET-KEY-"));
    let key = key.ok_or_else(|| PortableError::Identity { why: "has no secret key".to_owned() })?;
    let key =
        x25519::Identity::from_str(key).map_err(|why| PortableError::Identity { why: why.to_owned() })?;
    let plain = age::decrypt(&key, file).map_err(|e| wrong(format!("cannot be opened ({e})")))?;
    parse(&Zeroizing::new(plain), here)
}

/// Everybody in an export that was opened.
pub(super) fn parse(
    plain: &[u8],
    here: &MadeFor,
) -> Result<BTreeMap<UserName, Vec<Template>>, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    let mut lines = plain.split(|byte| *byte == b'\n');
    let about: About = serde_json::from_slice(lines.next().unwrap_or_default())
        .map_err(|e| wrong(format!("is no export ({e})")))?;
    if about.kind != KIND || about.schema != SCHEMA {
        return Err(wrong(format!("schema {}, this program reads {SCHEMA}", about.schema)));
    }
    if about.made_for.embedder_sha256 != here.embedder_sha256 {
        return Err(PortableError::OtherEmbedder {
            file: Box::new(about.made_for),
            here: Box::new(here.clone()),
        });
    }
    let mut people: BTreeMap<UserName, Vec<Template>> = BTreeMap::new();
    let mut count = 0;
    for (at, line) in lines.enumerate() {
        let template = template(line, here).map_err(|why| wrong(format!("line {}: {why}", at + 2)))?;
        people.entry(template.user.clone()).or_default().push(template);
        count += 1;
    }
    if count != about.templates {
        return Err(wrong(format!("holds {count} templates of {}", about.templates)));
    }
    Ok(people)
}

fn template(line: &[u8], here: &MadeFor) -> Result<Template, String> {
    let line: Line = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    let id = line.id.len() == 32 && line.id.bytes().all(|b| b.is_ascii_hexdigit());
    if !id || line.label.len() > MAX_LABEL_BYTES || line.label.chars().any(char::is_control) {
        return Err("an id or a label that cannot be kept".to_owned());
    }
    let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(line.embedding.as_bytes()).map_err(|e| e.to_string())?);
    if bytes.len() != 4 * here.length {
        return Err(format!("{} bytes are no {} values", bytes.len(), here.length));
    }
    let values = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let embedding = Embedding::as_given(values).map_err(|e| e.to_string())?;
    check_norm(&embedding, here.unit_length)?;
    Ok(Template {
        id: line.id.clone(),
        user: UserName::new(&line.user).map_err(|e| e.to_string())?,
        label: line.label.clone(),
        created_at: line.created_at,
        embedder_sha256: here.embedder_sha256.clone(),
        embedding,
    })
}

/// A template near zero is as near to every face as no face is to another, and one that is huge turns into infinity: neither
/// is what the embedder gives.
fn check_norm(embedding: &Embedding, unit: bool) -> Result<(), String> {
    let norm = embedding.values().iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    if unit && (norm - 1.0).abs() > UNIT_SLACK {
        return Err(format!("an embedding of length {norm:.3e}, where this embedder's have length 1"));
    }
    if norm > MAX_NORM {
        return Err(format!("an embedding of length {norm:.3e}, at most {MAX_NORM:.0e} is believed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
