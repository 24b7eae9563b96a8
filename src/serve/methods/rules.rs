//! Who may come in when.

use std::collections::BTreeSet;

use facelatch_wire::call::{Done, RuleList, Rules, SetPremises, SetRule};
use facelatch_wire::reply::{self, EventKind};
use facelatch_wire::{Fault, MAX_MESSAGE_BYTES};

use super::{CallError, Handle, blocking, user_name};
use crate::clock::Date;
use crate::people::UserName;
use crate::people::access::{Access, BadRule, DoorName, Premises, Rule};
use crate::serve::connection::Replies;
use crate::serve::fault::{bad_parameter, store_fault};
use crate::serve::session::Session;
use crate::serve::to_wire;
use crate::store::TemplateStore;

impl Handle for SetRule {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.begin_change("rule")?;
        // Its line of the log may be as long as two others.
        session.add_to_change(1);
        let asked = self.rule;
        let user = user_name(&asked.user)?;
        let (door, rule) = to_wire::rules::rule_of(&asked).map_err(|why| bad_parameter("rule", &why))?;
        let clock = session.state.clock.clone();
        let ends = rule.as_ref().filter(|rule| rule.allowed).and_then(|rule| rule.until);
        if ends.is_some_and(|until| until <= clock.local()) {
            let typed = asked.until.as_deref().unwrap_or_default();
            let why = format!(
                "until {typed}: that is over already, here it is {}; give a later end, or none (`facelatch guest {user} --clear`)",
                clock.local()
            );
            return Err(bad_parameter("rule", &why).into());
        }
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let set = blocking(std::convert::identity, move || {
            check_set(&*store, &user, door.as_ref(), rule.as_ref())?;
            let mut set = |access: &mut Access| access.set(door.clone(), rule.clone());
            let done = store.change_access(&user, clock.wall(), &mut set).map_err(store_fault);
            let event = recorder.event(EventKind::Rule, Some(user.to_string()));
            match &done {
                Ok(()) => {
                    recorder.record_and_announce(to_wire::rules::rule_event(event, &asked), caller_uid);
                }
                Err(_) => recorder.record_failure(EventKind::Rule, Some(user.to_string()), caller_uid),
            }
            done
        });
        set.await?;
        Ok(Done {})
    }
}

/// Whether a rule may be set: its name is somebody's, so that a mistyped one is noticed, and there is room.
fn check_set(
    store: &dyn TemplateStore,
    user: &UserName,
    door: Option<&DoorName>,
    rule: Option<&Rule>,
) -> Result<(), Fault> {
    let mut access = store.access(user).map_err(store_fault)?;
    if access == Access::default() && store.templates(Some(user)).map_err(store_fault)?.is_empty() {
        let message = format!("user {user}: is not enrolled and has no PIN; `facelatch list` shows who is");
        return Err(Fault::NotFound { message });
    }
    access.set(door.cloned(), rule.cloned());
    access.check().map_err(|why| bad_parameter("rule", &why))
}

impl Handle for Rules {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<RuleList, CallError> {
        session.caller.may_manage("rules, holidays and face")?;
        let user = self.user.as_deref().map(user_name).transpose()?;
        let store = session.state.store.clone();
        let kept = blocking(store_fault, move || {
            let people = match user {
                Some(user) => [(user.clone(), store.access(&user)?)].into(),
                None => store.all_access()?,
            };
            Ok((people, store.premises()?))
        });
        let (people, Premises { face, holidays, .. }) = kept.await?;
        let holidays = holidays.iter().map(ToString::to_string).collect();
        let mut list = RuleList { face, holidays, ..RuleList::default() };
        // Room for the rest of the reply: days are 13 bytes each.
        let mut room = MAX_MESSAGE_BYTES - 8192;
        for (user, access) in &people {
            let rules: Vec<reply::Rule> =
                access.rules().map(|(door, rule)| to_wire::rules::rule(user, door, rule)).collect();
            let length = serde_json::to_vec(&rules).map_or(usize::MAX, |text| text.len());
            let length = length.saturating_add(user.as_str().len() + 8);
            if length > room {
                list.truncated = true;
                break;
            }
            room -= length;
            list.rules.extend(rules);
            list.pins.extend(access.pin.map(|_| user.to_string()));
        }
        Ok(list)
    }
}

impl Handle for SetPremises {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.begin_change(if self.face.is_some() { "face" } else { "holiday" })?;
        let holidays = self.holidays.as_deref().map(days).transpose()?;
        let face = self.face;
        let told = [
            face.map(|face| format!("face {}", if face { "on" } else { "off" })),
            holidays.as_ref().map(|holidays| format!("holidays: {}", holidays.len())),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if told.is_empty() {
            return Ok(Done {});
        }
        let at = session.state.clock.wall();
        let (store, (recorder, caller_uid)) = (session.state.store.clone(), session.recorder());
        let set = blocking(store_fault, move || {
            let done = store.change_premises(at, &mut |premises| {
                premises.face = face.unwrap_or(premises.face);
                if let Some(holidays) = &holidays {
                    premises.holidays.clone_from(holidays);
                }
            });
            match &done {
                Ok(()) => {
                    let event = recorder.event(EventKind::Rule, None);
                    let event = reply::Event { note: Some(told.join("; ")), ..event };
                    recorder.record_and_announce(event, caller_uid);
                }
                Err(_) => recorder.record_failure(EventKind::Rule, None, caller_uid),
            }
            done
        });
        set.await?;
        Ok(Done {})
    }
}

/// Holidays, each a day that there is.
fn days(texts: &[String]) -> Result<BTreeSet<Date>, Fault> {
    let bad = |why: &dyn std::fmt::Display| bad_parameter("holidays", &why.to_string());
    let days: Result<BTreeSet<Date>, _> = texts.iter().map(|text| text.parse::<Date>()).collect();
    let holidays = days.map_err(|why| bad(&why))?;
    let premises = Premises { holidays, ..Premises::default() };
    premises.check().map_err(|why: BadRule| bad(&why))?;
    Ok(premises.holidays)
}
