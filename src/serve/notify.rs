//! Reports to systemd: ready, alive, and in which state.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::engine_status::EngineStatus;
use super::listener::Heartbeat;

/// How often the state is reported when no watchdog asks for more.
const PERIOD: Duration = Duration::from_secs(5);

/// Reports that we are ready, then our state for ever. The watchdog is fed only if both loops have gone round since the
/// last time, and no read of a camera hangs.
pub(super) async fn watch(engine: Arc<EngineStatus>, heartbeat: Rc<Heartbeat>) {
    let watchdog = sd_notify::watchdog_enabled();
    // Twice in each interval, as sd_watchdog_enabled(3) advises.
    let period = watchdog.map_or(PERIOD, |interval| (interval / 2).min(PERIOD));
    report(&[NotifyState::Ready, NotifyState::Status(&state(&engine))]);
    let look =
        || Signs { socket: heartbeat.count(), engine: engine.ticks(), camera_hangs: engine.camera_hangs() };
    let mut fed = look();
    let mut said = String::new();
    loop {
        tokio::time::sleep(period).await;
        let state = state(&engine);
        if state != said {
            report(&[NotifyState::Status(&state)]);
            said = state;
        }
        let now = look();
        if watchdog.is_some() && now.alive_since(fed) {
            report(&[NotifyState::Watchdog]);
            fed = now;
        }
    }
}

/// Reports that we are about to end.
pub(super) fn stopping() {
    report(&[NotifyState::Stopping]);
}

/// Signs of life. A restart fixes whatever stops them for long.
#[derive(Debug, Clone, Copy)]
struct Signs {
    /// Iterations of the accept loop.
    socket: u64,
    /// Ticks of the engine.
    engine: u64,
    /// A read that the driver never answers holds a camera.
    camera_hangs: bool,
}

impl Signs {
    fn alive_since(self, before: Self) -> bool {
        self.socket != before.socket && self.engine != before.engine && !self.camera_hangs
    }
}

fn state(engine: &EngineStatus) -> String {
    match engine.problems().collect::<Vec<_>>().join("; ") {
        problems if problems.is_empty() => "ready".to_owned(),
        problems => format!("degraded: {problems}"),
    }
}

fn report(states: &[NotifyState<'_>]) {
    // Without systemd this does nothing.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd: cannot report our state ({error})");
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
