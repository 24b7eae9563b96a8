//! The power goes or the disk fills up at every single step of a sequence of changes: nothing acknowledged is lost.

use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::clock::WallTime;
use crate::embed::{Embedding, KeyKind};
use crate::people::Account;
use crate::people::access::{Access, Hours, Rule};
use crate::store::files::Disk;
use crate::store::files::tests::{Fake, Fault};
use crate::store::manifest::Entries;
use crate::store::record::{SealContext, SealedRecord};
use crate::store::table::tests::FakeTable;
use crate::store::vault::VaultOptions;

pub(super) const LENGTH: usize = 8;

/// A key, a disk and a table: everything that outlives a daemon.
pub(super) struct Site {
    keys: KeySource,
    pub(super) disk: Arc<Fake>,
    pub(super) tables: FakeTable,
}

/// What a store should hold: the label of each template by user and id, misses by user, and rules as text by user; those of
/// the premises are nobody's.
pub(super) type Model =
    (BTreeMap<(String, String), String>, BTreeMap<Option<String>, u32>, BTreeMap<Option<String>, String>);

#[derive(Debug, Clone)]
pub(super) enum Op {
    Add(u8, Vec<u32>),
    Replace(u8, Vec<u32>, Vec<u32>),
    Remove(u8),
    RemoveOne(u8, u32),
    Misses(Option<u8>, u32),
    /// The hours of a person, who may come in at any time with 0.
    Rule(u8, u16),
    Face(bool),
    Renew,
    Reopen,
}

impl Site {
    pub(super) fn new(keys: &KeySource) -> Self {
        let disk = Arc::new(Fake::default());
        let tables = FakeTable::on(&disk);
        Self { keys: keys.clone(), disk, tables }
    }

    pub(super) fn open(&self) -> Result<State, StoreError> {
        let options = VaultOptions {
            folder: Path::new("store"),
            keys: self.keys.clone(),
            embedder_sha256: "ab",
            template_key: TemplateKeySpec { kind: KeyKind::Rotation, length: LENGTH },
            now: WallTime(1),
        };
        State::open(self.disk.clone(), Box::new(self.tables.clone()), &options)
    }

    /// After the power went.
    pub(super) fn rebooted(&self, seed: u64) -> Self {
        let disk = Arc::new(self.disk.reboot(seed));
        let tables = FakeTable {
            disk: disk.clone(),
            kept: Arc::new(Mutex::new(self.tables.kept.lock().expect("lock").clone())),
        };
        Self { keys: self.keys.clone(), disk, tables }
    }
}

pub(super) fn user(n: u8) -> UserName {
    UserName::new(&format!("user{n}")).expect("valid")
}

fn hours(minutes: u16) -> Vec<Hours> {
    let until = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    (minutes > 0).then(|| format!("daily 00:00-{until}").parse().expect("hours")).into_iter().collect()
}

pub(super) fn id(n: u32) -> String {
    format!("{n:032x}")
}

fn face(n: u32) -> Embedding {
    let values = (0..LENGTH as u32).map(|i| ((n * 31 + i * 17) % 101) as f32 - 49.75).collect();
    Embedding::new(values).expect("valid")
}

fn template(state: &State, name: u8, n: u32) -> Template {
    Template {
        id: id(n),
        user: user(name),
        label: format!("look {n}"),
        created_at: WallTime(n.into()),
        account: Account::Door,
        embedder_sha256: "ab".into(),
        allow_child: false,
        live: None,
        adapted: false,
        embedding: state.template_key().apply(&face(n)),
    }
}

