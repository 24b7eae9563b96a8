//! PINs: setting and judging them.

use facelatch_wire::call::{Done, SetPin, VerifyPin};
use facelatch_wire::reply::{Event, EventKind, Judging};
use facelatch_wire::{Fault, Outcome};

use super::{CallError, Handle, blocking, user_name};
use crate::judge::pin::PinVerdict;
use crate::people::Pin;
use crate::people::access::DoorName;
use crate::pipeline::SecondFactor;
use crate::serve::connection::Replies;
use crate::serve::fault::{bad_parameter, store_fault};
use crate::serve::pins::{Judged, SetError};
use crate::serve::session::Session;
use crate::serve::to_wire;

impl Handle for VerifyPin {
    async fn handle(
        self,
        session: &mut Session,
        _: &mut Replies<'_, '_, Self>,
    ) -> Result<Judging, CallError> {
        session.caller.may_serve_a_door("verify a PIN")?;
        let state = &session.state;
        let door = state.doors.find(self.door.as_deref())?.name;
        if !session.caller.is_owner() {
            state.doors.typed(session.caller.uid, state.clock.now())?;
        }
        let (recorder, caller_uid) = session.recorder();
        let event = Event { door: Some(door.to_string()), ..recorder.event(EventKind::Pin, None) };
        let Ok(pin) = Pin::typed(&self.pin.0) else {
            // Too short or too long to be anybody's, so it is no guess.
            recorder.announce_only(Event { verdict: Some(Outcome::NoMatch), ..event }, caller_uid);
            let judged = Judged::nobodys();
            return Ok(to_wire::pin_judging(&judged));
        };
        let turn = state.pins.turn(state.queue_timeout).await?;
        let (pins, at) = (state.pins.clone(), door.clone());
        // Goes on if the caller hangs up: the miss counts, and what is a match was one.
        let judged = blocking(
            |never: std::convert::Infallible| match never {},
            move || {
                let _turn = turn;
                let judged = match pins.judge(&door, &pin) {
                    Ok(judged) => judged,
                    Err(why) => {
                        tracing::error!("{why}");
                        return Ok((to_wire::pin_failed(why), None));
                    }
                };
                let shown = second_factor(&judged, &at);
                let judging = to_wire::pin_judging(&judged);
                let duress = judged.is_duress().then_some(true);
                let event = Event { user: judging.user.clone(), verdict: judging.verdict, duress, ..event };
                match judged {
                    // Nothing was judged.
                    Judged::LockedOut(_) => recorder.announce_only(event, caller_uid),
                    Judged::Verdict { .. } => recorder.record_and_announce(event, caller_uid),
                }
                Ok((judging, shown))
            },
        );
        let (judging, shown) = judged.await?;
        if let Some(shown) = shown {
            state.engine.second_factor(shown, caller_uid);
        }
        Ok(to_wire::shown_to(&session.caller, judging))
    }
}

/// Whose PIN opened the door. One for duress says nothing for the face before it.
fn second_factor(judged: &Judged, door: &DoorName) -> Option<SecondFactor> {
    match judged {
        Judged::Verdict { verdict: PinVerdict::Match, user: Some(user), duress: false } => {
            Some(SecondFactor { user: user.clone(), door: Some(door.clone()) })
        }
        _ => None,
    }
}

impl Handle for SetPin {
    async fn handle(self, session: &mut Session, _: &mut Replies<'_, '_, Self>) -> Result<Done, CallError> {
        session.begin_change("pin")?;
        let user = user_name(&self.user)?;
        let chosen = self.pin.as_ref().map(|pin| Pin::chosen(&pin.0)).transpose();
        let chosen = chosen.map_err(|why| bad_parameter("pin", &why))?;
        let duress = self.duress.unwrap_or_default();
        let state = &session.state;
        let turn = state.pins.turn(state.queue_timeout).await?;
        let (pins, (recorder, caller_uid)) = (state.pins.clone(), session.recorder());
        let set = blocking(set_fault, move || {
            let _turn = turn;
            let (set, note) = match &chosen {
                Some(pin) => (pins.set(&user, duress, pin).map(|()| true), "PIN set"),
                None => (pins.remove(&user, duress).map_err(SetError::from), "PIN removed"),
            };
            // The same note for both PINs: who follows events need not know that there is one for duress.
            let event = Event {
                note: Some(note.to_owned()),
                ..recorder.event(EventKind::Rule, Some(user.to_string()))
            };
            match &set {
                Ok(true) => recorder.record_and_announce(event, caller_uid),
                // Whoever tries PINs to find a taken one leaves a line for each.
                Err(SetError::Store(_) | SetError::Taken) => {
                    recorder.record_failure(EventKind::Rule, Some(user.to_string()), caller_uid);
                }
                Ok(false) | Err(_) => {}
            }
            set.map(|changed| (changed, user))
        });
        let (changed, user) = set.await?;
        if !changed {
            let which = if duress { "PIN for duress" } else { "PIN" };
            let message = format!("user {user}: has no {which}; `facelatch list` shows who has a PIN");
            return Err(Fault::NotFound { message }.into());
        }
        Ok(Done {})
    }
}

fn set_fault(error: SetError) -> Fault {
    match error {
        SetError::Store(error) => store_fault(error),
        SetError::Taken | SetError::NoPin(_) => bad_parameter("pin", &error),
        SetError::Hash(_) => {
            tracing::error!("{error}");
            Fault::StoreFailed { message: error.to_string() }
        }
    }
}
