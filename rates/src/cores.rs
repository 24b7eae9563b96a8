//! Work on all cores of the machine.

use std::sync::{Mutex, PoisonError, mpsc};

use super::RatesError;

/// Threads that work at once.
pub fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `work` on each job, on all cores; each result goes to `done`, on the caller's thread, in the order they get ready.
///
/// # Errors
/// The first error of `done`, which also ends the work.
pub fn each<J: Send, R: Send>(
    jobs: impl Iterator<Item = J> + Send,
    work: impl Fn(J) -> R + Sync,
    mut done: impl FnMut(R) -> Result<(), RatesError>,
) -> Result<(), RatesError> {
    let (jobs, work) = (Mutex::new(jobs), &work);
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..count() {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while let Some(job) = next() {
                    if send.send(work(job)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        receive.into_iter().try_for_each(&mut done)
    })
}

/// The results of `work` on each job, in the order of the jobs, on all cores.
pub fn map<J: Send, R: Send>(
    jobs: impl ExactSizeIterator<Item = J> + Send,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let mut results: Vec<(usize, R)> = Vec::with_capacity(jobs.len());
    let gather = |result| {
        results.push(result);
        Ok(())
    };
    let all = each(jobs.enumerate(), |(at, job)| (at, work(job)), gather);
    debug_assert!(all.is_ok(), "gathering does not fail");
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_jobs() {
        assert_eq!(map(0..1000, |job| 2 * job), (0..1000).map(|job| 2 * job).collect::<Vec<_>>());
        assert!(map(0..0, |job: i32| job).is_empty());
    }

    #[test]
    fn an_error_ends_the_work() {
        let refuse = |job| if job == 5 { Err(RatesError::Asked("five".to_owned())) } else { Ok(()) };
        assert_eq!(each(0.., |job| job, refuse).expect_err("ends").to_string(), "five");
    }
}
