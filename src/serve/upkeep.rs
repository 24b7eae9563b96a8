//! Methods that keep the store: export, import, renewal, and a look at the audit log.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use facelatch_wire::Fault;
use facelatch_wire::reply::{AuditReport, Done, Exporting, Imported, Renewed};

use super::message::Secret;
use super::methods::{Desk, Upload, blocking, once, user_name};
use super::peer::Role;
use super::replies::{bad_parameter, store_fault};
use super::service::{Answer, Reply};
use super::streams;
use crate::store::StoreError;
use crate::store::portable::{self, MAX_EXPORT_BYTES, MadeFor, PortableError};

/// Bytes of a file in one reply: in base64 they fit a message.
const PART_BYTES: usize = 45_000;

impl Desk {
    /// Managers export for the configured recipient only: whoever chooses the recipient gets the faces.
    pub(super) async fn export(
        &self,
        recipient: Option<String>,
        user: Option<String>,
    ) -> Result<Answer, Fault> {
        self.caller.may_manage("export")?;
        let configured = self.hall.export_recipient.clone();
        let recipient = match recipient {
            Some(other) if other != configured && self.caller.role < Role::Owner => {
                let message = "export: only root may name a recipient; others export for the one in the \
                               configuration (store.export_recipient): leave it out";
                return Err(Fault::PermissionDenied { message: message.to_owned() });
            }
            Some(recipient) => recipient,
            None if configured.is_empty() => {
                let why = "recipient: none is configured (store.export_recipient); root may name one";
                return Err(bad_parameter("recipient", &why));
            }
            None => configured,
        };
        let name = user.as_deref().map(user_name).transpose()?;
        let (store, made_for, now) = (self.hall.store.clone(), self.made_for(), self.hall.clock.wall());
        let scribe = self.scribe();
        let exported = asked(move || {
            let exported = portable::export(&*store, name.as_ref(), &recipient, &made_for, now)?;
            scribe.publish("export", user);
            Ok(exported)
        });
        let exported = exported.await?;
        let parts = exported.bytes.chunks(PART_BYTES).map(|part| {
            Reply::Exporting(Exporting { data: Some(STANDARD_NO_PAD.encode(part)), ..Exporting::default() })
        });
        let (users, templates) = (Some(exported.users as u64), Some(exported.templates as u64));
        let last = Reply::Exporting(Exporting { data: None, users, templates });
        Ok(Answer::Many(streams::parts(parts.chain([last]).collect())))
    }

    pub(super) fn upload(&self, data: &str) -> Result<Answer, Fault> {
        self.caller.may_manage("import")?;
        let part = STANDARD_NO_PAD.decode(data).map_err(|e| bad_parameter("data", &format!("data: {e}")))?;
        let mut slot = self.upload.borrow_mut();
        if slot.is_none() {
            let mut uploading = self.hall.uploading.borrow_mut();
            if uploading.strong_count() > 0 {
                let message = "import: somebody else imports just now; try again in a moment".to_owned();
                return Err(Fault::Busy { message });
            }
            let turn = Arc::new(());
            *uploading = Arc::downgrade(&turn);
            *slot = Some(Upload { bytes: Vec::new(), turn });
        }
        let held = slot.as_ref().map_or(0, |upload| upload.bytes.len());
        if held + part.len() > MAX_EXPORT_BYTES {
            *slot = None;
            let why = format!("data: at most {MAX_EXPORT_BYTES} bytes are taken; export people one by one");
            return Err(bad_parameter("data", &why));
        }
        if let Some(upload) = &mut *slot {
            upload.bytes.extend_from_slice(&part);
        }
        Ok(once(Reply::Done(Done {})))
    }

    pub(super) async fn import(&self, identity: Secret, skip_enrolled: bool) -> Result<Answer, Fault> {
        self.caller.may_manage("import")?;
        let Some(Upload { bytes: file, turn }) = self.upload.take().filter(|upload| !upload.bytes.is_empty())
        else {
            return Err(bad_parameter("data", &"data: nothing was uploaded; call Upload first"));
        };
        let (store, scribe, made_for) = (self.hall.store.clone(), self.scribe(), self.made_for());
        let done = asked(move || {
            let _turn = turn; // The file is in memory as long.
            let done = portable::import(&*store, &file, &identity.0, &made_for, skip_enrolled)?;
            done.users.iter().for_each(|user| scribe.publish("import", Some(user.clone())));
            Ok(done)
        });
        let done = done.await?;
        let (users, skipped) = (done.users, done.skipped);
        Ok(once(Reply::Imported(Imported { added: done.added as u64, users, skipped })))
    }

    pub(super) async fn renew(&self, store_key: bool) -> Result<Answer, Fault> {
        self.caller.may_manage("renew")?;
        let (store, scribe) = (self.hall.store.clone(), self.scribe());
        let renewed = blocking(move || {
            let templates = if store_key { store.renew_key().map(|()| 0) } else { store.renew() };
            match templates {
                Ok(_) => scribe.publish("renew", None),
                Err(_) => scribe.failed("renew", None),
            }
            templates
        });
        let templates = renewed.await? as u64;
        Ok(once(Reply::Renewed(Renewed { templates })))
    }

    pub(super) async fn check_audit(&self) -> Result<Answer, Fault> {
        self.caller.may_manage("audit")?;
        let Some(audit) = self.hall.audit.clone() else {
            return Err(Fault::NotFound { message: "audit log: this daemon keeps none".to_owned() });
        };
        let report =
            blocking(move || audit.verify().map_err(|why| StoreError::Io { path: "audit".into(), why }));
        let crate::store::audit::AuditReport { entries, files, problems } = report.await?;
        Ok(once(Reply::AuditReport(AuditReport { entries, files, problems })))
    }

    fn made_for(&self) -> MadeFor {
        let about = &self.hall.engine.shared.about;
        MadeFor {
            embedder: about.embedder.clone(),
            embedder_sha256: about.embedder_sha256.clone(),
            length: about.embedding_length,
            unit_length: about.unit_length,
        }
    }
}

/// Sealing and opening take a while, and wait for the disk.
async fn asked<T: Send + 'static>(
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
