//! Two faults at once: damage to table and log, or one failed step and then another. Losses are reported, and no more is
//! lost than must be.

use super::crash_tests::{Model, Op, PEOPLE, Site, held, id, keys, user};
use super::*;
use crate::store::files::Disk;
use crate::store::files::tests::Fault;
use crate::store::log::DAMAGED;
use crate::store::log::FILES;
use crate::store::manifest::Entries;
use crate::store::mirror::MANIFEST;
use crate::store::record::SealedRecord;

/// A store with one person more after each of five changes; the length of the log and the table after each.
fn grown(site: &Site) -> Vec<(u64, Entries)> {
    let mut state = site.open().expect("opens");
    let at = |n: u32| {
        Op::Add(n as u8, vec![n]).run(&mut state).expect("added");
        let length = site.disk.length(FILES[0]).expect("read").expect("there");
        (length, site.tables.kept.lock().expect("lock").clone().expect("there"))
    };
    (1..=5).map(at).collect()
}

fn put(site: &Site, table: Option<Entries>) {
    *site.tables.kept.lock().expect("lock") = table;
}

fn log(site: &Site) -> Vec<u8> {
    site.disk.read(FILES[0]).expect("read").expect("there")
}

fn flip(site: &Site, at: u64) {
    let byte = log(site)[at as usize];
    site.disk.write(FILES[0], at, &[byte ^ 4]).expect("written");
}

fn people(state: &State) -> Vec<String> {
    let mut people: Vec<_> =
        state.templates(None).expect("all can be read").iter().map(|t| t.user.to_string()).collect();
    people.dedup();
    people
}

/// Opens and says whether something is lost; then opens again, when everything that is left must be whole.
fn opened(site: &Site, about: &str) -> (Vec<String>, Condition) {
    let state = site.open().unwrap_or_else(|e| panic!("{about}: {e}"));
    let found = (people(&state), state.findings.condition);
    assert_eq!(
        state.findings.condition == Condition::Lossy,
        state.findings.notes.iter().any(|n| n.contains("are lost") || n.contains("may be missing")),
        "{about}: {:?}",
        state.findings.notes
    );
    drop(state);
    let again = site.open().unwrap_or_else(|e| panic!("{about}: {e}"));
    held(&again, &[1, 2, 3, 4, 5]);
    assert_eq!(
        (people(&again), again.findings.condition),
        (found.0.clone(), Condition::Whole),
        "{about}: {:?}",
        again.findings.notes
    );
    found
}

/// Where a frame can be hit: length, body, tag.
fn places(from: u64, to: u64) -> [(&'static str, u64); 4] {
    [("length", from), ("high byte of the length", from + 3), ("body", from + 60), ("tag", to - 5)]
}

#[test]
fn a_bad_frame_in_the_middle_of_the_log_is_not_taken_for_a_crash() {
    let (_folder, keys) = keys();
    // The frame of each change but the last; the table damaged, or this many changes behind.
    for (hit, behind) in (1..4_usize).flat_map(|hit| (0..=5_usize).map(move |behind| (hit, behind))) {
        for which in 0..4 {
            let site = Site::new(&keys);
            let states = grown(&site);
            let (what, at) = places(states[hit - 1].0, states[hit].0)[which];
            flip(&site, at);
            let damaged = log(&site);
            let about = format!("frame {hit} hit in its {what}, table {behind} behind");
            // Readable: `hit` changes in the log, 5 - behind in the table.
            put(&site, (behind < 5).then(|| states[4 - behind].1.clone()));
            let (found, condition) = opened(&site, &about);
            let left = hit.max(5 - behind);
            assert_eq!(found.len(), left, "{about}");
            assert_eq!(condition, if left == 5 { Condition::Restored } else { Condition::Lossy }, "{about}");
            if left < 5 {
                let kept = site.disk.read("templates.bak.damaged").expect("read");
                assert_eq!(kept, Some(damaged), "{about}: it is kept as it was");
            }
        }
    }
}

/// A damaged log that is kept holds records that only their users' keys open: those stay until the copy is removed.
#[test]
fn keys_of_lost_records_are_kept_as_long_as_the_damaged_log() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let states = grown(&site);
    let lost = states[4].1[&record::entry_key(&id(5))].clone();
    let key = SealedRecord::parse(&lost).expect("whole").key;
    // Change 2 cannot be read, so all after it cannot either; the table has gone.
    flip(&site, states[1].0 - 5);
    put(&site, None);
    let damaged = log(&site);
    assert!(damaged.windows(lost.len()).any(|window| window == lost));
    let mut state = site.open().expect("opens");
    assert_eq!((people(&state), state.findings.condition), (vec!["user1".to_owned()], Condition::Lossy));
    let opens = |state: &State| {
        let keyring = state.people.keyring();
        let (template_key, device) = (state.template_key().id(), &keyring.header().device);
        let context = record::SealContext { embedder_sha256: "ab", device, template_key: &template_key };
        record::opens(keyring, &record::entry_key(&id(5)), &lost, context)
    };
    assert!(opens(&state), "what the kept log holds of user 5 can be opened");
    assert!(state.health().notes.iter().any(|note| note.contains(DAMAGED) && note.contains("keys")));
    // A change and another start keep the key; removing the user does not.
    Op::Add(1, vec![6]).run(&mut state).expect("added");
    drop(state);
    let mut state = site.open().expect("opens");
    assert!(opens(&state) && state.findings.condition == Condition::Whole);
    assert_eq!(state.remove(&user(5), None).expect("removed"), 0);
    assert!(!opens(&state), "removed all the same");
    assert!(state.people.keyring().id_of(&user(4)).is_some());
    drop(state);
    site.disk.remove(DAMAGED).expect("removed");
    let state = site.open().expect("opens");
    assert_eq!(state.people.keyring().users(), [user(1)]);
    assert!(state.people.keyring().key(&key).is_none());
}

