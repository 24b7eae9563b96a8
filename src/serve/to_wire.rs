//! Results of the engine and the store as the wire's types, and the part of them that a caller may see.

use std::collections::BTreeMap;

use facelatch_wire::reply::{
    AccountState, AuditLine, AuditLog, Enrolling, Face, Judging, Milliseconds, Point, Template,
};
use facelatch_wire::{Fault, Outcome};

use super::accounts::AccountError;
use super::fault::{bad_parameter, store_fault};
use super::peer::Caller;
use super::pins::Judged;
use crate::clock::WallTime;
use crate::detect::attack::{Need, Species};
use crate::judge::LockedOut;
use crate::judge::pin::PinVerdict;
use crate::people::{Account, Standing, UserName};
use crate::pipeline::{Attempt, Cause, DenyReason, EnrollError, Enrolled, Progress, Verdict};
use crate::store::audit::{Entry, SeriesReport};
use crate::store::{self, StoreError};

pub(super) mod explained;
pub(super) mod rules;

/// Everything there is to say about an attempt. [`shown_to`] takes off what a caller may not see.
pub(super) fn judging(attempt: &Attempt, claimed: Option<&UserName>) -> Judging {
    let claimed = claimed.map(ToString::to_string);
    let mut judging = match &attempt.verdict {
        Verdict::Granted(grant) => matched(grant.user()),
        Verdict::Matched(user) => matched(user),
        Verdict::Denied(DenyReason::NoMatch) => refused(Outcome::NoMatch, claimed),
        Verdict::Denied(DenyReason::Ambiguous) => refused(Outcome::Ambiguous, claimed),
        Verdict::Denied(DenyReason::Attack(_)) => refused(Outcome::Attack, claimed),
        Verdict::Denied(DenyReason::NotAllowed(user)) => refused(Outcome::NotAllowed, named(user)),
        Verdict::Denied(DenyReason::ClockUnset(user)) => refused(Outcome::ClockUnset, named(user)),
        Verdict::Denied(DenyReason::EnterPin(user)) => refused(Outcome::EnterPin, named(user)),
        Verdict::Denied(DenyReason::LockedOut { until, user }) => locked_out(*until, user.as_ref()),
        Verdict::Unavailable(cause) => Judging {
            verdict: Some(outcome(cause)),
            message: Some(match cause {
                Cause::NotEnrolled if claimed.is_none() => {
                    "nobody is enrolled whose face counts; see `facelatch list`".to_owned()
                }
                _ => cause_text(cause),
            }),
            user: claimed,
            ..Judging::default()
        },
    };
    let trace = &attempt.trace;
    judging.p = trace.probability.map(|p| p.value());
    judging.threshold = trace.threshold.map(|p| p.value());
    let ms = trace.ms();
    judging.ms = Some(Milliseconds { detect: ms.detect, align: ms.align, embed: ms.embed, score: ms.score });
    judging.frames = Some(trace.frames as u64);
    judging.picture.clone_from(&trace.picture);
    judging.face = trace.face.as_ref().map(face);
    judging
}

fn matched(user: &UserName) -> Judging {
    Judging { verdict: Some(Outcome::Match), user: Some(user.to_string()), ..Judging::default() }
}

/// Who was recognised, in a reply that lets nobody in.
fn named(user: &UserName) -> Option<String> {
    Some(user.to_string())
}

fn refused(outcome: Outcome, user: Option<String>) -> Judging {
    Judging { verdict: Some(outcome), user, message: Some(outcome.message()), ..Judging::default() }
}

/// An attempt that was not begun, because it is not known which accounts there are.
pub(super) fn accounts_unknown(claimed: Option<&UserName>, error: &AccountError) -> Judging {
    Judging {
        verdict: Some(Outcome::Failed),
        user: claimed.map(ToString::to_string),
        message: Some(error.to_string()),
        ..Judging::default()
    }
}

/// What a PIN leads to, without whether it was the one for duress: the door shows this to whoever stands there.
pub(super) fn pin_judging(judged: &Judged) -> Judging {
    let (verdict, user) = match judged {
        Judged::LockedOut(until) => return locked_out(*until, None),
        Judged::Verdict { verdict, user, .. } => (verdict, user),
    };
    let outcome = match verdict {
        PinVerdict::Match => Outcome::Match,
        PinVerdict::NoMatch => Outcome::NoMatch,
        PinVerdict::FaceWanted => Outcome::NoFace,
        PinVerdict::NotAllowed => Outcome::NotAllowed,
        PinVerdict::ClockUnset => Outcome::ClockUnset,
        PinVerdict::SwitchedOff => Outcome::SwitchedOff,
    };
    let message = (outcome != Outcome::Match).then(|| outcome.message());
    let user = user.as_ref().map(ToString::to_string);
    Judging { verdict: Some(outcome), user, message, ..Judging::default() }
}

