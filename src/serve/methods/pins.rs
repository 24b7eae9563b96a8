//! PINs: setting and judging them.

use facelatch_wire::call::{Done, SetPin, VerifyPin};
use facelatch_wire::reply::Judging;
use facelatch_wire::{Fault, Method};

use super::{CallError, Handle};
use crate::serve::connection::Replies;
use crate::serve::session::Session;

impl Handle for VerifyPin {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Judging, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}

impl Handle for SetPin {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}
