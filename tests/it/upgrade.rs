//! Each layout that a program before this one wrote is opened and kept whole; one of a later program is left alone.

use std::fs;
use std::path::{Path, PathBuf};

use facelatch::clock::WallTime;
use facelatch::embed::{Embedding, KeyKind, TemplateKeySpec};
use facelatch::head::project::SplitMix64;
use facelatch::people::access::Access;
use facelatch::people::{Account, Misses, Pin, UserName};
use facelatch::store::audit::{Audit, Limits};
use facelatch::store::{Condition, KeySource, StoreError, TemplateStore, Vault, VaultOptions};

/// Files without their trailing zeros, and how long they are.
const CUT: &[(&str, u64)] = &[("db", 524_287), ("checkpoint", 65_536), ("ledger.head", 65_536)];

const LENGTH: usize = 128;
const SHA: &str = "65a7f216926cb6ae114ce65aed30f5e7466fa0c0c6496349033ae46e22d56659";

/// A copy of the store that the program of this layout wrote.
fn copy_of(layout: u32) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("folder");
        for entry in fs::read_dir(from).expect("listed") {
            let (from, to) = {
                let entry = entry.expect("listed");
                (entry.path(), to.join(entry.file_name()))
            };
            if from.is_dir() {
                copy(&from, &to);
                continue;
            }
            fs::write(&to, fs::read(&from).expect("read")).expect("written");
            if let Some((_, length)) = CUT.iter().find(|(name, _)| from.ends_with(name)) {
                fs::File::options().write(true).open(&to).expect("opens").set_len(*length).expect("set");
            }
        }
    }
    let place = tempfile::tempdir().expect("folder");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stores");
    copy(&data.join(format!("layout-{layout}")), place.path());
    place
}

fn open(place: &Path) -> Result<Vault, StoreError> {
    let folder: PathBuf = place.join("store");
    Vault::open(&VaultOptions {
        folder: &folder,
        keys: KeySource::new(&folder, Path::new(""), None),
        embedder_sha256: SHA,
        template_key: TemplateKeySpec { kind: KeyKind::Rotation, length: LENGTH },
        now: WallTime(1_800_000_000),
    })
}

/// The table is unlocked when it is closed, but a child that another test has just forked holds a copy until it runs its own
/// program.
fn wait_until_unlocked(table: &Path) {
    fs::File::open(table).and_then(|table| table.lock()).expect("locked, and unlocked again");
}

/// As the program that wrote the stores drew it.
fn face(n: u64) -> Embedding {
    let mut random = SplitMix64(n);
    Embedding::new((0..LENGTH).map(|_| random.uniform() as f32 - 0.5).collect()).expect("not zero")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

fn holds_what_was_written(layout: u32, store: &Vault) {
    let at = store.snapshot().expect("read");
    let found: Vec<(&str, &str)> = at.templates.iter().map(|t| (t.user.as_str(), t.label.as_str())).collect();
    assert_eq!(found, [("anna", "look 1"), ("bob", "look 2")], "layout {layout}");
    for (template, n) in at.templates.iter().zip(1..) {
        let back = at.template_key.undo(&template.embedding).expect("same key");
        let off = back.values().iter().zip(face(n).values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "layout {layout}: off by {off}");
        assert!(!template.adapted && !template.allow_child);
    }
    let accounts: Vec<Account> = at.templates.iter().map(|template| template.account).collect();
    let expected = if layout == 2 { [Account::Unrecorded; 2] } else { [Account::Uid(1000), Account::Door] };
    assert_eq!(accounts, expected, "layout {layout}");
    let misses = store.misses(Some(&user("anna"))).expect("read");
    assert_eq!((misses.count, misses.last_miss), (3, WallTime(7)), "layout {layout}");
    let access = store.access(&user("bob")).expect("read");
    if layout < 4 {
        assert_eq!(access, Access::default(), "layout {layout}");
        return;
    }
    let hours: Vec<String> =
        access.rules().flat_map(|(_, rule)| rule.hours.iter().map(ToString::to_string)).collect();
    assert_eq!(hours, ["daily 00:00-18:00"], "layout {layout}");
    let pin = store.pin_hasher().hash(&Pin::typed("471182").expect("digits")).expect("hashes");
    assert!(access.pin == Some(pin), "layout {layout}: the PIN holds");
}

#[test]
fn stores_of_earlier_programs_keep_everybody_their_rules_and_their_misses() {
    for layout in [2, 3, 4, 5] {
        let place = copy_of(layout);
        let store = open(place.path()).unwrap_or_else(|why| panic!("layout {layout}: {why}"));
        let health = store.health();
        // The first two have no checkpoint of this name: only its loss is told, as if somebody had removed it.
        let (condition, notes) = if layout < 4 { (Condition::Restored, 1) } else { (Condition::Whole, 0) };
        assert_eq!((health.condition, health.notes.len()), (condition, notes), "{:?}", health.notes);
        holds_what_was_written(layout, &store);
        let limits = Limits { file_bytes: 64 << 10, files: 4 };
        let audit =
            Audit::open(&place.path().join("store/audit"), &store, limits, WallTime(2)).expect("opens");
        let problems = audit.verify().expect("read").problems;
        // The first had one series of files only: the other one is told to be missing, once.
        assert_eq!(problems.len(), usize::from(layout == 2), "layout {layout}: {problems:?}");
        let mut kinds: Vec<String> =
            audit.lines(WallTime(0)).expect("read").into_iter().map(|entry| entry.kind).collect();
        kinds.retain(|kind| kind != "repair");
        assert_eq!(kinds, ["enroll", "verify"], "layout {layout}");
        drop(audit);
        // It is this program's from now on.
        let misses = Misses { count: 4, last_miss: WallTime(8), ..Misses::default() };
        store.set_misses(Some(&user("bob")), misses).expect("written");
        assert_eq!(store.renew().expect("renewed"), 2, "layout {layout}");
        drop(store);
        wait_until_unlocked(&place.path().join("store/records/db"));
        let store = open(place.path()).expect("opens again");
        assert_eq!(store.health().condition, Condition::Whole, "layout {layout}");
        holds_what_was_written(layout, &store);
        assert_eq!(store.misses(Some(&user("bob"))).expect("read").count, 4);
    }
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("listed") {
        let path = entry.expect("listed").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.clone(), fs::read(&path).expect("read")));
        }
    }
    all.sort();
    all
}

#[test]
fn a_store_of_a_later_program_is_refused_with_a_word_and_left_as_it_is() {
    let place = copy_of(5);
    fs::write(place.path().join("store/layout"), "layout 99\nlayout 99\n").expect("written");
    fs::write(place.path().join("store/lock"), "").expect("written");
    let before = files(place.path());
    let refusal = open(place.path()).map(|_| ()).expect_err("refused").to_string();
    assert!(
        refusal.contains("a newer facelatch wrote it (layout 99") && refusal.contains("install"),
        "{refusal}"
    );
    assert!(files(place.path()) == before, "nothing was touched");
    // A flipped bit.
    fs::write(place.path().join("store/layout"), "layout 7\nlayout 6\n").expect("written");
    assert!(open(place.path()).is_ok(), "a damaged one keeps nobody out");
    let layout = fs::read_to_string(place.path().join("store/layout")).expect("noted");
    assert!(layout == "layout 6\nlayout 6\n", "{layout}");
}
