use super::*;
use crate::people::access::{Access, Factor, PinHash, Rule};
use crate::store::table::tests::wait_until_unlocked;
use crate::store::vault::{Vault, VaultOptions};
use crate::store::{KeySource, MAX_TEMPLATES};
use age::secrecy::ExposeSecret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::path::Path;

/// A machine without accounts.
pub(super) const NOBODY: fn(&UserName) -> Result<Option<u32>, String> = |_| Ok(None);

pub(super) struct TempStore(tempfile::TempDir);

impl TempStore {
    pub(super) fn new() -> (Self, Vault) {
        let place = Self(tempfile::tempdir().expect("folder"));
        let vault = place.open();
        (place, vault)
    }

    pub(super) fn open(&self) -> Vault {
        let store = self.0.path().join("store");
        let keys = KeySource::new(&store, Path::new(""), None);
        let template_key = crate::embed::TemplateKeySpec { kind: crate::embed::KeyKind::Rotation, length: 4 };
        let options =
            VaultOptions { folder: &store, keys, embedder_sha256: "ab", template_key, now: WallTime(1) };
        wait_until_unlocked(&store.join("records/db"));
        Vault::open(&options).expect("opens")
    }
}

pub(super) fn here() -> MadeFor {
    MadeFor { embedder: "sface".into(), embedder_sha256: "ab".into(), length: 4, unit_length: true }
}

pub(super) fn add(store: &Vault, name: &str, n: u32) {
    add_for(store, name, n, Account::Door);
}

fn add_for(store: &Vault, name: &str, n: u32, account: Account) {
    let template_key = store.snapshot().expect("read").template_key;
    let face = Embedding::new(vec![n as f32, 1.0, 2.0, -1.0]).expect("valid");
    let template = Template {
        id: format!("{n:032x}"),
        user: UserName::new(name).expect("valid"),
        label: format!("look {n}"),
        created_at: WallTime(n.into()),
        account,
        embedder_sha256: "ab".into(),
        allow_child: false,
        live: None,
        adapted: false,
        embedding: template_key.apply(&face),
    };
    store.add(&[template]).expect("added");
}

pub(super) fn names(store: &Vault) -> Vec<String> {
    store.templates(None).expect("read").iter().map(|t| format!("{} {}", t.user, t.label)).collect()
}

pub(super) fn keys() -> (String, String) {
    let identity = x25519::Identity::generate();
    (identity.to_public().to_string(), format!("# a comment\n{}\n", identity.to_string().expose_secret()))
}

#[test]
fn what_is_exported_here_is_imported_there_as_the_same_faces() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add(&from, "alice", 1);
    add(&from, "bob", 2);
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported");
    assert_eq!((file.users, file.templates), (2, 2));
    let done = import(&to, &file.bytes, &secret, &here(), false, NOBODY).expect("imported");
    assert_eq!((done.added, done.users.as_slice()), (2, &["alice".to_owned(), "bob".to_owned()][..]));
    assert_eq!(names(&to), names(&from));
    let faces = |store: &Vault| {
        let all = store.snapshot().expect("read");
        all.templates
            .iter()
            .map(|t| all.template_key.undo(&t.embedding).expect("one key").values().to_vec())
            .collect::<Vec<_>>()
            .concat()
    };
    let off = faces(&from).iter().zip(faces(&to)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{off}");
    // Another template key on each device.
    let kept = |store: &Vault| store.templates(None).expect("read")[0].embedding.values().to_vec();
    assert_ne!(kept(&from), kept(&to));
    let again = import(&to, &file.bytes, &secret, &here(), false, NOBODY).expect("no conflict");
    assert_eq!(again, Imported::default(), "all of it is there already");
}

/// Hours of a person, who needs a PIN and has one.
fn restrict(store: &Vault, name: &str) -> Access {
    let user = UserName::new(name).expect("valid");
    let hours = vec!["mon-fri 08:00-18:00".parse().expect("hours")];
    let rule = Rule { factor: Factor::FaceAndPin, hours, ..Rule::default() };
    let set = &mut |access: &mut Access| {
        access.set(None, Some(rule.clone()));
        access.pin = Some(PinHash([7; 32]));
    };
    store.change_access(&user, WallTime(9), set).expect("set");
    store.access(&user).expect("read")
}

