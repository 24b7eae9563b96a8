//! One [`Template`] to bytes and back: a line of JSON, the embedding as little-endian f32, a checksum.
//!
//! Sealing will wrap these bytes; until then the checksum tells a damaged record from a good one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{MAX_LABEL_BYTES, Template};
use crate::clock::WallTime;
use crate::embed::Embedding;
use crate::judge::UserName;

/// The one layout of records there is so far.
const SCHEMA: u32 = 1;

/// Bytes of SHA-256 kept: enough against accidents, and only accidents are meant.
const CHECKSUM_BYTES: usize = 8;

/// Most values an embedding may have.
const MAX_VALUES: usize = 4096;

#[derive(Serialize, Deserialize)]
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

/// Template to bytes.
pub(super) fn encode(template: &Template) -> Vec<u8> {
    let header = Header {
        schema: SCHEMA,
        id: template.id.clone(),
        user: template.user.as_str().to_owned(),
        label: template.label.clone(),
        created_at: template.created_at,
        embedder_sha256: template.embedder_sha256.clone(),
        values: template.embedding.values().len(),
    };
    let mut bytes = serde_json::to_vec(&header).unwrap_or_default(); // A struct of strings and numbers cannot fail.
    bytes.push(b'\n');
    bytes.extend(template.embedding.values().iter().flat_map(|v| v.to_le_bytes()));
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum[..CHECKSUM_BYTES]);
    bytes
}

/// Bytes to template, or what is wrong with them.
pub(super) fn decode(bytes: &[u8]) -> Result<Template, String> {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template() -> Template {
        Template {
            id: "0123".into(),
            user: UserName::new("alice").expect("valid"),
            label: "with \"glasses\"\n".into(),
            created_at: WallTime(1_700_000_000),
            embedder_sha256: "ab".into(),
            embedding: Embedding::new(vec![0.1, -0.7, 0.3]).expect("valid"),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let back = decode(&encode(&template())).expect("good");
        assert_eq!(
            (&back.id, &back.user, &back.label),
            (&template().id, &template().user, &template().label)
        );
        let (back, wanted) = (back.embedding, template().embedding);
        let off = back.values().iter().zip(wanted.values()).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-7, "normalising again may cost one rounding");
    }

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_lost_end_is_noticed(at in 0_usize..1000, bit in 0_u8..8) {
            let good = encode(&template());
            let at = at % good.len();
            let mut flipped = good.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(decode(&flipped).is_err());
            prop_assert!(decode(&good[..at]).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
