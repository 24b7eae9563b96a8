//! Methods for doors: which there are, a look, and what happened there.

use facelatch_wire::call::{Attach, Done, Look, Report};
use facelatch_wire::reply::Judging;
use facelatch_wire::{Fault, Method};

use super::{CallError, Handle};
use crate::serve::connection::Replies;
use crate::serve::session::Session;

impl Handle for Look {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Judging, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}

impl Handle for Attach {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}

impl Handle for Report {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}
