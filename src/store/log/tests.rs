use super::*;
use crate::store::files::tests::{Fake, Fault};
use crate::store::manifest::{Entries, Tagger, apply};
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
    let (mut log, _) =
        Log::create(disk.clone(), key.clone(), DEVICE, &states[0].0, std::iter::empty()).expect("made");
    for n in 0..changes {
        let (manifest, mut entries) = states[states.len() - 1].clone();
        let change = vec![(vec![n % 5], (n % 3 != 2).then(|| vec![n; 20]))];
        let manifest = manifest.after(&tagger, tagger.of(&entries), &change);
        log.append(&manifest, &change).expect("appended");
        apply(&mut entries, change);
        states.push((manifest, entries));
    }
    (log, states)
}

fn found(file: &[u8]) -> Option<(Replay, Entries)> {
    let mut entries = Entries::new();
    let mut visit = |key: &[u8], value: Option<(&[u8], u64)>| {
        if let Some((value, at)) = value {
            assert_eq!(&file[at as usize..][..value.len()], value);
        }
        apply(&mut entries, vec![(key.to_vec(), value.map(|(value, _)| value.to_vec()))]);
    };
    let replayed = replay(&file, &key(), &DEVICE, &mut visit).expect("readable");
    replayed.map(|replayed| (replayed, entries))
}

fn compact(log: &mut Log, (manifest, entries): &(Manifest, Entries)) -> io::Result<()> {
    let pairs = entries.iter().map(|(key, value)| Ok((key.clone(), value.clone())));
    let fresh = log.write_new(manifest, pairs)?;
    let (_, replaces) = log.switch_to(fresh)?;
    log.keep_previous(replaces)
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
    compact(&mut log, &states[9]).expect("compacted");
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
    let read = |key: &Key, device| replay(&&file[..], key, device, &mut |_, _| {}).expect("readable");
    assert!(read(&key(), &DEVICE).is_some());
    assert!(read(&key(), &[2; 16]).is_none());
    assert!(read(&Key::from_bytes([4; 32]), &DEVICE).is_none());
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
        let next = manifest.after(&Tagger(&key()), Tagger(&key()).of(&entries), &change);
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
        let done = compact(&mut log, &states[4]).is_ok();
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
