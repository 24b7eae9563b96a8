//! Methods that maintain the store: renewal, and a check of the audit log.

use facelatch_wire::Fault;
use facelatch_wire::call::{AuditReport, CheckAudit, Renew, Renewed};
use facelatch_wire::reply::{AuditLog, EventKind};

use super::{CallError, Handle, blocking};
use crate::serve::connection::Replies;
use crate::serve::fault::{audit_fault, store_fault};
use crate::serve::session::Session;
use crate::serve::to_wire;
use crate::store::audit;

impl Handle for Renew {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Renewed, CallError> {
        session.begin_change("renew")?;
        let store_key = self.store_key.unwrap_or_default();
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let renewed = blocking(store_fault, move || {
            let templates = if store_key { store.renew_key().map(|()| 0) } else { store.renew() };
            match templates {
                Ok(_) => recorder.record_success(EventKind::Renew, None, caller_uid),
                Err(_) => recorder.record_failure(EventKind::Renew, None, caller_uid),
            }
            templates
        });
        Ok(Renewed { templates: renewed.await? as u64 })
    }
}

impl Handle for CheckAudit {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<AuditReport, CallError> {
        session.caller.may_manage("audit")?;
        let Some(audit) = session.state.audit.clone() else {
            return Err(Fault::NotFound { message: "audit log: this daemon keeps none".to_owned() }.into());
        };
        let audit::AuditReport { series, problems } = blocking(audit_fault, move || audit.verify()).await?;
        let logs: Vec<AuditLog> = series.into_iter().map(to_wire::audit_log).collect();
        let entries = logs.iter().map(|log| log.entries).sum();
        Ok(AuditReport { entries, files: logs.iter().map(|log| log.files).sum(), problems, logs })
    }
}
