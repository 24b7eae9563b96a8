//! Watching a camera.

use facelatch_wire::call::Watch;
use facelatch_wire::reply::Sight;
use facelatch_wire::{Fault, Method};

use super::{CallError, Handle};
use crate::serve::connection::Replies;
use crate::serve::session::Session;

impl Handle for Watch {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Sight, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}
