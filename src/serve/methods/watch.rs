//! Watching a camera.

use facelatch_wire::call::Watch;
use facelatch_wire::reply::{Seen, Sight};

use super::{CallError, Handle, run, unless_stopping};
use crate::serve::connection::Replies;
use crate::serve::engine::Job;
use crate::serve::fault::stopping;
use crate::serve::session::Session;

impl Handle for Watch {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Sight, CallError> {
        session.caller.may_serve_a_door("watch")?;
        let name = session.state.doors.find(self.door.as_deref())?.camera;
        let cameras = &session.state.engine.status.cameras;
        // The default one is the first.
        let camera = cameras.iter().position(|camera| Some(&camera.name) == name.as_ref()).unwrap_or(0);
        let permit = session.job_permit().await?;
        let job = |reporter| Job::Watch(camera, reporter);
        let watching = |_| Sight { seen: Seen::Watching };
        let mut sights = run(session, permit, replies, job, watching).await?;
        loop {
            let next = unless_stopping(&session.state, async { Ok(sights.recv().await) });
            let seen = next.await?.ok_or_else(stopping)?;
            replies.send(&Sight { seen }).await?;
        }
    }
}
