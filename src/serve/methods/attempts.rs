//! Methods that use a camera: enrolment, verification, identification; what a look at a door shares with them.

use facelatch_wire::call::{Enroll, Identify, Verify};
use facelatch_wire::message::printable;
use facelatch_wire::reply::{Enrolling, Judging};
use facelatch_wire::{Fault, Method, Outcome};

use super::{CallError, Handle, run, user_name, without_account};
use crate::people::access::DoorName;
use crate::people::{Account, UserName};
use crate::pipeline::EnrollRequest;
use crate::serve::connection::Replies;
use crate::serve::engine::{Job, Question};
use crate::serve::engine_status::EngineStatus;
use crate::serve::fault::bad_parameter;
use crate::serve::job_limit::JobPermit;
use crate::serve::session::Session;
use crate::serve::to_wire;

impl Handle for Enroll {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Enrolling, CallError> {
        session.begin_change("enroll")?;
        let allow_child = self.allow_child.unwrap_or_default();
        if allow_child {
            session.caller.must_be_owner("enroll: a small child's face")?;
        }
        let camera = known_camera(session, self.camera)?;
        let templates = match self.templates {
            Some(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX),
            None => session.state.templates,
        };
        let user = user_name(&self.user)?;
        // Before the name service is asked, so that nobody can keep it busy alone.
        let permit = session.job_permit().await?;
        let account = account(session, &user, self.door.unwrap_or_default()).await?;
        let note = (account == Account::Door && self.door != Some(true)).then(|| without_account(&user));
        let label = self.label.unwrap_or_default();
        let request = EnrollRequest { user, account, label, templates, camera, allow_child };
        let caller_uid = session.caller.uid;
        let job = |reporter| Job::Enroll(request, caller_uid, reporter);
        let result = run(session, permit, replies, job, to_wire::enrolling_progress).await?;
        let mut enrolled = to_wire::enrolled(result)?;
        if let Some(note) = note {
            enrolled.warnings.get_or_insert_default().push(note);
        }
        Ok(enrolled)
    }
}

/// The camera, if there is one of that name.
pub(super) fn known_camera(session: &Session, camera: Option<String>) -> Result<Option<String>, Fault> {
    let status = &session.state.engine.status;
    match camera {
        Some(name) if status.camera(Some(&name)).is_none() => {
            Err(bad_parameter("camera", &no_camera(&name, status)))
        }
        camera => Ok(camera),
    }
}

fn no_camera(name: &str, status: &EngineStatus) -> String {
    let known: Vec<&str> = status.cameras.iter().map(|camera| &*camera.name).collect();
    format!("camera {:?}: there is none of that name; known are {}", printable(name), known.join(", "))
}

/// Whom new templates of this user are for.
async fn account(session: &Session, user: &UserName, door: bool) -> Result<Account, Fault> {
    if door {
        return Ok(Account::Door);
    }
    let state = &session.state;
    let uid = state.accounts.uid(user.clone(), state.queue_timeout).await;
    let uid =
        uid.map_err(|error| Fault::EnrollFailed { reason: Outcome::Failed, message: error.to_string() })?;
    Ok(uid.map_or(Account::Door, Account::Uid))
}

impl Handle for Verify {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Judging, CallError> {
        let caller = &session.caller;
        let user = match self.user.as_ref().or(caller.name.as_ref()) {
            Some(user) => user,
            None => {
                let why = format!("user id {}: has no login name; name a user", caller.uid);
                return Err(bad_parameter("user", &why).into());
            }
        };
        caller.may_ask_about("verify", user)?;
        let user = user_name(user)?;
        let request = AttemptRequest {
            claimed: Some(user),
            login: self.latch == Some(false),
            camera: self.camera,
            door: None,
        };
        judge(request, session, replies).await
    }
}

impl Handle for Identify {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Judging, CallError> {
        session.caller.may_manage("identify")?;
        // It opens that door, so the rules of that door count.
        let default = session.state.engine.status.cameras.first().map_or("", |camera| &camera.name);
        let door = session.state.doors.only(self.camera.as_deref(), default);
        let request = AttemptRequest { claimed: None, login: false, camera: self.camera, door };
        judge(request, session, replies).await
    }
}

/// The attempt that was asked for.
pub(super) struct AttemptRequest {
    /// 1:1; `None` is 1:n.
    pub(super) claimed: Option<UserName>,
    pub(super) login: bool,
    /// Which camera is to look.
    pub(super) camera: Option<String>,
    /// For which door.
    pub(super) door: Option<DoorName>,
}

pub(super) async fn judge<M: Method<Reply = Judging>>(
    request: AttemptRequest,
    session: &Session,
    replies: &mut Replies<'_, '_, M>,
) -> Result<Judging, CallError> {
    let (question, permit) = match question(request, session).await? {
        Ok(asked) => asked,
        Err(unknown) => return Ok(unknown),
    };
    let shown = |full| to_wire::shown_to(&session.caller, full);
    let progress = |progress| shown(to_wire::judging_progress(progress));
    let judging = run(session, permit, replies, |reporter| Job::Judge(question, reporter), progress).await?;
    Ok(shown(judging))
}

/// The question for the engine, and the permit to put it there. The inner `Err` is the reply where it is not known which
/// accounts there are.
pub(super) async fn question(
    request: AttemptRequest,
    session: &Session,
) -> Result<Result<(Question, Option<JobPermit>), Judging>, CallError> {
    let state = &session.state;
    let AttemptRequest { claimed, login, camera, door } = request;
    let camera = known_camera(session, camera)?;
    // Before the name service is asked, so that nobody can keep it busy alone.
    let permit = session.job_permit().await?;
    let accounts = match state.accounts.for_attempt(claimed.as_ref(), login, state.queue_timeout).await {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::error!(user = claimed.as_ref().map(UserName::as_str), "{error}");
            return Ok(Err(to_wire::accounts_unknown(claimed.as_ref(), &error)));
        }
    };
    let by_owner = session.caller.is_owner();
    let question = Question { claimed, accounts, caller_uid: session.caller.uid, by_owner, camera, door };
    Ok(Ok((question, permit)))
}
