//! Who is calling, and what they may ask or see.

use std::ffi::CString;

use facelatch_wire::Fault;
use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

/// What a caller is to this daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May ask about themselves.
    User,
    /// May do what a door needs: follow events, look, report, and check PINs.
    Door,
    /// May enrol, remove, reset, identify and follow events.
    Manager,
    /// Root, or the user the daemon runs as: sees scores as well.
    Owner,
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their user id, from the kernel.
    pub uid: u32,
    /// Their login name, if they have one.
    pub name: Option<String>,
    /// What they are to this daemon.
    pub role: Role,
}

/// Identifies callers, and knows which accounts there are. Replaced in tests, which all run as one user.
pub trait Peers: Send + Sync {
    /// The caller with these ids, which the kernel vouches for. May ask the name service, so it may block.
    fn caller(&self, uid: u32, gid: u32) -> Caller;

    /// The same if it is known without asking the name service, so the owner never waits for it.
    fn known(&self, _uid: u32) -> Option<Caller> {
        None
    }

    /// User id of the account with this name, if there is one. Asks the name service, so it may block.
    ///
    /// # Errors
    /// Text, when the name service fails: there may be such an account or not.
    fn account(&self, name: &str) -> Result<Option<u32>, String>;
}

/// The users and groups of this machine.
#[derive(Debug, Clone)]
pub struct SystemPeers {
    owners: Vec<Caller>,
    managers: String,
    doors: String,
}

impl SystemPeers {
    /// Members of the first group are managers, those of the second doors; groups are looked up at each call, so that joining
    /// one works at once. The owners are looked up here.
    pub fn new(managers: String, doors: String) -> Self {
        let owner = |uid: Uid| Caller { uid: uid.as_raw(), name: name_of(uid), role: Role::Owner };
        Self { owners: [Uid::from_raw(0), Uid::effective()].map(owner).into(), managers, doors }
    }

    fn role(&self, name: &str, gid: Gid) -> Role {
        let groups = CString::new(name).ok().and_then(|name| getgrouplist(&name, gid).ok());
        let is_in = |group: &str| {
            let group = Group::from_name(group).ok().flatten();
            group.is_some_and(|group| {
                gid == group.gid || groups.as_ref().is_some_and(|groups| groups.contains(&group.gid))
            })
        };
        match () {
            () if is_in(&self.managers) => Role::Manager,
            () if is_in(&self.doors) => Role::Door,
            () => Role::User,
        }
    }
}

impl Peers for SystemPeers {
    fn caller(&self, uid: u32, gid: u32) -> Caller {
        if let Some(owner) = self.known(uid) {
            return owner;
        }
        let name = name_of(Uid::from_raw(uid));
        let role = name.as_deref().map_or(Role::User, |name| self.role(name, Gid::from_raw(gid)));
        Caller { uid, name, role }
    }

    fn known(&self, uid: u32) -> Option<Caller> {
        self.owners.iter().find(|owner| owner.uid == uid).cloned()
    }

    fn account(&self, name: &str) -> Result<Option<u32>, String> {
        match User::from_name(name) {
            Ok(found) => Ok(found.map(|user| user.uid.as_raw())),
            // What getpwnam(3) gives, too, for a name that it does not find.
            Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
            Err(error) => Err(error.desc().to_owned()),
        }
    }
}

fn name_of(uid: Uid) -> Option<String> {
    User::from_uid(uid).ok().flatten().map(|user| user.name)
}

impl Caller {
    /// Whether they may change who is enrolled, and see what happens at the door.
    pub fn is_manager(&self) -> bool {
        self.role >= Role::Manager
    }

    /// Refuses `what` to callers who are not managers.
    ///
    /// # Errors
    /// [`Fault::PermissionDenied`], naming who may.
    pub fn may_manage(&self, what: &str) -> Result<(), Fault> {
        if self.is_manager() {
            return Ok(());
        }
        let message = format!("{what}: only root, the daemon's user and the group `facelatch` may; use sudo");
        Err(Fault::PermissionDenied { message })
    }

    /// Refuses `what` to callers who are neither doors nor managers.
    ///
    /// # Errors
    /// [`Fault::PermissionDenied`], naming who may.
    pub fn may_serve_a_door(&self, what: &str) -> Result<(), Fault> {
        if self.role >= Role::Door {
            return Ok(());
        }
        let message = format!(
            "{what}: only root, the daemon's user and the groups `facelatch` and `facelatch-door` may; use sudo"
        );
        Err(Fault::PermissionDenied { message })
    }

    /// Refuses `what` about a user to callers who are neither managers nor that user.
    ///
    /// # Errors
    /// [`Fault::PermissionDenied`], naming who may.
    pub fn may_ask_about(&self, what: &str, user: &str) -> Result<(), Fault> {
        if self.is_manager() || self.name.as_deref() == Some(user) {
            return Ok(());
        }
        let me = self.name.as_deref().unwrap_or("somebody without a name");
        let message = format!(
            "{what} {user}: you are {me}, and only root, the daemon's user and the group `facelatch` may ask about others; leave \
             the name out"
        );
        Err(Fault::PermissionDenied { message })
    }

    /// Refuses `what` to callers who are not the owner.
    ///
    /// # Errors
    /// [`Fault::PermissionDenied`], naming who may.
    pub fn must_be_owner(&self, what: &str) -> Result<(), Fault> {
        if self.is_owner() {
            return Ok(());
        }
        let message = format!("{what}: only root and the daemon's user may; use sudo");
        Err(Fault::PermissionDenied { message })
    }

    /// Whether they may see scores, and vouch for others.
    pub fn is_owner(&self) -> bool {
        self.role == Role::Owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role) -> Caller {
        Caller { uid: 1000, name: Some("alice".into()), role }
    }

    #[test]
    fn users_may_ask_about_themselves_only() {
        assert!(caller(Role::User).may_ask_about("verify", "alice").is_ok());
        let fault = caller(Role::User).may_ask_about("verify", "bob").expect_err("another");
        assert!(fault.to_string().contains("group `facelatch`"), "{fault}");
        assert!(caller(Role::User).may_manage("enroll").is_err());
        let nameless = Caller { name: None, ..caller(Role::User) };
        assert!(nameless.may_ask_about("verify", "").is_err());
    }

    #[test]
    fn a_manager_may_ask_about_all_but_sees_no_scores() {
        let manager = caller(Role::Manager);
        assert!(manager.may_ask_about("verify", "bob").is_ok() && manager.may_manage("enroll").is_ok());
        assert!(!manager.is_owner() && caller(Role::Owner).is_owner());
    }

    #[test]
    fn root_and_the_daemons_own_user_are_owners_and_nobody_is_not() {
        let peers = SystemPeers::new("no-such-group".into(), "nor-such".into());
        assert_eq!(peers.caller(0, 0).role, Role::Owner);
        assert_eq!(peers.known(0).and_then(|root| root.name).as_deref(), Some("root"));
        assert_eq!(peers.known(65_534), None);
        assert_eq!(peers.caller(Uid::effective().as_raw(), 0).role, Role::Owner);
        assert_eq!(peers.caller(65_534, 65_534).role, Role::User);
    }

    #[test]
    fn accounts_are_known_by_name_and_a_name_without_one_is_no_error() {
        let peers = SystemPeers::new("no-such-group".into(), "nor-such".into());
        assert_eq!(peers.account("root"), Ok(Some(0)));
        for nobody in ["no-such-account", "CORP\\nobody", "no one"] {
            assert_eq!(peers.account(nobody), Ok(None), "{nobody}");
        }
    }
}
