//! Methods that maintain the store: renewal, the audit log, and a check of it.

use facelatch_wire::Fault;
use facelatch_wire::call::{AuditReport, CheckAudit, Log, Logged, Renew, Renewed};
use facelatch_wire::reply::{AuditLine, AuditLog, EventKind};

use super::{CallError, Handle, blocking};
use crate::clock::WallTime;
use crate::serve::connection::Replies;
use crate::serve::fault::{audit_fault, store_fault};
use crate::serve::session::Session;
use crate::serve::to_wire;
use crate::store::audit::{self, Entry};

/// Bytes of lines in one reply.
const PART_BYTES: usize = 48 << 10;

impl Handle for Renew {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Renewed, CallError> {
        session.begin_change("renew")?;
        let (store_key, machine) = (self.store_key.unwrap_or_default(), self.machine.unwrap_or_default());
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let renewed = blocking(store_fault, move || {
            let templates = if store_key { store.renew_key().map(|()| 0) } else { store.renew() };
            // Last: a renewal that fails leaves the note where it is.
            let templates =
                if machine { templates.and_then(|n| store.stay().map(|()| n)) } else { templates };
            match templates {
                Ok(_) => recorder.record_success(EventKind::Renew, None, caller_uid),
                Err(_) => recorder.record_failure(EventKind::Renew, None, caller_uid),
            }
            templates
        });
        Ok(Renewed { templates: renewed.await? as u64 })
    }
}

impl Handle for Log {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Logged, CallError> {
        session.caller.may_manage("log")?;
        let audit = session.state.audit.clone().ok_or_else(no_audit)?;
        let since = WallTime(self.since.unwrap_or_default());
        let lines = blocking(audit_fault, move || audit.lines(since)).await?;
        let about = |line: &Entry| self.user.is_none() || line.user == self.user;
        let (mut part, mut bytes) = (Vec::new(), 0);
        for line in lines.into_iter().filter(about).map(to_wire::audit_line) {
            let length = room(&line);
            if bytes + length > PART_BYTES {
                replies.send(&Logged { lines: std::mem::take(&mut part) }).await?;
                bytes = 0;
            }
            bytes += length;
            part.push(line);
        }
        if !part.is_empty() {
            replies.send(&Logged { lines: part }).await?;
        }
        Ok(Logged::default())
    }
}

/// Bytes that a line takes in a message, at most: a character of text is up to six there.
fn room(line: &AuditLine) -> usize {
    let words = [&line.user, &line.verdict, &line.latch, &line.door, &line.change, &line.note];
    256 + 6 * (line.kind.len() + words.into_iter().flatten().map(String::len).sum::<usize>())
}

fn no_audit() -> Fault {
    Fault::NotFound { message: "audit log: this daemon keeps none".to_owned() }
}

impl Handle for CheckAudit {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<AuditReport, CallError> {
        session.caller.may_manage("audit")?;
        let audit = session.state.audit.clone().ok_or_else(no_audit)?;
        let audit::AuditReport { series, problems } = blocking(audit_fault, move || audit.verify()).await?;
        let logs: Vec<AuditLog> = series.into_iter().map(to_wire::audit_log).collect();
        let entries = logs.iter().map(|log| log.entries).sum();
        Ok(AuditReport { entries, files: logs.iter().map(|log| log.files).sum(), problems, logs })
    }
}
