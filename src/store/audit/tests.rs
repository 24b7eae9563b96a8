use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::head::AuditHead;
use super::series::SeriesState;
use super::*;
use crate::store::files::Reader;
use crate::store::files::tests::{Fake, Fault};

const LIMITS: Limits = Limits { file_bytes: 2000, files: 3 };

/// A disk that outlives the log.
struct Shared(Arc<Fake>);

impl Disk for Shared {
    fn read(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.0.read(name)
    }
    fn reader(&self, name: &str) -> std::io::Result<Option<Box<dyn Reader>>> {
        self.0.reader(name)
    }
    fn length(&self, name: &str) -> std::io::Result<Option<u64>> {
        self.0.length(name)
    }
    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write(name, at, bytes)
    }
    fn truncate(&self, name: &str, length: u64) -> std::io::Result<()> {
        self.0.truncate(name, length)
    }
    fn sync(&self, name: &str) -> std::io::Result<()> {
        self.0.sync(name)
    }
    fn sync_names(&self) -> std::io::Result<()> {
        self.0.sync_names()
    }
    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.0.rename(from, to)
    }
    fn swap(&self, one: &str, other: &str) -> std::io::Result<()> {
        self.0.swap(one, other)
    }
    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.remove(name)
    }
}

fn open(disk: &Arc<Fake>) -> std::io::Result<Audit> {
    let key = Key::from_bytes([6; 32]);
    Audit::with_disks(
        &|| Box::new(Shared(disk.clone())),
        Path::new("audit"),
        &key,
        LIMITS,
        WallTime(50),
        true,
    )
}

fn happened(n: u64) -> Entry {
    let (user, verdict) = (Some("alice".to_owned()), Some("match".to_owned()));
    // The clock jumps about; the order of lines does not.
    Entry { time: WallTime(1000 - n * 7 % 500), kind: "verify".to_owned(), user, verdict, ..Entry::default() }
}

fn filled(lines: u64) -> Arc<Fake> {
    let disk = Arc::new(Fake::default());
    let audit = open(&disk).expect("opens");
    (0..lines).for_each(|n| audit.record(happened(n)));
    disk
}

fn problems(disk: &Arc<Fake>) -> Vec<String> {
    open(disk).expect("opens").verify().expect("read").problems
}

fn file(disk: &Fake, name: &str) -> Vec<u8> {
    disk.read(name).expect("read").expect("there")
}

fn put(disk: &Fake, name: &str, bytes: &[u8]) {
    disk.write(name, 0, bytes).and_then(|()| disk.truncate(name, bytes.len() as u64)).expect("written");
}

#[test]
fn what_was_written_verifies_over_restarts_and_rotations() {
    let disk = filled(5);
    for n in 0..60 {
        open(&disk).expect("opens").record(happened(n));
    }
    assert!(
        disk.length("audit.log.2").expect("read").is_some()
            && disk.length("audit.log.3").expect("read").is_none()
    );
    let report = open(&disk).expect("opens").verify().expect("read");
    assert_eq!((report.series[1].files, report.problems.len()), (3, 0), "{:?}", report.problems);
    let text = String::from_utf8(file(&disk, "audit.log.1")).expect("text");
    assert!(text.contains("\"user\":\"alice\"") && text.contains("\"verdict\":\"match\""));
}

/// Each byte of each file is changed, and each line is removed.
#[test]
fn any_edit_is_found() {
    let names = ["audit.log", "audit.log.1", "audit.log.2"];
    let disk = filled(30);
    assert_eq!(problems(&disk), Vec::<String>::new());
    for name in names {
        let good = file(&disk, name);
        for at in (0..good.len()).step_by(3) {
            let mut bad = good.clone();
            // Upper and lower case of a hex digit are the same tag; anything else counts.
            bad[at] ^= 0x01;
            put(&disk, name, &bad);
            let audit = filled_view(&disk);
            assert!(!audit.verify().expect("read").problems.is_empty(), "{name} at {at}");
        }
        let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
        for gone in 0..lines.len() {
            let left: Vec<u8> = lines
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != gone)
                .flat_map(|(_, l)| l.to_vec())
                .collect();
            put(&disk, name, &left);
            assert!(
                !filled_view(&disk).verify().expect("read").problems.is_empty(),
                "{name} without line {gone}"
            );
        }
        put(&disk, name, &good);
    }
    assert_eq!(problems(&disk), Vec::<String>::new());
}