impl Op {
    pub(super) fn run(&self, state: &mut State) -> Result<(), StoreError> {
        match self {
            Self::Add(name, numbers) => {
                let templates: Vec<_> = numbers.iter().map(|n| template(state, *name, *n)).collect();
                state.replace(&BTreeSet::new(), &templates)
            }
            Self::Replace(name, gone, numbers) => {
                let templates: Vec<_> = numbers.iter().map(|n| template(state, *name, *n)).collect();
                state.replace(&gone.iter().map(|n| id(*n)).collect(), &templates)
            }
            Self::Remove(name) => state.remove(&user(*name), None).map(drop),
            Self::RemoveOne(name, n) => state.remove(&user(*name), Some(&id(*n))).map(drop),
            Self::Misses(name, misses) => {
                let misses = Misses { count: *misses, last_miss: WallTime(9), ..Misses::default() };
                state.set_misses(name.map(user).as_ref(), misses)
            }
            Self::Rule(name, minutes) => {
                let rule = Rule { hours: hours(*minutes), ..Rule::default() };
                let mut change = |access: &mut Access| access.set(None, Some(rule.clone()));
                state.change_access(&user(*name), WallTime(7), &mut change)
            }
            Self::Face(on) => state.change_premises(WallTime(7), &mut |premises| premises.face = *on),
            Self::Renew => state.renew().map(drop),
            Self::Reopen => Ok(()),
        }
    }

    pub(super) fn model(&self, (templates, misses, rules): &mut Model) {
        let new = |name: u8, n: &u32| ((user(name).to_string(), id(*n)), format!("look {n}"));
        match self {
            Self::Add(name, numbers) => templates.extend(numbers.iter().map(|n| new(*name, n))),
            Self::Replace(name, gone, numbers) => {
                templates.retain(|(_, kept), _| !gone.iter().any(|n| id(*n) == *kept));
                templates.extend(numbers.iter().map(|n| new(*name, n)));
            }
            Self::Remove(name) => {
                templates.retain(|(owner, _), _| *owner != user(*name).to_string());
                misses.remove(&Some(user(*name).to_string()));
                rules.remove(&Some(user(*name).to_string()));
            }
            Self::RemoveOne(name, n) => drop(templates.remove(&(user(*name).to_string(), id(*n)))),
            Self::Misses(name, count) => {
                misses.insert(name.map(|name| user(name).to_string()), *count);
            }
            Self::Rule(name, 0) => drop(rules.remove(&Some(user(*name).to_string()))),
            Self::Rule(name, minutes) => {
                rules.insert(Some(user(*name).to_string()), hours(*minutes)[0].to_string());
            }
            Self::Face(true) => drop(rules.remove(&None)),
            Self::Face(false) => drop(rules.insert(None, "off".to_owned())),
            Self::Renew | Self::Reopen => {}
        }
    }
}

/// What the store holds. Each face must be the one that was enrolled, and each key that of somebody who is enrolled, unless
/// a damaged log is kept.
pub(super) fn held(state: &State, people: &[u8]) -> Model {
    let mut templates = BTreeMap::new();
    for template in state.templates(None).expect("all can be read") {
        let n = u32::from_str_radix(&template.id, 16).expect("hex");
        let back = state.template_key().undo(&template.embedding).expect("one key");
        let off = back.values().iter().zip(face(n).values().to_vec()).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "{} is another face now", template.id);
        templates.insert((template.user.to_string(), template.id.clone()), template.label.clone());
    }
    let with_keys: Vec<String> = state.people.keyring().users().iter().map(ToString::to_string).collect();
    let mut enrolled: Vec<String> = templates.keys().map(|(user, _)| user.clone()).collect();
    enrolled.dedup();
    if state.ledger.damaged_log().expect("read").is_none() {
        assert_eq!(with_keys, enrolled);
    }
    assert!(enrolled.iter().all(|user| with_keys.contains(user)));
    (templates, misses_of(state, people), rules_of(state))
}

fn rules_of(state: &State) -> BTreeMap<Option<String>, String> {
    let all = state.all_access().expect("read").into_iter();
    let mut rules: BTreeMap<Option<String>, String> = all
        .map(|(user, access)| {
            assert_eq!(state.access(&user).expect("read"), access);
            let hours = access.elsewhere.expect("a rule").hours;
            (Some(user.to_string()), hours.first().map_or_else(|| "denied".to_owned(), ToString::to_string))
        })
        .collect();
    rules.extend((!state.premises().expect("read").face).then(|| (None, "off".to_owned())));
    rules
}

