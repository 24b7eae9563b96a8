//! Where the daemon's words go: the journal if it listens, else stderr. Never scores or biometric data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sets logging up for this process; `RUST_LOG` chooses how much, `info` if unset.
pub(super) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // zlink logs whole messages, and a reply to root holds scores.
    let silenced = ["zlink=off", "zlink_core=off", "zlink_tokio=off"];
    let filter = silenced.iter().filter_map(|one| one.parse().ok()).fold(filter, EnvFilter::add_directive);
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let registry = tracing_subscriber::registry().with(filter);
    // A second call in one process keeps the first setting.
    let _ = match journal {
        Some(journal) => registry.with(journal).try_init(),
        None => {
            let stderr = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false);
            registry.with(stderr).try_init()
        }
    };
}
