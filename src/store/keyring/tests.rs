use super::*;
use crate::embed::KeyKind;
use crate::store::files::tests::{Fake, Fault};
use crate::store::keyring::header::MAGIC_2;
use crate::store::seal::SEAL_BYTES;

/// Adds one user and gives the id of their key.
fn add(ring: &mut Keyring, disk: &Fake, name: &str) -> KeyId {
    let user = user(name);
    ring.add(disk, &[&user].into()).expect("added");
    ring.id_of(&user).expect("has one")
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

fn candidate(byte: u8) -> Candidate {
    let mut key = Pinned::<Key>::default();
    *key = Key::from_bytes([byte; 32]);
    Candidate { key, path: format!("key{byte}").into() }
}

fn open(disk: &Fake, bytes: &[u8]) -> Result<Option<(Keyring, usize)>, StoreError> {
    let candidates: Vec<_> = bytes.iter().map(|byte| candidate(*byte)).collect();
    Keyring::open(disk, Path::new("store"), &candidates)
}

fn made(disk: &Fake) -> Keyring {
    let spec = TemplateKeySpec { kind: KeyKind::Rotation, length: 4 };
    Keyring::create(disk, Path::new("store"), &Key::from_bytes([1; 32]), spec).expect("made")
}

#[test]
fn keys_come_back_and_slots_are_used_again() {
    let disk = Fake::default();
    let mut ring = made(&disk);
    let alice = add(&mut ring, &disk, "alice");
    let bob = add(&mut ring, &disk, "bob");
    assert_eq!(add(&mut ring, &disk, "alice"), alice);
    let key = ring.key(&bob).expect("opens");
    ring.erase(&disk, &user("alice")).expect("erased");
    let carol = add(&mut ring, &disk, "carol");
    assert_eq!(disk.length("keyring.a").expect("read"), Some(256 + 2 * 384), "alice's slot is carol's now");
    let (again, used) = open(&disk, &[1]).expect("opens").expect("there");
    assert_eq!((used, again.notes.len()), (0, 0), "{:?}", again.notes);
    assert!(again.key(&bob).expect("opens") == key && again.key(&alice).is_none());
    assert_eq!(again.user_of(&carol), Some(&user("carol")));
    assert_eq!(again.users(), [user("bob"), user("carol")]);
    assert!(again.template_key(&ring.header().seeds[0].id()).is_some());
}

/// As the version before wrote it: slots of 128 bytes, and one byte for the length of a name.
fn in_the_short_form(ring: &Keyring) -> Vec<u8> {
    let mut file = ring.header().seal_as(MAGIC_2, ring.wrap());
    for (index, slot) in ring.slots.iter().enumerate() {
        let Some(slot) = slot else {
            file.extend([0; SHORT_SLOT_BYTES]);
            continue;
        };
        let (name, key) = (slot.user.as_str().as_bytes(), ring.key(&slot.id).expect("opens"));
        let mut plain = [&[1, name.len() as u8], name, &slot.id, key.bytes()].concat();
        plain.resize(SHORT_SLOT_BYTES - SEAL_BYTES, 0);
        let context = [b"slot".as_slice(), &ring.header().device, &(index as u64).to_le_bytes()];
        file.extend(ring.wrap().seal(&context, &plain));
    }
    file
}

#[test]
fn a_keyring_of_the_version_before_is_rewritten_whenever_the_power_goes() {
    let disk = Fake::default();
    let mut ring = made(&disk);
    add(&mut ring, &disk, "gone");
    let ids = [add(&mut ring, &disk, "alice"), add(&mut ring, &disk, "bob")];
    ring.erase(&disk, &user("gone")).expect("erased");
    let before = in_the_short_form(&ring);
    for step in 1.. {
        let disk = Fake::default();
        MIRRORS.iter().for_each(|name| disk.write(name, 0, &before).expect("written"));
        for name in MIRRORS {
            disk.sync(name).expect("synced");
        }
        disk.sync_names().expect("synced");
        disk.plan(step, Fault::Power);
        let done = open(&disk, &[1]).is_ok();
        for seed in 0..3 {
            let after = disk.reboot(seed);
            let (again, _) = open(&after, &[1]).expect("opens").expect("there");
            assert!(again.notes.is_empty() && again.users().len() == 2, "step {step}: {:?}", again.notes);
            assert!(ids.iter().all(|id| again.key(id) == ring.key(id)), "step {step}, seed {seed}");
            assert_eq!(after.length("keyring.b").expect("read"), Some(256 + 3 * 384));
            assert!(open(&after, &[1]).expect("opens").expect("there").0.notes.is_empty());
        }
        if done {
            break;
        }
    }
}

#[test]
fn the_longest_name_fits_a_slot() {
    let disk = Fake::default();
    let mut ring = made(&disk);
    let (long, short) = ("n".repeat(256), "CORP\\alice");
    let ids = [add(&mut ring, &disk, &long), add(&mut ring, &disk, short)];
    let (again, _) = open(&disk, &[1]).expect("opens").expect("there");
    assert_eq!(ids.map(|id| again.user_of(&id).cloned()), [Some(user(&long)), Some(user(short))]);
    assert!(again.notes.is_empty());
}

#[test]
fn a_copy_that_was_put_back_does_not_win_over_the_other() {
    for mirror in MIRRORS {
        let disk = Fake::default();
        let mut ring = made(&disk);
        add(&mut ring, &disk, "alice");
        let old = disk.read(mirror).expect("read").expect("there");
        ring.erase(&disk, &user("alice")).expect("erased");
        let carol = add(&mut ring, &disk, "carol");
        disk.write(mirror, 0, &old).expect("put back, with alice where carol is now");
        let (again, _) = open(&disk, &[1]).expect("opens").expect("there");
        assert_eq!((again.users(), again.notes.len()), (vec![user("carol")], 1), "{mirror}");
        assert!(again.key(&carol).is_some(), "{mirror}");
    }
}

#[test]
fn one_damaged_copy_is_mended_wherever_the_damage_is() {
    let disk = Fake::default();
    let mut ring = made(&disk);
    add(&mut ring, &disk, "alice");
    add(&mut ring, &disk, "bob");
    let good = disk.read("keyring.a").expect("read").expect("there");
    for mirror in MIRRORS {
        for at in (0..good.len()).step_by(7) {
            // Mending seals the header again.
            let now = disk.read(mirror).expect("read").expect("there");
            disk.write(mirror, at as u64, &[now[at] ^ 0x10]).expect("written");
            let (again, _) = open(&disk, &[1]).expect("opens").expect("there");
            assert_eq!(again.users().len(), 2, "{mirror} at {at}");
            assert_eq!(again.notes.len(), 1);
            assert!(open(&disk, &[1]).expect("opens").expect("there").0.notes.is_empty(), "it was mended");
        }
        for length in [0, 100, 256, 300, 400, 700] {
            disk.truncate(mirror, length).expect("cut");
            assert_eq!(
                open(&disk, &[1]).expect("opens").expect("there").0.users().len(),
                2,
                "{mirror} {length}"
            );
        }
    }
}

#[test]
fn a_wrong_key_a_lost_keyring_and_none_at_all_are_distinguished() {
    let disk = Fake::default();
    assert!(open(&disk, &[1]).expect("no error").is_none());
    made(&disk);
    assert!(matches!(open(&disk, &[2]), Err(StoreError::WrongKey { .. })));
    for mirror in MIRRORS {
        disk.write(mirror, 100, &[0; 20]).expect("written");
    }
    assert!(matches!(open(&disk, &[1]), Err(StoreError::KeyringLost { .. })));
    for mirror in MIRRORS {
        disk.truncate(mirror, 0).expect("cut");
    }
    let lost = open(&disk, &[1]);
    assert!(
        matches!(lost, Err(StoreError::KeyringLost { .. })),
        "an empty file is no fresh start, and wrapped by no key"
    );
}

#[test]
fn a_full_disk_during_a_rewrap_costs_no_key_later() {
    for step in 1.. {
        let disk = Fake::default();
        let mut ring = made(&disk);
        let alice = add(&mut ring, &disk, "alice");
        disk.plan(step, Fault::Full);
        let failed = ring.rewrap(&disk, &Key::from_bytes([2; 32])).is_err();
        disk.mend();
        let bob = add(&mut ring, &disk, "bob");
        let (again, _) = open(&disk.reboot(1), &[1, 2]).expect("opens").expect("there");
        assert!(again.key(&alice).is_some() && again.key(&bob).is_some(), "step {step}");
        if !failed {
            break;
        }
    }
}

/// Adding two fails half-way; later one of them is added alone, into the slot that was the other's.
#[test]
fn a_change_that_failed_half_way_is_gone_after_the_next_one() {
    for step in 1.. {
        let disk = Fake::default();
        let mut ring = made(&disk);
        let (one, two) = (user("one"), user("two"));
        disk.plan(step, Fault::Full);
        let failed = ring.add(&disk, &[&one, &two].into()).is_err();
        if !failed {
            break;
        }
        let id = add(&mut ring, &disk, "two");
        let (mut again, _) = open(&disk, &[1]).expect("opens").expect("there");
        assert_eq!((again.users(), again.id_of(&two)), (vec![two.clone()], Some(id)), "step {step}");
        assert!(again.notes.is_empty(), "step {step}: {:?}", again.notes);
        again.erase(&disk, &two).expect("erased");
        assert!(open(&disk, &[1]).expect("opens").expect("there").0.users().is_empty());
    }
}

/// Two changes that failed half-way may leave a user with two keys.
#[test]
fn both_keys_of_a_user_are_destroyed_together() {
    let disk = Fake::default();
    let mut ring = made(&disk);
    let (one, two) = (add(&mut ring, &disk, "one"), add(&mut ring, &disk, "two"));
    let opened = OpenSlot { id: one, user: Some(user("two")), key: Key::random() };
    let slot = ring.wrapped(0, &opened);
    MIRRORS.iter().for_each(|name| disk.write(name, HEADER_BYTES as u64, &slot).expect("written"));
    let (mut again, _) = open(&disk, &[1]).expect("opens").expect("there");
    assert!(again.key(&one).is_some() && again.key(&two).is_some());
    again.erase(&disk, &user("two")).expect("erased");
    assert!(again.key(&one).is_none() && again.key(&two).is_none());
    let mirror = disk.read("keyring.b").expect("read").expect("there");
    assert!(mirror[HEADER_BYTES..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_rewrap_keeps_every_key_whenever_the_power_goes() {
    for step in 1.. {
        let disk = Fake::default();
        let mut ring = made(&disk);
        let id = add(&mut ring, &disk, "alice");
        let key = ring.key(&id).expect("opens");
        disk.plan(step, Fault::Power);
        let done = ring.rewrap(&disk, &Key::from_bytes([2; 32])).is_ok();
        for seed in 0..6 {
            let after = disk.reboot(seed);
            let (again, used) = open(&after, &[1, 2]).expect("opens").expect("there");
            assert!(again.key(&id).expect("opens") == key, "step {step}, seed {seed}");
            assert!(!done || used == 1);
        }
        if done {
            break;
        }
    }
}
