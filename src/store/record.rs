//! One [`Template`] to a sealed record and back.
//!
//! A record opens only in its own context: under its id, for its user, embedder, device and template key. Somebody who can
//! write to the card cannot turn one user's template into another's, nor bring back one from before a renewal.

use zeroize::Zeroizing;

use super::keyring::{KeyId, Keyring};
use super::seal::{Key, SEAL_BYTES};
use super::{LiveScore, MAX_LABEL_BYTES, Template};
use crate::clock::WallTime;
use crate::embed::KeyedEmbedding;
use crate::people::{Account, UserName};

/// What every record starts with; the last byte is the schema.
const MAGIC: &[u8; 4] = b"FLT\x05";

/// What records started with that say nothing of small children, and when there were enrolled templates only.
const MAGIC_4: &[u8; 4] = b"FLT\x04";

/// What records started with that hold no score of their frame.
const MAGIC_3: &[u8; 4] = b"FLT\x03";

/// What records started with that name no account, either.
const MAGIC_2: &[u8; 4] = b"FLT\x02";

/// Most values an embedding may have.
const MAX_VALUES: usize = 4096;

/// Kind of an account, and its user id.
const ACCOUNT_BYTES: usize = 1 + 4;

/// Whether there is a score of the frame, its source, and the score.
const LIVE_BYTES: usize = 1 + 8 + 4;

/// Whether a small child's face is allowed, and whether it is adapted.
const FLAG_BYTES: usize = 1 + 1;

/// Time, account, score of the frame, flags, length of the label, the label itself, and the values.
const MAX_PLAIN_BYTES: usize =
    8 + ACCOUNT_BYTES + LIVE_BYTES + FLAG_BYTES + 1 + MAX_LABEL_BYTES + 4 * MAX_VALUES;

/// First byte of an entry's key.
const PREFIX: u8 = b'r';

/// The key of a record's entry.
pub(super) fn entry_key(id: &str) -> Vec<u8> {
    [&[PREFIX], id.as_bytes()].concat()
}

/// The id of the record in the entry with this key.
pub(super) fn id_of(entry_key: &[u8]) -> Option<&str> {
    entry_key.strip_prefix(&[PREFIX]).and_then(|id| std::str::from_utf8(id).ok())
}

/// A record as it is on the disk: it names the key that opens it, and nothing else can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SealedRecord<'a> {
    /// Id of its user's key; random.
    pub(super) key: KeyId,
    magic: &'static [u8; 4],
    sealed: &'a [u8],
}

/// What a record is sealed for, besides its id and user: authenticated, not kept in it.
#[derive(Clone, Copy)]
pub(super) struct SealContext<'a> {
    pub(super) embedder_sha256: &'a str,
    pub(super) device: &'a [u8; 16],
    pub(super) template_key: &'a [u8; 8],
}

impl<'a> SealedRecord<'a> {
    /// Parses a record.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.len() > MAGIC.len() + size_of::<KeyId>() + SEAL_BYTES + MAX_PLAIN_BYTES {
            return Err(format!("{} bytes are too many", bytes.len()));
        }
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or("it is too short")?;
        if magic[..3] != MAGIC[..3] {
            return Err("it is no record".to_owned());
        }
        let Some(magic) = [MAGIC, MAGIC_4, MAGIC_3, MAGIC_2].into_iter().find(|known| *known == magic) else {
            return Err(format!(
                "schema {}, this program reads up to {}; use a newer one",
                magic[3], MAGIC[3]
            ));
        };
        let (key, sealed) = rest.split_first_chunk().ok_or("it is too short")?;
        if sealed.len() < SEAL_BYTES {
            return Err("it is too short".to_owned());
        }
        Ok(Self { key: *key, magic, sealed })
    }

    /// The template, if the record belongs in this context.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub(super) fn open(
        &self,
        key: &Key,
        id: &str,
        user: &UserName,
        context: SealContext<'_>,
    ) -> Result<Template, String> {
        let plain = key
            .open(&associated_data(self.magic, id, user, &self.key, context), self.sealed)
            .map_err(|_| "it was changed, or belongs elsewhere".to_owned())?;
        let wrong = || "its lengths are wrong".to_owned();
        let (time, rest) = plain.split_first_chunk().ok_or_else(wrong)?;
        let (account, rest) = match self.magic {
            MAGIC_2 => (Account::Unrecorded, rest),
            _ => read_account(rest).ok_or_else(wrong)?,
        };
        let (live, rest) = match self.magic {
            MAGIC | MAGIC_4 => read_live(rest).ok_or_else(wrong)?,
            _ => (None, rest),
        };
        let ([allow_child, adapted], rest) = match self.magic {
            MAGIC => read_flags(rest).ok_or_else(wrong)?,
            _ => ([false; 2], rest),
        };
        let (&length, rest) = rest.split_first().ok_or_else(wrong)?;
        let (label, values) = rest.split_at_checked(length.into()).ok_or_else(wrong)?;
        if label.len() > MAX_LABEL_BYTES || values.len() % 4 != 0 || values.len() > 4 * MAX_VALUES {
            return Err(wrong());
        }
        let values = values.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        Ok(Template {
            id: id.to_owned(),
            user: user.clone(),
            label: std::str::from_utf8(label).map_err(|e| e.to_string())?.to_owned(),
            created_at: WallTime(u64::from_le_bytes(*time)),
            account,
            allow_child,
            embedder_sha256: context.embedder_sha256.to_owned(),
            live,
            adapted,
            embedding: KeyedEmbedding::restore(values, *context.template_key).map_err(|e| e.to_string())?,
        })
    }
}

