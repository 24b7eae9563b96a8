//! One function per method of the socket, for one connection.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use facelatch_wire::reply::{Camera, Done, Event, Listed, Removed, Status, Store};
use facelatch_wire::{Fault, INTERFACE, MAX_MESSAGE_BYTES, Word};
use serde_json::json;
use tokio::sync::broadcast;

use super::engine::{Engine, Job, Question};
use super::line::{not_his_turn, stopping};
use super::message::Request;
use super::peer::{Caller, Role};
use super::replies::{self, bad_parameter, store_fault};
use super::service::{Answer, Reply};
use super::streams;
use super::turns::{Turn, Whose};
use crate::clock::{BootTime, Clock};
use crate::people::{Attempts, UserName};
use crate::pipeline::EnrollRequest;
use crate::store::audit::Audit;
use crate::store::{Condition, Health, StoreError, TemplateStore};

/// How long a status waits for a fresh look at the camera.
const PROBE_PATIENCE: Duration = Duration::from_millis(500);

/// How often a client who waits for his turn looks whether it has come.
const TURN: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Hall {
    pub(super) engine: Engine,
    pub(super) store: Arc<dyn TemplateStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: BootTime,
    /// How long a job may wait in the queue.
    pub(super) queue_patience: Duration,
    /// Templates in an enrolment that names no number.
    pub(super) templates: usize,
    /// Where it is put on record what happened.
    pub(super) audit: Option<Arc<Audit>>,
    /// Held by whoever uploads an import: one at a time, since each takes memory.
    pub(super) uploading: RefCell<Weak<()>>,
    /// Whom exports are sealed for when nobody is named; "" for nobody.
    pub(super) export_recipient: String,
}

/// One connection: who called, and where to turn.
pub(super) struct Desk {
    pub(super) hall: Rc<Hall>,
    pub(super) caller: Caller,
    /// What this client has uploaded for an import.
    pub(super) upload: RefCell<Option<Upload>>,
}

/// Part of a file, and the right to upload one.
pub(super) struct Upload {
    pub(super) bytes: Vec<u8>,
    pub(super) turn: Arc<()>,
}

impl Desk {
    /// For a connection that was made just now.
    pub(super) fn new(hall: Rc<Hall>, caller: Caller) -> Self {
        Self { hall, caller, upload: RefCell::default() }
    }

    /// Waits until this client may submit a job; the owner may always. An attempt that was just given up needs a moment
    /// to end.
    async fn turn(&self) -> Result<Option<Turn>, Fault> {
        if self.caller.role == Role::Owner {
            return Ok(None);
        }
        let free = async {
            loop {
                if let Some(turn) = self.hall.engine.turns.take(Whose::User(self.caller.uid)) {
                    return turn;
                }
                tokio::time::sleep(TURN).await;
            }
        };
        let turn = tokio::time::timeout(self.hall.queue_patience, free).await;
        turn.map(Some).map_err(|_| not_his_turn())
    }

    /// Does what was asked.
    pub(super) async fn answer(&self, request: Request, more: bool) -> Result<Answer, Fault> {
        match request {
            Request::GetInfo => Ok(once(Reply::Other(info()))),
            Request::GetInterfaceDescription { interface } => describe(interface),
            Request::Status => self.status().await,
            Request::Enroll { user, label, templates } => self.enroll(user, label, templates, more).await,
            Request::Verify { user, latch } => self.verify(user, latch, more).await,
            Request::Identify => {
                self.caller.may_manage("identify")?;
                self.judge(Question { claimed: None, may_open: true, by: self.caller.uid }, more).await
            }
            Request::List { user } => self.list(user).await,
            Request::Remove { user, id } => self.remove(user, id).await,
            Request::Reset { user } => self.reset(user).await,
            Request::Events => {
                self.caller.may_manage("events")?;
                Ok(self.events())
            }
            Request::Export { recipient, user } => self.export(recipient, user).await,
            Request::Upload { data } => self.upload(&data),
            Request::Import { identity, skip_enrolled } => self.import(identity, skip_enrolled).await,
            Request::Renew { store_key } => self.renew(store_key).await,
            Request::CheckAudit => self.check_audit().await,
        }
    }

