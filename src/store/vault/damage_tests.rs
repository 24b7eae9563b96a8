//! Two things at once: damage to table and backup, a step that fails and then another. What is lost is said, and no more is lost
//! than must be.

use super::crash_tests::{LENGTH, Model, Op, PEOPLE, Site, held, id, keys, user};
use super::*;
use crate::store::backup::GENERATIONS;
use crate::store::files::tests::Fault;

/// A store with one person more after each of five changes; the length of the backup and the table after each.
fn grown(site: &Site) -> Vec<(u64, Entries)> {
    let mut inner = site.open().expect("opens");
    let at = |n: u32| {
        Op::Add(n as u8, vec![n]).run(&mut inner).expect("added");
        let length = site.disk.length(GENERATIONS[0]).expect("read").expect("there");
        (length, site.tables.kept.lock().expect("lock").clone().expect("there"))
    };
    (1..=5).map(at).collect()
}

fn put(site: &Site, table: Option<Entries>) {
    *site.tables.kept.lock().expect("lock") = table;
}

fn backup(site: &Site) -> Vec<u8> {
    site.disk.read(GENERATIONS[0]).expect("read").expect("there")
}

fn flip(site: &Site, at: u64) {
    let byte = backup(site)[at as usize];
    site.disk.write(GENERATIONS[0], at, &[byte ^ 4]).expect("written");
}

fn people(inner: &Inner) -> Vec<String> {
    inner.people.keys().map(ToString::to_string).collect()
}

/// Opens, and says whether something is lost; then once more, when all that is left is whole.
fn opened(site: &Site, about: &str) -> (Vec<String>, Condition) {
    let inner = site.open().unwrap_or_else(|e| panic!("{about}: {e}"));
    let found = (people(&inner), inner.condition);
    assert_eq!(
        inner.condition == Condition::Lossy,
        inner.notes.iter().any(|n| n.contains("are lost") || n.contains("may be missing")),
        "{about}: {:?}",
        inner.notes
    );
    drop(inner);
    let again = site.open().unwrap_or_else(|e| panic!("{about}: {e}"));
    held(&again, &[1, 2, 3, 4, 5]);
    assert_eq!(
        (people(&again), again.condition),
        (found.0.clone(), Condition::Whole),
        "{about}: {:?}",
        again.notes
    );
    found
}

/// Where a frame can be hit: length, body, tag.
fn places(from: u64, to: u64) -> [(&'static str, u64); 4] {
    [("length", from), ("high byte of the length", from + 3), ("body", from + 60), ("tag", to - 5)]
}

#[test]
fn a_bad_frame_in_the_middle_of_the_backup_is_no_crash() {
    let (_folder, keys) = keys();
    // The frame of each change but the last; the table damaged, or so many changes behind.
    for (hit, behind) in (1..4_usize).flat_map(|hit| (0..=5_usize).map(move |behind| (hit, behind))) {
        for which in 0..4 {
            let site = Site::new(&keys);
            let states = grown(&site);
            let (what, at) = places(states[hit - 1].0, states[hit].0)[which];
            flip(&site, at);
            let damaged = backup(&site);
            let about = format!("frame {hit} hit in its {what}, table {behind} behind");
            // Readable: `hit` changes in the backup, 5 - behind in the table, all of them if it is as it should be.
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
fn a_backup_whose_beginning_is_damaged_still_tells_what_the_table_missed() {
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
    let mut inner = site.open().expect("opens");
    Op::Add(1, vec![1]).run(&mut inner).expect("added");
    // Twice, so that this state is the generation before.
    Op::Renew.run(&mut inner).expect("renewed");
    Op::Add(2, vec![2]).run(&mut inner).expect("added");
    Op::Add(3, vec![3]).run(&mut inner).expect("added");
    drop(inner);
    let mut table = site.tables.kept.lock().expect("lock").clone().expect("there");
    table.remove(MANIFEST);
    table.remove(&record_key(&id(1)));
    table.get_mut(&record_key(&id(3))).expect("there")[40] ^= 1;
    put(&site, Some(table.clone()));
    site.disk.write(GENERATIONS[0], 0, b"rubbish").expect("written");
    let (found, condition) = opened(&site, "both");
    assert_eq!((found, condition), (vec!["user1".to_owned(), "user2".to_owned()], Condition::Lossy));

    // Nothing of it opens: that is no empty store.
    let site = Site::new(&keys);
    drop(grown(&site));
    put(&site, Some(Entries::from([(record_key(&id(1)), table[&record_key(&id(2))].clone())])));
    site.disk.write(GENERATIONS[0], 0, b"rubbish").expect("written");
    assert!(matches!(site.open(), Err(StoreError::Lost { .. })));
}

/// The old turn's key could not be destroyed, twice running.
#[test]
fn renewals_that_fail_at_their_end_never_cost_the_templates() {
    let (_folder, keys) = keys();
    let steps = {
        let site = Site::new(&keys);
        grown(&site);
        let mut inner = site.open().expect("opens");
        let before = site.disk.steps();
        Op::Renew.run(&mut inner).expect("renewed");
        site.disk.steps() - before
    };
    for step in 1..=steps {
        let site = Site::new(&keys);
        let mut inner = site.open().expect("opens");
        let mut model = Model::default();
        for op in [Op::Add(1, vec![1]), Op::Add(2, vec![2, 3])] {
            op.run(&mut inner).expect("added");
            op.model(&mut model);
        }
        for _ in 0..3 {
            site.disk.plan(step, Fault::Full);
            let _ = inner.renew((TurnKind::Rotation, LENGTH));
            assert!(inner.keyring.header().turns.len() <= 2, "step {step}");
        }
        site.disk.mend();
        drop(inner);
        let inner = site.open().unwrap_or_else(|e| panic!("step {step}: {e}"));
        assert_eq!(held(&inner, &PEOPLE), model, "step {step}: {:?}", inner.notes);
        assert_ne!(inner.condition, Condition::Lossy, "step {step}");
    }
}

#[test]
fn a_key_that_could_not_be_destroyed_seals_nothing_new() {
    let (_folder, keys) = keys();
    for (step, again) in (1..12).flat_map(|step| [(step, false), (step, true)]) {
        let site = Site::new(&keys);
        let mut inner = site.open().expect("opens");
        Op::Add(1, vec![1]).run(&mut inner).expect("added");
        let old = inner.entries[&record_key(&id(1))].clone();
        let key = Envelope::parse(&old).expect("whole").key;
        site.disk.plan(step, Fault::Full);
        let failed = inner.remove(&user(1), None).is_err();
        site.disk.mend();
        if failed && !inner.people.is_empty() {
            continue; // Nothing was done.
        }
        if again {
            assert_eq!(inner.remove(&user(1), None).expect("nothing"), 0);
            assert!(inner.keyring.key(&key).is_none(), "step {step}");
        }
        Op::Add(1, vec![2]).run(&mut inner).expect("added");
        assert!(inner.keyring.key(&key).is_none(), "step {step}");
        drop(inner);
        assert_eq!(held(&site.open().expect("opens"), &PEOPLE).0.len(), 1);
    }
}
