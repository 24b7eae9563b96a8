//! A process with a store and nothing else, for `cargo xtask torture` to kill.
//!
//! `run FOLDER SEED` changes the store until it is killed and prints a line when a change begins and when it is acknowledged;
//! `miss FOLDER N` opens it, waits for a line and then keeps N misses of each user, as attempts do; `check FOLDER` opens it
//! and prints what it holds. No network is loaded: embeddings are generated from numbers.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use facelatch::clock::{Clock, SystemClock, WallTime};
use facelatch::embed::{Embedding, KeyKind, TemplateKeySpec};
use facelatch::head::project::SplitMix64;
use facelatch::people::access::{Access, Rule};
use facelatch::people::{Account, Misses, UserName};
use facelatch::store::audit::{Audit, Entry, Limits};
use facelatch::store::portable::{self, MadeFor};
use facelatch::store::{KeySource, Snapshot, Template, TemplateStore, Vault, VaultOptions};

const LENGTH: usize = 128;
const SHA: &str = "65a7f216926cb6ae114ce65aed30f5e7466fa0c0c6496349033ae46e22d56659";
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["run", folder, seed] => run(Path::new(folder), seed.parse().expect("a number"), u64::MAX),
        ["run", folder, seed, changes] => {
            run(Path::new(folder), seed.parse().expect("a number"), changes.parse().expect("a number"))
        }
        ["miss", folder, misses] => miss(Path::new(folder), misses.parse().expect("a number")),
        ["check", folder] => check(Path::new(folder)),
        _ => Err("usage: store_exerciser run FOLDER SEED [CHANGES] | miss FOLDER N | check FOLDER".into()),
    };
    if let Err(why) = ended {
        eprintln!("store_exerciser: {why}");
        std::process::exit(1);
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn open(folder: &Path) -> Result<(Vault, Audit)> {
    let store: PathBuf = folder.join("store");
    let options = VaultOptions {
        folder: &store,
        keys: KeySource::new(&store, Path::new(""), None),
        embedder_sha256: SHA,
        template_key: TemplateKeySpec { kind: KeyKind::Rotation, length: LENGTH },
        now: SystemClock.wall(),
    };
    let vault = Vault::open(&options)?;
    let limits = Limits { file_bytes: 64 << 10, files: 4 };
    let audit = Audit::open(&store.join("audit"), &vault, limits, WallTime(0))?;
    Ok((vault, audit))
}

fn face(n: u64) -> Embedding {
    let mut random = SplitMix64(n);
    Embedding::new((0..LENGTH).map(|_| random.uniform() as f32 - 0.5).collect()).expect("not zero")
}

fn user(n: usize) -> UserName {
    UserName::new(&format!("user{n}")).expect("valid")
}

fn template(at: &Snapshot, user: UserName, n: u64) -> Template {
    Template {
        id: format!("{n:032x}"),
        user,
        label: format!("look {n}"),
        created_at: WallTime(n),
        account: Account::Door,
        embedder_sha256: SHA.to_owned(),
        allow_child: false,
        live: None,
        adapted: false,
        embedding: at.template_key.apply(&face(n)),
    }
}

/// Lines: `? CHANGE` before, `! CHANGE` once it is acknowledged.
fn run(folder: &Path, seed: u64, changes: u64) -> Result<()> {
    let (vault, audit) = open(folder)?;
    let mut random = SplitMix64(seed);
    let mut out = std::io::stdout();
    let mut say = |mark: char, what: &str| -> std::io::Result<()> {
        writeln!(out, "{mark} {what}")?;
        out.flush()
    };
    say('=', "open")?;
    for _ in 0..changes {
        let name = user(random.below(8));
        let at = vault.snapshot()?;
        let own: Vec<&Template> = at.templates.iter().filter(|t| t.user == name).collect();
        let choice = random.below(100);
        let (what, done): (String, Box<dyn Fn() -> Result<()> + '_>) = if choice < 45 && own.len() < 20 {
            let numbers: Vec<u64> = (0..=random.below(5)).map(|_| random.bits() >> 1).collect();
            let templates: Vec<_> = numbers.iter().map(|n| template(&at, name.clone(), *n)).collect();
            let list: Vec<String> = numbers.iter().map(|n| format!("{n:032x}")).collect();
            let vault = &vault;
            (format!("add {name} {}", list.join(" ")), Box::new(move || Ok(vault.add(&templates)?)))
        } else if choice < 60 && !own.is_empty() {
            let (vault, name) = (&vault, name.clone());
            (format!("remove {name}"), Box::new(move || Ok(vault.remove(&name, None).map(drop)?)))
        } else if choice < 70 && !own.is_empty() {
            let id = own[random.below(own.len())].id.clone();
            let (vault, name) = (&vault, name.clone());
            (format!("forget {name} {id}"), Box::new(move || Ok(vault.remove(&name, Some(&id)).map(drop)?)))
        } else if choice < 75 {
            let vault = &vault;
            ("renew".to_owned(), Box::new(move || Ok(vault.renew().map(drop)?)))
        } else if choice < 77 {
            let vault = &vault;
            ("renew-key".to_owned(), Box::new(move || Ok(vault.renew_key()?)))
        } else if choice < 79 && !own.is_empty() {
            let (until, vault) = (format!("{:02}:{:02}", random.below(24), 1 + random.below(59)), &vault);
            let (what, name) = (format!("rule {name} {until}"), name.clone());
            (what, Box::new(move || set_hours(vault, &name, &until)))
        } else if choice < 81 && !at.templates.is_empty() {
            let vault = &vault;
            ("export".to_owned(), Box::new(move || export(vault)))
        } else {
            let count = 1 + random.below(40) as u32;
            let (vault, name) = (&vault, name.clone());
            let misses = Misses { count, last_miss: WallTime(u64::from(count)), ..Misses::default() };
            (format!("misses {name} {count}"), Box::new(move || Ok(vault.set_misses(Some(&name), misses)?)))
        };
        say('?', &what)?;
        match done() {
            Ok(()) => say('!', &what)?,
            Err(why) => say('-', &format!("{what}: {why}"))?,
        }
        let kind = what.split(' ').next().unwrap_or_default().to_owned();
        audit.record(Entry { time: SystemClock.wall(), kind, by: Some(0), ..Entry::default() });
        say('.', "audited")?;
    }
    Ok(())
}

fn export(vault: &Vault) -> Result<()> {
    Ok(portable::export(vault, None, RECIPIENT, &made_for(), WallTime(0)).map(drop)?)
}

/// From now on this user may come in until this minute of each day.
fn set_hours(vault: &Vault, name: &UserName, until: &str) -> Result<()> {
    let rule = Rule { hours: vec![format!("daily 00:00-{until}").parse()?], ..Rule::default() };
    Ok(vault
        .change_access(name, WallTime(0), &mut |access: &mut Access| access.set(None, Some(rule.clone())))?)
}

/// Lines: `= open`, then `! misses USER N` or `- WHY` for each miss.
fn miss(folder: &Path, misses: u32) -> Result<()> {
    let (vault, _audit) = open(folder)?;
    println!("= open");
    std::io::stdin().read_line(&mut String::new())?;
    for (count, name) in (1..=misses).flat_map(|count| (0..8).map(move |n| (count, user(n)))) {
        let misses = Misses { count, last_miss: WallTime(u64::from(count)), ..Misses::default() };
        let kept = vault.prove_room_for_miss().and_then(|()| vault.set_misses(Some(&name), misses));
        println!("{}", kept.map_or_else(|why| format!("- {why}"), |()| format!("! misses {name} {count}")));
    }
    Ok(())
}

fn made_for() -> MadeFor {
    MadeFor {
        embedder: "sface".to_owned(),
        embedder_sha256: SHA.to_owned(),
        length: LENGTH,
        unit_length: true,
    }
}

/// Prints `condition`, `template USER ID`, `misses USER N`, `rule USER TIME`, `note`, `remark`, `audit` and `problem` lines.
fn check(folder: &Path) -> Result<()> {
    let (vault, audit) = open(folder)?;
    let at = vault.snapshot()?;
    let mut lines = BTreeMap::new();
    for template in &at.templates {
        let n = u64::from_str_radix(&template.id, 16)?;
        let back = at.template_key.undo(&template.embedding)?;
        let off = back.values().iter().zip(face(n).values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if off > 1e-5 {
            return Err(format!("template {} is another face now (off by {off})", template.id).into());
        }
        lines.insert(template.id.clone(), template.user.to_string());
    }
    let health = vault.health();
    println!("condition {:?}", health.condition);
    lines.iter().for_each(|(id, user)| println!("template {user} {id}"));
    for name in (0..8).map(user) {
        let misses = vault.misses(Some(&name))?.count;
        if misses > 0 {
            println!("misses {name} {misses}");
        }
    }
    for (name, access) in vault.all_access()? {
        for hours in access.rules().flat_map(|(_, rule)| &rule.hours) {
            println!("rule {name} {}", hours.to_string().rsplit('-').next().unwrap_or_default());
        }
    }
    health.notes.iter().for_each(|note| println!("note {note}"));
    // As a daemon does.
    if let Some(remark) = health.remark() {
        println!("remark {remark}");
        let note = Some(remark);
        audit.record(Entry { time: SystemClock.wall(), kind: "start".to_owned(), note, ..Entry::default() });
    }
    let report = audit.verify()?;
    println!("audit {}", report.series.iter().map(|series| series.entries).sum::<u64>());
    report.problems.iter().for_each(|problem| println!("problem {problem}"));
    Ok(())
}