/// The log as a running daemon has it: its state is what it wrote last, and nothing is repaired.
fn filled_view(disk: &Arc<Fake>) -> Audit {
    let view = |name, key: Key| {
        let head = AuditHead::read(&**disk, &format!("{name}.head"), &key).expect("read").expect("there");
        let state = Mutex::new(SeriesState { head, ..SeriesState::default() });
        Series {
            disk: Box::new(Shared(disk.clone())),
            folder: PathBuf::from("audit"),
            name,
            key,
            limits: LIMITS,
            state,
        }
    };
    let key = Key::from_bytes([6; 32]);
    Audit { attempts: view("audit", key.clone()), changes: view("changes", key.derive("changes")) }
}

#[test]
fn a_cut_end_is_found_at_the_next_start_and_stays_recorded() {
    let disk = filled(4);
    let good = file(&disk, "audit.log");
    let keep = good
        .iter()
        .rposition(|b| *b == b'\n')
        .map(|end| good[..end].iter().rposition(|b| *b == b'\n').expect("lines") + 1);
    put(&disk, "audit.log", &good[..keep.expect("lines")]);
    let found = problems(&disk);
    assert!(found.iter().any(|p| p.contains("missing or were changed before this one")), "{found:?}");
    open(&disk).expect("opens").record(happened(9));
    assert!(!problems(&disk).is_empty(), "a later line does not hide it");
}

#[test]
fn a_removed_log_or_head_is_found() {
    let disk = filled(30);
    open(&disk).expect("opens").record(changed("alice"));
    for name in ["audit.log", "audit.log.1", "audit.log.2", "audit.head", "changes.log", "changes.head"] {
        let site = Arc::new(disk.reboot(1));
        site.remove(name).expect("removed");
        assert!(!problems(&site).is_empty(), "{name}");
    }
}

#[test]
fn no_line_that_was_acknowledged_is_lost_whenever_the_power_goes() {
    // Enough that the oldest file goes several times.
    const LINES: u64 = 70;
    let whole = filled(LINES);
    for step in 1..=whole.steps() {
        for seed in 0..3 {
            let disk = Arc::new(Fake::default());
            disk.plan(step, Fault::Power);
            let mut written = 0;
            if let Ok(audit) = open(&disk) {
                for n in 0..LINES {
                    audit.record(happened(n));
                    if audit.problem().is_some() {
                        break;
                    }
                    written += 1;
                }
            }
            let after = Arc::new(disk.reboot(seed));
            let audit = open(&after).unwrap_or_else(|e| panic!("step {step}: {e}"));
            let report = audit.verify().expect("read");
            let lost = report.problems.iter().filter(|p| !p.contains("cut short")).collect::<Vec<_>>();
            assert!(lost.is_empty(), "step {step}, seed {seed}: {lost:?}");
            let last = audit.attempts.state().head.last;
            assert!(last >= written, "step {step}, seed {seed}: {last} of {written}");
        }
    }
}

#[test]
fn a_full_disk_keeps_nobody_out_and_the_gap_is_recorded() {
    let disk = filled(2);
    let audit = open(&disk).expect("opens");
    disk.plan(1, Fault::FullForGood);
    (0..3).for_each(|n| audit.record(happened(n)));
    assert!(audit.problem().is_some_and(|text| text.contains("3 lines")));
    disk.mend();
    audit.record(happened(4));
    assert_eq!(audit.problem(), None);
    let found = audit.verify().expect("read").problems;
    assert!(found.len() == 1 && found[0].contains("3 lines before it could not be written"), "{found:?}");
}