fn access(store: &Vault, name: &str) -> Access {
    store.access(&UserName::new(name).expect("valid")).expect("read")
}

/// The text of an export.
fn text(file: &[u8], secret: &str) -> String {
    let key = secret.lines().nth(1).expect("a key");
    let key = x25519::Identity::from_str(key).expect("a key");
    String::from_utf8(age::decrypt(&key, file).expect("opens")).expect("text")
}

#[test]
fn rules_and_holidays_travel_and_pins_do_not() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add(&from, "alice", 1);
    add(&from, "bob", 2);
    let kept = restrict(&from, "alice");
    let day: Date = "2026-12-25".parse().expect("a day");
    from.change_premises(WallTime(9), &mut |premises| premises.holidays.extend([day])).expect("set");
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    assert!(!text(&file, &secret).contains("7,7,7"), "no hash of a PIN");
    let done = import(&to, &file, &secret, &here(), false, NOBODY).expect("imported");
    assert_eq!((done.without_pin, done.rules_stay), (vec!["alice".to_owned()], Vec::new()));
    assert_eq!(access(&to, "alice"), Access { pin: None, ..kept });
    assert_eq!(access(&to, "bob"), Access::default());
    assert_eq!(to.premises().expect("read").holidays, [day].into());
}

#[test]
fn rules_that_somebody_has_here_stay() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add(&from, "alice", 1);
    restrict(&from, "alice");
    let denied = Rule { allowed: false, ..Rule::default() };
    let alice = UserName::new("alice").expect("valid");
    let mut deny = |access: &mut Access| access.set(None, Some(denied.clone()));
    to.change_access(&alice, WallTime(9), &mut deny).expect("set");
    let (public, secret) = keys();
    let file = export(&from, Some(&alice), &public, &here(), WallTime(5)).expect("exported").bytes;
    let done = import(&to, &file, &secret, &here(), false, NOBODY).expect("imported");
    assert_eq!((done.added, done.rules_stay), (1, vec!["alice".to_owned()]));
    assert_eq!(access(&to, "alice").elsewhere, Some(denied));
}

/// A program that does not know rules must not let these people in at any time.
#[test]
fn a_file_with_rules_has_a_schema_that_earlier_programs_refuse_and_one_without_the_same_as_before() {
    let (_place, store) = TempStore::new();
    add(&store, "alice", 1);
    let (public, secret) = keys();
    let header = |store: &Vault| {
        let file = export(store, None, &public, &here(), WallTime(5)).expect("exported").bytes;
        text(&file, &secret).lines().next().expect("a line").to_owned()
    };
    assert!(header(&store).contains("\"schema\":1"));
    restrict(&store, "alice");
    assert!(header(&store).contains("\"schema\":2"));
    // As earlier programs wrote it.
    let before = br#"{"kind":"facelatch-export","schema":1,"embedder":"sface","embedder_sha256":"ab","length":4,"created_at":5,"templates":0}"#;
    assert!(parse(before, &here()).is_ok());
}

#[test]
fn forged_rules_are_refused() {
    let (_place, store) = TempStore::new();
    add(&store, "alice", 1);
    restrict(&store, "alice");
    let (public, secret) = keys();
    let file = export(&store, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    let good = text(&file, &secret);
    assert!(parse(good.as_bytes(), &here()).is_ok());
    let lines: Vec<&str> = good.lines().collect();
    let refused = |text: String| match parse(text.as_bytes(), &here()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("must be refused: {text}"),
    };
    refused(lines[..2].join("\n"));
    refused(format!("{good}\n{}", lines[2]));
    refused([lines[0], lines[1], &lines[2].replace("alice", "bob")].join("\n"));
    refused([lines[0], lines[1], &lines[2].replace("18:00", "07:00")].join("\n"));
    let twice = lines[2].replace("[\"mon-fri 08:00-18:00\"]", "[\"mon 08:00-18:00\",\"mon 09:00-10:00\"]");
    assert_ne!(twice, lines[2]);
    assert!(refused([lines[0], lines[1], &twice].join("\n")).contains("overlap"));
}

#[test]
fn one_person_can_be_exported_and_nobody_cannot() {
    let (_place, store) = TempStore::new();
    let (public, secret) = keys();
    assert!(matches!(export(&store, None, &public, &here(), WallTime(5)), Err(PortableError::Nobody)));
    add(&store, "alice", 1);
    add(&store, "bob", 2);
    let bob = UserName::new("bob").expect("valid");
    let file = export(&store, Some(&bob), &public, &here(), WallTime(5)).expect("exported");
    let (_other, to) = TempStore::new();
    import(&to, &file.bytes, &secret, &here(), false, NOBODY).expect("imported");
    assert_eq!(names(&to), ["bob look 2"]);
}

#[test]
fn conflicts_are_named_and_nothing_is_half_imported() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add(&from, "alice", 1);
    add(&from, "bob", 2);
    add(&to, "alice", 7);
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    let error = import(&to, &file, &secret, &here(), false, NOBODY).expect_err("conflict").to_string();
    assert!(
        error.starts_with("alice: already enrolled here") && error.contains("--skip-enrolled"),
        "{error}"
    );
    assert_eq!(names(&to), ["alice look 7"]);
    let done = import(&to, &file, &secret, &here(), true, NOBODY).expect("imported");
    assert_eq!((done.users, done.skipped), (vec!["bob".to_owned()], vec!["alice".to_owned()]));
    assert_eq!(names(&to), ["alice look 7", "bob look 2"]);
}

