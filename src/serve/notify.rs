//! Word to systemd: ready, alive, and how we are.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::engine::Shared;

/// How often the state is told when no watchdog asks for more.
const PERIOD: Duration = Duration::from_secs(5);

/// Says that we are ready, then for ever how we are. The watchdog is fed only if both threads are alive: this
/// one by getting here, the engine by its ticks.
pub(super) async fn watch(shared: Arc<Shared>) {
    let watchdog = sd_notify::watchdog_enabled();
    // Twice in each interval, as sd_watchdog_enabled(3) advises.
    let period = watchdog.map_or(PERIOD, |interval| (interval / 2).min(PERIOD));
    tell(&[NotifyState::Ready, NotifyState::Status(&state(&shared))]);
    let mut seen = shared.ticks();
    let mut said = String::new();
    loop {
        tokio::time::sleep(period).await;
        let state = state(&shared);
        if state != said {
            tell(&[NotifyState::Status(&state)]);
            said = state;
        }
        let ticks = shared.ticks();
        if watchdog.is_some() && ticks != seen {
            tell(&[NotifyState::Watchdog]);
        }
        seen = ticks;
    }
}

/// Says that we are about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
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
