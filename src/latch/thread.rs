//! The latch on a thread of its own, so that nobody but the caller waits while it opens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use super::{Latch, LatchError};
use crate::judge::Grant;

/// Grants that may wait while the latch is busy. A grant that comes later is refused: a door that opens long after the
/// person left is worse than one that stays closed.
const QUEUE: usize = 4;

/// Called once with what became of a grant.
type Done = Box<dyn FnOnce(Result<(), LatchError>) + Send>;

/// Hands grants to a latch. When it is dropped, grants that still wait are refused, and the one being opened is waited for.
pub struct LatchThread {
    name: String,
    queue: Option<SyncSender<(Grant, Done)>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LatchThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(latch: Box<dyn Latch>) -> std::io::Result<Self> {
        let name = latch.name();
        let (queue, grants) = sync_channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let closed = closing.clone();
        let thread = std::thread::Builder::new()
            .name("latch".to_owned())
            .spawn(move || run(latch, &grants, &closed))?;
        Ok(Self { name, queue: Some(queue), closing, thread: Some(thread) })
    }

    /// Which latch this is, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands over a grant and returns at once. `done` is called exactly once: on the latch's thread when the latch has
    /// opened or failed, or here if too many grants wait already.
    pub fn open(&self, grant: Grant, done: impl FnOnce(Result<(), LatchError>) + Send + 'static) {
        let latch = self.name.clone();
        let Some(queue) = &self.queue else { return done(Err(LatchError::Stopping { latch })) };
        match queue.try_send((grant, Box::new(done))) {
            Ok(()) => {}
            Err(TrySendError::Full((_, done))) => done(Err(LatchError::Busy { latch })),
            Err(TrySendError::Disconnected((_, done))) => done(Err(LatchError::Panicked { latch })),
        }
    }
}

impl Drop for LatchThread {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the latch's thread panicked; please report it");
        }
    }
}

fn run(mut latch: Box<dyn Latch>, grants: &Receiver<(Grant, Done)>, closing: &AtomicBool) {
    while let Ok((grant, done)) = grants.recv() {
        let opened = if closing.load(Ordering::Acquire) {
            Err(LatchError::Stopping { latch: latch.name() })
        } else {
            let opened = catch_unwind(AssertUnwindSafe(|| latch.open(grant)));
            opened.unwrap_or_else(|_| Err(LatchError::Panicked { latch: latch.name() }))
        };
        if catch_unwind(AssertUnwindSafe(|| done(opened))).is_err() {
            tracing::error!("what follows a grant panicked; please report it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::latch::testing::grant;

    /// A deadline that no machine needs.
    const MINUTES: Duration = Duration::from_secs(300);

    /// Says that it opens, then waits for leave.
    struct Slow {
        opens: Sender<()>,
        leave: Receiver<bool>,
    }

    impl Latch for Slow {
        fn open(&mut self, _: Grant) -> Result<(), LatchError> {
            self.opens.send(()).expect("the test listens");
            assert!(self.leave.recv_timeout(MINUTES).expect("leave"), "told to panic");
            Ok(())
        }

        fn name(&self) -> String {
            "slow".to_owned()
        }
    }

    /// The thread; grants that begin to open; leave to end; results.
    #[expect(clippy::type_complexity, reason = "taken apart at once")]
    fn slow() -> (LatchThread, Receiver<()>, Sender<bool>, impl Fn(&LatchThread), Receiver<Result<(), String>>)
    {
        let ((opens, opening), (leave, left)) = (channel(), channel());
        let thread = LatchThread::start(Box::new(Slow { opens, leave: left })).expect("starts");
        let (results, ended) = channel();
        let open = move |thread: &LatchThread| {
            let results = results.clone();
            thread.open(grant(), move |opened| {
                let _ = results.send(opened.map_err(|error| error.to_string()));
            });
        };
        (thread, opening, leave, open, ended)
    }

    #[test]
    fn each_grant_opens_once_and_in_turn_while_nobody_waits() {
        let (thread, opening, leave, open, ended) = slow();
        open(&thread);
        open(&thread);
        opening.recv_timeout(MINUTES).expect("the first opens");
        assert!(ended.try_recv().is_err() && opening.try_recv().is_err());
        for _ in 0..2 {
            leave.send(true).expect("it waits");
            assert_eq!(ended.recv_timeout(MINUTES), Ok(Ok(())));
        }
        drop(thread);
        assert_eq!(opening.iter().count(), 1, "two grants, opened once each");
    }

    #[test]
    fn grants_beyond_the_queue_are_refused_at_once() {
        let (thread, opening, leave, open, ended) = slow();
        open(&thread);
        opening.recv_timeout(MINUTES).expect("the first opens");
        (0..QUEUE).for_each(|_| open(&thread));
        assert!(ended.try_recv().is_err());
        open(&thread);
        assert!(ended.try_recv().expect("refused").expect_err("busy").contains("slow: still busy"));
        (0..=QUEUE).for_each(|_| leave.send(true).expect("it waits"));
    }

    #[test]
    fn grants_that_wait_at_the_end_open_nothing() {
        let (thread, opening, leave, open, ended) = slow();
        open(&thread);
        opening.recv_timeout(MINUTES).expect("the first opens");
        open(&thread);
        let closing = thread.closing.clone();
        let end = std::thread::spawn(move || drop(thread));
        while !closing.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        leave.send(true).expect("it waits");
        end.join().expect("ends");
        assert_eq!(ended.recv_timeout(MINUTES), Ok(Ok(())));
        assert!(ended.recv_timeout(MINUTES).expect("told").expect_err("refused").contains("stopping"));
        assert_eq!(opening.iter().count(), 0);
    }

    #[test]
    fn a_latch_that_panics_is_told_and_tried_again() {
        let (thread, _opening, leave, open, ended) = slow();
        for good in [false, true] {
            leave.send(good).expect("it waits");
            open(&thread);
            assert_eq!(ended.recv_timeout(MINUTES).expect("told").is_ok(), good);
        }
    }
}