/// A PIN that was not judged.
pub(super) fn pin_failed(why: String) -> Judging {
    Judging { verdict: Some(Outcome::Failed), message: Some(why), ..Judging::default() }
}

fn locked_out(until: LockedOut, user: Option<&UserName>) -> Judging {
    let user = user.map(ToString::to_string);
    let (outcome, wait_s, advice) = match until {
        LockedOut::Wait(left) => {
            // Rounded up: an attempt after exactly that many seconds counts.
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            (Outcome::Wait, Some(seconds), format!("try again in {seconds} s, or use another way in"))
        }
        LockedOut::Stopped => {
            // The count of identification belongs to nobody.
            let whose = user.as_ref().map_or_else(String::new, |user| format!(" {user}"));
            (Outcome::Stopped, None, format!("use another way in, then `facelatch reset{whose}`"))
        }
    };
    let message = Some(format!("{}; {advice}", outcome.text()));
    Judging { verdict: Some(outcome), user, wait_s, message, ..Judging::default() }
}

fn face(face: &crate::detect::Face) -> Face {
    let point = |p: &crate::detect::Point| Point { x: f64::from(p.x), y: f64::from(p.y) };
    Face {
        x: f64::from(face.bbox.x),
        y: f64::from(face.bbox.y),
        w: f64::from(face.bbox.w),
        h: f64::from(face.bbox.h),
        landmarks: face.landmarks.iter().map(point).collect(),
    }
}

/// The part of a reply that this caller may see. Lists what goes out, so that a new field
/// is hidden by default.
pub(super) fn shown_to(caller: &Caller, full: Judging) -> Judging {
    if caller.is_owner() {
        return full;
    }
    let latch_error = full.latch_error.filter(|_| caller.is_manager());
    Judging {
        verdict: full.verdict,
        user: full.user,
        message: full.message,
        guidance: full.guidance,
        done: full.done,
        wanted: full.wanted,
        wait_s: full.wait_s,
        latch_error,
        ..Judging::default()
    }
}

/// Progress of an attempt.
pub(super) fn judging_progress(progress: Progress) -> Judging {
    match progress {
        Progress::Guidance(reason) => {
            let guidance = Outcome::from(reason);
            Judging { guidance: Some(guidance), message: Some(guidance.message()), ..Judging::default() }
        }
        Progress::Captured { done, wanted } => {
            Judging { done: Some(done as u64), wanted: Some(wanted as u64), ..Judging::default() }
        }
        Progress::Prompt(need) => {
            let guidance = prompt(need);
            Judging { guidance: Some(guidance), message: Some(guidance.message()), ..Judging::default() }
        }
        Progress::Outlier => Judging {
            message: Some(
                "this picture does not look like the others and is not kept; look straight at the camera, one person only"
                    .to_owned(),
            ),
            ..Judging::default()
        },
        Progress::Frame => Judging::default(),
        Progress::Camera(text) => {
            Judging { guidance: Some(Outcome::CameraUnavailable), message: Some(text), ..Judging::default() }
        }
    }
}

/// What the person before the camera is asked to do.
pub(super) fn prompt(need: Need) -> Outcome {
    match need {
        Need::TurnLeft => Outcome::TurnLeft,
        Need::TurnRight => Outcome::TurnRight,
        Need::TurnFarther => Outcome::TurnFarther,
        Need::LookStraight | Need::Frames | Need::Infrared | Need::Colour => Outcome::LookStraight,
    }
}

/// What an attack was most like, for the record.
pub(super) fn species(species: Species) -> &'static str {
    match species {
        Species::Print => "print",
        Species::Screen => "screen",
        Species::Film => "film",
        Species::Flat => "flat",
        Species::Swap => "swap",
    }
}

/// Progress of an enrolment.
pub(super) fn enrolling_progress(progress: Progress) -> Enrolling {
    let Judging { guidance, message, done, wanted, .. } = judging_progress(progress);
    Enrolling { guidance, message, done, wanted, ..Enrolling::default() }
}

/// How an enrolment ended.
pub(super) fn enrolled(result: Result<Enrolled, EnrollError>) -> Result<Enrolling, Fault> {
    match result {
        Ok(done) => Ok(Enrolling {
            user: Some(done.user.to_string()),
            added: Some(done.ids.len() as u64),
            ids: Some(done.ids),
            replaced: Some(done.replaced as u64).filter(|replaced| *replaced > 0),
            warnings: Some(done.warnings).filter(|warnings| !warnings.is_empty()),
            ..Enrolling::default()
        }),
        Err(error @ EnrollError::Templates { .. }) => Err(bad_parameter("templates", &error)),
        Err(error @ EnrollError::Label) => Err(bad_parameter("label", &error)),
        Err(error @ EnrollError::AnotherFace) => {
            Err(Fault::EnrollFailed { reason: Outcome::SeveralFaces, message: error.to_string() })
        }
        Err(error @ EnrollError::Attack(_)) => {
            Err(Fault::EnrollFailed { reason: Outcome::Attack, message: error.to_string() })
        }
        Err(error @ EnrollError::LikeMany { .. }) => {
            Err(Fault::EnrollFailed { reason: Outcome::Ambiguous, message: error.to_string() })
        }
        Err(error @ EnrollError::Child { .. }) => {
            Err(Fault::EnrollFailed { reason: Outcome::Child, message: error.to_string() })
        }
        Err(EnrollError::Unavailable(cause)) => {
            Err(Fault::EnrollFailed { reason: outcome(&cause), message: cause_text(&cause) })
        }
        Err(EnrollError::Store(error @ StoreError::Full { .. })) => Err(bad_parameter("templates", &error)),
        Err(EnrollError::Store(error)) => Err(store_fault(error)),
    }
}