/// Wherever the disk is full, even at a rotation: later the log only says how many lines are missing.
#[test]
fn a_disk_that_was_full_leaves_no_false_alarm() {
    let steps = {
        let disk = filled(0);
        let before = disk.steps();
        let audit = open(&disk).expect("opens");
        (0..30).for_each(|n| audit.record(happened(n)));
        disk.steps() - before
    };
    for (step, fault) in (1..=steps).flat_map(|step| [(step, Fault::Full), (step, Fault::FullForGood)]) {
        let disk = filled(0);
        let audit = open(&disk).expect("opens");
        disk.plan(step, fault);
        (0..30).for_each(|n| audit.record(happened(n)));
        disk.mend();
        (0..20).for_each(|n| audit.record(happened(n)));
        assert_eq!(audit.problem(), None);
        let report = audit.verify().expect("read");
        let other = |problem: &&String| !problem.contains("lines before it could not be written");
        assert_eq!(report.problems.iter().find(other), None, "step {step}, {fault:?}");
        let written = audit.attempts.state().head.last;
        drop(audit);
        let report = open(&disk).expect("opens").verify().expect("read");
        assert_eq!(report.problems.iter().find(other), None, "step {step}, {fault:?}: after a restart");
        let text = ["audit.log.2", "audit.log.1", "audit.log"]
            .map(|name| disk.read(name).expect("read").unwrap_or_default());
        let text = String::from_utf8(text.concat()).expect("text");
        assert!(text.lines().last().expect("lines").contains(&format!("\"n\":{written},")));
    }
}

fn changed(user: &str) -> Entry {
    Entry { time: WallTime(60), kind: "enroll".to_owned(), user: Some(user.to_owned()), ..Entry::default() }
}

#[test]
fn attempts_do_not_push_changes_out_and_the_log_says_what_it_dropped() {
    let disk = Arc::new(Fake::default());
    let audit = open(&disk).expect("opens");
    audit.record(changed("mallory"));
    for n in 0..1000 {
        audit.record(Entry { time: WallTime(100 + n), ..happened(n) });
    }
    let text = |name: &str| String::from_utf8(file(&disk, name)).expect("text");
    assert!(text("changes.log").contains(r#""kind":"enroll","user":"mallory""#));
    drop(audit);
    let report = open(&disk).expect("opens").verify().expect("read");
    assert_eq!(report.problems, Vec::<String>::new());
    let [changes, attempts] = &report.series[..] else { panic!("two series") };
    assert_eq!((changes.name.as_str(), changes.entries, changes.dropped), ("changes.log", 2, 0));
    assert_eq!((attempts.since, changes.since), (Some(WallTime(50)), Some(WallTime(50))));
    // A thousand attempts, and the first line of each file that ever was.
    assert!(attempts.dropped > 900 && attempts.dropped + attempts.entries > 1000, "{attempts:?}");
    // The oldest line begins its file, with the time of the attempt before it.
    assert!(attempts.kept_since > Some(WallTime(1000)), "{attempts:?}");
    let newest = text("audit.log");
    let (_, begin, _) = newest.lines().next().and_then(parse).expect("a line");
    assert_eq!((begin.dropped, begin.since), (Some(attempts.dropped), attempts.since));
}

#[test]
fn a_line_of_one_series_is_none_of_the_other() {
    let disk = filled(0);
    open(&disk).expect("opens").record(changed("mallory"));
    put(&disk, "audit.log", &file(&disk, "changes.log"));
    let found = filled_view(&disk).verify().expect("read").problems;
    assert!(found.iter().any(|problem| problem.starts_with("audit.log line 1: was changed")), "{found:?}");
}