#[test]
fn another_key_another_embedder_and_rubbish_are_refused_with_the_way_out() {
    let (_place, store) = TempStore::new();
    add(&store, "alice", 1);
    let (public, secret) = keys();
    let file = export(&store, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    let refused = |file: &[u8], key: &str, here: &MadeFor| {
        import(&store, file, key, here, false, NOBODY).map(|_| ()).expect_err("refused").to_string()
    };
    assert!(refused(&file, &keys().1, &here()).contains("the key that it was made for"));
    assert!(refused(&file, "no key", &here()).contains("age-keygen -o"));
    let other = MadeFor { embedder: "small".into(), embedder_sha256: "cd".into(), ..here() };
    let error = refused(&file, &secret, &other);
    assert!(error.contains("made for the embedder sface") && error.contains("small"), "{error}");
    let mut cut = file.clone();
    cut.truncate(file.len() - 20);
    assert!(refused(&cut, &secret, &here()).contains("cannot be opened"));
    assert!(refused(b"hello", &secret, &here()).contains("cannot be opened"));
    assert!(check_recipient("age1nonsense").is_err() && check_recipient(&public).is_ok());
    let recipient = recipient(&public).expect("valid");
    for text in ["", "{}", "hello"] {
        let file = age::encrypt(&recipient, text.as_bytes()).expect("sealed");
        assert!(refused(&file, &secret, &here()).contains("is not an export"), "{text}");
    }
}

#[test]
fn an_export_cannot_be_read_without_the_key() {
    let (_place, store) = TempStore::new();
    add(&store, "alice", 1);
    let file = export(&store, None, &keys().0, &here(), WallTime(5)).expect("exported").bytes;
    assert!(file.starts_with(b"age-encryption.org/v1"));
    assert!(!file.windows(5).any(|window| window == b"alice"));
}

#[test]
fn more_than_a_user_may_have_is_refused_whole() {
    let (_place, store) = TempStore::new();
    let (public, secret) = keys();
    let face: &[f32] = &[0.5, -0.5, 0.5, 0.5];
    let file = forged(&[face; MAX_TEMPLATES + 1], &public);
    let error = import(&store, &file, &secret, &here(), false, NOBODY)
        .map(|_| ())
        .expect_err("one too many")
        .to_string();
    assert!(error.contains("would have 33 templates, at most 32"), "{error}");
    assert!(names(&store).is_empty());
    let file = forged(&[face; MAX_TEMPLATES], &public);
    assert_eq!(import(&store, &file, &secret, &here(), false, NOBODY).expect("all fit").added, MAX_TEMPLATES);
}

/// A file that anybody can seal for a public key: one line for each embedding.
fn forged(embeddings: &[&[f32]], public: &str) -> Vec<u8> {
    let mut text = format!(
        r#"{{"kind":"{KIND}","schema":{SCHEMA},"embedder":"sface","embedder_sha256":"ab","length":4,"created_at":1,"templates":{}}}"#,
        embeddings.len()
    );
    for (n, values) in embeddings.iter().enumerate() {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let embedding = STANDARD_NO_PAD.encode(bytes);
        text += &format!(
            "\n{{\"id\":\"{n:032x}\",\"user\":\"alice\",\"label\":\"\",\"created_at\":1,\"embedding\":\"{embedding}\"}}"
        );
    }
    age::encrypt(&recipient(public).expect("valid"), text.as_bytes()).expect("sealed")
}

#[test]
fn what_no_embedder_gives_is_refused() {
    let (_place, store) = TempStore::new();
    let (public, secret) = keys();
    let good: &[f32] = &[0.5, -0.5, 0.5, 0.5];
    let (tiny, huge, long) = ([1e-6, 0.0, 0.0, 0.0], [3e38; 4], [0.51, -0.5, 0.5, 0.5]);
    for (bad, unscaled) in
        [(tiny, true), (huge, false), (long, true), ([f32::NAN; 4], false), ([0.0; 4], false)]
    {
        for unit_length in [true, false] {
            let here = MadeFor { unit_length, ..here() };
            let done = import(&store, &forged(&[good, &bad], &public), &secret, &here, false, NOBODY);
            assert_eq!(done.is_ok(), unscaled && !unit_length, "{bad:?} {unit_length}");
            if let Err(error) = done {
                assert!(error.to_string().contains("line 3: "), "{error}");
                assert!(names(&store).is_empty(), "nothing is half imported");
            } else {
                store.remove(&UserName::new("alice").expect("valid"), None).expect("removed");
            }
        }
    }
    assert_eq!(
        import(&store, &forged(&[good], &public), &secret, &here(), false, NOBODY).expect("good").added,
        1
    );
}

#[test]
fn whoever_is_imported_is_for_the_account_that_is_here_or_for_the_door() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add_for(&from, "alice", 1, Account::Uid(1000));
    add_for(&from, "bob", 2, Account::Uid(1001));
    add_for(&from, "visitor", 3, Account::Door);
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    let silent = import(&to, &file, &secret, &here(), false, |_| Err("no answer".to_owned()));
    assert!(matches!(silent, Err(PortableError::NameService { .. })));
    assert!(names(&to).is_empty());
    let here_are = |user: &UserName| Ok(Some(5000).filter(|_| user.as_str() != "bob"));
    let done = import(&to, &file, &secret, &here(), false, here_are).expect("imported");
    assert_eq!(done.without_account, ["bob"]);
    let accounts: Vec<Account> = to.templates(None).expect("read").iter().map(|t| t.account).collect();
    assert_eq!(accounts, [Account::Uid(5000), Account::Door, Account::Door]);
}

