//! What keeps a machine well: backups, moves, renewals, and the audit log.

use std::path::PathBuf;

use clap::Subcommand;

use crate::log::Since;

/// Verbs about what is kept.
#[derive(Debug, Subcommand)]
pub(crate) enum Keep {
    /// Write templates to a file that one key opens, to back them up or move them
    Export {
        /// The file, which must not exist yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Public key that `age-keygen` printed [default: store.export_recipient of the daemon]
        #[arg(long, value_name = "age1...")]
        recipient: Option<String>,
        /// Whose templates [default: everybody's]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Add the templates in a file that `export` wrote
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// File with the secret key that it was written for, from `age-keygen -o`
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// Leave out people who are enrolled already, rather than nothing at all
        #[arg(long)]
        skip_enrolled: bool,
    },
    /// Write all that a new card needs to a file that one key opens: people, PINs, rules, configuration; root only
    Backup {
        /// The file, which must not exist yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Public key that `age-keygen` printed [default: store.export_recipient of the daemon]
        #[arg(long, value_name = "age1...")]
        recipient: Option<String>,
        /// Folder that the configuration is below
        #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
        root: PathBuf,
    },
    /// Bring back what `backup` wrote, on a new card or another board; root only
    Restore {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// File with the secret key that it was written for, from `age-keygen -o`
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// Leave out people who are enrolled already, rather than nothing at all
        #[arg(long)]
        skip_enrolled: bool,
        /// Folder that the configuration is below
        #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
        root: PathBuf,
    },
    /// Reissue all templates under a new key, without new pictures
    Renew {
        /// Draw a new store key instead
        #[arg(long)]
        store_key: bool,
        /// Renew templates and, if it is a file, the store key, on a card that was copied or moved to this board
        #[arg(long, conflicts_with = "store_key")]
        machine: bool,
    },
    /// Show what happened: who came, who was refused, what was changed
    Log {
        /// About this person only
        #[arg(value_name = "NAME")]
        user: Option<String>,
        /// From when on: a time ago such as 2h or 7d, or in UTC 2026-12-24 or 2026-12-24T18:00:00Z [default: all that is kept]
        #[arg(long, value_name = "TIME")]
        since: Option<Since>,
    },
    /// Check the audit log
    Audit {
        /// What to do with it
        #[command(subcommand)]
        act: AuditAct,
    },
}

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAct {
    /// Find lines that were changed or are missing; ends with 1 if there are any
    Verify,
}
