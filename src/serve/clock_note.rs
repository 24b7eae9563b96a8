//! What the store knows of the time; and says when it is not known although somebody's rule asks for it.

use crate::clock::{Clock, WallTime};
use crate::judge::access::is_believed;
use crate::people::access::Premises;
use crate::store::{StoreError, TemplateStore};

/// When the store last changed: the time is no earlier.
///
/// # Errors
/// [`StoreError`].
pub(super) fn newest(store: &dyn TemplateStore, premises: &Premises) -> Result<WallTime, StoreError> {
    let enrolled = store.templates(None)?.iter().map(|template| template.created_at).max();
    Ok(enrolled.unwrap_or_default().max(premises.set_at))
}

/// What is wrong with the time, and what to do; `None` if nothing is, or no rule asks for it.
///
/// # Errors
/// [`StoreError`].
pub(super) fn clock_note(
    store: &dyn TemplateStore,
    clock: &dyn Clock,
    trusts_clock: bool,
) -> Result<Option<String>, StoreError> {
    let people = store.all_access()?.values().filter(|access| access.needs_time()).count();
    if people == 0 {
        return Ok(None);
    }
    let is_set = trusts_clock || clock.is_set();
    let newest = newest(store, &store.premises()?)?;
    let who = if people == 1 { "1 person has" } else { "people have" };
    let count = if people == 1 { String::new() } else { format!("{people} ") };
    Ok(match is_believed(clock.wall(), is_set, newest) {
        true => clock.zone_problem().map(|problem| format!("clock: {problem}")),
        false if is_set => Some(format!(
            "clock: it shows an earlier time than the store knows, so nobody with hours or dates comes in ({count}{who} such \
             rules); set the clock, and if it is right set a rule again and enrol again whoever was enrolled while it was wrong"
        )),
        false => Some(format!(
            "clock: nothing has set it since the machine started, so nobody with hours or dates comes in ({count}{who} such \
             rules); connect the network or fit a clock with a battery, or see access.clock in facelatch.toml(5)"
        )),
    })
}
