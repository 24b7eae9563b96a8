//! Methods that keep the store: export, import, renewal, and a check of the audit log.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use facelatch_wire::Fault;
use facelatch_wire::call::{
    AuditReport, CheckAudit, Done, Export, Exporting, Import, Imported, Renew, Renewed, Upload,
};
use facelatch_wire::reply::EventKind;
use zeroize::Zeroizing;

use super::{Handle, Unanswered, blocking, user_name};
use crate::serve::connection::Replies;
use crate::serve::peer::Role;
use crate::serve::session::{self, ServerState, Session};
use crate::serve::to_wire::{bad_parameter, store_fault};
use crate::store::StoreError;
use crate::store::portable::{self, MAX_EXPORT_BYTES, MadeFor, PortableError};

/// Bytes of a file in one reply: in base64 they fit a message.
const PART_BYTES: usize = 45_000;

impl Handle for Export {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Exporting, Unanswered> {
        session.caller.may_manage("export")?;
        let recipient = recipient(session, self.recipient)?;
        let name = self.user.as_deref().map(user_name).transpose()?;
        let state = &session.state;
        let (store, made_for, now) = (state.store.clone(), made_for(state), state.clock.wall());
        let (recorder, by) = session.recorder();
        let exported = portable(move || {
            let exported = portable::export(&*store, name.as_ref(), &recipient, &made_for, now)?;
            recorder.done(EventKind::Export, self.user, by);
            Ok(exported)
        });
        let exported = exported.await?;
        for part in exported.bytes.chunks(PART_BYTES) {
            let data = Some(STANDARD_NO_PAD.encode(part));
            replies.send(&Exporting { data, ..Exporting::default() }).await?;
        }
        let (users, templates) = (Some(exported.users as u64), Some(exported.templates as u64));
        Ok(Exporting { data: None, users, templates })
    }
}

/// Managers export for the configured recipient only: whoever chooses the recipient gets the faces.
fn recipient(session: &Session, named: Option<String>) -> Result<String, Fault> {
    let configured = session.state.export_recipient.clone();
    match named {
        Some(other) if other != configured && session.caller.role < Role::Owner => {
            let message = "export: only root may name a recipient; others export for the one in the \
                           configuration (store.export_recipient): leave it out";
            Err(Fault::PermissionDenied { message: message.to_owned() })
        }
        Some(recipient) => Ok(recipient),
        None if configured.is_empty() => {
            let why = "recipient: none is configured (store.export_recipient); root may name one";
            Err(bad_parameter("recipient", &why))
        }
        None => Ok(configured),
    }
}

impl Handle for Upload {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, Unanswered> {
        session.caller.may_manage("import")?;
        let bad = |why: String| bad_parameter("data", &format!("data: {why}"));
        let part = STANDARD_NO_PAD.decode(&self.data).map_err(|error| bad(error.to_string()))?;
        let mut upload = match session.upload.take() {
            Some(upload) => upload,
            None => begin_upload(&session.state)?,
        };
        if upload.bytes.len() + part.len() > MAX_EXPORT_BYTES {
            return Err(
                bad(format!("at most {MAX_EXPORT_BYTES} bytes are taken; export people one by one")).into()
            );
        }
        upload.bytes.extend_from_slice(&part);
        session.upload = Some(upload);
        Ok(Done {})
    }
}

fn begin_upload(state: &ServerState) -> Result<session::Upload, Fault> {
    let mut uploading = state.uploading.borrow_mut();
    if uploading.strong_count() > 0 {
        let message = "import: another import is in progress; try again in a moment".to_owned();
        return Err(Fault::Busy { message });
    }
    let permit = Arc::new(());
    *uploading = Arc::downgrade(&permit);
    Ok(session::Upload { bytes: Vec::new(), permit })
}

impl Handle for Import {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Imported, Unanswered> {
        let identity = Zeroizing::new(self.identity.0);
        session.caller.may_manage("import")?;
        let Some(upload) = session.upload.take().filter(|upload| !upload.bytes.is_empty()) else {
            return Err(bad_parameter("data", &"data: nothing was uploaded; call Upload first").into());
        };
        let session::Upload { bytes: file, permit } = upload;
        let (store, made_for) = (session.state.store.clone(), made_for(&session.state));
        let (recorder, by) = session.recorder();
        let done = portable(move || {
            let _permit = permit; // The file is in memory as long.
            let skip_enrolled = self.skip_enrolled.unwrap_or_default();
            let done = portable::import(&*store, &file, &identity, &made_for, skip_enrolled)?;
            done.users.iter().for_each(|user| recorder.done(EventKind::Import, Some(user.clone()), by));
            Ok(done)
        });
        let done = done.await?;
        Ok(Imported { added: done.added as u64, users: done.users, skipped: done.skipped })
    }
}

impl Handle for Renew {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Renewed, Unanswered> {
        session.caller.may_manage("renew")?;
        let store_key = self.store_key.unwrap_or_default();
        let (store, (recorder, by)) = (session.state.store.clone(), session.recorder());
        let renewed = blocking(move || {
            let templates = if store_key { store.renew_key().map(|()| 0) } else { store.renew() };
            match templates {
                Ok(_) => recorder.done(EventKind::Renew, None, by),
                Err(_) => recorder.failed(EventKind::Renew, None, by),
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
    ) -> Result<AuditReport, Unanswered> {
        session.caller.may_manage("audit")?;
        let Some(audit) = session.state.audit.clone() else {
            return Err(Fault::NotFound { message: "audit log: this daemon keeps none".to_owned() }.into());
        };
        let report =
            blocking(move || audit.verify().map_err(|why| StoreError::Io { path: "audit".into(), why }));
        let crate::store::audit::AuditReport { entries, files, problems } = report.await?;
        Ok(AuditReport { entries, files, problems })
    }
}

fn made_for(state: &ServerState) -> MadeFor {
    let about = &state.engine.shared.about;
    MadeFor {
        embedder: about.embedder.clone(),
        embedder_sha256: about.embedder_sha256.clone(),
        length: about.embedding_length,
        unit_length: about.unit_length,
    }
}

/// Sealing and opening take a while, and wait for the disk.
async fn portable<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PortableError> + Send + 'static,
) -> Result<T, Fault> {
    blocking(|| Ok(work())).await?.map_err(|error| match error {
        PortableError::Store(error) => store_fault(&error),
        PortableError::Nobody => Fault::NotFound { message: error.to_string() },
        PortableError::Recipient { .. } => bad_parameter("recipient", &error),
        PortableError::Identity { .. } => bad_parameter("identity", &error),
        PortableError::File { .. } | PortableError::OtherEmbedder { .. } => bad_parameter("data", &error),
        PortableError::Conflict { ref users } => {
            Fault::Conflict { users: users.clone(), message: error.to_string() }
        }
    })
}