    async fn status(&self) -> Result<Answer, Fault> {
        let Hall { engine, store, clock, started, .. } = &*self.hall;
        let shared = &engine.shared;
        if !shared.busy()
            && let Some(turn) = engine.turns.take(Whose::Probe)
            && let Ok(probe) = engine.submit(Some(turn), Job::Probe)
        {
            // Too late or broken off, or somebody asks just now: then what was last seen has to do.
            let _ = tokio::time::timeout(PROBE_PATIENCE, probe.end).await;
        }
        let store = store.clone();
        let audit = self.hall.audit.clone();
        // The store may be writing just now.
        let looked = move || Ok((store.health(), audit.and_then(|audit| audit.trouble())));
        let (health, audit) = blocking(looked).await?;
        let (camera, about) = (shared.camera(), &shared.about);
        let score = |p: crate::head::Probability| self.caller.sees_scores().then_some(p.value());
        let ready = camera.trouble.is_none();
        Ok(once(Reply::Status(Status {
            state: if ready { "ready" } else { "degraded" }.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: clock.now().since(*started).as_secs(),
            camera: Camera {
                name: camera.name,
                state: if ready { "ready" } else { "unavailable" }.to_owned(),
                message: camera.trouble,
            },
            embedder: about.embedder.clone(),
            embedder_sha256: about.embedder_sha256.clone(),
            detector: about.detector.clone(),
            users: health.users as u64,
            templates: health.templates as u64,
            store: stored(health, audit),
            busy: shared.busy(),
            latch: shared.latch.clone(),
            notes: about.notes.clone(),
            threshold: score(about.threshold),
            identical_pair_p: score(about.identical_pair),
        })))
    }

    async fn enroll(
        &self,
        user: String,
        label: Option<String>,
        templates: Option<u64>,
        more: bool,
    ) -> Result<Answer, Fault> {
        self.caller.may_manage("enroll")?;
        let templates = match templates {
            Some(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX),
            None => self.hall.templates,
        };
        let request = EnrollRequest { user: user_name(&user)?, label: label.unwrap_or_default(), templates };
        let turn = self.turn().await?;
        let mut ongoing =
            self.hall.engine.submit(turn, |line| Job::Enroll(request, self.caller.uid, line))?;
        ongoing.started(self.hall.queue_patience).await?;
        let progress = |news| Reply::Enrolling(replies::enrolling_progress(news));
        let end = |result| replies::enrolled(result).map(Reply::Enrolling);
        if more {
            return Ok(Answer::Many(streams::job(ongoing, progress, end)));
        }
        end(ongoing.end.await.map_err(|_| stopping())?).map(once)
    }

    async fn verify(&self, user: Option<String>, latch: Option<bool>, more: bool) -> Result<Answer, Fault> {
        let myself = || {
            self.caller.name.clone().ok_or_else(|| {
                bad_parameter("user", &format!("user id {}: has no login name; name a user", self.caller.uid))
            })
        };
        let user = user.map_or_else(myself, Ok)?;
        self.caller.may_ask_about("verify", &user)?;
        let (claimed, may_open) = (Some(user_name(&user)?), latch != Some(false));
        let question = Question { claimed, may_open, by: self.caller.uid };
        self.judge(question, more).await
    }

    async fn judge(&self, question: Question, more: bool) -> Result<Answer, Fault> {
        let turn = self.turn().await?;
        let mut ongoing = self.hall.engine.submit(turn, |line| Job::Judge(question, line))?;
        ongoing.started(self.hall.queue_patience).await?;
        let (asker, viewer) = (self.caller.clone(), self.caller.clone());
        let progress = move |news| Reply::Judging(replies::shown_to(&asker, replies::judging_progress(news)));
        let end = move |judging| Ok(Reply::Judging(replies::shown_to(&viewer, judging)));
        if more {
            return Ok(Answer::Many(streams::job(ongoing, progress, end)));
        }
        end(ongoing.end.await.map_err(|_| stopping())?).map(once)
    }

    async fn list(&self, user: Option<String>) -> Result<Answer, Fault> {
        match &user {
            Some(user) => self.caller.may_ask_about("list", user)?,
            None => self.caller.may_manage("list of everybody")?,
        }
        let user = user.as_deref().map(user_name).transpose()?;
        let store = self.hall.store.clone();
        let templates = blocking(move || store.templates(user.as_ref())).await?;
        let mut listed = Listed::default();
        // Room for the envelope; each template is at most a few hundred bytes.
        let mut room = MAX_MESSAGE_BYTES - 1024;
        for template in templates.into_iter().map(replies::template) {
            let length = serde_json::to_vec(&template).map_or(usize::MAX, |text| text.len() + 1);
            if length > room {
                listed.truncated = true;
                break;
            }
            room -= length;
            listed.templates.push(template);
        }
        Ok(once(Reply::Listed(listed)))
    }

