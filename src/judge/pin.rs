//! What a PIN that was typed at a door leads to, and who has shown one of two factors there. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::access::{self, Admission};
use crate::clock::{BootTime, LocalMinute};
use crate::people::UserName;
use crate::people::access::{Access, DoorName, Factor, PinHash, Premises};

/// Who has to show face and PIN shows the second this soon after the first.
pub const SECOND_WITHIN: Duration = Duration::from_secs(20);

/// Whose PIN it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Whose.
    pub user: &'a UserName,
    /// What the store keeps of them.
    pub access: &'a Access,
    /// It is the one that they type under duress.
    pub duress: bool,
}

/// What the PIN of somebody leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinVerdict {
    /// They may come in.
    Match,
    /// It is nobody's. The only one that is a miss: all others need a right PIN.
    NoMatch,
    /// They may come in with their face as well, which was not seen here yet.
    FaceWanted,
    /// They may not come in here or now, or not by a PIN.
    NotAllowed,
    /// The rule asks for a time, and the time is not known.
    ClockUnset,
    /// They may come in with their face as well, and face unlock is switched off.
    SwitchedOff,
}

/// Whose PIN has this hash.
pub fn holder(people: &BTreeMap<UserName, Access>, hash: PinHash) -> Option<Holder<'_>> {
    people.iter().find_map(|(user, access)| {
        let duress = access.duress == Some(hash);
        (duress || access.pin == Some(hash)).then_some(Holder { user, access, duress })
    })
}

/// Judges a PIN by the rule of its holder; a PIN for duress counts as the other does. `face_seen` is asked, once at most, whether
/// the holder's face was seen at this door.
pub fn judge(
    holder: Holder<'_>,
    premises: &Premises,
    door: &DoorName,
    now: Option<LocalMinute>,
    face_seen: impl FnOnce() -> bool,
) -> PinVerdict {
    match access::judge(holder.access, premises, Some(door), now) {
        Admission::Allowed(Factor::Pin) => PinVerdict::Match,
        Admission::Allowed(Factor::FaceAndPin) if !premises.face => PinVerdict::SwitchedOff,
        Admission::Allowed(Factor::FaceAndPin) if face_seen() => PinVerdict::Match,
        Admission::Allowed(Factor::FaceAndPin) => PinVerdict::FaceWanted,
        Admission::Allowed(Factor::Face) | Admission::NotAllowed => PinVerdict::NotAllowed,
        Admission::ClockUnset => PinVerdict::ClockUnset,
    }
}

/// Who has shown face or PIN at a door and has to show the other. The latest at each door only; what is taken, or
/// [`SECOND_WITHIN`] old, is gone.
#[derive(Debug, Default)]
pub struct Shown {
    faces: BTreeMap<DoorName, (UserName, BootTime)>,
    pins: BTreeMap<DoorName, (UserName, bool, BootTime)>,
}

impl Shown {
    /// This person's face matched. Uses up their PIN and says whether it was the one for duress; if it was not typed, keeps the
    /// face for it.
    pub fn face(&mut self, door: &DoorName, user: &UserName, now: BootTime) -> Option<bool> {
        let pin = self.pins.get(door).filter(|(shown, _, at)| shown == user && is_fresh(*at, now));
        let Some(duress) = pin.map(|(_, duress, _)| *duress) else {
            self.faces.insert(door.clone(), (user.clone(), now));
            return None;
        };
        self.pins.remove(door);
        Some(duress)
    }

    /// This person typed their PIN. Uses up their face; if it was not seen, keeps the PIN for it.
    pub fn pin(&mut self, door: &DoorName, user: &UserName, duress: bool, now: BootTime) -> bool {
        let seen = self.faces.get(door).is_some_and(|(shown, at)| shown == user && is_fresh(*at, now));
        if seen {
            self.faces.remove(door);
        } else {
            self.pins.insert(door.clone(), (user.clone(), duress, now));
        }
        seen
    }
}

