//! What a client may ask: one table of methods, with the parameters and the reply of each.
//!
//! A new method is one entry here and one `Handle` in the daemon. `cargo test -p facelatch-wire` then writes it into the
//! interface file (see `idl`).

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{Parameters, message};
use crate::methods::methods;
use crate::reply::{
    AuditLine, AuditLog, DoorChange, DoorPlace, Enrolling, Event, Explaining, Judging, Listed, Rule, Sight,
    Status as StatusReply,
};
pub use crate::secret::Secret;
use crate::{Fault, message::printable};

/// A request: serialises to the `parameters` of a call.
pub trait Method: Serialize {
    /// Full name of the method.
    const NAME: &'static str;
    /// It answers with several replies only: the call must set `more`.
    const ONLY_MORE: bool;
    /// The parameters of a reply. In a stream every reply has this type.
    type Reply: Serialize + DeserializeOwned;
}

methods! { $
    "org.varlink.service": {
        /// What this service is, and which interfaces it has.
        GetInfo {} -> Info {
            /// Who made it.
            vendor: String,
            /// The program.
            product: String,
            /// Its version.
            version: String,
            /// Where to read about it.
            url: String,
            /// Names of its interfaces.
            interfaces: Vec<String>,
        };

        /// The description of an interface of this service.
        GetInterfaceDescription {
            /// Its name.
            interface: String,
        } -> Description {
            /// In Varlink's own language.
            description: String,
        };
    }

    "io.facelatch.v1": {
        /// How the daemon is. `threshold` and `identical_pair_p`: owner only.
        Status {} -> StatusReply;

        /// Takes templates of a person from the camera, in place of those with the same label. They are for the account
        /// of that name and count as long as it has the same user id; with `door`, or where no account has the name, they
        /// are for the door only and no login accepts them. Managers.
        /// With `more`, replies without `added` report progress: done of wanted, guidance, message.
        Enroll {
            /// Who.
            user: String,
            /// What this set of templates is called, such as "with glasses".
            #[serde(skip_serializing_if = "Option::is_none")]
            label: Option<String>,
            /// How many templates to take, 1 to 32; the daemon's default if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            templates: Option<u64>,
            /// For the door only: no login accepts this face, whether or not an account has that name.
            #[serde(skip_serializing_if = "Option::is_none")]
            door: Option<bool>,
            /// By which camera; the default one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            camera: Option<String>,
            /// Also if it looks like a small child, whom other children may be taken for. Owner only.
            #[serde(skip_serializing_if = "Option::is_none")]
            allow_child: Option<bool>,
        } -> Enrolling;

        /// Is the person in front of the camera this user? Without a name: the caller. With latch = false it is a login:
        /// a match opens nothing, and faces for the door only do not match. Otherwise the latch opens as configured.
        /// With `more`, replies without `verdict` report progress, among it what the person is asked to do, such as to turn
        /// their head; without `more` nobody learns it from the reply. p to face: owner only; latch_error: managers.
        Verify {
            /// Who; the caller if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
            /// `Some(false)`: a match opens nothing, whatever the configuration says.
            #[serde(skip_serializing_if = "Option::is_none")]
            latch: Option<bool>,
            /// By which camera; the default one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            camera: Option<String>,
        } -> Judging;

        /// Who is in front of the camera? Managers. Replies as Verify does.
        Identify {
            /// By which camera; the default one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            camera: Option<String>,
        } -> Judging;

        /// Makes an attempt as Verify does, or without a name as Identify does, and says what it rests on. A match opens
        /// nothing and lets nobody in; a miss counts. Owner only. With `more`, replies report progress before the last one.
        Explain {
            /// Whose face it should be; anybody's if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
            /// By which camera; the default one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            camera: Option<String>,
        } -> Explaining;

        /// Who is at a door? Doors. Looks through the door's camera and replies as Identify does; a match opens that door. Without
        /// a name: the only door.
        Look {
            /// Which door.
            #[serde(skip_serializing_if = "Option::is_none")]
            door: Option<String>,
        } -> Judging;

        /// Watches a door's camera: a reply each time that something moves there and a face is in sight. Doors; only with `more`.
        Watch {
            /// Which door; the only one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            door: Option<String>,
        } only more -> Sight;

        /// Says which doors there are, for as long as this connection lives. Doors.
        Attach {
            /// All doors of the caller.
            doors: Vec<DoorPlace>,
        } -> Done;

        /// Reports what happened at a door that was attached. Doors.
        Report {
            /// Which door.
            door: String,
            /// What happened.
            change: DoorChange,
            /// Who was let in, if it is known.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
            /// More about it, at most 200 bytes.
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<String>,
        } -> Done;

        /// Judges a PIN that was typed at a door. Doors. Replies as Identify does; a match opens that door.
        VerifyPin {
            /// Which door; the only one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            door: Option<String>,
            /// Digits.
            pin: Secret,
        } -> Judging;

        /// Sets the PIN of a person, or the one that they type under duress, or takes it away. Managers.
        SetPin {
            /// Whose.
            user: String,
            /// 4 to 10 digits; takes it away if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            pin: Option<Secret>,
            /// The one for duress: it opens like the other, and only the event says so.
            #[serde(skip_serializing_if = "Option::is_none")]
            duress: Option<bool>,
        } -> Done;

        /// Says when a person may come in, in place of what was said for the same door; a rule that says nothing goes. Managers.
        SetRule {
            /// For whom, where, when and how.
            rule: Rule,
        } -> Done;

        /// The rules of one person, or of everybody, with what holds for all: whether face unlock is on, and holidays. Managers.
        Rules {
            /// Whose; everybody's if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        } -> RuleList {
            /// By person and door.
            rules: Vec<Rule>,
            /// People who have a PIN.
            pins: Vec<String>,
            /// Face unlock is switched on.
            face: bool,
            /// Days as `2026-12-25`.
            holidays: Vec<String>,
            /// There are more rules than fit one message; ask person by person.
            #[serde(default)]
            truncated: bool,
        };

        /// Switches face unlock on or off, or names the holidays. What is absent stays as it is. Managers.
        SetPremises {
            /// Whether faces let anybody in, at doors and at logins.
            #[serde(skip_serializing_if = "Option::is_none")]
            face: Option<bool>,
            /// All holidays from now on, as `2026-12-25`.
            #[serde(skip_serializing_if = "Option::is_none")]
            holidays: Option<Vec<String>>,
        } -> Done;

        /// What is enrolled, oldest first: of one user, or of everybody (managers).
        List {
            /// Of whom; of everybody if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        } -> Listed;

        /// Removes one template of a user, or all of them together with their misses; or their adapted ones alone. Managers.
        Remove {
            /// Whose.
            user: String,
            /// Which template; all of them if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<String>,
            /// Only those that nobody enrolled.
            #[serde(skip_serializing_if = "Option::is_none")]
            adapted: Option<bool>,
        } -> Removed {
            /// How many templates are gone.
            removed: u64,
            /// Whether rules are gone, too.
            #[serde(default)]
            rules: bool,
            /// Whether a PIN is gone, too.
            #[serde(default)]
            pin: bool,
        };

        /// This user has just shown another factor after a login that missed their face, which may become a template. Owner.
        Adapt {
            /// Whose.
            user: String,
        } -> Done;

        /// Forgets the misses of a user, or those of identification and of PINs: the caller vouches for the person by another
        /// factor. Managers.
        Reset {
            /// Whose; those of identification and of PINs if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        } -> Done {};

        /// What happens at the door, from the first reply (`listening`) on. Managers, and doors, which see
        /// identifications, PINs, prompts and doors only. Only with `more`. No scores.
        Events {} only more -> Event;

        /// Templates of one user, or of everybody, in an age file sealed for a recipient (`age1...`). Managers, for the
        /// recipient in the configuration; the owner may name another. Only with `more`: parts of the file in base64
        /// without padding, then a last reply with users and templates.
        Export {
            /// Whom it is sealed for, `age1...`; the configured one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            recipient: Option<String>,
            /// Whose templates; everybody's if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        } only more -> Exporting {
            /// Base64, without padding.
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<String>,
            /// People in it; in the last reply.
            #[serde(skip_serializing_if = "Option::is_none")]
            users: Option<u64>,
            /// Templates of all of them; in the last reply.
            #[serde(skip_serializing_if = "Option::is_none")]
            templates: Option<u64>,
        };

        /// All that another machine needs in place of this one, in an age file: templates and PINs of everybody, rules, holidays,
        /// whether face unlock is on, and what was uploaded on this connection. Owner. Replies as Export does.
        Backup {
            /// Whom it is sealed for, `age1...`; the configured one if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            recipient: Option<String>,
        } only more -> Exporting;

        /// What was uploaded for the Backup that was uploaded now; for an Import on the same connection that stays. Owner.
        Unpack {
            /// The secret key that the file was sealed for, as `age-keygen` wrote it.
            identity: Secret,
        } only more -> Unpacking {
            /// Base64, without padding; absent in the last reply.
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<String>,
        };

        /// A part of a file, in base64 without padding, for a Backup, an Unpack or an Import on the same connection. Managers.
        Upload {
            /// Base64, without padding.
            data: String,
        } -> Done;

        /// Adds the templates in the file that was uploaded, all or none; the identity is the secret key it was sealed
        /// for. People who are enrolled with other templates are a Conflict, or are left out. Managers.
        Import {
            /// The secret key that the file was sealed for, as `age-keygen` wrote it.
            identity: Secret,
            /// Leave out people who are enrolled already.
            #[serde(skip_serializing_if = "Option::is_none")]
            skip_enrolled: Option<bool>,
        } -> Imported {
            /// Templates added; they are on the disk.
            added: u64,
            /// Of whom.
            users: Vec<String>,
            /// People who were left out, because they are enrolled with other templates.
            #[serde(default)]
            skipped: Vec<String>,
            /// What a person should know about them.
            #[serde(skip_serializing_if = "Option::is_none")]
            warnings: Option<Vec<String>>,
        };

        /// Reissues all templates under a new key, without a new picture; or, with `store_key`, draws a new store key. With
        /// `machine`, the store belongs to this machine from now on. Managers.
        Renew {
            /// Draw a new store key instead.
            #[serde(skip_serializing_if = "Option::is_none")]
            store_key: Option<bool>,
            /// The store was copied or moved here, and stays.
            #[serde(skip_serializing_if = "Option::is_none")]
            machine: Option<bool>,
        } -> Renewed {
            /// Templates that were reissued; 0 for a new store key, which changes none.
            templates: u64,
        };

        /// The lines of the audit log, oldest first, then a last reply without any. Managers. Only with `more`.
        Log {
            /// From this time on, in seconds since 1970-01-01 UTC; all that is kept if absent.
            #[serde(skip_serializing_if = "Option::is_none")]
            since: Option<u64>,
            /// About this person only.
            #[serde(skip_serializing_if = "Option::is_none")]
            user: Option<String>,
        } only more -> Logged {
            /// Lines.
            lines: Vec<AuditLine>,
        };

        /// Checks the audit log: the problems are lines that were changed, are missing, or could not be written. Managers.
        CheckAudit {} -> AuditReport {
            /// Lines that are as they were written.
            entries: u64,
            /// Files.
            files: u64,
            /// What is wrong, a sentence each.
            problems: Vec<String>,
            /// The log's two series of files.
            #[serde(default)]
            logs: Vec<AuditLog>,
        };
    }
}