/// The account at the beginning of `bytes`, and what follows it.
fn read_account(bytes: &[u8]) -> Option<(Account, &[u8])> {
    let (&[kind, ref uid @ ..], rest) = bytes.split_first_chunk::<ACCOUNT_BYTES>()?;
    let account = match (kind, u32::from_le_bytes(*uid)) {
        (0, 0) => Account::Unrecorded,
        (1, uid) => Account::Uid(uid),
        (2, 0) => Account::Door,
        _ => return None,
    };
    Some((account, rest))
}

fn account_bytes(account: Account) -> [u8; ACCOUNT_BYTES] {
    let (kind, uid) = match account {
        Account::Unrecorded => (0, 0),
        Account::Uid(uid) => (1, uid),
        Account::Door => (2, 0),
    };
    let [a, b, c, d] = uid.to_le_bytes();
    [kind, a, b, c, d]
}

/// The score of a frame at the beginning of `bytes`, and what follows it.
fn read_live(bytes: &[u8]) -> Option<(Option<LiveScore>, &[u8])> {
    let (&[kind, ref live @ ..], rest) = bytes.split_first_chunk::<LIVE_BYTES>()?;
    let (source, score) = live.split_first_chunk::<8>()?;
    let score = f32::from_le_bytes(*score.first_chunk()?);
    let live = LiveScore { score, source: u64::from_le_bytes(*source) };
    match kind {
        0 if live == LiveScore { score: 0.0, source: 0 } => Some((None, rest)),
        1 if score.is_finite() => Some((Some(live), rest)),
        _ => None,
    }
}

/// The flags at the beginning of `bytes`, and what follows them.
fn read_flags(bytes: &[u8]) -> Option<([bool; 2], &[u8])> {
    let (flags, rest) = bytes.split_first_chunk::<2>()?;
    flags.iter().all(|flag| *flag <= 1).then(|| (flags.map(|flag| flag == 1), rest))
}

fn live_bytes(live: Option<LiveScore>) -> [u8; LIVE_BYTES] {
    let mut bytes = [0; LIVE_BYTES];
    // A score that is no number is none.
    if let Some(LiveScore { score, source }) = live.filter(|live| live.score.is_finite()) {
        bytes[0] = 1;
        bytes[1..9].copy_from_slice(&source.to_le_bytes());
        bytes[9..].copy_from_slice(&score.to_le_bytes());
    }
    bytes
}

/// Whether an entry is a record that opens in this context.
pub(super) fn opens(keyring: &Keyring, entry_key: &[u8], value: &[u8], context: SealContext<'_>) -> bool {
    let opened = id_of(entry_key).zip(SealedRecord::parse(value).ok()).and_then(|(id, record)| {
        let (user, key) = (keyring.user_of(&record.key)?, keyring.key(&record.key)?);
        record.open(&key, id, user, context).ok()
    });
    opened.is_some()
}

