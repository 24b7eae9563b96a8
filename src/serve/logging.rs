//! The log: to the journal if it listens, else to stderr. Never scores or biometric data.

use std::fmt::Debug;
use std::io::IsTerminal;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sets logging up for this process; `RUST_LOG` chooses how much (`debug`, `info,facelatch::camera=debug`), `info` if
/// unset.
pub(super) fn start() {
    // By level and target alone: filters by spans and fields would bring a library for regular expressions along.
    let wanted: Option<Targets> = std::env::var("RUST_LOG").ok().and_then(|words| words.parse().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    // So that `message_id` is MESSAGE_ID, which the catalogue goes by.
    let journal = journal.map(|layer| layer.with_field_prefix(None));
    let registry = tracing_subscriber::registry().with(filter);
    // A second call in one process keeps the first setting.
    let _ = match journal {
        Some(journal) => registry.with(journal).try_init(),
        None => {
            let stderr = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .fmt_fields(debug_fn(field).delimited(" "));
            registry.with(stderr).try_init()
        }
    };
}

/// A field on a terminal. An id is for the journal.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    match field.name() {
        "message_id" => Ok(()),
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    }
}
