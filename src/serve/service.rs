//! zlink's side of a connection: a call to an [`Answer`], an answer to replies.

use std::fmt;
use std::os::fd::OwnedFd;

use facelatch_wire::Fault;
use facelatch_wire::reply::{
    AuditReport, Done, Enrolling, Event, Exporting, Imported, Judging, Listed, Removed, Renewed, Status,
};
use futures_util::stream::LocalBoxStream;
use serde::Serialize;
use serde_json::Value;
use zlink::connection::Socket;
use zlink::service::{HandleResult, MethodReply, ReplyStreamItem, Service};
use zlink::{Call, Connection};

use super::gate::FAULTY;
use super::message::{self, Envelope};
use super::methods::Desk;

/// What a method gives back.
#[expect(clippy::large_enum_variant, reason = "one at a time, and soon gone")]
pub(super) enum Answer {
    /// One reply.
    One(Reply),
    /// Several.
    Many(Replies),
}

/// Replies as they come.
pub(super) type Replies = LocalBoxStream<'static, ReplyStreamItem<Reply, Fault>>;

/// The parameters of a reply.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    Status(Status),
    Enrolling(Enrolling),
    Judging(Judging),
    Listed(Listed),
    Removed(Removed),
    Done(Done),
    Event(Event),
    Exporting(Exporting),
    Imported(Imported),
    Renewed(Renewed),
    AuditReport(AuditReport),
    /// Varlink's own.
    Other(Value),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // zlink logs replies; scores must not get there.
        f.write_str("Reply")
    }
}

impl<Sock: Socket> Service<Sock> for Desk {
    type MethodCall<'de> = Incoming;
    type ReplyParams<'ser> = Reply;
    type ReplyStreamParams = Reply;
    type ReplyStreamError = Fault;
    type ReplyStream = Replies;
    type ReplyError<'ser> = Fault;
    type Upgrade = ();

    async fn handle<'ser>(
        &'ser mut self,
        call: &'ser Call<Self::MethodCall<'_>>,
        _connection: &mut Connection<Sock>,
        _fds: Vec<OwnedFd>,
    ) -> HandleResult<Reply, Replies, Fault> {
        let reply = match self.take(call).await {
            Ok(Answer::One(reply)) => MethodReply::Single(Some(reply)),
            Ok(Answer::Many(replies)) => MethodReply::Multi(replies),
            Err(fault) => MethodReply::Error(fault),
        };
        (reply, Vec::new())
    }
}

impl Desk {
    async fn take(&self, call: &Call<Incoming>) -> Result<Answer, Fault> {
        let Incoming { method, parameters } = call.method();
        if method == FAULTY {
            let unreadable = |_| Fault::BadMessage { message: "message: not understood".to_owned() };
            return Err(serde_json::from_value(Value::Object(parameters.clone())).map_err(unreadable)?);
        }
        let (method, parameters) = (method.clone(), parameters.clone());
        let envelope = Envelope { method, parameters, more: call.more(), oneway: call.oneway() };
        self.answer(message::request(&envelope)?, call.more()).await
    }
}

/// A call in the gate's canonical form; zlink itself keeps the flags.
#[derive(serde::Deserialize)]
pub(super) struct Incoming {
    method: String,
    #[serde(default)]
    parameters: serde_json::Map<String, Value>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.method)
    }
}