fn misses_of(state: &State, people: &[u8]) -> BTreeMap<Option<String>, u32> {
    let names = people.iter().map(|name| Some(*name)).chain([None]);
    let misses = names.filter_map(|name| {
        let count = state.misses(name.map(user).as_ref()).expect("read").count;
        (count > 0).then(|| (name.map(|name| user(name).to_string()), count))
    });
    misses.collect()
}

pub(super) const PEOPLE: [u8; 3] = [1, 2, 3];

fn life() -> Vec<Op> {
    vec![
        Op::Add(1, vec![1, 2]),
        Op::Misses(Some(1), 3),
        Op::Add(2, vec![3]),
        Op::Misses(None, 2),
        Op::Rule(1, 60),
        Op::Rule(2, 90),
        Op::Face(false),
        Op::Remove(1),
        Op::Renew,
        Op::Rule(2, 0),
        Op::Add(3, vec![4, 5]),
        Op::Add(1, vec![6]),
        Op::RemoveOne(3, 4),
        Op::Replace(3, vec![5], vec![7, 8]),
        Op::Rule(3, 600),
        Op::Renew,
        Op::Face(true),
        Op::RemoveOne(1, 6),
    ]
}

pub(super) fn keys() -> (tempfile::TempDir, KeySource) {
    let folder = tempfile::tempdir().expect("folder");
    let source = KeySource::new(&folder.path().join("store"), Path::new(""), None);
    source.candidates(false).expect("made");
    (folder, source)
}

/// Runs until the fault. Gives the model after the last acknowledged change, and after the one in progress.
fn lived(site: &Site) -> (Model, Model) {
    let mut model = Model::default();
    let Ok(mut state) = site.open() else { return (model.clone(), model) };
    for op in life() {
        let mut next = model.clone();
        op.model(&mut next);
        if op.run(&mut state).is_err() {
            return (model, next);
        }
        model = next;
    }
    (model.clone(), model)
}

#[test]
fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    let (_folder, keys) = keys();
    let whole = Site::new(&keys);
    let (end, _) = lived(&whole);
    let steps = whole.disk.steps();
    assert!(end.0.len() == 3 && steps > 100, "{steps} steps, {end:?}");
    for step in 1..=steps {
        for seed in 0..2 {
            let site = Site::new(&keys);
            site.disk.plan(step, Fault::Power);
            let (acknowledged, in_progress) = lived(&site);
            let after = site.rebooted(seed);
            let state = after.open().unwrap_or_else(|e| panic!("step {step}, seed {seed}: {e}"));
            let found = held(&state, &PEOPLE);
            assert!(
                found == acknowledged || found == in_progress,
                "step {step}, seed {seed}: {found:?} instead of {acknowledged:?} or {in_progress:?}"
            );
            assert_ne!(state.findings.condition, Condition::Lossy, "step {step}: {:?}", state.findings.notes);
            drop(state);
            let again = held(&after.open().expect("opens again"), &PEOPLE);
            assert_eq!(again, found, "step {step}, seed {seed}: a second start sees something else");
        }
    }
}

