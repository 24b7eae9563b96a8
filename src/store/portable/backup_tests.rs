//! Backups: what an export leaves out.

use super::tests::{NOBODY, TempStore, add, here, keys, names};
use super::*;
use crate::people::Pin;
use crate::people::access::{Access, Rule};
use crate::store::vault::Vault;

fn user(name: &str) -> UserName {
    UserName::new(name).expect("valid")
}

fn set_pin(store: &Vault, name: &str, digits: &str) {
    let hash = store.pin_hasher().hash(&Pin::typed(digits).expect("digits")).expect("hashes");
    store.change_access(&user(name), WallTime(5), &mut |access| access.pin = Some(hash)).expect("set");
}

fn has_pin(store: &Vault, name: &str, digits: &str) -> bool {
    let hash = store.pin_hasher().hash(&Pin::typed(digits).expect("digits")).expect("hashes");
    store.access(&user(name)).expect("read").pin == Some(hash)
}

/// Alice with a face, hours and a PIN, and Carol with a PIN alone, where face unlock is off.
fn full() -> (TempStore, Vault) {
    let (place, store) = TempStore::new();
    add(&store, "alice", 1);
    let rule = Rule { hours: vec!["daily 08:00-18:00".parse().expect("hours")], ..Rule::default() };
    let mut hours = |access: &mut Access| access.set(None, Some(rule.clone()));
    store.change_access(&user("alice"), WallTime(5), &mut hours).expect("set");
    set_pin(&store, "alice", "471182");
    set_pin(&store, "carol", "818181");
    store.change_premises(WallTime(5), &mut |all| all.face = false).expect("set");
    (place, store)
}

#[test]
fn a_new_card_has_everybody_their_pins_and_what_was_attached() {
    let (public, secret) = keys();
    let (_old_place, old) = full();
    let sealed = backup(&old, &public, &here(), b"settings", WallTime(9)).expect("sealed");
    assert_eq!((sealed.users, sealed.templates), (1, 1));
    assert_eq!(&**unpack(&sealed.bytes, &secret).expect("opens"), b"settings");

    let (place, new) = TempStore::new();
    let done = import(&new, &sealed.bytes, &secret, &here(), false, NOBODY).expect("restored");
    assert_eq!((done.added, done.without_pin, done.rules_stay), (1, vec![], vec![]));
    let is_whole = |store: &Vault| {
        names(store) == ["alice look 1"]
            && store.access(&user("alice")).expect("read").elsewhere.is_some()
            && has_pin(store, "alice", "471182")
            && has_pin(store, "carol", "818181")
            && !store.premises().expect("read").face
    };
    assert!(is_whole(&new));
    set_pin(&new, "dave", "282828");
    drop(new);
    let new = place.open();
    assert!(is_whole(&new) && has_pin(&new, "dave", "282828"), "the secret is kept");
    let again = import(&new, &sealed.bytes, &secret, &here(), false, NOBODY).expect("nothing to do");
    assert_eq!((again.added, again.rules_stay.len(), is_whole(&new)), (0, 0, true));
}

#[test]
fn who_is_here_already_without_rules_gets_those_of_the_backup() {
    let (public, secret) = keys();
    let (_old_place, old) = TempStore::new();
    add(&old, "alice", 1);
    let moved = export(&old, None, &public, &here(), WallTime(5)).expect("sealed");
    let (_place, new) = TempStore::new();
    import(&new, &moved.bytes, &secret, &here(), false, NOBODY).expect("imported");
    let hours = Rule { hours: vec!["daily 08:00-18:00".parse().expect("hours")], ..Rule::default() };
    let mut set = |access: &mut Access| access.set(None, Some(hours.clone()));
    old.change_access(&user("alice"), WallTime(6), &mut set).expect("set");
    set_pin(&old, "alice", "471182");
    let sealed = backup(&old, &public, &here(), b"", WallTime(9)).expect("sealed");
    let done = import(&new, &sealed.bytes, &secret, &here(), false, NOBODY).expect("restored");
    assert_eq!((done.added, done.rules_stay, done.without_pin), (0, vec![], vec![]));
    assert_eq!(new.access(&user("alice")).expect("read").elsewhere, Some(hours));
    assert!(has_pin(&new, "alice", "471182"));
}