#[test]
fn a_file_with_more_people_than_allowed_is_refused() {
    let (_a, from) = TempStore::new();
    add(&from, "alice", 1);
    add(&from, "bob", 2);
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported").bytes;
    let refused = check_people(&file, &secret, &here(), 1).expect_err("two").to_string();
    assert!(refused.contains("it has 2 people"), "{refused}");
    check_people(&file, &secret, &here(), 2).expect("two");
}

#[test]
fn adapted_templates_are_exported_as_such_and_are_no_conflict() {
    let ((_a, from), (_b, to)) = (TempStore::new(), TempStore::new());
    add(&from, "alice", 1);
    let enrolled = from.templates(None).expect("read").remove(0);
    let adapted = Template { id: format!("{:032x}", 7), adapted: true, label: String::new(), ..enrolled };
    from.add(&[adapted]).expect("added");
    let (public, secret) = keys();
    let file = export(&from, None, &public, &here(), WallTime(5)).expect("exported");
    import(&to, &file.bytes, &secret, &here(), false, NOBODY).expect("imported");
    let flags = |store: &Vault| {
        store.templates(None).expect("read").iter().map(|t| (t.id.clone(), t.adapted)).collect::<Vec<_>>()
    };
    assert_eq!(flags(&to).iter().filter(|(_, adapted)| *adapted).count(), 1);
    assert_eq!(flags(&to), flags(&from));
    // Another has taken its place since.
    let alice = UserName::new("alice").expect("valid");
    to.remove(&alice, Some(&format!("{:032x}", 7))).expect("removed");
    let done = import(&to, &file.bytes, &secret, &here(), false, NOBODY).expect("no conflict");
    assert_eq!((done.added, done.skipped.len()), (0, 0));
}
