//! How often something may be done: a leaky bucket.

use std::time::Duration;

use crate::clock::BootTime;

/// Room for a number of things at once, and for one more after each interval.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    at_once: u32,
    interval: Duration,
    empty_at: BootTime,
}

impl Bucket {
    /// An empty one.
    pub(super) fn new(at_once: u32, interval: Duration) -> Self {
        Self { at_once, interval, empty_at: BootTime::default() }
    }

    /// Takes room for one, if that leaves as much as is reserved. Otherwise how long to wait.
    pub(super) fn take(&mut self, now: BootTime, reserved: u32) -> Result<(), Duration> {
        let room = self.interval * self.at_once.saturating_sub(1 + reserved);
        match self.empty_at.since(now).saturating_sub(room) {
            Duration::ZERO => self.empty_at = now.max(self.empty_at).after(self.interval),
            wait => return Err(wait),
        }
        Ok(())
    }

    /// Takes room for so many, whether or not it is there.
    pub(super) fn add(&mut self, count: u32, now: BootTime) {
        self.empty_at = now.max(self.empty_at).after(self.interval * count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_at_once_then_one_each_interval_and_what_is_reserved_is_left() {
        let mut bucket = Bucket::new(10, Duration::from_secs(30));
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        let mut taken =
            |seconds, reserved| (0..100).filter(|_| bucket.take(at(seconds), reserved).is_ok()).count();
        assert_eq!((taken(100, 4), taken(100, 0)), (6, 4));
        assert_eq!((taken(130, 4), taken(130, 0), taken(159, 0)), (0, 1, 0));
        assert_eq!(bucket.take(at(159), 0), Err(Duration::from_secs(1)));
    }
}
