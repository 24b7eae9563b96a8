//! The latch on a thread of its own, so that nobody but the caller waits while it opens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Latch, LatchError};
use crate::clock::Clock;
use crate::judge::Grant;

/// Grants that may wait while the latch is busy. A grant that comes later is refused: a door that opens long after the
/// person left is worse than one that stays closed.
const QUEUE: usize = 4;

/// A grant that has waited longer than this opens nothing, for the same reason.
const MAX_AGE: Duration = Duration::from_secs(5);

/// The caller behind a grant.
pub trait Waiting: Send + 'static {
    /// Whether the caller still waits. If not, the grant opens nothing.
    fn waits(&self) -> bool;

    /// Called once with what became of the grant.
    fn done(self: Box<Self>, opened: Result<(), LatchError>);
}

type Queued = (Grant, Box<dyn Waiting>);

/// Hands grants to a latch. When it is dropped, grants that still wait are refused, and the one being opened is waited for.
pub struct LatchThread {
    name: String,
    queue: Option<SyncSender<Queued>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LatchThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(latch: Box<dyn Latch>, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let name = latch.name();
        let (queue, grants) = sync_channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let closed = closing.clone();
        let thread = std::thread::Builder::new()
            .name("latch".to_owned())
            .spawn(move || run(latch, &*clock, &grants, &closed))?;
        Ok(Self { name, queue: Some(queue), closing, thread: Some(thread) })
    }

    /// Which latch this is, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hands over a grant and returns at once. The caller learns the result exactly once: on the latch's thread when the
    /// latch has opened or failed, or here if too many grants wait already.
    pub fn open(&self, grant: Grant, caller: Box<dyn Waiting>) {
        let latch = self.name.clone();
        let Some(queue) = &self.queue else { return caller.done(Err(LatchError::Stopping { latch })) };
        match queue.try_send((grant, caller)) {
            Ok(()) => {}
            Err(TrySendError::Full((_, caller))) => caller.done(Err(LatchError::Busy { latch })),
            Err(TrySendError::Disconnected((_, caller))) => caller.done(Err(LatchError::Panicked { latch })),
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

fn run(mut latch: Box<dyn Latch>, clock: &dyn Clock, grants: &Receiver<Queued>, closing: &AtomicBool) {
    while let Ok((grant, caller)) = grants.recv() {
        let name = || latch.name();
        let opened = if closing.load(Ordering::Acquire) {
            Err(LatchError::Stopping { latch: name() })
        } else if !caller.waits() || clock.now().since(grant.at()) > MAX_AGE {
            Err(LatchError::Expired { latch: name() })
        } else {
            let opened = catch_unwind(AssertUnwindSafe(|| latch.open(grant)));
            opened.unwrap_or_else(|_| Err(LatchError::Panicked { latch: latch.name() }))
        };
        if catch_unwind(AssertUnwindSafe(|| caller.done(opened))).is_err() {
            tracing::error!("what follows a grant panicked; please report it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::clock::{BootTime, WallTime};
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

    /// Sends the result to the test. Grants are given at 0 s.
    struct Told {
        waits: bool,
        results: Sender<Result<(), String>>,
    }

    impl Waiting for Told {
        fn waits(&self) -> bool {
            self.waits
        }

        fn done(self: Box<Self>, opened: Result<(), LatchError>) {
            let _ = self.results.send(opened.map_err(|error| error.to_string()));
        }
    }

    /// A clock that stands still.
    struct At(Duration);

    impl Clock for At {
        fn now(&self) -> BootTime {
            BootTime(self.0)
        }

        fn wall(&self) -> WallTime {
            WallTime(0)
        }
    }

    #[test]
    fn a_grant_that_is_old_or_has_lost_its_caller_opens_nothing() {
        for (waits, age, opens) in [(true, MAX_AGE, 1), (true, MAX_AGE * 2, 0), (false, Duration::ZERO, 0)] {
            let ((opening, opened), (leave, left)) = (channel(), channel());
            leave.send(true).expect("it waits");
            let slow = Box::new(Slow { opens: opening, leave: left });
            let thread = LatchThread::start(slow, Arc::new(At(age))).expect("starts");
            let (results, ended) = channel();
            thread.open(grant(), Box::new(Told { waits, results }));
            let result = ended.recv_timeout(MINUTES).expect("a result");
            drop(thread);
            assert_eq!(opened.iter().count(), opens, "{age:?}");
            assert_eq!(result.is_ok(), opens == 1, "{result:?}");
        }
    }

    /// The thread; grants that begin to open; leave to end; results.
    #[expect(clippy::type_complexity, reason = "taken apart at once")]
    fn slow() -> (LatchThread, Receiver<()>, Sender<bool>, impl Fn(&LatchThread), Receiver<Result<(), String>>)
    {
        let ((opens, opening), (leave, left)) = (channel(), channel());
        let thread = LatchThread::start(Box::new(Slow { opens, leave: left }), Arc::new(At(Duration::ZERO)));
        let thread = thread.expect("starts");
        let (results, ended) = channel();
        let open = move |thread: &LatchThread| {
            let results = results.clone();
            thread.open(grant(), Box::new(Told { waits: true, results }));
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