/// A template without its biometric part. `uids` has the accounts that are there; `None` if nobody knows.
pub(super) fn template(template: store::Template, uids: Option<&BTreeMap<UserName, u32>>) -> Template {
    let standing = uids.map(|uids| template.account.standing(uids.get(&template.user).copied()));
    let account = match standing {
        None if matches!(template.account, Account::Uid(_)) => AccountState::Unanswered,
        None => account_state(template.account.standing(None)),
        Some(standing) => account_state(standing),
    };
    let uid = match template.account {
        Account::Uid(uid) => Some(uid.into()),
        Account::Door | Account::Unrecorded => None,
    };
    Template {
        account,
        uid,
        allow_child: template.allow_child,
        id: template.id,
        user: template.user.to_string(),
        label: template.label,
        created_at: template.created_at.0,
        adapted: template.adapted,
    }
}

/// What there is of one series of the audit log.
pub(super) fn audit_log(series: SeriesReport) -> AuditLog {
    let SeriesReport { name, entries, files, dropped, since, kept_since } = series;
    let seconds = |time: WallTime| time.0;
    AuditLog { name, entries, files, dropped, since: since.map(seconds), kept_since: kept_since.map(seconds) }
}

/// Longest note of a line, in characters: a message must have room for it.
const MAX_NOTE: usize = 2_000;

/// A line of the audit log.
pub(super) fn audit_line(entry: Entry) -> AuditLine {
    let Entry { time, kind, user, by, verdict, latch, door, change, note, lost, times, .. } = entry;
    AuditLine {
        time: time.0,
        kind,
        user,
        by: by.map(u64::from),
        verdict,
        latch,
        door,
        change,
        note: note.map(|note| note.chars().take(MAX_NOTE).collect()),
        lost,
        times,
    }
}

fn account_state(standing: Standing) -> AccountState {
    match standing {
        Standing::Current => AccountState::Current,
        Standing::Gone => AccountState::Gone,
        Standing::Changed => AccountState::Changed,
        Standing::Door => AccountState::Door,
        Standing::Unrecorded => AccountState::Unrecorded,
    }
}

/// The outcome for a cause.
pub(super) fn outcome(cause: &Cause) -> Outcome {
    match cause {
        Cause::Retry(reason) => (*reason).into(),
        Cause::NotEnrolled | Cause::OtherAccount(_) => Outcome::NotEnrolled,
        Cause::SwitchedOff => Outcome::SwitchedOff,
        Cause::Camera(_) => Outcome::CameraUnavailable,
        Cause::Cancelled => Outcome::Cancelled,
        Cause::Failed(_) => Outcome::Failed,
    }
}

/// The text for a cause: its own, or that of its outcome.
pub(super) fn cause_text(cause: &Cause) -> String {
    match cause {
        Cause::Camera(text) | Cause::Failed(text) => text.clone(),
        Cause::OtherAccount(standing) => standing.text().to_owned(),
        _ => outcome(cause).message(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::peer::Role;

    fn full() -> Judging {
        Judging {
            verdict: Some(Outcome::Match),
            user: Some("alice".into()),
            latch_error: Some("stuck".into()),
            p: Some(0.99),
            threshold: Some(0.9),
            ms: Some(Milliseconds::default()),
            frames: Some(3),
            picture: Some("a.jpg".into()),
            face: Some(Face::default()),
            ..Judging::default()
        }
    }

    fn keys(role: Role) -> Vec<String> {
        let caller = Caller { uid: 1, name: None, role };
        let value = serde_json::to_value(shown_to(&caller, full())).expect("serialises");
        value.as_object().expect("object").keys().cloned().collect()
    }

    #[test]
    fn scores_are_for_the_owner_and_latch_errors_for_managers() {
        assert_eq!(keys(Role::User), ["user", "verdict"]);
        assert_eq!(keys(Role::Manager), ["latch_error", "user", "verdict"]);
        assert!(keys(Role::Owner).contains(&"p".to_owned()));
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let wait = |ms| locked_out(LockedOut::Wait(std::time::Duration::from_millis(ms)), None).wait_s;
        assert_eq!((wait(1), wait(1000), wait(1001)), (Some(1), Some(1), Some(2)));
    }
}