#[test]
fn a_damaged_last_frame_and_a_damaged_table_may_have_lost_a_change() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let states = grown(&site);
    flip(&site, states[4].0 - 40);
    put(&site, Some(Entries::from([(b"r1".to_vec(), b"rubbish".to_vec())])));
    let (found, condition) = opened(&site, "last frame");
    assert_eq!((found.len(), condition), (4, Condition::Lossy));
}

#[test]
fn a_log_with_a_damaged_start_still_tells_what_the_table_missed() {
    let (_folder, keys) = keys();
    for behind in 0..3 {
        for at in [0, 30, 70] {
            let site = Site::new(&keys);
            let states = grown(&site);
            flip(&site, at);
            put(&site, Some(states[4 - behind].1.clone()));
            let (found, condition) = opened(&site, &format!("byte {at}, {behind} behind"));
            let wanted = if behind == 0 { Condition::Restored } else { Condition::Lossy };
            assert_eq!((found.len(), condition), (5 - behind, wanted), "byte {at}");
        }
    }
}

#[test]
fn what_still_opens_is_salvaged_from_both() {
    let (_folder, keys) = keys();
    let site = Site::new(&keys);
    let mut state = site.open().expect("opens");
    Op::Add(1, vec![1]).run(&mut state).expect("added");
    // A renewal compacts twice, so that the previous log has this state.
    Op::Renew.run(&mut state).expect("renewed");
    Op::Add(2, vec![2]).run(&mut state).expect("added");
    Op::Add(3, vec![3]).run(&mut state).expect("added");
    drop(state);
    let mut table = site.tables.kept.lock().expect("lock").clone().expect("there");
    table.remove(MANIFEST);
    table.remove(&record::entry_key(&id(1)));
    table.get_mut(&record::entry_key(&id(3))).expect("there")[40] ^= 1;
    put(&site, Some(table.clone()));
    site.disk.write(FILES[0], 0, b"rubbish").expect("written");
    let (found, condition) = opened(&site, "both");
    assert_eq!((found, condition), (vec!["user1".to_owned(), "user2".to_owned()], Condition::Lossy));

    // Nothing of it opens: that is not an empty store.
    let site = Site::new(&keys);
    drop(grown(&site));
    put(&site, Some(Entries::from([(record::entry_key(&id(1)), table[&record::entry_key(&id(2))].clone())])));
    site.disk.write(FILES[0], 0, b"rubbish").expect("written");
    assert!(matches!(site.open(), Err(StoreError::Lost { .. })));
}

/// The old template key could not be destroyed, several times in a row.
#[test]
fn renewals_that_fail_at_their_end_never_lose_templates() {
    let (_folder, keys) = keys();
    let steps = {
        let site = Site::new(&keys);
        grown(&site);
        let mut state = site.open().expect("opens");
        let before = site.disk.steps();
        Op::Renew.run(&mut state).expect("renewed");
        site.disk.steps() - before
    };
    for step in 1..=steps {
        let site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        let mut model = Model::default();
        for op in [Op::Add(1, vec![1]), Op::Add(2, vec![2, 3])] {
            op.run(&mut state).expect("added");
            op.model(&mut model);
        }
        for _ in 0..3 {
            site.disk.plan(step, Fault::Full);
            let _ = state.renew();
            assert!(state.people.keyring().header().seeds.len() <= 2, "step {step}");
        }
        site.disk.mend();
        drop(state);
        let state = site.open().unwrap_or_else(|e| panic!("step {step}: {e}"));
        assert_eq!(held(&state, &PEOPLE), model, "step {step}: {:?}", state.findings.notes);
        assert_ne!(state.findings.condition, Condition::Lossy, "step {step}");
    }
}

#[test]
fn a_key_that_could_not_be_destroyed_seals_nothing_new() {
    let (_folder, keys) = keys();
    for (step, again) in (1..12).flat_map(|step| [(step, false), (step, true)]) {
        let site = Site::new(&keys);
        let mut state = site.open().expect("opens");
        Op::Add(1, vec![1]).run(&mut state).expect("added");
        let old = state.ledger.read(&record::entry_key(&id(1))).expect("read").expect("there");
        let key = SealedRecord::parse(&old).expect("whole").key;
        site.disk.plan(step, Fault::Full);
        let failed = state.remove(&user(1), None).is_err();
        site.disk.mend();
        if failed && !state.people.is_empty() {
            continue; // Nothing was done.
        }
        if again {
            assert_eq!(state.remove(&user(1), None).expect("nothing"), 0);
            assert!(state.people.keyring().key(&key).is_none(), "step {step}");
        }
        Op::Add(1, vec![2]).run(&mut state).expect("added");
        assert!(state.people.keyring().key(&key).is_none(), "step {step}");
        drop(state);
        assert_eq!(held(&site.open().expect("opens"), &PEOPLE).0.len(), 1);
    }
}
