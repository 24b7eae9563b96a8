//! Export of templates and rules to an age file for one recipient, and import into a store.
//!
//! Inside it is text: a header line, then a line for each template, then one for each person with rules. Embeddings are
//! exported raw, since each device has its own template key. So the text is worth as much as the faces themselves, and is
//! sealed before it leaves this process. Misses are not exported, and PINs are in a [`backup`] only.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use age::x25519;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{StoreError, Template, TemplateStore};
use crate::clock::{Date, WallTime};
use crate::embed::{Embedding, TemplateKey};
use crate::people::{Account, UserName};

mod backup;
mod rules;
mod template;

pub use backup::{backup, unpack};
use rules::{Backup, Kept};

const KIND: &str = "facelatch-export";

/// Of files without rules, which earlier programs read as well.
const SCHEMA: u32 = 1;

/// Of files with rules.
const SCHEMA_WITH_RULES: u32 = 2;

/// Of backups: with rules, PINs, and what is attached.
const SCHEMA_OF_BACKUPS: u32 = 3;

/// Most bytes of an export; larger files are refused before they are decrypted.
pub const MAX_EXPORT_BYTES: usize = 64 << 20;

/// The embedder that templates are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFor {
    /// Its name in MODELS.toml.
    pub embedder: String,
    /// SHA-256 of its file, lower-case hex.
    pub embedder_sha256: String,
    /// Number of values in an embedding.
    pub length: usize,
    /// Its embeddings have norm 1. Known from the embedder that is loaded; not in the file.
    #[serde(skip)]
    pub unit_length: bool,
}

/// A sealed export.
pub struct Exported {
    /// The age file.
    pub bytes: Vec<u8>,
    /// Number of people in it.
    pub users: usize,
    /// Number of templates in it.
    pub templates: usize,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Number of templates added.
    pub added: usize,
    /// The people they belong to.
    pub users: Vec<String>,
    /// People in the file who were left out because they are enrolled with other templates.
    pub skipped: Vec<String>,
    /// Those among `users` for whom there is no account here, and who are therefore for the door only.
    pub without_account: Vec<String>,
    /// Those who had rules here already, which stay.
    pub rules_stay: Vec<String>,
    /// Those whose rules ask for a PIN that they do not have here.
    pub without_pin: Vec<String>,
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
    /// It is neither an export nor a backup, or not a whole one.
    #[error("sealed file: {why}; give one as `facelatch export` or `facelatch backup` wrote it")]
    File { why: String },
    /// It is for another key.
    #[error("sealed file: this key does not open it; give the identity file of the key that it was made for")]
    OtherKey,
    /// It is whole, and this caller or this command may not take it; `why` says who may.
    #[error("sealed file: {why}")]
    NotHere { why: String },
    /// For another embedder.
    #[error(
        "sealed file: made for the embedder {} (sha256 {}), but this daemon has {} (sha256 {}); configure the \
         other embedder here, or enrol these people again",
        .file.embedder, .file.embedder_sha256, .here.embedder, .here.embedder_sha256
    )]
    OtherEmbedder { file: Box<MadeFor>, here: Box<MadeFor> },
    /// People who are already enrolled, with other templates.
    #[error(
        "{}: already enrolled here with other templates, so nothing was imported; remove them first, or leave them \
         out with --skip-enrolled",
        .users.join(", ")
    )]
    Conflict { users: Vec<String> },
    /// The name service failed.
    #[error("name service: {why}, so it is not known which accounts there are; try again when it answers")]
    NameService { why: String },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct ExportHeader {
    kind: String,
    schema: u32,
    #[serde(flatten)]
    made_for: MadeFor,
    created_at: WallTime,
    templates: usize,
    #[serde(default)]
    rules: usize,
    /// Earlier programs do not mind them: without rules they mean nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    holidays: BTreeSet<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<Backup>,
}

/// What is in a file.
pub(super) struct Read {
    pub(super) people: BTreeMap<UserName, Vec<Template<Embedding>>>,
    kept: Kept,
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

/// What a file is made of.
struct Contents<'a> {
    schema: u32,
    wanted: Vec<&'a Template>,
    kept: Kept,
    /// Base64, on the last line.
    attached: Option<&'a str>,
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
    let snapshot = store.snapshot()?;
    let wanted: Vec<&Template> =
        snapshot.templates.iter().filter(|t| user.is_none_or(|user| *user == t.user)).collect();
    if wanted.is_empty() {
        return Err(PortableError::Nobody);
    }
    let users: BTreeSet<&UserName> = wanted.iter().map(|t| &t.user).collect();
    let kept = Kept::of(store, &users, user.is_none())?;
    let schema = if kept.rules.is_empty() { SCHEMA } else { SCHEMA_WITH_RULES };
    let contents = Contents { schema, wanted, kept, attached: None };
    sealed(&contents, &snapshot.template_key, to, made_for, now)
}