#[test]
fn a_power_cut_while_mending_loses_nothing_either() {
    let (_folder, keys) = keys();
    for seed in 0..8 {
        let site = Site::new(&keys);
        let (end, _) = lived(&site);
        *site.tables.kept.lock().expect("lock") =
            Some(Entries::from([(b"r1".to_vec(), b"rubbish".to_vec())]));
        for step in 1.. {
            let broken = site.rebooted(seed);
            broken.disk.plan(step, Fault::Power);
            let mended = broken.open().is_ok();
            let after = broken.rebooted(seed + 1);
            assert_eq!(held(&after.open().expect("opens"), &PEOPLE), end, "step {step}, seed {seed}");
            if mended {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_changes_and_loses_nothing() {
    let (_folder, keys) = keys();
    let whole = Site::new(&keys);
    drop(lived(&whole));
    for step in 1..=whole.disk.steps() {
        let site = Site::new(&keys);
        let Ok(mut state) = site.open() else { panic!("nothing is wrong yet") };
        site.disk.plan(step, Fault::Full);
        let mut model = Model::default();
        for op in life() {
            let mut next = model.clone();
            op.model(&mut next);
            match op.run(&mut state) {
                Ok(()) => model = next,
                // A removal or a renewal may count although its last step failed, which the caller learns.
                Err(_) if held_or_not(&state) == Some(next.clone()) => model = next,
                Err(_) => assert_eq!(held_or_not(&state), Some(model.clone()), "step {step}, {op:?}"),
            }
        }
        drop(state);
        site.disk.mend();
        let found = held(&site.open().unwrap_or_else(|e| panic!("step {step}: {e}")), &PEOPLE);
        assert_eq!(found, model, "step {step}");
    }
}

/// As [`held`], where keys without records may still be there.
fn held_or_not(state: &State) -> Option<Model> {
    let templates = state.templates(None).ok()?;
    let templates = templates.iter().map(|t| ((t.user.to_string(), t.id.clone()), t.label.clone())).collect();
    Some((templates, misses_of(state, &PEOPLE), rules_of(state)))
}

#[test]
fn a_disk_that_stays_full_still_lets_everybody_be_read() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    Op::Add(1, vec![1, 2]).run(&mut state).expect("added");
    site.disk.plan(1, Fault::FullForGood);
    assert!(Op::Add(2, vec![3]).run(&mut state).is_err());
    assert!(Op::Misses(Some(1), 1).run(&mut state).is_err());
    assert_eq!(state.templates(None).expect("read").len(), 2);
    drop(state);
    let refused = site.open().map(|_| ()).expect_err("a table cannot be opened without room").to_string();
    assert!(refused.contains("check the disk"), "{refused}");
    site.disk.mend();
    let mut state = site.open().expect("opens");
    Op::Add(2, vec![3]).run(&mut state).expect("there is room again");
    assert_eq!(held(&state, &PEOPLE).0.len(), 3);
}

#[test]
fn a_removed_users_key_is_nowhere_on_the_disk() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    Op::Add(1, vec![1]).run(&mut state).expect("added");
    Op::Add(2, vec![2]).run(&mut state).expect("added");
    let mirror = site.disk.read("keyring.a").expect("read").expect("there");
    let slots: Vec<Vec<u8>> = mirror[256..].chunks(384).map(<[u8]>::to_vec).collect();
    let has = |part: &[u8]| site.disk.raw().windows(part.len()).any(|window| window == part);
    assert!(slots.len() == 2 && has(&slots[0]) && has(&slots[1]));
    let record = state.ledger.read(&record::entry_key(&id(1))).expect("read").expect("there");
    state.remove(&user(1), None).expect("removed");
    assert!(has(&record), "the sealed record itself is still in the change log");
    assert!(!has(&slots[0]) && has(&slots[1]), "but nothing can open it any more");
    let id = SealedRecord::parse(&record).expect("whole").key;
    assert!(state.people.keyring().key(&id).is_none());
    // Nor does any other key.
    for user in state.people.keyring().users() {
        let other = state
            .people
            .keyring()
            .key(&state.people.keyring().id_of(&user).expect("has one"))
            .expect("opens");
        let template_key = state.template_key().id();
        let device = &state.people.keyring().header().device;
        let context = SealContext { embedder_sha256: "ab", device, template_key: &template_key };
        assert!(
            SealedRecord::parse(&record).expect("whole").open(&other, &self::id(1), &user, context).is_err()
        );
    }
}
