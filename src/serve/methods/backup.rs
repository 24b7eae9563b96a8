//! Methods that move templates to another device or back: export and import, backup and what is attached to one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use facelatch_wire::Fault;
use facelatch_wire::call::{
    Backup, Done, Export, Exporting, Import, Imported, Method, Unpack, Unpacking, Upload,
};
use facelatch_wire::reply::EventKind;

use super::{CallError, Handle, blocking, user_name, without_account};
use crate::people::UserName;
use crate::serve::change_limit::AT_ONCE;
use crate::serve::connection::Replies;
use crate::serve::fault::{bad_parameter, portable_fault};
use crate::serve::session::{self, ServerState, Session};
use crate::store::portable::{self, Exported, MAX_EXPORT_BYTES, MadeFor};

/// Bytes of a file in one reply: in base64 they fit a message.
const PART_BYTES: usize = 45_000;

impl Handle for Export {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Exporting, CallError> {
        session.begin_change("export")?;
        let recipient = recipient(session, self.recipient)?;
        let name = self.user.as_deref().map(user_name).transpose()?;
        let state = &session.state;
        let (store, made_for, now) = (state.store.clone(), made_for(state), state.clock.wall());
        let (recorder, caller_uid) = session.recorder();
        let exported = blocking(portable_fault, move || {
            let exported = portable::export(&*store, name.as_ref(), &recipient, &made_for, now)?;
            recorder.record_success(EventKind::Export, self.user, caller_uid);
            Ok(exported)
        });
        sent(exported.await?, replies).await
    }
}

impl Handle for Backup {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Exporting, CallError> {
        session.caller.must_be_owner("backup")?;
        let recipient = recipient(session, self.recipient)?;
        let attached = session.upload.take();
        let state = &session.state;
        let (store, made_for, now) = (state.store.clone(), made_for(state), state.clock.wall());
        let (recorder, caller_uid) = session.recorder();
        let exported = blocking(portable_fault, move || {
            let attached = attached.as_ref().map_or(&[][..], |upload| &upload.bytes);
            let exported = portable::backup(&*store, &recipient, &made_for, attached, now)?;
            recorder.record_success(EventKind::Export, None, caller_uid);
            Ok(exported)
        });
        sent(exported.await?, replies).await
    }
}

/// Sends a file in parts. Gives the last reply.
async fn sent<M: Method<Reply = Exporting>>(
    exported: Exported,
    replies: &mut Replies<'_, '_, M>,
) -> Result<Exporting, CallError> {
    for part in exported.bytes.chunks(PART_BYTES) {
        let data = Some(STANDARD_NO_PAD.encode(part));
        replies.send(&Exporting { data, ..Exporting::default() }).await?;
    }
    let (users, templates) = (Some(exported.users as u64), Some(exported.templates as u64));
    Ok(Exporting { data: None, users, templates })
}

impl Handle for Unpack {
    async fn handle(
        self,
        session: &mut Session,
        replies: &mut Replies<'_, '_, Self>,
    ) -> Result<Unpacking, CallError> {
        session.caller.must_be_owner("restore")?;
        let upload = session.upload.take().ok_or_else(nothing_uploaded)?;
        let identity = self.identity;
        let unpacked = blocking(portable_fault, move || {
            let attached = portable::unpack(&upload.bytes, &identity.0)?;
            Ok((attached, upload))
        });
        let (attached, upload) = unpacked.await?;
        session.upload = Some(upload);
        for part in attached.chunks(PART_BYTES) {
            replies.send(&Unpacking { data: Some(STANDARD_NO_PAD.encode(part)) }).await?;
        }
        Ok(Unpacking::default())
    }
}

fn nothing_uploaded() -> Fault {
    bad_parameter("data", &"data: nothing was uploaded; call Upload first")
}

/// Managers export for the configured recipient only: whoever chooses the recipient gets the faces.
fn recipient(session: &Session, named: Option<String>) -> Result<String, Fault> {
    let configured = session.state.export_recipient.clone();
    match named {
        Some(other) if other != configured && !session.caller.is_owner() => {
            let message = "export: only root and the daemon's user may name a recipient; others export for the one \
                           in the configuration (store.export_recipient): leave it out";
            Err(Fault::PermissionDenied { message: message.to_owned() })
        }
        Some(recipient) => Ok(recipient),
        None if configured.is_empty() => {
            let why = "recipient: none is configured (store.export_recipient); root and the daemon's user may name \
                       one with --recipient";
            Err(bad_parameter("recipient", &why))
        }
        None => Ok(configured),
    }
}

impl Handle for Upload {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        // Each of them begins with this call.
        session.caller.may_manage("import, backup and restore")?;
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
    let permit = state.uploads.clone().try_acquire_owned().map_err(|_| {
        let message = "import: another import is in progress; try again in a moment".to_owned();
        Fault::Busy { message }
    })?;
    Ok(session::Upload { bytes: Vec::new(), permit })
}

impl Handle for Import {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Imported, CallError> {
        let identity = self.identity;
        session.begin_change("import")?;
        let Some(upload) = session.upload.take().filter(|upload| !upload.bytes.is_empty()) else {
            return Err(nothing_uploaded().into());
        };
        let session::Upload { bytes: file, permit } = upload;
        let (store, made_for) = (session.state.store.clone(), made_for(&session.state));
        let peers = session.state.peers.clone();
        let (recorder, caller_uid) = session.recorder();
        let is_owner = session.caller.is_owner();
        let (changes, now) = (session.state.changes.clone(), session.state.clock.now());
        let done = blocking(portable_fault, move || {
            let _permit = permit; // Held as long as the file is in memory.
            if !is_owner {
                portable::check_people(&file, &identity.0, &made_for, AT_ONCE as usize)?;
            }
            let skip_enrolled = self.skip_enrolled.unwrap_or_default();
            let account_here = |user: &UserName| peers.account(user.as_str());
            let done = portable::import(&*store, &file, &identity.0, &made_for, skip_enrolled, account_here)?;
            if !is_owner {
                // The first is counted already. Here, since the caller may hang up meanwhile.
                changes.add(done.users.len().saturating_sub(1), now);
            }
            done.users
                .iter()
                .for_each(|user| recorder.record_success(EventKind::Import, Some(user.clone()), caller_uid));
            Ok(done)
        });
        let done = done.await?;
        let accounts = done.without_account.iter().map(without_account);
        let rules = done.rules_stay.iter().map(|user| format!("{user} had rules here already, which stay"));
        let pins = done
            .without_pin
            .iter()
            .map(|user| format!("{user} needs a PIN, which did not come along; run `facelatch pin {user}`"));
        let warnings: Vec<String> = accounts.chain(rules).chain(pins).collect();
        let warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
        Ok(Imported { added: done.added as u64, users: done.users, skipped: done.skipped, warnings })
    }
}

fn made_for(state: &ServerState) -> MadeFor {
    let networks = &state.engine.status.networks;
    MadeFor {
        embedder: networks.embedder.clone(),
        embedder_sha256: networks.embedder_sha256.clone(),
        length: networks.embedding_length,
        unit_length: networks.unit_length,
    }
}