/// Seals a template with its user's key.
pub(super) fn seal(template: &Template, key: &Key, key_id: KeyId, context: SealContext<'_>) -> Vec<u8> {
    let label = template.label.as_bytes();
    let label = &label[..label.len().min(MAX_LABEL_BYTES)]; // The caller has checked it.
    // One allocation, so that no half-grown copy stays behind in memory.
    let room =
        8 + ACCOUNT_BYTES + LIVE_BYTES + FLAG_BYTES + 1 + label.len() + 4 * template.embedding.values().len();
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    plain.extend_from_slice(&template.created_at.0.to_le_bytes());
    plain.extend_from_slice(&account_bytes(template.account));
    plain.extend_from_slice(&live_bytes(template.live));
    plain.extend([template.allow_child, template.adapted].map(u8::from));
    plain.push(label.len() as u8);
    plain.extend_from_slice(label);
    plain.extend(template.embedding.values().iter().flat_map(|v| v.to_le_bytes()));
    let sealed = key.seal(&associated_data(MAGIC, &template.id, &template.user, &key_id, context), &plain);
    [&MAGIC[..], &key_id, &sealed].concat()
}

fn associated_data<'a>(
    magic: &'a [u8; 4],
    id: &'a str,
    user: &'a UserName,
    key: &'a KeyId,
    context: SealContext<'a>,
) -> [&'a [u8]; 8] {
    [
        b"record",
        magic,
        id.as_bytes(),
        user.as_str().as_bytes(),
        key,
        context.embedder_sha256.as_bytes(),
        context.device,
        context.template_key,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONTEXT: SealContext<'_> =
        SealContext { embedder_sha256: "ab", device: &[1; 16], template_key: &[2; 8] };

    fn template() -> Template {
        Template {
            id: "0123".into(),
            user: UserName::new("alice").expect("valid"),
            label: "with \"glasses\"\n".into(),
            created_at: WallTime(1_700_000_000),
            account: Account::Uid(1000),
            allow_child: true,
            embedder_sha256: "ab".into(),
            live: Some(LiveScore { score: 3.5, source: 7 }),
            adapted: false,
            embedding: KeyedEmbedding::restore(vec![0.1, -0.7, 0.3], [2; 8]).expect("valid"),
        }
    }

    fn key() -> Key {
        Key::from_bytes([5; 32])
    }

    fn open(bytes: &[u8], id: &str, user: &str, context: SealContext<'_>) -> Result<Template, String> {
        SealedRecord::parse(bytes)?.open(&key(), id, &UserName::new(user).expect("valid"), context)
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let sealed = seal(&template(), &key(), [9; 16], CONTEXT);
        assert_eq!(SealedRecord::parse(&sealed).expect("whole").key, [9; 16]);
        let back = open(&sealed, "0123", "alice", CONTEXT).expect("opens");
        assert_eq!((&back.label, back.created_at), (&template().label, template().created_at));
        assert_eq!((back.live, back.allow_child), (template().live, true));
        let off = back.embedding.values().iter().zip(template().embedding.values().to_vec());
        assert!(off.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-7);
    }

    #[test]
    fn a_record_keeps_whom_it_was_enrolled_for() {
        for account in [Account::Uid(0), Account::Uid(u32::MAX), Account::Door, Account::Unrecorded] {
            let sealed = seal(&Template { account, ..template() }, &key(), [9; 16], CONTEXT);
            assert_eq!(open(&sealed, "0123", "alice", CONTEXT).expect("opens").account, account);
        }
    }

    /// As the version before sealed them: without an account.
    #[test]
    fn a_record_of_the_schema_before_opens_and_counts_for_no_account() {
        let (time, label) = (7_u64.to_le_bytes(), b"hat");
        let values: Vec<u8> = [0.5_f32, -0.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        let plain = [&time[..], &[3], label, &values].concat();
        let user = UserName::new("alice").expect("valid");
        let sealed = key().seal(&associated_data(MAGIC_2, "0123", &user, &[9; 16], CONTEXT), &plain);
        let mut record = [&MAGIC_2[..], &[9; 16], &sealed].concat();
        let back = open(&record, "0123", "alice", CONTEXT).expect("opens");
        assert_eq!((back.account, back.label.as_str()), (Account::Unrecorded, "hat"));
        record[3] = MAGIC[3];
        assert!(open(&record, "0123", "alice", CONTEXT).is_err(), "nobody can make it look newer");
    }

    #[test]
    fn a_record_without_a_score_or_from_before_there_were_any_has_none() {
        for live in [None, Some(LiveScore { score: f32::NAN, source: 1 })] {
            let sealed = seal(&Template { live, ..template() }, &key(), [9; 16], CONTEXT);
            assert_eq!(open(&sealed, "0123", "alice", CONTEXT).expect("opens").live, None);
        }
        let (time, account) = (7_u64.to_le_bytes(), account_bytes(Account::Uid(5)));
        let plain = [&time[..], &account, &[3], b"hat", &0.5_f32.to_le_bytes()].concat();
        let user = UserName::new("alice").expect("valid");
        let sealed = key().seal(&associated_data(MAGIC_3, "0123", &user, &[9; 16], CONTEXT), &plain);
        let back =
            open(&[&MAGIC_3[..], &[9; 16], &sealed].concat(), "0123", "alice", CONTEXT).expect("opens");
        assert_eq!((back.account, back.live, back.label.as_str()), (Account::Uid(5), None, "hat"));
    }

    #[test]
    fn a_record_says_whether_it_is_adapted_and_one_of_the_schema_before_is_not() {
        for adapted in [true, false] {
            let sealed = seal(&Template { adapted, ..template() }, &key(), [9; 16], CONTEXT);
            assert_eq!(open(&sealed, "0123", "alice", CONTEXT).expect("opens").adapted, adapted);
        }
        let (time, account) = (7_u64.to_le_bytes(), account_bytes(Account::Uid(5)));
        let plain = [&time[..], &account, &live_bytes(None), &[3], b"hat", &0.5_f32.to_le_bytes()].concat();
        let user = UserName::new("alice").expect("valid");
        let sealed = key().seal(&associated_data(MAGIC_4, "0123", &user, &[9; 16], CONTEXT), &plain);
        let back =
            open(&[&MAGIC_4[..], &[9; 16], &sealed].concat(), "0123", "alice", CONTEXT).expect("opens");
        assert_eq!((back.adapted, back.account, back.label.as_str()), (false, Account::Uid(5), "hat"));
    }

    #[test]
    fn a_record_opens_only_in_its_own_context() {
        let sealed = seal(&template(), &key(), [9; 16], CONTEXT);
        assert!(open(&sealed, "0124", "alice", CONTEXT).is_err(), "another id");
        assert!(open(&sealed, "0123", "bob", CONTEXT).is_err(), "another user");
        for context in [
            SealContext { embedder_sha256: "cd", ..CONTEXT },
            SealContext { device: &[3; 16], ..CONTEXT },
            SealContext { template_key: &[3; 8], ..CONTEXT },
        ] {
            assert!(open(&sealed, "0123", "alice", context).is_err());
        }
        let mut other_key = sealed.clone();
        other_key[4] ^= 1;
        assert!(open(&other_key, "0123", "alice", CONTEXT).is_err(), "another key's name");
    }

    #[test]
    fn nothing_of_the_face_or_its_user_is_readable() {
        let sealed = seal(&template(), &key(), [9; 16], CONTEXT);
        let has = |part: &[u8]| sealed.windows(part.len()).any(|window| window == part);
        assert!(!has(b"alice") && !has(b"glasses") && !has(&template().embedding.values()[1].to_le_bytes()));
    }

    #[test]
    fn a_record_of_a_newer_program_says_so() {
        let mut sealed = seal(&template(), &key(), [9; 16], CONTEXT);
        sealed[3] = MAGIC[3] + 1;
        assert!(SealedRecord::parse(&sealed).expect_err("newer").contains("newer"));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_lost_end_is_noticed(at: prop::sample::Index, bit in 0_u8..8) {
            let good = seal(&template(), &key(), [9; 16], CONTEXT);
            let at = at.index(good.len());
            let mut flipped = good.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(open(&flipped, "0123", "alice", CONTEXT).is_err());
            prop_assert!(open(&good[..at], "0123", "alice", CONTEXT).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open(&bytes, "0123", "alice", CONTEXT).is_err());
        }
    }
}