    async fn remove(&self, user: String, id: Option<String>) -> Result<Answer, Fault> {
        self.caller.may_manage("remove")?;
        let name = user_name(&user)?;
        let (store, scribe, given) = (self.hall.store.clone(), self.scribe(), id.clone());
        let removed = blocking(move || {
            let removed = store.remove(&name, given.as_deref());
            match &removed {
                Ok(0) => {}
                Ok(_) => scribe.publish("remove", Some(name.to_string())),
                Err(_) => scribe.failed("remove", Some(name.to_string())),
            }
            removed
        });
        let removed = removed.await?;
        if removed == 0 {
            let what = id.map_or(String::new(), |id| format!(", template {}", printable(&id)));
            let message = format!("user {user}{what}: not enrolled; `facelatch list` shows who is");
            return Err(Fault::NotFound { message });
        }
        Ok(once(Reply::Removed(Removed { removed: removed as u64 })))
    }

    async fn reset(&self, user: Option<String>) -> Result<Answer, Fault> {
        self.caller.may_manage("reset")?;
        let name = user.as_deref().map(user_name).transpose()?;
        let (store, scribe) = (self.hall.store.clone(), self.scribe());
        let reset = blocking(move || {
            store.set_attempts(name.as_ref(), Attempts::default())?;
            scribe.publish("reset", user);
            Ok(())
        });
        reset.await?;
        Ok(once(Reply::Done(Done {})))
    }

    fn events(&self) -> Answer {
        let receiver: broadcast::Receiver<Event> = self.hall.engine.events.subscribe();
        Answer::Many(streams::events(event(&*self.hall.clock, "listening", None), receiver))
    }

    /// For what is done in this caller's name.
    pub(super) fn scribe(&self) -> Scribe {
        let Hall { engine, clock, audit, .. } = &*self.hall;
        let (clock, audit, events) = (clock.clone(), audit.clone(), engine.events.clone());
        Scribe { clock, audit, events, by: self.caller.uid }
    }
}

/// Tells what was done. It goes along to the thread that does it, since the caller, and all that waits for him, may be gone
/// before the deed is done.
pub(super) struct Scribe {
    clock: Arc<dyn Clock>,
    audit: Option<Arc<Audit>>,
    events: broadcast::Sender<Event>,
    by: u32,
}

impl Scribe {
    /// Puts it on record, then tells whoever listens. Waits for the disk.
    pub(super) fn publish(&self, kind: &str, user: Option<String>) {
        tracing::info!(user, by = self.by, "{kind}");
        let event = event(&*self.clock, kind, user);
        self.record(&event);
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// Puts on record what ended with an error of the store: part of it may be done.
    pub(super) fn failed(&self, kind: &str, user: Option<String>) {
        self.record(&Event { verdict: Some(Word::Failed), ..event(&*self.clock, kind, user) });
    }

    fn record(&self, event: &Event) {
        if let Some(audit) = &self.audit {
            // A panic there is on the journal already; the deed is done.
            let _ = catch_unwind(AssertUnwindSafe(|| audit.record(replies::audited(event, self.by))));
        }
    }
}

fn event(clock: &dyn Clock, kind: &str, user: Option<String>) -> Event {
    Event { kind: kind.to_owned(), time: clock.wall().0, user, ..Event::default() }
}

pub(super) fn once(reply: Reply) -> Answer {
    Answer::One(reply)
}

/// How the store is, and the log beside it.
fn stored(health: Health, audit: Option<String>) -> Store {
    let state = match health.condition {
        Condition::Whole => "whole",
        Condition::Restored => "restored",
        Condition::Behind => "behind",
        Condition::Lossy => "lossy",
    };
    let notes: Vec<String> = health.notes.into_iter().chain(audit).collect();
    Store { state: state.to_owned(), notes }
}

/// The store waits for the disk, so it is asked on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Fault> {
    let answer = tokio::task::spawn_blocking(ask).await.map_err(|_| Fault::StoreFailed {
        message: "store: panicked; restart the daemon, then check the disk".to_owned(),
    })?;
    answer.map_err(|error| store_fault(&error))
}

pub(super) fn user_name(user: &str) -> Result<UserName, Fault> {
    UserName::new(user).map_err(|error| bad_parameter("user", &error))
}

/// A text from outside as it may be sent back.
fn printable(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn info() -> serde_json::Value {
    json!({
        "vendor": "facelatch",
        "product": "facelatchd",
        "version": env!("CARGO_PKG_VERSION"),
        "url": env!("CARGO_PKG_REPOSITORY"),
        "interfaces": ["org.varlink.service", INTERFACE],
    })
}

fn describe(interface: String) -> Result<Answer, Fault> {
    let description = match interface.as_str() {
        INTERFACE => facelatch_wire::IDL,
        "org.varlink.service" => include_str!("service.varlink"),
        _ => return Err(Fault::InterfaceNotFound { interface: printable(&interface) }),
    };
    Ok(once(Reply::Other(json!({ "description": description }))))
}
