//! Says when the time is not known although somebody's rule asks for it.

use crate::clock::{KnownTime, TimeUnknown};
use crate::store::{StoreError, TemplateStore};

/// What is wrong with the time, and what to do; `None` if nothing is, or no rule asks for it.
///
/// # Errors
/// [`StoreError`].
pub(super) fn clock_note(
    store: &dyn TemplateStore,
    known_time: &KnownTime,
) -> Result<Option<String>, StoreError> {
    let people = store.all_access()?.values().filter(|access| access.needs_time()).count();
    if people == 0 {
        return Ok(None);
    }
    let who = if people == 1 { "1 person has" } else { "people have" };
    let count = if people == 1 { String::new() } else { format!("{people} ") };
    Ok(match known_time.local(store.newest()?) {
        Ok(_) => known_time.zone_problem().map(|problem| format!("clock: {problem}")),
        Err(TimeUnknown::Behind) => Some(format!(
            "clock: it shows an earlier time than the store knows, so nobody with hours or dates comes in ({count}{who} such \
             rules); set the clock, and if it is right set a rule again and enrol again whoever was enrolled while it was wrong"
        )),
        Err(TimeUnknown::NotSet) => Some(format!(
            "clock: nothing has set it since the machine started, so nobody with hours or dates comes in ({count}{who} such \
             rules); connect the network or fit a clock with a battery, or see access.clock in facelatch.toml(5)"
        )),
    })
}