fn is_fresh(at: BootTime, now: BootTime) -> bool {
    now >= at && now.since(at) <= SECOND_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::access::Rule;

    fn name(user: &str) -> UserName {
        UserName::new(user).expect("valid")
    }

    fn door(name: &str) -> DoorName {
        DoorName::new(name).expect("valid")
    }

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    const PIN: PinHash = PinHash([1; 32]);
    const DURESS: PinHash = PinHash([2; 32]);

    fn with(rule: Option<Rule>) -> Access {
        Access { elsewhere: rule, pin: Some(PIN), duress: Some(DURESS), ..Access::default() }
    }

    fn by(factor: Factor) -> Access {
        with(Some(Rule { factor, ..Rule::default() }))
    }

    fn judged(access: &Access, face_is_on: bool, face_seen: bool) -> PinVerdict {
        let user = name("alice");
        let holder = Holder { user: &user, access, duress: false };
        let premises = Premises { face: face_is_on, ..Premises::default() };
        judge(holder, &premises, &door("front"), None, || face_seen)
    }

    #[test]
    fn a_pin_is_its_owners_and_nobody_elses() {
        let people = [(name("alice"), with(None)), (name("bob"), Access::default())].into();
        let alice = holder(&people, PIN).expect("hers");
        assert_eq!((alice.user, alice.duress), (&name("alice"), false));
        assert_eq!(holder(&people, DURESS).map(|holder| holder.duress), Some(true));
        assert_eq!(holder(&people, PinHash([3; 32])), None);
        assert_eq!(holder(&people, PinHash([0; 32])), None, "who has none is not whose hash is zero");
    }

    #[test]
    fn the_rule_says_whether_a_pin_is_enough() {
        assert_eq!(judged(&by(Factor::Pin), true, false), PinVerdict::Match);
        assert_eq!(judged(&by(Factor::FaceAndPin), true, true), PinVerdict::Match);
        assert_eq!(judged(&by(Factor::FaceAndPin), true, false), PinVerdict::FaceWanted);
        for access in [with(None), by(Factor::Face), with(Some(Rule { allowed: false, ..Rule::default() }))] {
            assert_eq!(judged(&access, true, true), PinVerdict::NotAllowed);
        }
        let hours = vec!["daily 00:00-24:00".parse().expect("hours")];
        let timed = with(Some(Rule { factor: Factor::Pin, hours, ..Rule::default() }));
        assert_eq!(judged(&timed, true, false), PinVerdict::ClockUnset);
    }

    #[test]
    fn with_faces_switched_off_a_pin_alone_still_counts_and_face_and_pin_does_not() {
        assert_eq!(judged(&by(Factor::Pin), false, false), PinVerdict::Match);
        assert_eq!(judged(&by(Factor::FaceAndPin), false, true), PinVerdict::SwitchedOff);
    }

    #[test]
    fn a_pin_of_another_doors_person_opens_nothing_here() {
        let mut access = with(Some(Rule { allowed: false, ..Rule::default() }));
        access.set(Some(door("lab")), Some(Rule { factor: Factor::Pin, ..Rule::default() }));
        assert_eq!(judged(&access, true, false), PinVerdict::NotAllowed);
    }

    #[test]
    fn what_was_shown_counts_once_for_one_person_at_one_door_and_for_twenty_seconds() {
        let (front, back, alice, bob) = (door("front"), door("back"), name("alice"), name("bob"));
        let seen = |kept: u64, place: &DoorName, who: &UserName, now: u64| {
            let mut shown = Shown::default();
            assert_eq!(shown.face(&front, &alice, at(kept)), None);
            let first = shown.pin(place, who, false, at(now));
            (first, shown.pin(place, who, false, at(now)))
        };
        assert_eq!(seen(100, &front, &alice, 120), (true, false), "once");
        assert_eq!(seen(100, &front, &alice, 121), (false, false));
        assert_eq!(seen(100, &front, &alice, 99), (false, false));
        assert_eq!(seen(100, &front, &bob, 100), (false, false));
        assert_eq!(seen(100, &back, &alice, 100), (false, false));
        let typed = |duress: bool, who: &UserName, now: u64| {
            let mut shown = Shown::default();
            assert!(!shown.pin(&front, &alice, duress, at(100)));
            let first = shown.face(&front, who, at(now));
            (first, shown.face(&front, who, at(now)))
        };
        assert_eq!(typed(false, &alice, 120), (Some(false), None), "once");
        assert_eq!(typed(true, &alice, 120), (Some(true), None));
        assert_eq!(typed(true, &alice, 121), (None, None));
        assert_eq!(typed(true, &bob, 100), (None, None));
    }

    #[test]
    fn of_two_people_at_a_door_the_last_one_counts() {
        let (front, alice, bob) = (door("front"), name("alice"), name("bob"));
        let mut shown = Shown::default();
        assert_eq!((shown.face(&front, &alice, at(1)), shown.face(&front, &bob, at(2))), (None, None));
        assert!(!shown.pin(&front, &alice, false, at(3)) && shown.pin(&front, &bob, false, at(3)));
    }
}
