//! Which account a face was enrolled for, and whether it still counts: a face does not outlive its account.

use std::collections::BTreeMap;

use super::UserName;

/// What the templates of a name are for; fixed when they are enrolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// The account of that name, which had this user id.
    Uid(u32),
    /// No account: this person is known at the door, and no login accepts them.
    Door,
    /// Not recorded: enrolled by a version that did not ask. They count for nobody until they are enrolled again.
    #[default]
    Unrecorded,
}

/// How an [`Account`] stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The account has the user id that was enrolled.
    Current,
    /// No account has that name any more.
    Gone,
    /// The account of that name has another user id: it may be another person's.
    Changed,
    /// There never was one: [`Account::Door`].
    Door,
    /// [`Account::Unrecorded`].
    Unrecorded,
}

/// What the name service said before an attempt, and what the attempt is for.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// User ids of the accounts that are there. A name that was not asked about has none.
    pub uids: BTreeMap<UserName, u32>,
    /// It is a login, so faces that are for the door only do not count.
    pub login: bool,
}

impl Account {
    /// How it stands when the account of its name has this user id, or when there is none.
    pub fn standing(self, present: Option<u32>) -> Standing {
        match (self, present) {
            (Self::Uid(enrolled), Some(uid)) if uid == enrolled => Standing::Current,
            (Self::Uid(_), Some(_)) => Standing::Changed,
            (Self::Uid(_), None) => Standing::Gone,
            (Self::Door, _) => Standing::Door,
            (Self::Unrecorded, _) => Standing::Unrecorded,
        }
    }
}

impl Standing {
    /// Whether such a face may match, in a login or elsewhere.
    pub fn may_match(self, login: bool) -> bool {
        match self {
            Self::Current => true,
            Self::Door => !login,
            Self::Gone | Self::Changed | Self::Unrecorded => false,
        }
    }

    /// Why it does not count, and what to do.
    pub fn text(self) -> &'static str {
        match self {
            Self::Current => "enrolled for the account of that name",
            Self::Gone => "the account is gone; enrol again, or `facelatch remove` the face",
            Self::Changed => "enrolled for another user id than the account has now; enrol again",
            Self::Door => {
                "enrolled for the door only, and no login accepts that; enrol again for the account"
            }
            Self::Unrecorded => "enrolled before user ids were recorded; enrol again",
        }
    }
}

impl Accounts {
    /// How this account of `user` stands.
    pub fn standing(&self, user: &UserName, account: Account) -> Standing {
        account.standing(self.uids.get(user).copied())
    }

    /// Whether faces of `user` that were enrolled for this account may match.
    pub fn may_match(&self, user: &UserName, account: Account) -> bool {
        self.standing(user, account).may_match(self.login)
    }
}

/// Whom each of these people's templates are for. Those of one name are for one account; if they are not, they count for
/// nobody.
pub fn account_of_each<'a>(
    templates: impl IntoIterator<Item = (&'a UserName, Account)>,
) -> BTreeMap<UserName, Account> {
    let mut found = BTreeMap::new();
    templates.into_iter().for_each(|(user, account)| note_account(&mut found, user, account));
    found
}

/// Adds another template to those of [`account_of_each`].
pub fn note_account(found: &mut BTreeMap<UserName, Account>, user: &UserName, account: Account) {
    match found.get_mut(user) {
        Some(one) if *one != account => *one = Account::Unrecorded,
        Some(_) => {}
        None => {
            found.insert(user.clone(), account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_for_two_accounts_count_for_none() {
        let (alice, bob) = (UserName::new("alice").expect("valid"), UserName::new("bob").expect("valid"));
        let (one, other) = (Account::Uid(1), Account::Door);
        let found =
            account_of_each([(&alice, one), (&bob, one), (&alice, other), (&alice, other), (&bob, one)]);
        assert_eq!(found[&alice], Account::Unrecorded);
        assert_eq!(found[&bob], one);
    }

    #[test]
    fn only_the_enrolled_account_logs_in_and_a_door_needs_none() {
        let alice = UserName::new("alice").expect("valid");
        let may_match = |account, present: Option<u32>, login| {
            let uids = present.map(|uid| (alice.clone(), uid)).into_iter().collect();
            Accounts { uids, login }.may_match(&alice, account)
        };
        for login in [true, false] {
            assert!(may_match(Account::Uid(1000), Some(1000), login));
            assert!(!may_match(Account::Uid(1000), Some(1001), login), "re-created");
            assert!(!may_match(Account::Uid(1000), None, login), "removed");
            for present in [None, Some(1000)] {
                assert_eq!(may_match(Account::Door, present, login), !login);
                assert!(!may_match(Account::Unrecorded, present, login));
            }
        }
    }
}
