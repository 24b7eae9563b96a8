//! Methods about who is enrolled, and about misses.

use std::collections::BTreeSet;
use std::time::Duration;

use facelatch_wire::call::{Adapt, Done, List, Remove, Removed, Reset};
use facelatch_wire::message::printable;
use facelatch_wire::reply::{EventKind, Listed};
use facelatch_wire::{Fault, MAX_MESSAGE_BYTES};

use super::{CallError, Handle, blocking, user_name};
use crate::people::access::Access;
use crate::people::{Misses, UserName};
use crate::pipeline::SecondFactor;
use crate::serve::connection::Replies;
use crate::serve::fault::{bad_parameter, store_fault};
use crate::serve::session::Session;
use crate::serve::to_wire;
use crate::store::{StoreError, TemplateStore};

/// How long a list waits for the name service.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

impl Handle for List {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Listed, CallError> {
        match &self.user {
            Some(user) => session.caller.may_ask_about("list", user)?,
            None => session.caller.may_manage("list of everybody")?,
        }
        let user = self.user.as_deref().map(user_name).transpose()?;
        let state = &session.state;
        let store = state.store.clone();
        let templates = blocking(store_fault, move || store.templates(user.as_ref())).await?;
        let names: BTreeSet<UserName> = templates.iter().map(|template| template.user.clone()).collect();
        // A list without this is better than none.
        let uids = state.accounts.uids(names.into_iter().collect(), LOOKUP_TIMEOUT).await.ok();
        let mut listed = Listed::default();
        // Room for the rest of the reply; each template is at most a few hundred bytes.
        let mut room = MAX_MESSAGE_BYTES - 1024;
        for template in templates.into_iter().map(|template| to_wire::template(template, uids.as_ref())) {
            let length = serde_json::to_vec(&template).map_or(usize::MAX, |text| text.len() + 1);
            if length > room {
                listed.truncated = true;
                break;
            }
            room -= length;
            listed.templates.push(template);
        }
        Ok(listed)
    }
}

impl Handle for Remove {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Removed, CallError> {
        session.begin_change("remove")?;
        let (name, id) = (user_name(&self.user)?, self.id.clone());
        let adapted = self.adapted.unwrap_or_default();
        if adapted && id.is_some() {
            return Err(bad_parameter("adapted", &"adapted: not together with an id; leave one out").into());
        }
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let removed = blocking(store_fault, move || {
            // Somebody without a template may have a PIN, or rules. Those that cannot be read are removed as well.
            let (rules, pin) = match store.access(&name) {
                _ if adapted || id.is_some() => (false, false),
                Ok(access) => (access.rules().next().is_some(), access.pin.is_some()),
                Err(_) => (true, true),
            };
            let removed =
                if adapted { remove_adapted(&*store, &name) } else { store.remove(&name, id.as_deref()) };
            let removed = removed.map(|removed| Removed { removed: removed as u64, rules, pin });
            match &removed {
                Ok(gone) if *gone == Removed::default() => {}
                Ok(_) => recorder.record_success(EventKind::Remove, Some(name.to_string()), caller_uid),
                Err(_) => recorder.record_failure(EventKind::Remove, Some(name.to_string()), caller_uid),
            }
            removed
        });
        let removed = removed.await?;
        if removed == Removed::default() {
            let what = self.id.map_or(String::new(), |id| format!(", template {}", printable(&id)));
            if adapted {
                let message =
                    format!("user {}: has no adapted template; `facelatch list` shows who has", self.user);
                return Err(Fault::NotFound { message }.into());
            }
            return Err(not_enrolled(&format!("{}{what}", self.user)).into());
        }
        Ok(removed)
    }
}

/// Removes a person's adapted templates; how many there were.
fn remove_adapted(store: &dyn TemplateStore, name: &UserName) -> Result<usize, StoreError> {
    let adapted = store.templates(Some(name))?.into_iter().filter(|template| template.adapted);
    adapted.map(|template| store.remove(name, Some(&template.id))).sum()
}

impl Handle for Adapt {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        let caller = &session.caller;
        caller.must_be_owner("adapt")?;
        let shown = SecondFactor { user: user_name(&self.user)?, door: None };
        session.state.engine.second_factor(shown, caller.uid);
        Ok(Done {})
    }
}

fn not_enrolled(who: &str) -> Fault {
    Fault::NotFound { message: format!("user {who}: not enrolled; `facelatch list` shows who is") }
}

/// Whether anything is kept of somebody beside misses. What cannot be read is something.
fn is_known(store: &dyn TemplateStore, name: &UserName) -> bool {
    store.access(name).map_or(true, |access| access != Access::default())
        || store.templates(Some(name)).map_or(true, |templates| !templates.is_empty())
}

impl Handle for Reset {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.begin_change("reset")?;
        let name = self.user.as_deref().map(user_name).transpose()?;
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let reset = blocking(std::convert::identity, move || {
            // Misses that cannot be read are replaced.
            let mut had_none = store.misses(name.as_ref()).is_ok_and(|misses| misses == Misses::default());
            if name.is_none() {
                // Whose they are nobody knows, either.
                had_none &= store.pin_misses().is_ok_and(|misses| misses == Misses::default());
            }
            if had_none {
                if let Some(name) = name.filter(|name| !is_known(&*store, name)) {
                    return Err(not_enrolled(name.as_str()));
                }
                // Nothing for the record.
                recorder.announce_only(recorder.event(EventKind::Reset, self.user), caller_uid);
                return Ok(());
            }
            store.set_misses(name.as_ref(), Misses::default()).map_err(store_fault)?;
            if name.is_none() {
                store.set_pin_misses(Misses::default()).map_err(store_fault)?;
            }
            recorder.record_success(EventKind::Reset, self.user, caller_uid);
            Ok(())
        });
        reset.await?;
        Ok(Done {})
    }
}