fn sealed(
    contents: &Contents<'_>,
    key: &TemplateKey,
    to: &str,
    made_for: &MadeFor,
    now: WallTime,
) -> Result<Exported, PortableError> {
    let recipient = recipient(to)?;
    let Contents { schema, wanted, kept, attached } = contents;
    let header = ExportHeader {
        kind: KIND.to_owned(),
        schema: *schema,
        made_for: made_for.clone(),
        created_at: now,
        templates: wanted.len(),
        rules: kept.rules.len(),
        holidays: kept.holidays.clone(),
        backup: kept.backup.clone(),
    };
    let unwritable = |e: serde_json::Error| PortableError::File { why: e.to_string() };
    // One allocation, so that no half-grown copy stays behind in memory.
    let room = 1024 + wanted.len() * (512 + 6 * made_for.length) + attached.map_or(0, str::len);
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, &header).map_err(unwritable)?;
    for template in wanted {
        plain.push(b'\n');
        let line = template::line(template, key).map_err(StoreError::from)?;
        serde_json::to_writer(&mut *plain, &line).map_err(unwritable)?;
    }
    for line in kept.lines() {
        plain.push(b'\n');
        serde_json::to_writer(&mut *plain, &line).map_err(unwritable)?;
    }
    if let Some(attached) = attached {
        plain.push(b'\n');
        serde_json::to_writer(&mut *plain, attached).map_err(unwritable)?;
    }
    let bytes = age::encrypt(&recipient, &plain).map_err(|e| PortableError::File { why: e.to_string() })?;
    let users: BTreeSet<&UserName> = wanted.iter().map(|t| &t.user).collect();
    Ok(Exported { bytes, users: users.len(), templates: wanted.len() })
}

/// Decrypts an export and adds all of its templates or none, and rules for whoever has none here. People who are already enrolled with other templates are a
/// conflict, or are left out with `skip_enrolled`; templates that the store already has are not a conflict. As in an
/// enrolment, each is for the account that has the name here, with the user id that `account_here` gives, or for the door only.
///
/// # Errors
/// [`PortableError`]; then nothing was added.
pub fn import(
    store: &dyn TemplateStore,
    file: &[u8],
    identity: &str,
    here: &MadeFor,
    skip_enrolled: bool,
    account_here: impl Fn(&UserName) -> Result<Option<u32>, String>,
) -> Result<Imported, PortableError> {
    let Read { mut people, kept } = read(file, identity, here)?;
    let snapshot = store.snapshot()?;
    let mut there: BTreeMap<&UserName, BTreeSet<&str>> = BTreeMap::new();
    for template in &snapshot.templates {
        there.entry(&template.user).or_default().insert(&template.id);
    }
    let (mut conflicts, mut done) = (Vec::new(), Imported::default());
    people.retain(|user, templates| {
        let Some(ids) = there.get(user) else { return true };
        // Adapted ones come and go by themselves.
        if !templates.iter().all(|t| t.adapted || ids.contains(t.id.as_str())) {
            conflicts.push(user.to_string());
        }
        false
    });
    if !conflicts.is_empty() && !skip_enrolled {
        return Err(PortableError::Conflict { users: conflicts });
    }
    done.skipped = conflicts;
    done.users = people.keys().map(ToString::to_string).collect();
    for (user, templates) in &mut people {
        if templates.iter().any(|template| template.account == Account::Door) {
            templates.iter_mut().for_each(|template| template.account = Account::Door);
            continue;
        }
        let uid = account_here(user).map_err(|why| PortableError::NameService { why })?;
        let account = uid.map_or(Account::Door, Account::Uid);
        templates.iter_mut().for_each(|template| template.account = account);
        if account == Account::Door {
            done.without_account.push(user.to_string());
        }
    }
    // First, so that nobody is here without their rules for a moment. If the rest fails, rules of nobody are left.
    // Also those of who is here already: without rules they come in at any time.
    let is_skipped = |user: &UserName| done.skipped.iter().any(|skipped| skipped == user.as_str());
    let users: Vec<&UserName> = kept.rules.keys().filter(|user| !is_skipped(user)).collect();
    let raw = people.into_values().flatten();
    let templates: Vec<Template> = raw.map(|t| t.keyed(&snapshot.template_key)).collect();
    if templates.iter().any(|t| t.embedding.values().iter().any(|v| !v.is_finite())) {
        let why = "an embedding becomes infinite under this store's template key".to_owned();
        return Err(PortableError::File { why });
    }
    done.added = templates.len();
    if !done.users.is_empty() || !users.is_empty() || kept.backup.is_some() {
        (done.rules_stay, done.without_pin) = kept.bring_in(store, users.into_iter())?;
        if !templates.is_empty() {
            store.add(&templates)?;
        }
    }
    Ok(done)
}

