//! An attempt that says what it rests on.

use facelatch_wire::call::Explain;
use facelatch_wire::reply::Explaining;

use super::attempts::{AttemptRequest, question};
use super::{CallError, Handle, run, user_name};
use crate::serve::connection::Replies;
use crate::serve::engine::Job;
use crate::serve::session::Session;
use crate::serve::to_wire;

impl Handle for Explain {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Explaining, CallError> {
        session.caller.must_be_owner("explain")?;
        let claimed = self.user.as_deref().map(user_name).transpose()?;
        let request = AttemptRequest { claimed, login: false, camera: self.camera, door: None };
        let without = |attempt| Explaining { attempt, explanation: None };
        let (question, permit) = match question(request, session).await? {
            Ok(asked) => asked,
            Err(unknown) => return Ok(without(unknown)),
        };
        let progress = |progress| without(to_wire::judging_progress(progress));
        run(session, permit, replies, |reporter| Job::Explain(question, reporter), progress).await
    }
}
