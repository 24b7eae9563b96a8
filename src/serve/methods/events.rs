//! What happens at the door, as it happens.

use facelatch_wire::call::Events;
use facelatch_wire::reply::{Event, EventKind};
use tokio::sync::broadcast::error::RecvError;

use super::{CallError, Handle, unless_stopping};
use crate::serve::connection::Replies;
use crate::serve::fault::stopping;
use crate::serve::session::Session;

impl Handle for Events {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Event, CallError> {
        session.caller.may_serve_a_door("events")?;
        let recorder = &session.state.recorder;
        let mut events = recorder.events.subscribe();
        replies.send(&recorder.event(EventKind::Listening, None)).await?;
        let is_seen = |event: &Event| session.caller.is_manager() || is_for_doors(event);
        let mut lost = None;
        loop {
            let next = unless_stopping(&session.state, async { Ok(events.recv().await) });
            match next.await? {
                Ok(event) if !is_seen(&event) => {}
                Ok(event) => replies.send(&Event { lost: lost.take(), ..event }).await?,
                Err(RecvError::Lagged(count)) => lost = Some(lost.unwrap_or(0) + count),
                Err(RecvError::Closed) => return Err(stopping().into()),
            }
        }
    }
}

/// Whether a door's program sees it: what opens a door, what is asked of people there, and what happens there. It does not see
/// logins, nor who is enrolled and removed.
fn is_for_doors(event: &Event) -> bool {
    match event.kind {
        EventKind::Identify | EventKind::Pin | EventKind::Door => true,
        // Of a login it names the user.
        EventKind::Prompt => event.user.is_none(),
        _ => false,
    }
}