#[test]
fn who_is_left_out_as_somebody_else_keeps_what_they_have() {
    let (public, secret) = keys();
    let (_old_place, old) = full();
    let sealed = backup(&old, &public, &here(), b"", WallTime(9)).expect("sealed");
    let (_place, new) = TempStore::new();
    add(&new, "alice", 2);
    let done = import(&new, &sealed.bytes, &secret, &here(), true, NOBODY).expect("restored");
    assert_eq!(done.skipped, ["alice"]);
    assert_eq!(new.access(&user("alice")).expect("read"), Access::default());
}

#[test]
fn pins_of_another_store_do_not_come_where_there_are_some() {
    let (public, secret) = keys();
    let (_old_place, old) = full();
    let sealed = backup(&old, &public, &here(), b"", WallTime(9)).expect("sealed");
    let (_place, new) = TempStore::new();
    set_pin(&new, "dave", "282828");
    let done = import(&new, &sealed.bytes, &secret, &here(), false, NOBODY).expect("restored");
    assert_eq!(done.without_pin, ["alice", "carol"]);
    assert!(has_pin(&new, "dave", "282828") && new.access(&user("carol")).expect("read").pin.is_none());
    assert!(new.access(&user("alice")).expect("read").elsewhere.is_some(), "her hours hold");
    assert!(unpack(&sealed.bytes, &secret).expect("opens").is_empty());
}

#[test]
fn a_pin_that_somebody_else_has_by_now_stays_theirs() {
    let (public, secret) = keys();
    let (_place, store) = full();
    let sealed = backup(&store, &public, &here(), b"", WallTime(9)).expect("sealed");
    store.remove(&user("alice"), None).expect("removed");
    store.remove(&user("carol"), None).expect("removed");
    set_pin(&store, "dave", "471182");
    let done = import(&store, &sealed.bytes, &secret, &here(), false, NOBODY).expect("restored");
    assert_eq!(done.without_pin, ["alice"]);
    assert!(has_pin(&store, "carol", "818181") && !has_pin(&store, "alice", "471182"));
}

#[test]
fn a_backup_is_the_owners_and_an_export_is_none() {
    let (public, secret) = keys();
    let (_place, store) = full();
    let sealed = backup(&store, &public, &here(), b"x", WallTime(9)).expect("sealed");
    let refusal = check_people(&sealed.bytes, &secret, &here(), 500).expect_err("refused").to_string();
    assert!(refusal.contains("only root may restore"), "{refusal}");
    // Whatever it was made for: the settings say which embedder to load.
    let other = MadeFor { embedder_sha256: "cd".into(), ..here() };
    assert!(import(&store, &sealed.bytes, &secret, &other, false, NOBODY).is_err());
    let exported = export(&store, None, &public, &here(), WallTime(9)).expect("sealed");
    let refusal = unpack(&exported.bytes, &secret).expect_err("refused").to_string();
    assert!(refusal.ends_with("no backup; `facelatch import` takes it"), "{refusal}");
    let refusal = unpack(&sealed.bytes, &keys().1).expect_err("another key").to_string();
    assert!(refusal.contains("this key does not open it") && !refusal.contains("wrote"), "{refusal}");
    let refusal = unpack(b"hello", &secret).expect_err("no age file").to_string();
    assert!(refusal.contains("`facelatch backup` wrote"), "{refusal}");
    let plain = opened(&exported.bytes, &secret).expect("opens");
    assert!(!String::from_utf8_lossy(&plain).contains("pin_secret"), "PINs stay");
}

#[test]
fn a_backup_that_was_cut_or_has_more_is_refused() {
    let (public, secret) = keys();
    let (_place, store) = full();
    let sealed = backup(&store, &public, &here(), b"x", WallTime(9)).expect("sealed");
    let plain = opened(&sealed.bytes, &secret).expect("opens");
    let text = String::from_utf8(plain.to_vec()).expect("text");
    assert!(parse(text.as_bytes(), &here()).is_ok());
    for bad in [
        text.replace("\"schema\":3", "\"schema\":2"),
        text.replace("\"schema\":3", "\"schema\":4"),
        format!("{text}\n{{}}"),
        text.replace("\"rules\":2", "\"rules\":3"),
        text.replace("\"face\":false", "\"face\":false,\"more\":1"),
    ] {
        assert!(bad != text && parse(bad.as_bytes(), &here()).is_err(), "{bad}");
    }
}
