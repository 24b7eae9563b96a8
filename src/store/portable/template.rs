//! A template as a line of an export, and back. Of what others wrote, only embeddings are accepted that an embedder can give.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::MadeFor;
use crate::clock::WallTime;
use crate::embed::{Embedding, OtherKey, TemplateKey};
use crate::people::{Account, UserName};
use crate::store::{MAX_LABEL_BYTES, Template};

/// How far from 1 the norm of a unit embedding may be: a thousand times what rounding to f32 costs.
const UNIT_SLACK: f64 = 1e-3;

/// No network without unit embeddings gives a greater norm; sums of f32 are far from overflow.
const MAX_NORM: f64 = 1e6;

/// A template on a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateLine {
    id: String,
    user: String,
    label: String,
    created_at: WallTime,
    /// For the door only. A user id is not exported: on another machine it is another's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    door: bool,
    /// Faces that look like a small child's are compared with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow_child: bool,
    /// Nobody enrolled it. Earlier programs refuse such a line rather than take it for an enrolled one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adapted: bool,
    /// Base64 of little-endian f32.
    embedding: String,
}

impl Drop for TemplateLine {
    fn drop(&mut self) {
        self.embedding.zeroize();
    }
}

/// A template as a line.
///
/// # Errors
/// [`OtherKey`].
pub(super) fn line(template: &Template, key: &TemplateKey) -> Result<TemplateLine, OtherKey> {
    let plain = key.undo(&template.embedding)?;
    let bytes: Zeroizing<Vec<u8>> =
        Zeroizing::new(plain.values().iter().flat_map(|v| v.to_le_bytes()).collect());
    Ok(TemplateLine {
        id: template.id.clone(),
        user: template.user.to_string(),
        label: template.label.clone(),
        created_at: template.created_at,
        door: template.account == Account::Door,
        allow_child: template.allow_child,
        adapted: template.adapted,
        embedding: STANDARD_NO_PAD.encode(&*bytes),
    })
}

/// Reads a line.
///
/// # Errors
/// Text that says what is wrong with it.
pub(super) fn read(line: &[u8], here: &MadeFor) -> Result<Template<Embedding>, String> {
    let line: TemplateLine = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    let id = line.id.len() == 32 && line.id.bytes().all(|b| b.is_ascii_hexdigit());
    if !id || line.label.len() > MAX_LABEL_BYTES || line.label.chars().any(char::is_control) {
        return Err("its id or label is not valid".to_owned());
    }
    let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(line.embedding.as_bytes()).map_err(|e| e.to_string())?);
    if bytes.len() != 4 * here.length {
        return Err(format!("its embedding has {} bytes instead of {}", bytes.len(), 4 * here.length));
    }
    let values = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let embedding = Embedding::as_given(values).map_err(|e| e.to_string())?;
    check_norm(&embedding, here.unit_length)?;
    Ok(Template {
        id: line.id.clone(),
        user: UserName::new(&line.user).map_err(|e| e.to_string())?,
        label: line.label.clone(),
        created_at: line.created_at,
        account: if line.door { Account::Door } else { Account::Unrecorded },
        allow_child: line.allow_child,
        embedder_sha256: here.embedder_sha256.clone(),
        live: None,
        adapted: line.adapted,
        embedding,
    })
}

/// Refuses what the embedder cannot give: an embedding near zero would be close to every face, and a huge one overflows.
fn check_norm(embedding: &Embedding, unit: bool) -> Result<(), String> {
    let norm = embedding.values().iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    if unit && (norm - 1.0).abs() > UNIT_SLACK {
        return Err(format!("its embedding has norm {norm:.3e}, and this embedder's have norm 1"));
    }
    if norm > MAX_NORM {
        return Err(format!("its embedding has norm {norm:.3e}, at most {MAX_NORM:.0e} is accepted"));
    }
    Ok(())
}
