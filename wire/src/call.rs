//! What a client may ask. Each request knows its method's name and the type of its reply.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reply;

/// A request: serialises to the `parameters` of a call.
pub trait Method: Serialize {
    /// Full name of the method.
    const NAME: &'static str;
    /// What a reply carries. In a stream every reply has this type.
    type Reply: DeserializeOwned;
}

/// How the daemon is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {}

/// Adds templates of a person from the camera. With `more`, replies say how it gets on.
#[derive(Debug, Clone, Serialize)]
pub struct Enroll {
    /// Who.
    pub user: String,
    /// What this look is called, such as "with glasses".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How many templates to take; the daemon's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<u32>,
}

/// Is the person in front of the camera this user?
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verify {
    /// Who; the caller himself if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `Some(false)`: a match opens nothing, whatever the configuration says. Who logs in is at the machine,
    /// not at the door. Otherwise the latch opens as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latch: Option<bool>,
}

/// Who is in front of the camera?
#[derive(Debug, Clone, Default, Serialize)]
pub struct Identify {}

/// What is enrolled.
#[derive(Debug, Clone, Default, Serialize)]
pub struct List {
    /// Of whom; of everybody if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Forgets one template, or a person altogether.
#[derive(Debug, Clone, Serialize)]
pub struct Remove {
    /// Whose.
    pub user: String,
    /// Which template; all of them if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Forgets misses: whoever calls vouches for the person by another factor.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reset {
    /// Whose; those of identification if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What happens at the door from now on. Only with `more`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Events {}

/// An age file with one user's templates, or everybody's, in parts. Only with `more`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Export {
    /// Whom it is sealed for, `age1...`; the configured one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Whose templates; everybody's if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A part of a file for [`Import`], on the same connection.
#[derive(Debug, Clone, Serialize)]
pub struct Upload {
    /// Base64, without padding.
    pub data: String,
}

/// Adds what is in the file that was uploaded.
#[derive(Clone, Serialize)]
pub struct Import {
    /// The secret key that the file was sealed for, as `age-keygen` wrote it.
    pub identity: String,
    /// Leave out people who are enrolled already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_enrolled: bool,
}

/// Issues all templates anew under a new key.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Renew {
    /// Draw a new store key in the place of that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub store_key: bool,
}

/// Is the audit log as it was written?
#[derive(Debug, Clone, Default, Serialize)]
pub struct CheckAudit {}

macro_rules! methods {
    ($($request:ident => $reply:ty;)*) => {$(
        impl Method for $request {
            const NAME: &'static str = concat!("io.facelatch.v1.", stringify!($request));
            type Reply = $reply;
        }
    )*};
}

methods! {
    Status => reply::Status;
    Enroll => reply::Enrolling;
    Verify => reply::Judging;
    Identify => reply::Judging;
    List => reply::Listed;
    Remove => reply::Removed;
    Reset => reply::Done;
    Events => reply::Event;
    Export => reply::Exporting;
    Upload => reply::Done;
    Import => reply::Imported;
    Renew => reply::Renewed;
    CheckAudit => reply::AuditReport;
}
