//! Several replies to one call: the news of a job, or what happens at the door.

use facelatch_wire::Fault;
use facelatch_wire::reply::Event;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use zlink::service::ReplyStreamItem;

use super::line::{News, Ongoing, stopping};
use super::service::{Replies, Reply};
use crate::pipeline::Progress;

/// News of a job while it runs, and how it ended as the last reply.
pub(super) fn job<T: 'static>(
    ongoing: Ongoing<T>,
    progress: impl Fn(Progress) -> Reply + 'static,
    end: impl FnOnce(T) -> Result<Reply, Fault> + 'static,
) -> Replies {
    let state = Some((ongoing, progress, end));
    stream::unfold(state, |state| async {
        let (mut ongoing, progress, end) = state?;
        loop {
            match ongoing.news.recv().await {
                Some(News::Started) => {}
                Some(News::Progress(news)) => {
                    return Some((goes_on(progress(news)), Some((ongoing, progress, end))));
                }
                // The engine has dropped its end of the line, so the outcome is there or never comes.
                None => break,
            }
        }
        let last = match ongoing.end.await {
            Ok(outcome) => {
                end(outcome).map(|reply| zlink::Reply::new(Some(reply)).set_continues(Some(false)))
            }
            Err(_) => Err(stopping()),
        };
        Some(((last, Vec::new()), None))
    })
    .boxed_local()
}

/// `first`, then events until the daemon stops.
pub(super) fn events(first: Event, receiver: broadcast::Receiver<Event>) -> Replies {
    let first = goes_on(Reply::Event(first));
    let rest = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        let mut lost = None;
        loop {
            match receiver.recv().await {
                Ok(event) => {
                    let reply = Reply::Event(Event { lost, ..event });
                    return Some((goes_on(reply), Some(receiver)));
                }
                Err(RecvError::Lagged(so_many)) => lost = Some(so_many),
                Err(RecvError::Closed) => return Some(((Err(stopping()), Vec::new()), None)),
            }
        }
    });
    stream::once(async { first }).chain(rest).boxed_local()
}

/// All of these, one after the other.
pub(super) fn parts(replies: Vec<Reply>) -> Replies {
    let last = replies.len().saturating_sub(1);
    let marked = replies.into_iter().enumerate().map(move |(at, reply)| {
        (Ok(zlink::Reply::new(Some(reply)).set_continues(Some(at < last))), Vec::new())
    });
    stream::iter(marked).boxed_local()
}

fn goes_on(reply: Reply) -> ReplyStreamItem<Reply, Fault> {
    (Ok(zlink::Reply::new(Some(reply)).set_continues(Some(true))), Vec::new())
}
