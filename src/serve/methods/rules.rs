//! Who may come in when.

use facelatch_wire::call::{Done, RuleList, Rules, SetPremises, SetRule};
use facelatch_wire::{Fault, Method};

use super::{CallError, Handle};
use crate::serve::connection::Replies;
use crate::serve::session::Session;

impl Handle for SetRule {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}

impl Handle for Rules {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<RuleList, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}

impl Handle for SetPremises {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        Err(Fault::MethodNotFound { method: Self::NAME.to_owned() }.into())
    }
}
