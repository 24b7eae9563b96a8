//! What Varlink itself asks: who we are, and what we understand.

use facelatch_wire::call::{Description, GetInfo, GetInterfaceDescription, Info};
use facelatch_wire::message::printable;
use facelatch_wire::{Fault, INTERFACE};

use super::{CallError, Handle};
use crate::serve::connection::Replies;
use crate::serve::session::Session;

/// Varlink's own interface, which every service answers.
const VARLINK: &str = "org.varlink.service";

impl Handle for GetInfo {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Info, CallError> {
        Ok(Info {
            vendor: "facelatch".to_owned(),
            product: "facelatchd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: env!("CARGO_PKG_REPOSITORY").to_owned(),
            interfaces: vec![VARLINK.to_owned(), INTERFACE.to_owned()],
        })
    }
}

impl Handle for GetInterfaceDescription {
    async fn handle(self, _: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Description, CallError> {
        let description = match self.interface.as_str() {
            INTERFACE => facelatch_wire::IDL,
            VARLINK => include_str!("../service.varlink"),
            other => return Err(Fault::InterfaceNotFound { interface: printable(other) }.into()),
        };
        Ok(Description { description: description.to_owned() })
    }
}