/// Decrypts an export to see that it has at most so many people, and is no backup.
///
/// # Errors
/// [`PortableError::NotHere`] if it is not so, and as [`import`].
pub fn check_people(file: &[u8], identity: &str, here: &MadeFor, most: usize) -> Result<(), PortableError> {
    let Read { people, kept } = read(file, identity, here)?;
    if kept.backup.is_some() {
        let why = "it is a backup, and only root may restore one (`sudo facelatch restore`)".to_owned();
        return Err(PortableError::NotHere { why });
    }
    let people = people.len();
    if people > most {
        let why =
            format!("it has {people} people, and only root may import more than {most} at once; use sudo");
        return Err(PortableError::NotHere { why });
    }
    Ok(())
}

/// What is in a file.
fn read(file: &[u8], identity: &str, here: &MadeFor) -> Result<Read, PortableError> {
    parse(&opened(file, identity)?, here)
}

/// The text of a file.
fn opened(file: &[u8], identity: &str) -> Result<Zeroizing<Vec<u8>>, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    if file.len() > MAX_EXPORT_BYTES {
        return Err(wrong(format!("it has {} bytes, at most {MAX_EXPORT_BYTES} are read", file.len())));
    }
    let key = identity.lines().map(str::trim).find(|line| line.starts_with("AGE-SECRET-KEY-"));
    let key = key.ok_or_else(|| PortableError::Identity { why: "it has no secret key".to_owned() })?;
    let key =
        x25519::Identity::from_str(key).map_err(|why| PortableError::Identity { why: why.to_owned() })?;
    age::decrypt(&key, file).map(Zeroizing::new).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => PortableError::OtherKey,
        error => wrong(format!("it cannot be opened ({error})")),
    })
}

/// The header of an export or a backup.
fn header(plain: &[u8]) -> Result<ExportHeader, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    let line = plain.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: ExportHeader =
        serde_json::from_slice(line).map_err(|e| wrong(format!("it is not an export ({e})")))?;
    if header.kind != KIND {
        return Err(wrong(format!("it is of kind {:?}, not an export of templates", header.kind)));
    }
    let schema = header.schema;
    if !(SCHEMA..=SCHEMA_OF_BACKUPS).contains(&schema) {
        let why = format!("it has schema {schema}, this program reads {SCHEMA} to {SCHEMA_OF_BACKUPS}");
        return Err(wrong(why));
    }
    if (schema == SCHEMA_OF_BACKUPS) != header.backup.is_some() {
        return Err(wrong(format!("its header does not go with schema {schema}")));
    }
    Ok(header)
}

/// What is in the text of an export.
pub(super) fn parse(plain: &[u8], here: &MadeFor) -> Result<Read, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    let header = header(plain)?;
    if header.made_for.embedder_sha256 != here.embedder_sha256 {
        return Err(PortableError::OtherEmbedder {
            file: Box::new(header.made_for),
            here: Box::new(here.clone()),
        });
    }
    let mut kept = Kept { holidays: header.holidays, backup: header.backup, ..Kept::default() };
    let mut people: BTreeMap<UserName, Vec<Template<Embedding>>> = BTreeMap::new();
    let mut count = 0;
    for (at, line) in plain.split(|byte| *byte == b'\n').enumerate().skip(1) {
        let named = |why: String| wrong(format!("line {}: {why}", at + 1));
        if at <= header.templates {
            let template = template::read(line, here).map_err(named)?;
            people.entry(template.user.clone()).or_default().push(template);
            count += 1;
        } else if at <= header.templates.saturating_add(header.rules) {
            kept.read(line).map_err(named)?;
        } else if kept.backup.is_none() || at > header.templates + header.rules + 1 {
            return Err(named("nothing may follow here".to_owned()));
        }
    }
    if count != header.templates {
        return Err(wrong(format!("it holds {count} of {} templates", header.templates)));
    }
    let of_its_people = kept.backup.is_some() || kept.rules.keys().all(|user| people.contains_key(user));
    if kept.rules.len() != header.rules || !of_its_people {
        return Err(wrong("its rules are not those of its people".to_owned()));
    }
    Ok(Read { people, kept })
}

#[cfg(test)]
mod backup_tests;
#[cfg(test)]
mod tests;
