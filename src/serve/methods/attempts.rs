//! Methods that use the camera: enrolment, verification, identification.

use facelatch_wire::Method;
use facelatch_wire::call::{Enroll, Identify, Verify};
use facelatch_wire::reply::{Enrolling, Judging};

use super::{CallError, Handle, follow, user_name};
use crate::pipeline::EnrollRequest;
use crate::serve::connection::Replies;
use crate::serve::engine::{Job, Question};
use crate::serve::fault::bad_parameter;
use crate::serve::session::Session;
use crate::serve::to_wire;

impl Handle for Enroll {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Enrolling, CallError> {
        session.may_change("enroll")?;
        let templates = match self.templates {
            Some(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX),
            None => session.state.templates,
        };
        let user = user_name(&self.user)?;
        let request = EnrollRequest { user, label: self.label.unwrap_or_default(), templates };
        let permit = session.job_permit().await?;
        let caller_uid = session.caller.uid;
        let mut job =
            session.state.engine.submit(permit, |reporter| Job::Enroll(request, caller_uid, reporter))?;
        job.started(session.state.queue_timeout).await?;
        let result = follow(job, replies, to_wire::enrolling_progress).await?;
        Ok(to_wire::enrolled(result)?)
    }
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
        let (claimed, may_open) = (Some(user_name(user)?), self.latch != Some(false));
        judge(Question { claimed, may_open, caller_uid: caller.uid }, session, replies).await
    }
}

impl Handle for Identify {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Judging, CallError> {
        session.caller.may_manage("identify")?;
        judge(Question { claimed: None, may_open: true, caller_uid: session.caller.uid }, session, replies)
            .await
    }
}

async fn judge<M: Method<Reply = Judging>>(
    question: Question,
    session: &Session,
    replies: &mut Replies<'_, '_, M>,
) -> Result<Judging, CallError> {
    let permit = session.job_permit().await?;
    let mut job = session.state.engine.submit(permit, |reporter| Job::Judge(question, reporter))?;
    job.started(session.state.queue_timeout).await?;
    let shown = |full| to_wire::shown_to(&session.caller, full);
    let judging = follow(job, replies, |progress| shown(to_wire::judging_progress(progress))).await?;
    Ok(shown(judging))
}
