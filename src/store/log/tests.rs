use super::*;
use crate::store::files::tests::{Fake, Fault};
use crate::store::manifest::Tagger;
use proptest::prelude::*;

const DEVICE: [u8; 16] = [1; 16];

fn key() -> Key {
    Key::from_bytes([3; 32])
}

/// A log with `changes` changes after its snapshot, and the state at each revision.
fn made(disk: &Arc<Fake>, changes: u8) -> (Log, Vec<(Manifest, Entries)>) {
    let key = key();
    let tagger = Tagger(&key);
    let mut states = vec![(Manifest::empty([0; 8], "ab"), Entries::new())];
    let mut log = Log::create(disk.clone(), key.clone(), DEVICE, (&states[0].0, &states[0].1)).expect("made");
    for n in 0..changes {
        let (manifest, mut entries) = states[states.len() - 1].clone();
        let change = vec![(vec![n % 5], (n % 3 != 2).then(|| vec![n; 20]))];
        let manifest = manifest.after(&tagger, &entries, &change);
        log.append(&manifest, &change).expect("appended");
        apply(&mut entries, change);
        states.push((manifest, entries));
    }
    (log, states)
}

fn found(file: &[u8]) -> Option<(Replay, Entries)> {
    let mut entries = Entries::new();
    replay(file, &key(), &DEVICE, Some(&mut entries)).map(|replayed| (replayed, entries))
}

fn file(disk: &Fake, which: usize) -> Vec<u8> {
    disk.read(FILES[which]).expect("read").expect("there")
}

#[test]
fn each_change_is_read_back_and_compaction_keeps_the_previous_file() {
    let disk = Arc::new(Fake::default());
    let (mut log, states) = made(&disk, 9);
    let (replayed, entries) = found(&file(&disk, 0)).expect("whole");
    assert!(replayed.clean && (&replayed.manifest, &entries) == (&states[9].0, &states[9].1));
    log.compact(&states[9].0, &states[9].1).expect("compacted");
    let (replayed, entries) = found(&file(&disk, 0)).expect("whole");
    assert!(replayed.clean && (&replayed.manifest, &entries) == (&states[9].0, &states[9].1));
    assert!(file(&disk, 0).len() < file(&disk, 1).len());
    assert_eq!(found(&file(&disk, 1)).expect("whole").1, states[9].1);
}

#[test]
fn another_device_or_key_reads_nothing() {
    let disk = Arc::new(Fake::default());
    made(&disk, 2);
    let file = file(&disk, 0);
    assert!(replay(&file, &key(), &[2; 16], None).is_none());
    assert!(replay(&file, &Key::from_bytes([4; 32]), &DEVICE, None).is_none());
}

#[test]
fn a_failed_change_leaves_the_file_as_it_was_and_the_next_one_succeeds() {
    let clean = Arc::new(Fake::default());
    let (_, states) = made(&clean, 3);
    for step in 1..4 {
        let disk = Arc::new(Fake::default());
        let (mut log, mut states_here) = made(&disk, 2);
        let change = vec![(vec![9], Some(vec![9; 50]))];
        let (manifest, entries) = states_here.pop().expect("there");
        let next = manifest.after(&Tagger(&key()), &entries, &change);
        disk.plan(step, Fault::Full);
        let failed = log.append(&next, &change).is_err();
        let (replayed, _) = found(&file(&disk, 0)).expect("whole");
        assert_eq!(replayed.manifest, if failed { manifest } else { next.clone() }, "step {step}");
        if failed {
            log.append(&next, &change).expect("there is room again");
        }
        let (replayed, _) = found(&file(&disk, 0)).expect("whole");
        assert!(replayed.clean && replayed.manifest == next, "step {step}");
    }
    assert_eq!(states.len(), 4);
}

#[test]
fn a_power_cut_during_compaction_leaves_a_whole_log() {
    for step in 1.. {
        let disk = Arc::new(Fake::default());
        let (mut log, states) = made(&disk, 4);
        disk.plan(step, Fault::Power);
        let done = log.compact(&states[4].0, &states[4].1).is_ok();
        for seed in 0..6 {
            let after = disk.reboot(seed);
            let (replayed, entries) = found(&file(&after, 0)).expect("whole");
            assert!(replayed.clean && (replayed.manifest, entries) == states[4], "step {step}, seed {seed}");
        }
        if done {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is damaged: what is read is the state after some change, and the damage is noticed.
    #[test]
    fn damage_loses_the_end_and_never_makes_another_state(
        at: prop::sample::Index, bit in 0_u8..8, cut: bool,
    ) {
        let disk = Arc::new(Fake::default());
        let (_, states) = made(&disk, 12);
        let mut bytes = file(&disk, 0);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        match found(&bytes) {
            None => prop_assert!(at < 400, "the snapshot was hit"),
            Some((replayed, entries)) => {
                let (_, wanted) = states.iter().find(|(m, _)| *m == replayed.manifest).expect("a state that was");
                prop_assert_eq!(&entries, wanted);
                prop_assert!(!replayed.clean || cut, "a flipped bit is noticed");
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let header = [&MAGIC[..], &DEVICE, &[0; 32], &bytes].concat();
        prop_assert!(found(&bytes).is_none() && found(&header).is_none());
    }
}
