//! A backup: an export of everybody with what an export leaves out, for the owner alone. PINs come with the secret that their
//! hashes hold for, and so do people who have a PIN and no face. What is attached is the caller's, and not looked into.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::rules::Kept;
use super::{Contents, Exported, MadeFor, PortableError, SCHEMA_OF_BACKUPS, header, opened, sealed};
use crate::clock::WallTime;
use crate::store::TemplateStore;

/// Seals everything for the holder of a key.
///
/// # Errors
/// [`PortableError`].
pub fn backup(
    store: &dyn TemplateStore,
    to: &str,
    made_for: &MadeFor,
    attached: &[u8],
    now: WallTime,
) -> Result<Exported, PortableError> {
    let snapshot = store.snapshot()?;
    let wanted = snapshot.templates.iter().collect();
    let attached = Zeroizing::new(STANDARD_NO_PAD.encode(attached));
    let kept = Kept::everything(store)?;
    let contents = Contents { schema: SCHEMA_OF_BACKUPS, wanted, kept, attached: Some(&attached) };
    sealed(&contents, &snapshot.template_key, to, made_for, now)
}

/// What is attached to a backup, whichever embedder the rest is for.
///
/// # Errors
/// [`PortableError`].
pub fn unpack(file: &[u8], identity: &str) -> Result<Zeroizing<Vec<u8>>, PortableError> {
    let wrong = |why: String| PortableError::File { why };
    let plain = opened(file, identity)?;
    if header(&plain)?.backup.is_none() {
        let why = "it is an export and no backup; `facelatch import` takes it".to_owned();
        return Err(PortableError::NotHere { why });
    }
    let last = plain.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let attached: &str =
        serde_json::from_slice(last).map_err(|e| wrong(format!("its end is missing ({e})")))?;
    STANDARD_NO_PAD.decode(attached).map(Zeroizing::new).map_err(|e| wrong(e.to_string()))
}
