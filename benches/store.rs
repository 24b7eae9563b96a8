//! Measures the store: time of an enrolment and of a start with many people, and bytes written to the card.
//!
//! `cargo bench --bench store`. Bytes are those this process passed to the block layer (`write_bytes` in
//! /proc/self/io), without the file system's journal; the folder must be on a disk: `FACELATCH_BENCH_DIR`, else
//! `target/`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use facelatch::clock::WallTime;
use facelatch::embed::{Embedding, KeyKind, TemplateKey, TemplateKeySpec};
use facelatch::head::project::SplitMix64;
use facelatch::people::{Account, Misses, UserName};
use facelatch::store::audit::{Audit, Entry, Limits};
use facelatch::store::{KeySource, Template, TemplateStore, Vault, VaultOptions};

const LENGTH: usize = 128;
const SHA: &str = "65a7f216926cb6ae114ce65aed30f5e7466fa0c0c6496349033ae46e22d56659";

/// Templates of one enrolment, as configured.
const TEMPLATES: usize = 5;

/// Number of enrolments; the median is reported.
const ENROLMENTS: usize = 200;

/// People of the large store.
const MANY: usize = 10_000;

fn open(folder: &Path) -> Vault {
    let options = VaultOptions {
        folder,
        keys: KeySource::new(folder, Path::new(""), None),
        embedder_sha256: SHA,
        template_key: TemplateKeySpec { kind: KeyKind::Rotation, length: LENGTH },
        now: WallTime(0),
    };
    Vault::open(&options).expect("opens")
}

/// The templates of an enrolment.
fn looks(key: &TemplateKey, user: usize, random: &mut SplitMix64) -> Vec<Template> {
    let one = |_| {
        let face =
            Embedding::new((0..LENGTH).map(|_| random.uniform() as f32 - 0.5).collect()).expect("not zero");
        Template {
            id: format!("{:032x}", u128::from(random.bits()) << 64 | u128::from(random.bits())),
            user: UserName::new(&format!("user{user}")).expect("valid"),
            label: String::new(),
            created_at: WallTime(0),
            account: Account::Door,
            embedder_sha256: SHA.to_owned(),
            allow_child: false,
            live: None,
            adapted: false,
            embedding: key.apply(&face),
        }
    };
    (0..TEMPLATES).map(one).collect()
}

/// `write_bytes` of this process.
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").expect("readable");
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: ")).expect("write_bytes");
    line.parse().expect("number")
}

/// Resident memory in MB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("readable");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("number") / 1024.0
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Median milliseconds and bytes over many runs.
fn measured(runs: usize, mut run: impl FnMut(usize)) -> (f64, u64) {
    let before = written();
    let times = (0..runs).map(|n| {
        let start = Instant::now();
        run(n);
        start.elapsed()
    });
    let times = times.collect();
    (median(times), (written() - before) / runs as u64)
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("listed").map(|entry| entry.expect("listed").path());
    entries
        .map(|path| if path.is_dir() { folder_bytes(&path) } else { path.metadata().expect("there").len() })
        .sum()
}

fn main() {
    // `cargo test --benches` only checks that it runs.
    let short = std::env::args().any(|word| word == "--test");
    let root = std::env::var_os("FACELATCH_BENCH_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = tempfile::tempdir_in(root).expect("a folder on a disk");
    println!("payload of an enrolment: {} bytes", TEMPLATES * LENGTH * 4);
    small(&folder.path().join("small/store"), if short { 2 } else { ENROLMENTS }, if short { 0 } else { 20 });
    large(&folder.path().join("large/store"), if short { 20 } else { MANY }, if short { 1 } else { 5 });
}

/// The operations at a door, one after another.
fn small(path: &Path, enrolments: usize, idle: u64) {
    let mut random = SplitMix64(1);
    {
        let vault = open(path);
        let limits = Limits { file_bytes: 1 << 20, files: 8 };
        let audit = Audit::open(&path.join("audit"), &vault, limits, WallTime(0)).expect("opens");
        let key = vault.snapshot().expect("read").template_key;
        let people: Vec<_> = (0..enrolments).map(|user| looks(&key, user, &mut random)).collect();
        let (ms, bytes) = measured(enrolments, |n| vault.add(&people[n]).expect("added"));
        println!("enrolment of a new person: {ms:.2} ms, {bytes} bytes written");
        let (ms, bytes) = measured(enrolments, |n| {
            let misses = Misses { count: n as u32 + 1, last_miss: WallTime(n as u64), ..Misses::default() };
            vault.set_misses(None, misses).expect("kept");
        });
        println!("a miss: {ms:.2} ms, {bytes} bytes written");
        let (ms, bytes) = measured(enrolments, |_| vault.prove_room_for_miss().expect("there is room"));
        println!("room for a miss: {ms:.2} ms, {bytes} bytes written");
        let (ms, bytes) = measured(enrolments, |_| {
            let verdict = Some("match".to_owned());
            audit.record(Entry { kind: "verify".to_owned(), verdict, ..Entry::default() });
        });
        println!("a line of the audit log: {ms:.2} ms, {bytes} bytes written");
        let (ms, bytes) = measured(enrolments / 2, |n| {
            vault.remove(&UserName::new(&format!("user{n}")).expect("valid"), None).expect("removed");
        });
        println!("removal of a person: {ms:.2} ms, {bytes} bytes written");
        let before = written();
        std::thread::sleep(Duration::from_secs(idle));
        println!("idle for {idle} s: {} bytes written", written() - before);
    }
    println!("on the disk: {} bytes", folder_bytes(path));
    let (ms, bytes) = measured(11, |_| drop(open(path)));
    println!("start with {} people: {ms:.1} ms, {bytes} bytes written", enrolments / 2);
}

/// A start, and an enrolment, with many people.
fn large(path: &Path, many: usize, runs: usize) {
    let mut random = SplitMix64(2);
    {
        let vault = open(path);
        let key = vault.snapshot().expect("read").template_key;
        // In batches, since this is not an enrolment at the door.
        for lot in (0..many).collect::<Vec<_>>().chunks(500) {
            let templates: Vec<_> = lot.iter().flat_map(|user| looks(&key, *user, &mut random)).collect();
            vault.add(&templates).expect("added");
        }
    }
    println!("on the disk with {many} people: {:.1} MB", folder_bytes(path) as f64 / 1e6);
    let before = resident();
    let (ms, _) = measured(runs, |_| drop(open(path)));
    println!("start with {many} people, {} templates: {ms:.0} ms", many * TEMPLATES);
    let vault = open(path);
    let key = vault.snapshot().expect("read").template_key;
    let (ms, _) = measured(runs, |_| drop(vault.snapshot().expect("read")));
    println!("all of them opened: {ms:.0} ms; memory {:.0} MB more", resident() - before);
    let people: Vec<_> = (0..20).map(|n| looks(&key, many + n, &mut random)).collect();
    let (ms, bytes) = measured(20, |n| vault.add(&people[n]).expect("added"));
    println!("enrolment among {many}: {ms:.2} ms, {bytes} bytes written");
}
