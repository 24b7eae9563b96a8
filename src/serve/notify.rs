//! Word to systemd: ready, alive, and how we are.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::connection::Round;
use super::engine::Shared;

/// How often the state is told when no watchdog asks for more.
const PERIOD: Duration = Duration::from_secs(5);

/// Says that we are ready, then for ever how we are. The watchdog is fed only by the loops themselves: since it
/// was fed last the socket's has come round, the engine's has come round, and no read of the camera hangs.
pub(super) async fn watch(shared: Arc<Shared>, round: Rc<Round>) {
    let watchdog = sd_notify::watchdog_enabled();
    // Twice in each interval, as sd_watchdog_enabled(3) advises.
    let period = watchdog.map_or(PERIOD, |interval| (interval / 2).min(PERIOD));
    tell(&[NotifyState::Ready, NotifyState::Status(&state(&shared))]);
    let look =
        || Signs { socket: round.count(), engine: shared.ticks(), camera_hangs: shared.camera_hangs() };
    let mut fed = look();
    let mut said = String::new();
    loop {
        tokio::time::sleep(period).await;
        let state = state(&shared);
        if state != said {
            tell(&[NotifyState::Status(&state)]);
            said = state;
        }
        let now = look();
        if watchdog.is_some() && now.alive_since(fed) {
            tell(&[NotifyState::Watchdog]);
            fed = now;
        }
    }
}

/// Says that we are about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Signs of life. A restart mends whatever stops them for long.
#[derive(Debug, Clone, Copy)]
struct Signs {
    /// Rounds of the loop that lets clients in.
    socket: u64,
    /// Ticks of the thread that looks.
    engine: u64,
    /// A read that the camera's driver never answers holds the camera.
    camera_hangs: bool,
}

impl Signs {
    fn alive_since(self, before: Self) -> bool {
        self.socket != before.socket && self.engine != before.engine && !self.camera_hangs
    }
}

fn state(shared: &Shared) -> String {
    shared.camera().trouble.map_or_else(|| "ready".to_owned(), |trouble| format!("degraded: {trouble}"))
}

fn tell(states: &[NotifyState<'_>]) {
    // Without systemd this does nothing; with it, there is nobody else to complain to.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd: cannot be told how we are ({error})");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loop_that_stands_still_is_enough_to_starve_the_watchdog() {
        let fed = Signs { socket: 3, engine: 7, camera_hangs: false };
        let now = Signs { socket: 4, engine: 8, camera_hangs: false };
        assert!(now.alive_since(fed));
        assert!(!Signs { socket: 3, ..now }.alive_since(fed));
        assert!(!Signs { engine: 7, ..now }.alive_since(fed));
        assert!(!Signs { camera_hangs: true, ..now }.alive_since(fed));
    }
}
